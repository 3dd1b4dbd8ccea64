"""How likely it is that the articles answer a question: several signals, one logistic model.

``benchmarks/confidence.py`` fits the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from qa.corpus import Corpus, matched_weight
from qa.hits import Hit

INTERCEPT = 0.0
COEFFICIENTS = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence is computed from.

    Parameters
    ----------
    says : float
        Logit of the passage that most likely says what is asked.
    relevance : float
        The highest relevance of a passage: a logit.
    sentence : float
        The best sentence's score: a logit.
    certainty : float
        How likely the exact words of the best sentence are; a logarithm.
    similarity : float
        How well the question's words are matched in context, at best; in [-1, 1].
    cosine : float
        The similarity in meaning of the question and the nearest passage; in [-1, 1].
    coverage : float
        The share of the question's words, by their rarity, in the passage that has most of them.
    unsaid : float
        The share of the question's words, by their rarity, that no passage mentions.
    skimmed : bool
        Whether no passage was read: then `says` is all there is.
    """

    says: float
    relevance: float
    sentence: float
    certainty: float
    similarity: float
    cosine: float
    coverage: float
    unsaid: float
    skimmed: bool = False


def signals(corpus: Corpus, query: str, hits: Sequence[Hit]) -> Signals | None:
    """The signals of hits that were read or skimmed; None when there are none."""
    read = [(hit, hit.reading) for hit in hits if hit.reading and not hit.reading.skimmed]
    read = read or [(hit, hit.reading) for hit in hits if hit.reading]
    if not read:
        return None
    sentences = [sentence for _, reading in read for sentence in reading.sentences]
    best = max(sentences, key=lambda sentence: sentence.score, default=None)
    weights = corpus.weights(query)
    total = sum(weights.values()) or 1.0
    texts = [f"{hit.document.title} {hit.passage.text}" for hit, _ in read]
    return Signals(
        says=max(reading.says for _, reading in read),
        relevance=max(reading.relevance for _, reading in read),
        sentence=best.score if best else -10.0,
        certainty=best.certainty if best else -20.0,
        similarity=max(hit.explanation.similarity for hit, _ in read),
        cosine=max(hit.explanation.cosine for hit, _ in read),
        coverage=max(matched_weight(text, weights) for text in texts) / total,
        unsaid=1 - matched_weight(" ".join(texts), weights) / total,
        skimmed=all(reading.skimmed for _, reading in read),
    )


def confidence(found: Signals | None) -> float:
    """The probability that the articles answer; 0 without signals."""
    if found is None:
        return 0.0
    *values, skimmed = astuple(found)
    logit = found.says
    if not skimmed:
        logit = INTERCEPT + sum(c * v for c, v in zip(COEFFICIENTS, values, strict=True))
    return 1 / (1 + math.exp(-logit))
