"""Find the passages that answer a question."""

from __future__ import annotations

from dataclasses import dataclass

from qa.documents import Document
from qa.passages import Passage, Sentence


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit stands where it stands: ``lexical + semantic == score``.

    Parameters
    ----------
    lexical, semantic : float
        The two parts of the fused score, each already weighted; in [0, 1].
    bm25 : float
        The passage's BM25 score for the question; 0 where no word matches.
    cosine : float
        Cosine similarity of the question's and the passage's vectors; in [-1, 1].
    """

    lexical: float
    semantic: float
    bm25: float
    cosine: float


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
    """

    rank: int
    score: float
    passage: Passage
    document: Document
    explanation: Explanation
    also_in: tuple[Sentence, ...] = ()
