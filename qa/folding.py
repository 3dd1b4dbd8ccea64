"""Fold a passage that only repeats what a better one of another article says into that one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from rapidfuzz import process

from qa.corpus import matched_weight
from qa.hits import Hit
from qa.repetition import NEARLY_IDENTICAL, nearly_identical

FOLD_INTO = 100  # better hits; repeats stand close together, and comparing all would take minutes
SAME_CONTENT = 0.8  # of a passage, that a better hit has already said


def fold(hit: Hit, better: list[Hit], weights: Mapping[str, float]) -> bool:
    """Fold a hit into a better one that says the same, if there is one; whether it was.

    Two places of one article are never folded: the second would be named nowhere.

    Parameters
    ----------
    weights : the question's, by `Corpus.weights`
    """
    first = max(0, len(better) - FOLD_INTO)
    alike = _alike(hit, better[first:])
    best = _best(hit, weights) if alike else 0
    for position in sorted(alike):
        if not _says_no_more(hit, alike[position], best):
            continue  # even if all of these were the same: no need to look closer
        repeated = _repeated(hit, alike[position])
        if repeated and _says_no_more(hit, repeated, best):
            kept, sentences = better[first + position], hit.sentences()
            also_in = (*kept.also_in, *(sentences[number] for number in repeated))
            better[first + position] = replace(kept, also_in=also_in)
            return True
    return False


def _alike(hit: Hit, better: Sequence[Hit]) -> dict[int, dict[int, list[str]]]:
    """Sentences of other articles that may say the same as one of this hit: by the position of the
    better hit, and by the number of this hit's sentence.

    All pairs are compared at once: most are spelled so differently that they need no closer look.
    """
    others = [
        (position, text)
        for position, kept in enumerate(better)
        if kept.document.id != hit.document.id
        for text in _texts(kept)
    ]
    ratios = process.cdist(
        [text.casefold() for text in _texts(hit)],
        [text.casefold() for _, text in others],
        score_cutoff=NEARLY_IDENTICAL,
    )  # (sentences of the hit, of the others), 0 below the cutoff
    found: dict[int, dict[int, list[str]]] = {}
    for number, column in np.argwhere(ratios).tolist():
        position, text = others[column]
        found.setdefault(position, {}).setdefault(number, []).append(text)
    return found


def _texts(hit: Hit) -> list[str]:
    text = hit.document.text
    return [text[start:end] for start, end in hit.passage.sentences]


def _repeated(hit: Hit, alike: Mapping[int, Sequence[str]]) -> list[int]:
    """The numbers of the hit's sentences that one of those that are alike repeats."""
    texts = _texts(hit)
    return [
        number
        for number, others in alike.items()
        if any(nearly_identical(texts[number], other) for other in others)
    ]


def _says_no_more(hit: Hit, repeated: Collection[int], best: int) -> bool:
    """Whether these sentences are nearly all of a hit, or hold the one that answers best."""
    lengths = [end - start for start, end in hit.passage.sentences]
    return best in repeated or sum(lengths[n] for n in repeated) >= SAME_CONTENT * sum(lengths)


def _best(hit: Hit, weights: Mapping[str, float]) -> int:
    """The number of the sentence that answers best: as it was read, or by its words when not."""
    if hit.reading is None:
        scores = [matched_weight(text, weights) for text in _texts(hit)]
    else:
        scores = [sentence.score for sentence in hit.reading.sentences]
    return scores.index(max(scores))
