"""Shingles and signatures: what counts as the same text, and which pairs are looked at."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import minhash
from qa.minhash import alike, is_signature, numbers, same, shingles, signature

WORDS = [f"{start}{end}" for start in "bdfgklmnprstv" for end in ("arn", "elt", "ock", "ump")]


def words(count: int, seed: int) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def told(one: list[str], other: list[str]) -> bool:
    return same(shingles(" ".join(one)), shingles(" ".join(other)))


def test_case_and_punctuation_do_not_count() -> None:
    one = "“We won’t go,” he said; the gates of Ardmore stayed shut."
    other = '"We won\'t go" HE SAID:\n\nthe gates of Ardmore stayed shut'
    assert shingles(one) == shingles(other)


def test_a_text_of_few_words_counts_whole() -> None:
    assert shingles("Gone fishing.") == {"gone fishing"}
    assert shingles(" — ! ") == frozenset()


def test_a_third_of_the_sentences_may_be_cut_but_not_more_than_half() -> None:
    story = words(300, 1)
    assert told(story, story[:200])
    assert told(story, story[50:250])
    assert not told(story, story[:140])


def test_what_surrounds_a_story_may_be_half_as_long_but_not_twice() -> None:
    story, furniture = words(300, 1), words(600, 2)
    assert told(story, furniture[:75] + story + furniture[75:150])
    assert not told(story, furniture + story)


def test_different_texts_are_not_the_same_nor_are_texts_without_words() -> None:
    assert not told(words(300, 1), words(300, 2))
    assert not told([], [])
    assert not told([], words(300, 1))


def test_a_form_that_was_filled_in_twice_is_not_the_same() -> None:
    form = words(60, 3)
    assert not told([*form[:20], "2016", *form[20:]], [*form[:20], "2017", *form[20:]])
    assert told([*form[:20], "2016", *form[20:]], form)


def test_a_long_story_in_which_a_figure_was_corrected_is_the_same() -> None:
    story = words(300, 4)
    assert told([*story, "260", *story[:9]], [*story, "245", *story[:9]])


def test_figures_of_a_part_that_was_cut_do_not_count_as_exchanged() -> None:
    results = [f"in group {number} of {number + 50} mice" for number in range(40)]
    assert told(results, results[:30])


@given(st.text(max_size=200))
def test_every_text_has_a_signature_and_the_same_one_each_time(text: str) -> None:
    assert is_signature(signature(text))
    assert signature(text) == signature(text)
    assert (len(signature(text)) == 1) == (not shingles(text))


def test_a_signature_stays_what_it_was_when_it_was_kept() -> None:
    kept = signature("The gates of Ardmore stayed shut, and nobody went home that night.")
    assert numbers([kept])[0, :4].tolist() == [284884935, 1799973827, 206733958, 1054614635]
    assert not is_signature(b"")
    assert not is_signature(bytes([minhash.VERSION + 1]) + kept[1:])
    assert not is_signature(kept[:-1])


def test_a_text_longer_than_one_chunk_has_the_signature_of_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = " ".join(words(500, 5))
    whole = signature(text)
    monkeypatch.setattr(minhash, "_CHUNK", 64)
    assert signature(text) == whole


def test_signatures_agree_about_as_often_as_shingles() -> None:
    differences = []
    for seed in range(40):
        one = words(300, seed)
        other = one[: 100 + 5 * seed]
        a, b = shingles(" ".join(one)), shingles(" ".join(other))
        signed = numbers([signature(" ".join(one)), signature(" ".join(other))])
        differences.append((signed[0] == signed[1]).mean() - len(a & b) / len(a | b))
    assert abs(np.mean(differences)) < 0.02
    assert np.max(np.abs(differences)) < 0.2


def test_pairs_that_share_half_are_found_among_many_and_only_they() -> None:
    texts = [words(200, seed) for seed in range(300)]
    for number in range(0, 300, 10):  # two thirds of it in both
        texts[number + 1] = texts[number][:160] + words(40, 1000 + number)
    found = alike(numbers([signature(" ".join(text)) for text in texts]))
    assert sorted(found) == [(number, number + 1) for number in range(0, 300, 10)]


def test_of_very_many_alike_only_few_pairs_are_looked_at_and_they_hang_together() -> None:
    kept = [signature(" ".join([*words(100, 7), str(number)])) for number in range(200)]
    found = alike(numbers(kept))
    assert len(found) <= minhash.COMPARED * len(kept)
    reached = {0}
    for first, second in sorted(found, key=lambda pair: pair[1]):
        assert first < second
        reached |= {second} if first in reached else set()
    assert reached == set(range(200))


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_alike_where_there_is_nothing_else(count: int) -> None:
    assert alike(numbers([signature("one two three")] * count)) == []
