"""Show of a passage what earns its place: found as a whole, shown as far as it is to the point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from qa.context import leans_on_previous
from qa.hits import Hit
from qa.passages import Passage
from qa.quotation import quoted

SHOWN = 0.05  # of the best sentence's worth: a run of sentences worth less is not shown


def trimmed(hits: Sequence[Hit], question: str = "") -> list[Hit]:
    """The hits, each with the run of its sentences that is worth most.

    A sentence is worth how likely it is what is asked for, beside the likeliest of all the hits,
    and less in a lesser hit; showing a character costs `SHOWN`. Hits that were not read stay whole,
    and so do a passage without sentences and all hits of a question that quotes, because what it
    quotes may stand anywhere in them.
    """
    if quoted(question):
        return list(hits)
    worths = [_worths(hit) for hit in hits]
    best = max((worth for some in worths for worth in some), default=0.0)
    top = max((hit.score for hit in hits), default=0.0)
    return [
        _shown(hit, [worth / best * (hit.score / top) for worth in some]) if some and top else hit
        for hit, some in zip(hits, worths, strict=True)
    ]


def _worths(hit: Hit) -> list[float]:
    sentences = hit.reading.sentences if hit.reading else ()
    return [1 / (1 + math.exp(-sentence.score)) for sentence in sentences]


def _shown(hit: Hit, worths: Sequence[float]) -> Hit:
    """The hit with its best sentence, and with as many around it as are worth it.

    That is the run, among those with the best sentence, of the largest sum of (worth - SHOWN) per
    character.
    """
    passage, sentences = hit.passage, hit.passage.sentences
    gains = [
        (worth - SHOWN) * (end - start)
        for worth, (start, end) in zip(worths, sentences, strict=True)
    ]
    assert hit.reading is not None  # it has worths
    scores = [sentence.score for sentence in hit.reading.sentences]
    best = scores.index(max(scores))  # not of the worths: in a hit without a score all are 0
    first, last = best - _reach(gains[:best][::-1]), best + _reach(gains[best + 1 :])
    while first > 0 and leans_on_previous(_text(hit, first)):
        first -= 1
    start = passage.start if first == 0 else sentences[first][0]
    end = passage.end if last == len(sentences) - 1 else sentences[last][1]
    text = hit.document.text[start:end]
    reading = replace(hit.reading, sentences=hit.reading.sentences[first : last + 1])
    return replace(
        hit, passage=Passage(start, end, text, sentences[first : last + 1]), reading=reading
    )


def _text(hit: Hit, number: int) -> str:
    start, end = hit.passage.sentences[number]
    return hit.document.text[start:end]


def _reach(gains: Sequence[float]) -> int:
    """How many of the first gains have the largest sum; the fewest of equal ones, so maybe none."""
    sums = list(accumulate(gains, initial=0.0))
    return sums.index(max(sums))
