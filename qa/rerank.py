"""Put the best of the fused order into a better one: words matched in context, then read.

Each look costs time, so the first is at more passages than the second, and both stop when their
time is over: what was not reached keeps the order it had, below what was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from qa import late_interaction, reader_model
from qa.errors import QAError
from qa.hits import Explanation, scaled
from qa.late_interaction import Matcher
from qa.reader import Page, Reader, Reading

MATCHED = 20  # best fused passages whose words are matched in context
READ = 10  # best of those that are read, however many are asked for: so is the order
MATCH_WEIGHT = 0.7  # of the scaled match, where the fused score has 1
READ_WEIGHT = 0.4  # of the scaled relevance
SECONDS = 0.9  # for both looks; with 8-bit instructions (VNNI) they take less than half of it
TRIED = 2  # passages that are matched first, to see whether there is time for the rest

Model = TypeVar("Model")


class Reranker:
    """A matcher and a reader, loaded when they are first needed, or a little before."""

    def __init__(
        self,
        matcher: Callable[[], Matcher] = late_interaction.load,
        reader: Callable[[], Reader] = reader_model.load,
        *,
        seconds: float = SECONDS,
    ) -> None:
        """
        Parameters
        ----------
        seconds : how long a question may take; one passage is read in any case
        """
        self.seconds = seconds
        self._matcher = _once(matcher)
        self._reader = _once(reader)

    @property
    def matcher(self) -> Matcher:
        """Matches words in context."""
        return self._matcher()

    @property
    def reader(self) -> Reader:
        """Reads passages."""
        return self._reader()

    def prepare(self) -> None:
        """Load both in the background, for a question that is sure to come."""

        def load() -> None:
            with suppress(QAError):  # the question will raise it again
                self._matcher()
                self._reader()

        threading.Thread(target=load, name="qa-models").start()


def _once(load: Callable[[], Model]) -> Callable[[], Model]:
    """Loads when it is first called; who calls meanwhile, from another thread, waits for that."""
    lock, kept = threading.Lock(), cache(load)

    def loaded() -> Model:
        with lock:
            return kept()

    return loaded


@cache
def shared() -> Reranker:
    """The one that all indexes of a process use."""
    return Reranker()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage's place in the order that went in, its parts of the score, what was read in it."""

    position: int
    explanation: Explanation
    reading: Reading | None = None


def rerank(
    reranker: Reranker,
    question: str,
    fused: Sequence[Explanation],
    pages: Sequence[Page],
) -> list[Ranked]:
    """The passages in their new order, best first.

    Parameters
    ----------
    fused : explanations of the fused order, best first
    pages : those of the first `MATCHED` of them, in that order
    """
    whole = 1 + MATCH_WEIGHT + READ_WEIGHT
    ranked = [Ranked(i, _shrunk(parts, whole)) for i, parts in enumerate(fused)]
    if not ranked:
        return []
    matcher, reader = reranker.matcher, reranker.reader  # loading them is not the question's time
    started = time.monotonic()
    ranked = _by_match(matcher, question, ranked, pages, reranker.seconds / 2)
    left = reranker.seconds - (time.monotonic() - started)
    return _by_reading(reader, question, ranked, pages, left)


def _shrunk(parts: Explanation, whole: float) -> Explanation:
    return replace(parts, lexical=parts.lexical / whole, semantic=parts.semantic / whole)


def _by_match(
    matcher: Matcher,
    question: str,
    ranked: list[Ranked],
    pages: Sequence[Page],
    seconds: float,
) -> list[Ranked]:
    first = ranked[:MATCHED]
    scores = _matches(matcher, question, [pages[r.position] for r in first], seconds)
    weight = MATCH_WEIGHT / (1 + MATCH_WEIGHT + READ_WEIGHT)
    matched = [
        replace(r, explanation=replace(r.explanation, similarity=score, matched=weight * part))
        for r, score, part in zip(first, scores, scaled(scores), strict=False)
    ]
    return _in_order(matched) + ranked[len(matched) :]


def _matches(matcher: Matcher, question: str, pages: Sequence[Page], seconds: float) -> list[float]:
    """The scores of the first pages; none where time would be over before half of them are done:
    it is spent better on reading.
    """
    started = time.monotonic()
    tried = matcher.match(question, pages[:TRIED], seconds=seconds)
    taken = time.monotonic() - started
    if taken * len(pages) / 2 > seconds * max(1, len(tried)):
        return []
    return tried + matcher.match(question, pages[TRIED:], seconds=seconds - taken)


def _by_reading(
    reader: Reader,
    question: str,
    ranked: list[Ranked],
    pages: Sequence[Page],
    seconds: float,
) -> list[Ranked]:
    first = ranked[:READ]
    readings = reader.read(question, [pages[r.position] for r in first], seconds=seconds)
    parts = scaled([reading.relevance for reading in readings])
    weight = READ_WEIGHT / (1 + MATCH_WEIGHT + READ_WEIGHT)
    done = _in_order(
        [
            Ranked(r.position, replace(r.explanation, read=weight * part), reading)
            for r, part, reading in zip(first, parts, readings, strict=False)
        ]
    )
    return done + _below(ranked[len(done) :], done[-1].explanation.score)


def _in_order(ranked: list[Ranked]) -> list[Ranked]:
    return sorted(ranked, key=lambda r: -r.explanation.score)


def _below(ranked: list[Ranked], score: float) -> list[Ranked]:
    """Passages that were not read: none above those that were."""
    return [
        replace(r, explanation=replace(r.explanation, read=min(0.0, score - r.explanation.score)))
        for r in ranked
    ]
