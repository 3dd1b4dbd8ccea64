"""Matching in context: on vectors that only know the word, and, where it is marked, the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from qa import late_interaction
from qa.late_interaction import LateInteraction
from qa.prepared import Floats
from qa.reader import Page

SPECIAL = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[unused0]": 3, "[unused1]": 4}
WORDS = ["harbour", "bread", "comet", "closes", "dear", "green", "westport", "title"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def page(text: str, title: str = "") -> Page:
    return Page(title, text, 0, ((0, len(text)),))


class WordGraph:
    """The same vector for the same word, wherever it stands. Keeps what it was run on."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []

    def run(self, tokens: Sequence[int], second: int | None = None) -> list[Floats]:
        self.runs.append(list(tokens))
        vectors = 5 * np.eye(len(SPECIAL) + len(WORDS), dtype=np.float32)  # not yet of length 1
        vectors[[3, 4]] = vectors[0]
        return [vectors[None, list(tokens)]]


def matcher(graph: WordGraph | None = None) -> LateInteraction:
    vocabulary = {**SPECIAL, **{word: len(SPECIAL) + n for n, word in enumerate(WORDS)}}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return LateInteraction(graph or WordGraph(), made)  # type: ignore[arg-type]


@given(TEXTS, st.lists(TEXTS, max_size=6))
def test_the_score_is_the_mean_of_each_tokens_best_match(question: str, texts: list[str]) -> None:
    scores = matcher().match(question, [page(text) for text in texts])
    for score, text in zip(scores, texts, strict=True):
        found = [word in text.split() for word in question.split()]
        # with [CLS], a marker and [SEP], which always match
        assert score == pytest.approx((3 + sum(found)) / (3 + len(found)), abs=1e-3)


def test_a_word_of_the_question_that_stands_nowhere_costs() -> None:
    one, both = matcher().match("harbour comet", [page("harbour closes"), page("harbour comet")])
    assert both > one


def test_a_title_is_part_of_what_is_matched() -> None:
    without, with_title = matcher().match("comet", [page("green"), page("green", "comet")])
    assert with_title > without


def test_question_and_passage_are_marked_as_such_and_cut_where_the_model_ends() -> None:
    graph = WordGraph()
    matcher(graph).match("comet " * 500, [page("bread " * 500, "title")])
    question, passage = graph.runs
    assert question[:3] == [1, 3, 7]
    assert passage[:4] == [1, 4, 12, 6]
    assert question[-1] == passage[-1] == 2
    assert len(question) == late_interaction.QUESTION_TOKENS + 3
    assert len(passage) == late_interaction.PASSAGE_TOKENS + 3


def test_a_passage_is_looked_at_once_for_all_questions() -> None:
    graph = WordGraph()
    made = matcher(graph)
    pages = [page("harbour closes"), page("green comet")]
    first = made.match("comet", pages)
    runs = len(graph.runs)
    assert made.match("comet", pages[::-1]) == first[::-1]
    assert len(graph.runs) == runs + 1  # the question


@pytest.mark.parametrize(("seconds", "matched"), [(0, 0), (-5, 0), (600, 4)])
def test_nothing_is_matched_without_time_and_all_with_enough(seconds: float, matched: int) -> None:
    pages = [page(f"{word} dear") for word in WORDS[:4]]
    assert len(matcher().match("bread", pages, seconds=seconds)) == matched
    assert matcher().match("bread", [], seconds=seconds) == []


# The model itself.

CLOSES = "The port of Westport shuts its gates on Monday while the wall is repaired."
BREAD = "For sourdough bread one needs flour, water and salt."
RIVER = "The boat was tied up at the bank of the river below the mill."
MONEY = "She paid the cheque in at the bank and asked for a loan."


@pytest.fixture(scope="module")
def model() -> LateInteraction:
    return late_interaction.load()


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "best", "others"),
    [
        ("When does the harbour close?", CLOSES, [BREAD, RIVER, MONEY]),
        ("What do I bake a loaf from?", BREAD, [CLOSES, RIVER, MONEY]),
        ("Which bank lends money?", MONEY, [RIVER, BREAD]),
        ("On which bank does the water flow?", RIVER, [MONEY, CLOSES]),
    ],
)
def test_what_answers_matches_better_than_what_does_not(
    model: LateInteraction, question: str, best: str, others: list[str]
) -> None:
    first, *rest = model.match(question, [page(text) for text in [best, *others]])
    assert first > max(rest)


@pytest.mark.model
@pytest.mark.parametrize("question", ["", "Who?", "谁？ 😀", "why " * 5000])
@pytest.mark.parametrize("text", ["", "\u200b", "😀 東京", "word " * 5000])
def test_neither_nothing_nor_too_much_makes_it_fail(
    model: LateInteraction, question: str, text: str
) -> None:
    (score,) = model.match(question, [page(text)])
    assert math.isfinite(score)
    assert -1.001 <= score <= 1.001


@pytest.mark.model
def test_a_text_matches_itself_best_and_the_same_every_time(model: LateInteraction) -> None:
    pages = [page(text) for text in (CLOSES, BREAD, RIVER, MONEY)]
    first = model.match(BREAD, pages)
    assert first.index(max(first)) == 1
    assert first == model.match(BREAD, pages)
    assert first == [late_interaction.load().match(BREAD, [one])[0] for one in pages]
