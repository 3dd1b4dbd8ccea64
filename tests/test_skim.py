from __future__ import annotations

import math
from dataclasses import replace

import pytest
from fakes import FakeReader, HashingEncoder

import qa
from qa.corpus import Corpus
from qa.documents import Document
from qa.hits import Hit
from qa.reader import Page
from qa.retrieval import retrieve
from qa.skim import skim

TEXTS = [
    "The harbour of Westport closes on Monday for repairs. The mayor could not wait. Rain fell.",
    "Bread is dear in Westport. The bakery in Mill Lane sells rye bread all the same.",
    "A comet was seen. It was green.",
]
QUESTION = "When does the harbour of Westport close?"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    made = [Document(f"d{number}", text) for number, text in enumerate(TEXTS)]
    return qa.Index.from_documents(made, encoder=HashingEncoder())._current()


def scores(hit: Hit) -> list[float]:
    assert hit.reading
    return [sentence.score for sentence in hit.reading.sentences]


@pytest.mark.parametrize("question", [QUESTION, "Who?", "?", "谁", "comet " * 500])
def test_every_sentence_has_one_reading_and_all_else_stays(corpus: Corpus, question: str) -> None:
    hits = retrieve(corpus, question, 3)
    assert len(hits) == 3
    for before, after in zip(hits, skim(corpus, question, hits), strict=True):
        assert after.reading
        assert after.reading.skimmed
        assert len(after.reading.sentences) == len(before.passage.sentences) > 0
        assert all(math.isfinite(score) for score in scores(after))
        assert math.isfinite(after.reading.says)
        assert replace(after, reading=None) == before


def test_the_sentence_with_the_words_of_the_question_scores_highest(corpus: Corpus) -> None:
    best, *others = skim(corpus, QUESTION, retrieve(corpus, QUESTION, 3))
    assert scores(best)[0] == max(scores(best))
    assert scores(best)[0] > max(score for hit in others for score in scores(hit))


def test_a_passage_with_the_words_of_the_question_says_it_more_likely(corpus: Corpus) -> None:
    hits = skim(corpus, QUESTION, retrieve(corpus, QUESTION, 3))
    says = {hit.document.id: hit.reading.says for hit in hits if hit.reading}
    assert says["d0"] > says["d1"] > says["d2"]


def test_what_was_read_is_not_skimmed(corpus: Corpus) -> None:
    first, *others = retrieve(corpus, QUESTION, 3)
    passage = first.passage
    page = Page(first.document.title, passage.text, passage.start, passage.sentences)
    read = replace(first, reading=FakeReader().read(QUESTION, [page])[0])
    skimmed = skim(corpus, QUESTION, [others[0], read, others[1]])
    assert skimmed[1] == read
    # the others have their own readings, whatever stands between them
    assert skimmed[::2] == skim(corpus, QUESTION, others)


def test_nothing_is_skimmed_of_nothing(corpus: Corpus) -> None:
    assert skim(corpus, QUESTION, []) == []


def test_a_passage_without_sentences_is_skimmed_as_a_whole(corpus: Corpus) -> None:
    first = retrieve(corpus, QUESTION, 1)[0]
    bare = replace(first, passage=replace(first.passage, sentences=()))
    (hit,) = skim(corpus, QUESTION, [bare])
    assert hit.reading
    assert hit.reading.sentences == ()
    assert math.isfinite(hit.reading.says)
