from __future__ import annotations

import math
from pathlib import Path

import pytest
from fakes import HashingEncoder
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa import answer as answering
from qa import documents
from qa.answer import Answer, ScoredSentence
from qa.documents import Document
from qa.passages import Passage, Sentence
from qa.repetition import nearly_identical
from qa.hits import Explanation, Hit

SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))
QUESTIONS = [
    "Who refused a truce?",
    "What did Moscow pledge to the Syrian government?",
    "How many people have been killed in Syria?",
    "What will the missiles change?",
    "Who walks near a wall?",
]
ELSEWHERE = [
    "Who won the 2014 World Cup?",
    "How do I bake sourdough bread?",
    "What is the boiling point of tungsten?",
    "谁赢了世界杯？",
    "xyzzy",
]


@pytest.fixture(scope="module")
def seeds() -> qa.Index:
    found = [documents.read(path, id=path.name) for path in SEEDS]
    return qa.Index.from_documents(found, encoder=HashingEncoder())


def index(*texts: str) -> qa.Index:
    made = [Document(f"d{number}", text) for number, text in enumerate(texts)]
    return qa.Index.from_documents(made, encoder=HashingEncoder())


def whole_sentences(found: Answer) -> set[tuple[str, int, int]]:
    return {(s.document.id, s.start, s.end) for hit in found.hits for s in hit.sentences()}


@pytest.mark.parametrize("question", QUESTIONS)
def test_sentences_are_whole_sentences_of_the_hits_word_for_word(
    seeds: qa.Index, question: str
) -> None:
    found = seeds.ask(question)
    assert 1 <= len(found.sentences) <= answering.SENTENCES
    for sentence in found.sentences:
        assert (sentence.document.id, sentence.start, sentence.end) in whole_sentences(found)
        assert sentence.text == sentence.document.text[sentence.start : sentence.end]
        assert sentence.text.count("“") == sentence.text.count("”")


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_sentence_repeats_a_better_one(seeds: qa.Index, question: str) -> None:
    texts = [sentence.text for sentence in seeds.ask(question).sentences]
    for position, text in enumerate(texts):
        assert not any(nearly_identical(text, other) for other in texts[:position])


def test_the_best_sentence_comes_first(seeds: qa.Index) -> None:
    found = seeds.ask("How many people have been killed in Syria?")
    assert "people have been killed in Syria" in found.sentences[0].text
    assert found.status == "answered"
    assert found.text.startswith(found.sentences[0].text)
    assert found.text.endswith(f"({found.sentences[0].document.title})")


@pytest.mark.parametrize("question", ELSEWHERE)
def test_what_the_articles_do_not_say_is_not_found(seeds: qa.Index, question: str) -> None:
    found = seeds.ask(question)
    assert found.status == "not_found"
    assert found.sentences == []
    assert len(found.hits) == 5
    assert found.text.startswith("These articles do not say.")


def test_words_that_are_nowhere_are_named_as_the_question_spells_them(seeds: qa.Index) -> None:
    found = seeds.ask("Did Pelé's Brazil play in Syria, in the U.S. or in Rio-de-Janeiro?")
    assert found.missing == ("Pelé's", "Brazil", "play", "Rio-de-Janeiro")
    found = seeds.ask("Who won the 2014 World Cup?")
    assert found.missing == ("won", "2014", "Cup")
    assert found.text.endswith("None of the nearest passages mentions: won, 2014, Cup.")


def test_a_word_in_a_title_is_not_missing() -> None:
    made = [Document("a", "It was opened in 1889.", title="Eiffel Tower")]
    found = qa.Index.from_documents(made, encoder=HashingEncoder()).ask("When was Eiffel opened?")
    assert found.missing == ()


def test_articles_without_sentences_answer_nothing() -> None:
    found = index().ask("Who?")
    assert (found.status, found.hits, found.sentences) == ("not_found", [], [])
    assert 0 <= found.confidence < answering.NOT_FOUND


def test_a_quotation_is_never_cut_before_its_closing_mark() -> None:
    text = "He said: “They refused the truce. It is over.” Then he left the hall in Geneva."
    found = index(text).ask("Who refused the truce?")
    assert found.sentences[0].text == "He said: “They refused the truce. It is over.”"


def test_sentences_that_contradict_each_other_are_both_shown() -> None:
    toll = "More than {} people have been killed in Syria since the war began."
    found = index(toll.format("260,000"), toll.format("245,000")).ask("How many killed in Syria?")
    assert {s.document.id for s in found.sentences} == {"d0", "d1"}


def made(text: str, cosine: float, words: str) -> tuple[list[ScoredSentence], list[Hit]]:
    document = Document("a", text)
    sentence = Sentence(document, 0, len(text))
    passage = Passage(0, len(words), words, ((0, len(words)),))
    hit = Hit(1, 1.0, passage, document, Explanation(0.7, 0.3, 1.0, cosine))
    return [ScoredSentence(sentence, cosine, cosine)], [hit]


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 4), st.integers(0, 4))
def test_confidence_grows_with_each_of_its_signals(
    cosine: float, other: float, words: int, more: int
) -> None:
    terms = ["alpha", "beta", "gamma", "delta"]
    weights = dict.fromkeys(terms, 1.0)

    def confidence(cosine: float, words: int) -> float:
        return answering._confidence(*made("x", cosine, " ".join(terms[:words])), weights)

    low, high = sorted([cosine, other])
    few, many = sorted([words, more])
    assert 0 <= confidence(low, few) <= confidence(high, few) <= confidence(high, many) <= 1
    assert confidence(low, 4) > confidence(low, 0)
    assert confidence(1.0, few) > confidence(-1.0, few)


@pytest.mark.parametrize("question", QUESTIONS + ELSEWHERE)
def test_the_status_follows_from_the_confidence(seeds: qa.Index, question: str) -> None:
    found = seeds.ask(question)
    assert not math.isnan(found.confidence)
    expected = "answered" if found.confidence >= answering.ANSWERED else "uncertain"
    assert found.status == (expected if found.confidence >= answering.NOT_FOUND else "not_found")


def test_an_uncertain_answer_says_so() -> None:
    found = answering._text("uncertain", [Sentence(Document("a", "It may be."), 0, 10)], ())
    assert found == "The articles may not answer this. The nearest they say is: It may be. (a)"


def test_a_sentence_over_several_lines_is_told_on_one() -> None:
    found = answering._text("answered", [Sentence(Document("a", "It may\r\n  be."), 0, 13)], ())
    assert found == "It may be. (a)"


def test_a_follow_up_is_asked_with_the_question_it_leans_on(seeds: qa.Index) -> None:
    history = [{"role": "user", "content": "Who refused a truce?"}]
    found = seeds.ask("And in Homs?", history)
    assert found.question == "And in Homs?"
    assert found.query == "Who refused a truce? And in Homs?"
