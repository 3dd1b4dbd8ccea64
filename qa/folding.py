"""Fold a passage that only repeats what a better one of another article says into that one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from qa.corpus import matched_weight
from qa.hits import Hit
from qa.passages import Sentence
from qa.repetition import nearly_identical

FOLD_INTO = 100  # better hits; repeats stand close together, and comparing all would take minutes
SAME_CONTENT = 0.8  # of a passage, that a better hit has already said


def fold(hit: Hit, better: list[Hit], weights: Mapping[str, float]) -> bool:
    """Fold a hit into a better one that says the same, if there is one; whether it was.

    Two places of one article are never folded: the second would be named nowhere.

    Parameters
    ----------
    weights : the question's, by `Corpus.weights`
    """
    for position in range(max(0, len(better) - FOLD_INTO), len(better)):
        kept = better[position]
        if kept.document.id == hit.document.id:
            continue
        repeated = _repeated(hit, kept)
        if repeated and _says_no_more(hit, repeated, weights):
            better[position] = replace(kept, also_in=(*kept.also_in, *repeated))
            return True
    return False


def _repeated(hit: Hit, kept: Hit) -> list[Sentence]:
    """The sentences of `hit` that stand nearly identically in `kept`."""
    theirs = [sentence.text for sentence in kept.sentences()]
    return [s for s in hit.sentences() if any(nearly_identical(s.text, t) for t in theirs)]


def _says_no_more(hit: Hit, repeated: list[Sentence], weights: Mapping[str, float]) -> bool:
    """Whether these sentences are nearly all of a hit, or hold the one that answers best."""
    length = sum(end - start for start, end in hit.passage.sentences)
    if sum(s.end - s.start for s in repeated) >= SAME_CONTENT * length:
        return True
    return _best(hit, weights) in repeated


def _best(hit: Hit, weights: Mapping[str, float]) -> Sentence:
    """The sentence that answers best: as it was read, or by its words when it was not."""
    sentences = hit.sentences()
    if hit.reading is None:
        return max(sentences, key=lambda s: matched_weight(s.text, weights))
    scores = [sentence.score for sentence in hit.reading.sentences]
    return sentences[scores.index(max(scores))]
