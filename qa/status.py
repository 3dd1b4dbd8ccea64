"""What an index holds, and how far the work on it is; cheap enough to be looked at every second."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qa.corpus import Corpus
from qa.keeping import Keeper, Stage
from qa.live import LiveCorpus
from qa.progress import Progress
from qa.store import Failure
from qa.vectors import Kind


@dataclass(frozen=True, slots=True)
class Status:
    """What is in an index, and how far it is.

    Parameters
    ----------
    documents, passages : int
        That have been read.
    failures : tuple of Failure
        What could not be read.
    model : str
        What vectors are made by.
    embedded : int
        Of the passages that are searched, those that have a vector; the others are found by their
        words alone.
    stage : {"reading", "embedding", "ready", "stopped"}
        "reading": files are read; "embedding": passages get their vectors; "ready": all is done;
        "stopped": it is not, and nobody is at it, because of `error`.
    files_done, files_total : int
        Of the new or changed files of the last reading, those that were read.
    passages_per_second : float
        Cut while reading, embedded while embedding; 0.0 when nothing is being done.
    seconds_left : float or None
        An estimate for this stage; None until there is one.
    vectors : {"flat", "8-bit"}
        How they are kept: as they are, or in a quarter of the memory where there are very many.
    error : str
        What stopped the work, else "".
    """

    documents: int
    passages: int
    failures: tuple[Failure, ...]
    model: str
    embedded: int = 0
    stage: Stage = "ready"
    files_done: int = 0
    files_total: int = 0
    passages_per_second: float = 0.0
    seconds_left: float | None = None
    vectors: Kind = "flat"
    error: str = ""

    @property
    def coverage(self) -> float:
        """The share of the passages that have a vector; 1 of none."""
        return min(1.0, self.embedded / self.passages) if self.passages else 1.0


def status_of(searched: Corpus | Keeper) -> Status:
    """How it is now."""
    if isinstance(searched, Corpus):
        return _status(searched, searched, Progress("ready"))
    found = _status(searched.live, searched.live.newest, searched.progress())
    return replace(found, stage=searched.stage, error=str(searched.error or ""))


def _status(kept: Corpus | LiveCorpus, searched: Corpus | None, progress: Progress) -> Status:
    documents, passages = kept.store.counts()
    return Status(
        documents,
        passages,
        kept.store.failures(),
        kept.encoder.name,
        embedded=len(searched.derived.vectors) if searched else 0,
        files_done=progress.documents_done,
        files_total=progress.documents_total,
        passages_per_second=progress.passages_per_second,
        seconds_left=progress.seconds_left,
        vectors=searched.derived.vectors.kind if searched else "flat",
    )
