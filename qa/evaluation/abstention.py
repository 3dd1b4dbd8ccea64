"""How far a confidence can be trusted: calibration, risk and coverage, refusals.

Arrays in, numbers out; knows nothing of questions. A refusal is a question that is not answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10  # of equal mass, for calibration
ANSWERED_SHARE = 0.95  # of the answerable questions, that a threshold has to let through

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of equal mass, least confident first.

    Parameters
    ----------
    confidence, correct : array of shape (bins,)
        The mean confidence of a bin, and the share of it that is correct.
    count : array of shape (bins,)
        How many are in it.
    """

    confidence: Floats
    correct: Floats
    count: NDArray[np.int64]


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = BINS) -> Reliability:
    """What a reliability diagram shows.

    Equal confidences share a bin, so there are fewer bins where many are equal.

    Parameters
    ----------
    confidence : array of shape (n,)
        Probabilities.
    correct : array of shape (n,)
        Whether what each says is so.
    """
    confidences, truth = _checked(confidence, correct)
    edges = np.quantile(confidences, np.arange(1, bins) / bins, method="higher")
    which = np.searchsorted(np.unique(edges), confidences, side="right")  # (n,)
    count = np.bincount(which)
    filled = count > 0
    return Reliability(
        (np.bincount(which, confidences)[filled] / count[filled]),
        (np.bincount(which, truth)[filled] / count[filled]),
        count[filled],
    )


def calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = BINS) -> float:
    """Expected calibration error: how far confidence and correctness are apart, over equal bins.

    References
    ----------
    Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning,
    2015; with bins of equal mass as in Nixon, Dusenberry, Zhang, Jerfel and Tran, Measuring
    Calibration in Deep Learning, 2019.
    """
    found = reliability(confidence, correct, bins)
    return float(np.average(np.abs(found.confidence - found.correct), weights=found.count))


def risk_coverage(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, Floats]:
    """What is risked by answering ever more questions, the most confident first.

    Equal confidences are answered together: there is one point for each different confidence.

    Returns
    -------
    coverage : array
        The share of the questions that is answered, rising to 1.
    risk : array
        The share of those answered that is not correct.

    References
    ----------
    El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification, 2010.
    """
    confidences, truth = _checked(confidence, correct)
    order = np.argsort(-confidences, kind="stable")
    answered = np.arange(1, len(order) + 1)
    risk = np.cumsum(1 - truth[order]) / answered
    last_of_equals = np.append(np.diff(confidences[order]) != 0, True)
    return answered[last_of_equals] / len(order), risk[last_of_equals]


def refused_at(
    answerable: ArrayLike, unanswerable: ArrayLike, answered: float = ANSWERED_SHARE
) -> float:
    """The share of unanswerable questions refused where a share of the answerable is answered.

    The threshold is the highest confidence that lets at least so many answerable ones through.

    Parameters
    ----------
    answerable, unanswerable : array
        Confidences.
    """
    rising = np.sort(np.asarray(answerable))
    may_be_refused = int(len(rising) * (1 - answered) + 1e-9)
    threshold = rising[min(may_be_refused, len(rising) - 1)]
    return float(np.mean(np.asarray(unanswerable) < threshold))


def _checked(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, Floats]:
    confidences: Any = np.asarray(confidence, np.float64)
    truth: Any = np.asarray(correct, np.float64)
    if confidences.ndim != 1 or confidences.shape != truth.shape or not len(truth):
        raise ValueError(f"confidence is {confidences.shape} and correct {truth.shape}: both (n,)")
    return confidences, truth
