"""What can be told of a passage from words and vectors alone, when no reader reads it.

Gives the same `Reading` that a reader gives, from two signals: how near a sentence is to the
question in meaning, and the share of the question's words, by their rarity, that it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from qa.corpus import Corpus, matched_weight
from qa.hits import Hit
from qa.reader import Reading, SentenceReading

COSINE_WEIGHT = 0.40  # of a sentence's score: its similarity in meaning to the question
COVERAGE_WEIGHT = 0.35  # the share of the question's words that it has, by their rarity
STEEPNESS, OFFSET = 8.0, -8.0  # from that to a logit like a reader's
INTERCEPT, COSINE, COVERAGE = -7.3, 6.9, 5.1  # of whether the passage says it


def skim(corpus: Corpus, question: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits with readings, skimmed where they were not read."""
    if all(hit.reading for hit in hits):
        return list(hits)
    weights = corpus.weights(question)
    vector = corpus.encoder.encode_question(question)  # (d,)
    texts = [s.text for hit in hits if hit.reading is None for s in hit.sentences()]
    cosines = iter((corpus.encoder.encode_passages(texts) @ vector).tolist() if texts else [])
    return [
        hit
        if hit.reading
        else replace(hit, reading=_skimmed(hit, [next(cosines) for _ in hit.sentences()], weights))
        for hit in hits
    ]


def _skimmed(hit: Hit, cosines: Sequence[float], weights: Mapping[str, float]) -> Reading:
    total = sum(weights.values()) or 1.0
    said = matched_weight(f"{hit.document.title} {hit.passage.text}", weights) / total
    scores = [
        OFFSET
        + STEEPNESS
        * (COSINE_WEIGHT * cosine + COVERAGE_WEIGHT * matched_weight(s.text, weights) / total)
        for s, cosine in zip(hit.sentences(), cosines, strict=True)
    ]
    nearest = max(cosines, default=0.0)
    says = INTERCEPT + COSINE * nearest + COVERAGE * said
    sentences = tuple(SentenceReading(float(np.float32(score))) for score in scores)
    return Reading(relevance=says, says=says, sentences=sentences, skimmed=True)
