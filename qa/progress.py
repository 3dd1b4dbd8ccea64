"""How far the indexing of a folder has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """A report from the indexer, made a few times a second at most.

    Parameters
    ----------
    stage : {"preparing", "reading", "embedding", "ready"}
        "preparing": looking through the folder, loading the model (the very first time, exporting
        it: up to a minute). "reading": reading files and cutting them into passages. "embedding":
        the words can be searched, the meaning is on its way. "ready": all done.
    documents_done, documents_total : int
        Of the files that are new or changed, those that were read.
    passages_done : int
        Passages cut so far ("reading"), or of all passages those that have a vector.
    passages_per_second : float
        Cut, or embedded, in this run; 0.0 until there were any.
    seconds_left : float or None
        An estimate for this stage; None until there is one.
    passages_total : int
        How many passages there are; 0 while they are being cut.
    """

    stage: Literal["preparing", "reading", "embedding", "ready"]
    documents_done: int = 0
    documents_total: int = 0
    passages_done: int = 0
    passages_per_second: float = 0.0
    seconds_left: float | None = None
    passages_total: int = 0


ProgressCallback = Callable[[Progress], None]


def embedding(done: int, total: int, per_second: float) -> Progress:
    """A report of the second stage."""
    left = (total - done) / per_second if per_second else None
    return Progress(
        "embedding",
        passages_done=done,
        passages_per_second=per_second,
        seconds_left=left,
        passages_total=total,
    )
