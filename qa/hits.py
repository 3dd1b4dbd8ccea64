"""What retrieval finds: passages, and why each stands where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa.documents import Document
from qa.passages import Passage, Sentence
from qa.reader import Reading


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit stands where it stands: ``lexical + semantic + matched + read == score``.

    Parameters
    ----------
    lexical, semantic : float
        The parts of the two searches, each already weighted; in [0, 1]. A passage that has no
        vector yet is judged by its words alone: they give the semantic part too.
    bm25 : float
        The passage's BM25 score for the question; 0 where no word matches.
    cosine : float or None
        Cosine similarity of the question's and the passage's vectors; in [-1, 1]. None while
        the passage has no vector.
    similarity : float
        How well the question's words are matched in context: the mean cosine of each one's best
        match; 0 where that was not looked at.
    matched : float
        The part of that, scaled and weighted; 0 without a rerank.
    read : float
        The part of the cross-encoder that read it; 0 without a rerank. Below 0 for a passage that
        was not read, because it cannot stand above those that were.
    """

    lexical: float
    semantic: float
    bm25: float
    cosine: float | None
    similarity: float = 0.0
    matched: float = 0.0
    read: float = 0.0

    @property
    def score(self) -> float:
        """The sum of the parts."""
        return self.lexical + self.semantic + self.matched + self.read


@dataclass(frozen=True, slots=True)
class Hit:
    """One retrieved passage.

    Parameters
    ----------
    rank : int
        From 1.
    score : float
        In [0, 1], higher is better; comparable within one question only.
    passage : Passage
    document : Document
        Where the passage stands.
    explanation : Explanation
        The parts of the score.
    also_in : tuple of Sentence
        Near-identical sentences in other articles, folded into this hit.
    reading : Reading or None
        What the reader made of it, sentence by sentence; None when it was not read.
    """

    rank: int
    score: float
    passage: Passage
    document: Document
    explanation: Explanation
    also_in: tuple[Sentence, ...] = ()
    reading: Reading | None = None

    def sentences(self) -> list[Sentence]:
        """The passage's sentences, in order."""
        return [Sentence(self.document, start, end) for start, end in self.passage.sentences]


def scaled(values: Sequence[float]) -> list[float]:
    """The values stretched to reach from 0 to 1; all 1 where they are all the same."""
    if not values:
        return []
    least, most = min(values), max(values)
    return [(value - least) / (most - least) if most > least else 1.0 for value in values]
