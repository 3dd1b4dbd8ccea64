"""Questions put to an index, and how long they take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from qa.answer import Answer
from qa.hits import Hit
from qa.index import Index

Item = TypeVar("Item")
Result = TypeVar("Result")
Step = Callable[[str, int, int], None]
"""Told what is being done, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Puts questions to an index: whatever changes the search is said here and nowhere else.

    Parameters
    ----------
    rerank : bool
        As for `Index.retrieve`.
    """

    index: Index
    rerank: bool = True

    def retrieve(self, question: str, k: int) -> list[Hit]:
        """As `Index.retrieve`."""
        return self.index.retrieve(question, k, rerank=self.rerank)

    def ask(self, question: str, documents: Sequence[str] | None = None) -> Answer:
        """As `Index.ask`."""
        return self.index.ask(question, documents=documents, rerank=self.rerank)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds a question: the median, and what 95 % of them stay below."""

    median_ms: float
    p95_ms: float


def latency(seconds: Sequence[float]) -> Latency:
    """Of the seconds that questions took."""
    median, high = np.percentile(1000 * np.array(seconds), (50, 95))
    return Latency(float(median), float(high))


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What came of it, and the seconds it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def counted(items: Sequence[Item], doing: str, step: Step) -> Iterator[Item]:
    """The items, telling how many are done."""
    for number, item in enumerate(items):
        step(doing, number, len(items))
        yield item
    step(doing, len(items), len(items))
