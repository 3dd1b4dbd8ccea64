"""Bring a store in step with a folder of files: what is new, changed or gone.

A file with the size and time it had is not opened; one with the content it had is not embedded.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qa import documents
from qa.embedding import Encoder
from qa.errors import UnreadableFile
from qa.ingest import Ingester, recipe
from qa.progress import Progress, ProgressCallback
from qa.store import Failure, FileState, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a synchronisation did: document ids, and the files that could not be read."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()


def files_in(folder: Path, prefix: str = "") -> dict[str, Path]:
    """The readable files of a folder by document id: the path inside it, after the prefix."""
    return {
        f"{prefix}{path.relative_to(folder).as_posix()}": path for path in documents.find(folder)
    }


def synchronise(
    store: Store,
    files: Mapping[str, Path],
    encoder: Encoder,
    progress: ProgressCallback | None = None,
) -> Changes:
    """Read what changed, forget what is gone.

    Parameters
    ----------
    files : mapping
        All the documents there are: from id to file.

    Raises
    ------
    StoreError
        When the store cannot be written. What was written before stays, and is whole.
    """
    if store.recipe() != recipe(encoder):
        store.start_recipe(recipe(encoder))
    return _Synchronisation(store, files, encoder, progress or (lambda _: None)).run()


@dataclass(slots=True)
class _Synchronisation:
    store: Store
    files: Mapping[str, Path]
    encoder: Encoder
    progress: ProgressCallback
    failed: list[Failure] = field(default_factory=list)

    def run(self) -> Changes:
        known = self.store.states()
        removed = sorted(known.keys() - self.files.keys())
        for id in removed:
            self.store.remove(id)
        stale = {id: state for id in self.files if (state := self._if_stale(id, known.get(id)))}
        meter = _Meter(self.progress, {id: state.bytes for id, state in stale.items()})
        ingester = Ingester(self.store, self.encoder, meter.embedded)
        for id, state in stale.items():
            self._ingest(id, state, ingester)
            meter.read(id)
        ingester.flush()
        self.store.drop_unused_vectors()
        meter.finish()
        failed = {failure.path for failure in self.failed}
        done = [id for id in stale if id not in failed]
        before = {id for id, state in known.items() if state.sha256}
        return Changes(
            added=tuple(id for id in done if id not in before),
            changed=tuple(id for id in done if id in before),
            removed=tuple(id for id in removed if id in before),
            failed=tuple(self.failed),
        )

    def _if_stale(self, id: str, known: FileState | None) -> FileState | None:
        """The file's state now, when its content is not the one that was read; else None."""
        try:
            stat = self.files[id].stat()
            state = FileState(stat.st_size, stat.st_mtime_ns)
            if known and (known.bytes, known.modified_ns) == (state.bytes, state.modified_ns):
                return None
            with self.files[id].open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return FileState(0, 0)  # reading it will say what is wrong
        state = FileState(state.bytes, state.modified_ns, sha256)
        if known and known.sha256 == sha256:
            self.store.touch(id, state)
            return None
        return state

    def _ingest(self, id: str, state: FileState, ingester: Ingester) -> None:
        try:
            ingester.add(documents.read(self.files[id], id=id), state)
        except UnreadableFile as error:
            log.warning("%s", error)
            self.failed.append(Failure(id, str(error)))
            self.store.fail(id, state, str(error))


class _Meter:
    """Counts what is done and reports it."""

    def __init__(self, report: ProgressCallback, sizes: Mapping[str, int]) -> None:
        self._report = report
        self._sizes = sizes
        self._documents = 0
        self._passages = 0
        self._bytes = 0
        self._started = time.monotonic()
        self._send()

    def read(self, id: str) -> None:
        self._documents += 1
        self._bytes += self._sizes[id]
        self._send()

    def embedded(self, passages: int) -> None:
        self._passages += passages
        self._send()

    def finish(self) -> None:
        self._report(
            Progress("ready", self._documents, len(self._sizes), self._passages, self._rate(), 0.0)
        )

    def _rate(self) -> float:
        return self._passages / max(time.monotonic() - self._started, 1e-9)

    def _send(self) -> None:
        total = sum(self._sizes.values())
        left = None
        if self._passages and self._bytes:
            left = (time.monotonic() - self._started) * (total - self._bytes) / self._bytes
        self._report(
            Progress(
                "indexing", self._documents, len(self._sizes), self._passages, self._rate(), left
            )
        )
