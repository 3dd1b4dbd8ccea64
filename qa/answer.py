"""Choose the answering sentences; decide whether the articles answer at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qa.passages import Sentence
from qa.retrieval import Hit

Status = Literal["answered", "uncertain", "not_found"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the articles say to a question.

    Parameters
    ----------
    question : str
        As it was asked.
    query : str
        What was searched: the question, or a follow-up completed from the history.
    status : {"answered", "uncertain", "not_found"}
    confidence : float
        In [0, 1]: how likely it is that the articles answer the question.
    sentences : tuple of Sentence
        The answering sentences, verbatim, best first; empty when the status is "not_found".
    hits : tuple of Hit
        The passages behind it, best first. When the status is "not_found": merely the nearest.
    text : str
        What a face shows first: the best sentence and where it stands, or that the articles do
        not say.
    missing : tuple of str
        Words of the question that none of the hits mentions, as the question spells them.
    """

    question: str
    query: str
    status: Status
    confidence: float
    sentences: tuple[Sentence, ...]
    hits: tuple[Hit, ...]
    text: str
    missing: tuple[str, ...] = ()
