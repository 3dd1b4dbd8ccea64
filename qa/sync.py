"""Bring a store in step with a folder of files: what is new, changed or gone.

A file with the size and time it had is not opened; one with the content it had is not read.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qa import documents, ingest
from qa import folder as folders
from qa.documents import Document
from qa.embedding import Encoder
from qa.errors import UnreadableFile
from qa.ingest import Taken, recipe
from qa.progress import Progress, ProgressCallback
from qa.store import Failure, FileState, Store

SETTLED_NS = 2_000_000_000
"""A file written this short a time ago may be written again within one tick of the file system's
clock (2 s on FAT), so its time does not yet prove that it is unchanged."""

_REPORT_SECONDS = 0.1

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a synchronisation did: document ids, and the files that turned out unreadable.

    Parameters
    ----------
    added, changed, removed : tuple of str
    failed : tuple of Failure
        What could not be read, if that was not known.
    renamed : tuple of (str, str)
        Of those removed and added, the ones that are the same file elsewhere: before and now.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


def files_in(folder: Path, prefix: str = "") -> dict[str, Path]:
    """The readable files of a folder by document id: the path inside it, after the prefix."""
    return {id: Path(path) for id, path in paths_in(folder, prefix).items()}


def paths_in(folder: Path, prefix: str = "") -> dict[str, str]:
    """The same with the paths as strings, which takes half as long where there are very many.

    Raises
    ------
    FolderError
        When there is no such folder, it is a file, or it may not be opened.
    """
    folders.check(folder)
    return by_id(folder, documents.walk(folder).everything(), prefix)


def by_id(folder: Path, paths: Iterable[str], prefix: str = "") -> dict[str, str]:
    """Paths of files in a folder by document id."""
    start = len(os.path.join(folder, ""))  # noqa: PTH118 - a Path has no slash at its end
    return {f"{prefix}{_readable_name(path[start:])}": path for path in paths}


def _readable_name(path: str) -> str:
    """A path as an id; bytes of it that are no characters (from other systems) in hexadecimal."""
    name = path if os.sep == "/" else path.replace(os.sep, "/")
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def synchronise(
    store: Store,
    files: Mapping[str, str | Path],
    encoder: Encoder,
    progress: ProgressCallback | None = None,
    now_and_then: Callable[[], None] | None = None,
    leave: Collection[str] = (),
    among: Collection[str] | None = None,
) -> Changes:
    """Read what changed, forget what is gone. Nothing is embedded yet.

    Parameters
    ----------
    files : mapping
        All the files there are: from id to path.
    now_and_then : callable, optional
        Called after every file that was read.
    leave : collection of str
        Ids of files that stay as they are for now, here or gone: they are just being written.
    among : collection of str, optional
        The ids that this is about, where it is not about all: of them, `files` has those that
        there are, and all others stay as they are.

    Raises
    ------
    StoreError
        When the store cannot be written. What was written before stays, and is whole.
    """
    if store.recipe() != recipe(encoder):
        store.start_recipe(recipe(encoder))
    report, after_each = progress or (lambda _: None), now_and_then or (lambda: None)
    about = None if among is None else frozenset(among)
    left = frozenset(leave)
    return _Synchronisation(store, files, encoder, report, after_each, left, about).run()


def compare(
    store: Store, files: Mapping[str, str | Path], progress: ProgressCallback | None = None
) -> Changes:
    """What `synchronise` would do, of a store of the same recipe; nothing is written.

    What is new or changed is read, to know what is in it and whether it can be read.
    """
    return _Synchronisation(store, files, None, progress or (lambda _: None), lambda: None).run()


@dataclass(slots=True)
class _Synchronisation:
    store: Store
    files: Mapping[str, str | Path]
    encoder: Encoder | None  # None: only compare, write nothing
    progress: ProgressCallback
    after_each: Callable[[], None]
    leave: frozenset[str] = frozenset()
    among: frozenset[str] | None = None  # None: all files
    taken: dict[str, Taken] = field(default_factory=dict)  # by file
    failed: list[Failure] = field(default_factory=list)

    def run(self) -> Changes:
        known = self.store.states(self.among)
        here = [id for id in self.files if id not in self.leave]
        stale = {id: state for id in here if (state := self._if_stale(id, known.get(id)))}
        self._take_all(stale)
        # Last, so that the passages of a renamed file are never gone in between.
        gone = sorted(known.keys() - self.files.keys() - self.leave)
        for file in gone:
            self.taken[file] = Taken(removed=tuple(self.store.ids(file)))
            if self.encoder:
                self.store.remove(file)
        if self.encoder:
            self._tidy_up()
        new = {id: state for id, state in stale.items() if id not in known}
        return Changes(
            added=tuple(id for taken in self.taken.values() for id in taken.added),
            changed=tuple(id for taken in self.taken.values() for id in taken.changed),
            removed=tuple(id for taken in self.taken.values() for id in taken.removed),
            failed=tuple(self.failed),
            renamed=tuple(self._renamed({id: known[id] for id in gone}, new)),
        )

    def _tidy_up(self) -> None:
        if not self.leave:  # else they may be those of a file that is on its way
            self.store.vectors.drop_unused()
        if self.among is None:
            self._note_moved_files()

    def _renamed(
        self, gone: Mapping[str, FileState], new: Mapping[str, FileState]
    ) -> Iterator[tuple[str, str]]:
        """The documents of files that have the content of files that are gone."""
        places: dict[str, list[str]] = {}
        for id, state in new.items():
            places.setdefault(state.sha256, []).append(id)
        for before, state in gone.items():
            if state.sha256 and places.get(state.sha256):
                now = places[state.sha256].pop(0)
                added = set(self.taken[now].added)
                for id in self.taken[before].removed:
                    if (moved := now + id.removeprefix(before)) in added:
                        yield id, moved

    def _if_stale(self, id: str, known: FileState | None) -> FileState | None:
        """The file's state now, when its content is not the one that was read; else None."""
        try:
            stat = os.stat(self.files[id])  # noqa: PTH116 - of 100,000, a Path would take long
            size, modified_ns = stat.st_size, _settled(stat.st_mtime_ns)
            if known and size == known.bytes and modified_ns == known.modified_ns >= 0:
                return None
            with Path(self.files[id]).open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return FileState(0, -1)  # reading it will say what is wrong
        state = FileState(size, modified_ns, sha256)
        if known and known.sha256 == sha256:
            if known != state and self.encoder:
                self.store.touch(id, state)
            return None
        return state

    def _take_all(self, stale: Mapping[str, FileState]) -> None:
        reasons = {failure.path: failure.reason for failure in self.store.failures()}
        meter = _Meter(self.progress, {id: state.bytes for id, state in stale.items()})
        for id, state in stale.items():
            found, failures = _read(Path(self.files[id]), id)
            self.taken[id] = self._take(id, state, found, failures)
            self._report(failures, reasons)
            meter.read(id, self.taken[id].passages)
            self.after_each()
        meter.finish()

    def _take(
        self, id: str, state: FileState, found: Sequence[Document], failures: Sequence[Failure]
    ) -> Taken:
        if self.encoder is None:
            return ingest.compare(self.store, id, found)
        path = os.fsencode(self.files[id])
        return ingest.take(self.store, self.encoder, id, state, found, failures, path=path)

    def _report(self, failures: Sequence[Failure], known_reasons: Mapping[str, str]) -> None:
        for failure in failures:
            if failure.reason != known_reasons.get(failure.path):  # else it was said before
                if self.encoder:
                    log.warning("%s", failure.reason)
                self.failed.append(failure)

    def _note_moved_files(self) -> None:
        """The folder itself may have been moved: ids and contents are as before, paths are not."""
        moved = {
            id: path
            for id, before in self.store.paths().items()
            if id in self.files and before != (path := os.fsencode(self.files[id]))
        }
        if moved:
            self.store.move(moved)


