"""How sure a figure is: bootstrap intervals, and the paired permutation test.

Random, and the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

RESAMPLES = 1_000  # of the bootstrap
PERMUTATIONS = 9_999
INTERVAL = (2.5, 97.5)  # percentiles: 95 % lie between
_BATCH = 100  # permutations in memory: megabytes for thousands of questions, not gigabytes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % percentile bootstrap interval over questions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference, and how likely one as large is if only chance makes any."""

    difference: Estimate
    p: float


def mean(values: Floats) -> Estimate:
    """The mean and its interval."""
    return bootstrap(lambda chosen: float(values[chosen].mean()), len(values))


def bootstrap(statistic: Callable[..., float], *sizes: int) -> Estimate:
    """A statistic and its interval.

    Parameters
    ----------
    statistic : callable
        Takes an array of positions for each of the samples.
    sizes : int
        How large the samples are.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    random = np.random.default_rng(0)
    resampled = [
        statistic(*(random.integers(0, size, size) for size in sizes)) for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(resampled, INTERVAL)
    return Estimate(statistic(*map(np.arange, sizes)), float(low), float(high))


def difference(ours: Floats, theirs: Floats) -> Difference:
    """How much larger ours are on average, of pairs; two-sided. One pair proves nothing: p is 1.

    References
    ----------
    Smucker, Allan and Carterette, A Comparison of Statistical Significance Tests for Information
    Retrieval Evaluation, 2007.
    """
    if len(ours) < 2:
        return Difference(mean(ours - theirs), 1.0)
    test = stats.permutation_test(
        (ours, theirs),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=_BATCH,
        rng=np.random.default_rng(0),
    )
    return Difference(mean(ours - theirs), float(test.pvalue))
