"""How likely it is that the articles answer a question: several signals, one logistic model.

``benchmarks/confidence.py`` fits the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from qa.hits import Hit

NO_SENTENCE = -10.0  # the score of the best one where there is none
INTERCEPT = 1.07
COEFFICIENTS = (0.45, 0.07, 0.27)  # of says, relevance, sentence


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence is computed from, each the best of all the hits: logits.

    Parameters
    ----------
    says : float
        Of the passage that most likely says what is asked.
    relevance : float
        Of the passage that is most likely about it.
    sentence : float
        Of the sentence that is most likely what is asked for.
    skimmed : bool
        Whether no passage was read: then `says` is all there is.
    """

    says: float
    relevance: float
    sentence: float
    skimmed: bool = False


def signals(hits: Sequence[Hit]) -> Signals | None:
    """The signals of hits that were read or skimmed; None when there are none."""
    readings = [hit.reading for hit in hits if hit.reading and not hit.reading.skimmed]
    readings = readings or [hit.reading for hit in hits if hit.reading]
    if not readings:
        return None
    scores = [sentence.score for reading in readings for sentence in reading.sentences]
    return Signals(
        says=max(reading.says for reading in readings),
        relevance=max(reading.relevance for reading in readings),
        sentence=max(scores, default=NO_SENTENCE),
        skimmed=all(reading.skimmed for reading in readings),
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
