from __future__ import annotations

import math

import pytest
from fakes import HashingEncoder

import qa
from qa.corpus import Corpus, matched_weight
from qa.documents import Document

TEXTS = [
    "The harbour of Westport closes.",
    "The harbour of Eastport stays open.",
    "The harbour is deep.",
    "Bread is dear.",
]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    made = [Document(f"d{number}", text) for number, text in enumerate(TEXTS)]
    return qa.Index.from_documents(made, encoder=HashingEncoder())._current()


def test_the_rarer_a_word_the_more_it_weighs(corpus: Corpus) -> None:
    weights = corpus.weights("bread, harbour, comet")
    assert 0 < weights["harbour"] < weights["bread"] < weights["comet"]
    assert weights["bread"] == pytest.approx(math.log(1 + 3.5 / 1.5))


def test_function_words_weigh_nothing_and_no_word_counts_twice(corpus: Corpus) -> None:
    assert corpus.weights("Who is it of the harbour?") == corpus.weights("harbour Harbours harbour")
    assert corpus.weights("Who is it?") == {}


def test_the_weight_of_a_text_is_that_of_the_words_it_has_each_once() -> None:
    weights = {"harbour": 1.0, "close": 2.0, "comet": 4.0}
    assert matched_weight("The harbours are closed; the harbour is closing.", weights) == 3
    assert matched_weight("", weights) == 0
    assert matched_weight("The harbour closes.", {}) == 0
