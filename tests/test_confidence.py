from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import HashingEncoder, fake_reranker
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa import confidence as confidences
from qa.confidence import Signals, confidence, signals
from qa.corpus import Corpus
from qa.documents import Document
from qa.hits import Hit
from qa.retrieval import retrieve
from qa.skim import skim

TEXTS = [
    "The harbour of Westport closes on Monday for repairs. The mayor could not wait. Rain fell.",
    "Bread is dear in Westport. The bakery in Mill Lane sells rye bread all the same.",
    "A comet was seen. It was green.",
]
QUESTION = "When does the harbour of Westport close?"

LOGITS = st.floats(-40, 40)
SIGNALS = st.builds(
    Signals,
    says=LOGITS,
    relevance=LOGITS,
    sentence=LOGITS,
    skimmed=st.booleans(),
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    made = [Document(f"d{number}", text) for number, text in enumerate(TEXTS)]
    return qa.Index.from_documents(made, encoder=HashingEncoder())._current()


def read(corpus: Corpus, question: str) -> list[Hit]:
    return retrieve(corpus, question, 3, reranker=fake_reranker())


def skimmed(corpus: Corpus, question: str) -> list[Hit]:
    return skim(corpus, question, retrieve(corpus, question, 3))


@given(SIGNALS)
def test_the_confidence_is_a_probability(found: Signals) -> None:
    assert 0 <= confidence(found) <= 1


def test_without_signals_there_is_no_confidence() -> None:
    assert confidence(None) == 0


@given(SIGNALS, LOGITS)
def test_of_skimmed_passages_it_is_what_they_say_and_nothing_else(
    found: Signals, other: float
) -> None:
    one = replace(found, skimmed=True)
    assert confidence(one) == pytest.approx(1 / (1 + math.exp(-one.says)))
    assert confidence(replace(one, relevance=other, sentence=other)) == confidence(one)


def test_there_is_a_coefficient_for_every_signal() -> None:
    values = [name for name in Signals.__dataclass_fields__ if name != "skimmed"]
    assert len(confidences.COEFFICIENTS) == len(values)
    assert all(math.isfinite(c) for c in (confidences.INTERCEPT, *confidences.COEFFICIENTS))


@pytest.mark.parametrize("look", [read, skimmed])
def test_what_the_articles_say_is_likelier_than_what_they_do_not(
    corpus: Corpus, look: Callable[[Corpus, str], list[Hit]]
) -> None:
    said, unsaid = (
        confidence(signals(look(corpus, question)))
        for question in (QUESTION, "Who won the football championship?")
    )
    assert said > 0.5 > unsaid


def test_hits_that_were_neither_read_nor_skimmed_give_no_signals(corpus: Corpus) -> None:
    assert signals(retrieve(corpus, QUESTION, 3)) is None
    assert signals([]) is None


def test_where_something_was_read_what_was_only_skimmed_does_not_count(corpus: Corpus) -> None:
    hits = read(corpus, QUESTION)
    mixed = skim(corpus, QUESTION, [hits[0], replace(hits[1], reading=None)])
    assert mixed[1].reading
    found = signals(mixed)
    assert found == signals(hits[:1])
    assert found
    assert not found.skimmed
    only = signals(mixed[1:])
    assert only
    assert only.skimmed
    assert only.says == mixed[1].reading.says


def test_every_signal_is_the_best_of_all_hits(corpus: Corpus) -> None:
    hits = read(corpus, QUESTION)
    found = signals(hits)
    assert found
    readings = [hit.reading for hit in hits if hit.reading]
    assert len(readings) == 3
    assert found.says == max(reading.says for reading in readings)
    assert found.relevance == max(reading.relevance for reading in readings)
    assert found.sentence == max(s.score for reading in readings for s in reading.sentences)
    assert found == signals(hits[::-1])


def test_a_question_without_words_has_signals_all_the_same(corpus: Corpus) -> None:
    found = signals(read(corpus, "Who?"))
    assert found
    assert 0 <= confidence(found) <= 1


@given(SIGNALS, st.floats(0, 10))
def test_the_confidence_never_falls_when_a_signal_grows(found: Signals, more: float) -> None:
    for name in ("says", "relevance", "sentence"):
        better = replace(found, **{name: getattr(found, name) + more})
        assert confidence(better) >= confidence(found)
