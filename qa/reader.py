"""Read a passage with a question in mind: is it about it, does it say it, and where.

A cross-encoder sees question and passage together. Besides its own score three linear heads look at
its hidden states: one tells whether the passage says what is asked, one how likely each sentence is
what is asked for, and one where the exact words start and end. Knows no index.

References
----------
Nogueira and Cho, Passage Re-ranking with BERT, 2019 (the score). Alain and Bengio, Understanding
intermediate layers using linear classifier probes, 2016 (the heads).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qa.sentences import Span


@dataclass(frozen=True, slots=True)
class SentenceReading:
    """What was read in one sentence.

    Parameters
    ----------
    score : float
        Logit: how likely it is that this sentence is what is asked for; higher is better,
        comparable between passages.
    exact : (int, int) or None
        The words in it that answer most likely, in characters of the *document*.
    certainty : float
        Logit of `exact`; comparable between the sentences of one question.
    """

    score: float
    exact: Span | None = None
    certainty: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in one passage.

    Parameters
    ----------
    relevance : float
        The cross-encoder's own score: a logit.
    says : float
        Logit: how likely it is that the passage says what is asked, not merely is about it.
    sentences : tuple of SentenceReading
        One for each of the passage's sentences.
    skimmed : bool
        Whether it was not read, only skimmed: see `qa.skim`.
    """

    relevance: float
    says: float
    sentences: tuple[SentenceReading, ...]
    skimmed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What is put before a reader: a passage, its title, and where its sentences are.

    Parameters
    ----------
    title, text : str
    start : int
        Where the text starts in its document, in characters.
    sentences : tuple of (int, int)
        In characters of the *document*.
    """

    title: str
    text: str
    start: int
    sentences: tuple[Span, ...]


class Reader(Protocol):
    """Whatever reads passages with a question in mind."""

    def read(
        self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
    ) -> list[Reading]:
        """Readings of the first pages: all, or as many as are begun in time, but at least one."""
