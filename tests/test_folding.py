from __future__ import annotations

from dataclasses import replace

import pytest

from qa.documents import Document
from qa.folding import FOLD_INTO, fold
from qa.hits import Explanation, Hit
from qa.passages import Passage
from qa.reader import Reading, SentenceReading

TOLL = "More than two hundred houses burned down in the village of Ardmore on Sunday night."
CAUSE = "The fire brigade believes that a spark from the old bakery has set the first roof alight."
OTHER = "The mayor wants to have all of them built again before the snow comes to the valley."
WEIGHTS = {"hous": 2.0, "burn": 2.0, "ardmor": 3.0}  # of "How many houses burned in Ardmore?"


def hit(id: str, *sentences: str, scores: tuple[float, ...] = ()) -> Hit:
    """A hit whose document has these sentences alone; with scores, it was read."""
    text, spans = "", []
    for sentence in sentences:
        spans.append((len(text), len(text) + len(sentence)))
        text += f"{sentence} "
    document = Document(id, text)
    passage = Passage(0, len(text), text, tuple(spans))
    read = tuple(SentenceReading(score) for score in scores)
    reading = Reading(0.0, 0.0, read) if read else None
    return Hit(1, 0.5, passage, document, Explanation(0.3, 0.2, 1.0, 0.5), reading=reading)


def test_a_passage_that_another_article_repeats_is_folded_and_named_word_for_word() -> None:
    better = [hit("a", TOLL, CAUSE)]
    assert fold(hit("b", OTHER.upper(), TOLL), better, WEIGHTS)
    (sentence,) = better[0].also_in
    assert (sentence.document.id, sentence.text) == ("b", TOLL)
    assert replace(better[0], also_in=()) == hit("a", TOLL, CAUSE)


def test_all_that_is_folded_into_a_hit_is_named_in_order() -> None:
    better = [hit("a", TOLL, CAUSE)]
    assert fold(hit("b", TOLL, CAUSE), better, WEIGHTS)
    assert fold(hit("c", "Ardmore: " + TOLL), better, WEIGHTS)
    named = [(s.document.id, s.text) for s in better[0].also_in]
    assert named == [("b", TOLL), ("b", CAUSE), ("c", "Ardmore: " + TOLL)]


def test_two_places_of_one_article_are_not_folded() -> None:
    better = [hit("a", TOLL, CAUSE)]
    assert not fold(hit("a", TOLL, CAUSE), better, WEIGHTS)
    assert better == [hit("a", TOLL, CAUSE)]


def test_a_passage_is_folded_into_another_article_behind_its_own() -> None:
    better = [hit("a", TOLL), hit("b", TOLL)]
    assert fold(hit("a", TOLL, CAUSE), better, WEIGHTS)
    assert [len(kept.also_in) for kept in better] == [0, 1]


def test_a_passage_that_says_more_in_its_best_sentence_stays() -> None:
    better = [hit("a", CAUSE, OTHER)]
    assert not fold(hit("b", TOLL, CAUSE), better, WEIGHTS)
    assert better == [hit("a", CAUSE, OTHER)]


def test_what_was_read_decides_which_sentence_is_best_and_not_its_words() -> None:
    repeated = [hit("a", CAUSE, OTHER)]
    assert fold(hit("b", TOLL, CAUSE, scores=(-4.0, 2.0)), repeated, WEIGHTS)
    better = [hit("a", TOLL, OTHER)]
    assert not fold(hit("b", TOLL, CAUSE, scores=(-4.0, 2.0)), better, WEIGHTS)


def test_a_passage_of_which_nearly_all_was_said_is_folded_whatever_its_best_sentence_is() -> None:
    better = [hit("a", TOLL, CAUSE, OTHER)]
    said = hit("b", "Houses burned in Ardmore.", CAUSE, OTHER)
    assert fold(said, better, WEIGHTS)
    half = hit("b", TOLL.replace("hundred", "dozen"), CAUSE)
    assert not fold(half, [hit("a", TOLL, CAUSE)], WEIGHTS)


def test_contradictions_are_not_folded() -> None:
    assert not fold(hit("b", TOLL.replace("two", "three")), [hit("a", TOLL)], WEIGHTS)


def test_passages_without_sentences_are_not_folded() -> None:
    better = [hit("a"), hit("c", TOLL)]
    assert not fold(hit("b"), better, WEIGHTS)
    assert not fold(hit("b", TOLL), [hit("a")], WEIGHTS)
    assert not fold(hit("b", TOLL), [], WEIGHTS)


@pytest.mark.parametrize(("between", "folded"), [(FOLD_INTO - 1, True), (FOLD_INTO, False)])
def test_a_hit_far_above_is_not_compared(between: int, folded: bool) -> None:
    others = [hit(f"x{number}", f"Bread costs {number} coins.") for number in range(between)]
    better = [hit("a", TOLL), *others]
    assert fold(hit("b", TOLL), better, WEIGHTS) == folded
    assert len(better[0].also_in) == folded
