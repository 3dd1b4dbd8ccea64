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
    stage : {"preparing", "indexing", "ready"}
        "preparing": looking through the folder, loading the model (the very first time, exporting
        it: up to a minute). "indexing": reading and embedding. "ready": all done.
    documents_done, documents_total : int
        Of the documents that are new or changed.
    passages_done : int
        Passages embedded so far in this run.
    passages_per_second : float
        0.0 until something was embedded.
    seconds_left : float or None
        An estimate from the share of bytes done; None until there is one.
    """

    stage: Literal["preparing", "indexing", "ready"]
    documents_done: int = 0
    documents_total: int = 0
    passages_done: int = 0
    passages_per_second: float = 0.0
    seconds_left: float | None = None


ProgressCallback = Callable[[Progress], None]