def _settled(modified_ns: int) -> int:
    """The time of a file, or -1 while it does not prove anything (see `SETTLED_NS`)."""
    return modified_ns if 0 <= modified_ns < time.time_ns() - SETTLED_NS else -1


def _read(path: Path, id: str) -> tuple[list[Document], list[Failure]]:
    try:
        return documents.read_all(path, id=id)
    except UnreadableFile as error:
        return [], [Failure(id, str(error))]
    except Exception as error:  # a broken file can make its format's library raise anything
        log.debug("reading %r", id, exc_info=True)
        reason = (str(error).splitlines() or [""])[0]
        return [], [Failure(id, f"cannot read {id!r}: {type(error).__name__}: {reason}")]


class _Meter:
    """Counts what is done and reports it, a few times a second at most."""

    def __init__(self, report: ProgressCallback, sizes: Mapping[str, int]) -> None:
        self._report = report
        self._sizes = sizes
        self._bytes_total = sum(sizes.values())
        self._documents = 0
        self._passages = 0
        self._bytes = 0
        self._started = time.monotonic()
        self._send()

    def read(self, id: str, passages: int) -> None:
        self._documents += 1
        self._passages += passages
        self._bytes += self._sizes[id]
        if time.monotonic() - self._sent >= _REPORT_SECONDS:
            self._send()

    def finish(self) -> None:
        self._send()

    def _send(self) -> None:
        self._sent = time.monotonic()
        seconds = max(self._sent - self._started, 1e-9)
        left = None
        if self._bytes:
            left = seconds * (self._bytes_total - self._bytes) / self._bytes
        self._report(
            Progress(
                "reading",
                self._documents,
                len(self._sizes),
                self._passages,
                self._passages / seconds,
                left,
            )
        )
