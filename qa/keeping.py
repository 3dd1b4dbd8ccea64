"""An index kept in step with its folder: what changed is read, then given its vectors.

Reading holds the index for writing; embedding does not, and goes on by itself (see `qa.filling`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

from qa import documents, preview, uploads
from qa.errors import FolderError, IndexBusy, QAError, UnreadableFile
from qa.filling import Filling
from qa.folder import InDoubt
from qa.folder.disks import identity
from qa.ingest import recipe
from qa.live import Leave, LiveCorpus
from qa.progress import Progress, ProgressCallback, embedding
from qa.store import DamagedStore, Failure, Store
from qa.sync import Changes, compare, paths_in
from qa.uploads import UPLOADS

PUBLISH_SECONDS = 1.0  # of reading, after which what is there is published for the first time
PUBLISH_SHARE = 0.2  # of the time, at most, that goes into publishing while files are read
REPORT_SECONDS = 0.2
_SHORT_WAIT_SECONDS = 1.0  # for another process, when there is something to search meanwhile

Wait = bool | float
Stage = Literal["reading", "embedding", "ready", "stopped"]
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Keeper:
    """Keeps what is searched in step with a folder. For any thread.

    Parameters
    ----------
    live : LiveCorpus
    root : Path
        The folder.
    wait : bool or float
        Whether to wait for vectors, and for how many seconds at most.
    allow_empty : bool
        Whether there may be nothing in it that can be read.
    """

    def __init__(
        self, live: LiveCorpus, root: Path, wait: Wait, *, allow_empty: bool = False
    ) -> None:
        self.live = live
        self.root = root
        self.wait = wait
        self.allow_empty = allow_empty
        self.filling = Filling(live)
        self.read = Progress("preparing")  # the newest report of reading
        self.changes = Changes()  # what it did
        self._home: tuple[int, int] | None = None  # the folder itself, when it last had files
        self._version = ""  # of the store, when it was in step with the folder
        self._readers = 0
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    @property
    def reading(self) -> bool:
        """Whether files are being read."""
        return self._readers > 0 or self.reading_meanwhile

    @property
    def reading_meanwhile(self) -> bool:
        """Whether they are still being read since the index was opened."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def error(self) -> Exception | None:
        """What stopped the reading in the background, or the embedding."""
        return self._error or self.filling.error

    def close(self) -> None:
        """Stop what goes on in the background, and let go of the files."""
        self.live.closed = True
        self.filling.close()
        if self._thread is not None:
            self._thread.join()
        self.live.close()

    # Opening.

    def open(self, report: ProgressCallback) -> None:
        """Bring the index up to date.

        With ``wait=False`` until there is something to be searched; the rest goes on by itself.
        """
        if self.wait is False:
            self._open_meanwhile(report)
        else:
            self.mended(lambda: self._catch_up(report), report)
        self.finish(self.wait, report)

    def _open_meanwhile(self, report: ProgressCallback) -> None:
        self._thread = threading.Thread(target=self._read_meanwhile, name="qa-reading")
        self._thread.start()
        while self._thread.is_alive() and not self._has_something:
            self._thread.join(REPORT_SECONDS)
            report(self.read)
        if self._error and not self._has_something:
            raise self._error

    @property
    def _has_something(self) -> bool:
        """Whether there is something to be searched."""
        return self.live.newest is not None and len(self.live.newest.derived.lexical) > 0

    def _read_meanwhile(self) -> None:
        """Like `_catch_up`, for a thread of its own: what goes wrong ends in `error`."""

        def work() -> None:
            self.live.take_what_is_published()
            self._catch_up(lambda _: None)

        try:
            self.mended(work, lambda _: None)
        except Exception as error:
            if self.live.closed or not threading.main_thread().is_alive():
                return
            self._error = error
            told = None if isinstance(error, QAError) else error
            log.warning("reading stopped: %s", error, exc_info=told)

    def _catch_up(self, report: ProgressCallback) -> None:
        """Synchronise; while another process is at it, use what is there."""
        usable = self.live.is_usable()
        try:
            with self.live.place.writing(_SHORT_WAIT_SECONDS if usable else None):
                self._synchronise(report)
        except IndexBusy:
            if not usable:
                raise
            log.warning("another process is writing this index: using what is there")
            self.live.take_what_is_there()
        if not self.allow_empty and self.live.store.counts()[0] == 0:
            raise FolderError(_nothing_readable(self.root, self.live.store.failures()))

    # Keeping in step.

    def sync(
        self,
        report: ProgressCallback,
        wait: Wait,
        *,
        leave: Leave | None = None,
        seconds: float | None = None,
        files: Callable[[], Mapping[str, str]] | None = None,
        among: Collection[str] | None = None,
    ) -> Changes:
        """Read what changed, forget what is gone.

        Parameters
        ----------
        leave : callable, optional
            Given the files that there are, by id, says which stay as they are for now.
        seconds : float, optional
            How long to wait for somebody else who is writing.
        files, among : callable, collection of str, optional
            The ids of the files that this is about, and what gives those of them that there are;
            all by default.

        Raises
        ------
        InDoubt
            When it is not about all files, and others than this keeper have written the index.
        """

        def work() -> Changes:
            with self.live.place.writing(seconds):
                changes = self._synchronise(report, leave, files, among)
            self._error = None
            return changes

        changes = self.mended(work, report)
        self.finish(wait, report)
        return changes

    def compare(self, report: ProgressCallback) -> Changes:
        """What `sync` would do; nothing is written."""
        with closing(self.live.store.snapshot()) as kept:
            same = kept.recipe() == recipe(self.live.encoder)
            files = preview.files(self.root, self.live.place.path)
            return compare(kept if same else Store(None), files, report)

    def add(self, paths: Iterable[str | Path], report: ProgressCallback, wait: Wait) -> Changes:
        """Copy files into the index's own uploads folder, and index them."""
        failed: list[Failure] = []
        with self.live.place.writing():
            taken = set(paths_in(self.root))
            for path in map(Path, paths):
                try:
                    taken.add(uploads.keep(path, self.live.place.path, taken))
                except UnreadableFile as error:
                    failed.append(Failure(path.name, str(error)))
            changes = self.sync(report, False, leave=self._missing)
        self.finish(wait, report)
        return replace(changes, failed=(*failed, *changes.failed))

    def forget(self, document_id: str, wait: Wait) -> Changes:
        """Delete one uploaded file, and its documents."""
        with self.live.place.writing():
            uploads.drop(document_id, self.live.place.path)
            changes = self.sync(lambda _: None, False, leave=self._missing)
        self.finish(wait, lambda _: None)
        return changes

    def files(self) -> dict[str, str]:
        """The paths of all files there are, uploads too, which may lie inside the folder, by id."""
        found = preview.paths_of_folder(self.root, self.live.place.path)
        uploaded = uploads.uploaded(self.live.place.path, found)
        return {id: os.fspath(path) for id, path in uploaded.items()} | found

    def _synchronise(
        self,
        report: ProgressCallback,
        leave: Leave | None = None,
        files: Callable[[], Mapping[str, str]] | None = None,
        among: Collection[str] | None = None,
    ) -> Changes:
        """The caller holds the place for writing."""
        if among is not None and not self._is_as_left():
            raise InDoubt("others have written the index")

        def note(progress: Progress) -> None:
            self.read = progress
            report(progress)

        def left(files: Mapping[str, str]) -> Collection[str]:
            found = leave(files) if leave else ()
            if among is None:
                self._check_home(files, found)
            return found

        self._readers += 1
        try:
            self.changes = self.live.synchronise(
                files or self.files, note, _NowAndThen(self.live), left, among
            )
            self._version = self.live.store.version()
            return self.changes
        finally:
            self._readers -= 1

    def _is_as_left(self) -> bool:
        """Whether nobody else has written documents since this keeper did."""
        store = self.live.store
        return store.in_place() and store.version() == self._version

    def _check_home(self, files: Mapping[str, str], left: Collection[str]) -> None:
        """Raise FolderError where all of the folder's documents would be forgotten by mistake."""
        if gone := self._missing(files) - set(left):
            raise FolderError(
                f"no readable documents in {str(self.root)!r}, where there were {len(gone):,}: "
                "is its disk mounted? The index keeps them; "
                f"if they are gone for good, delete {str(self.live.place.path)!r}"
            )

    def _missing(self, files: Mapping[str, str]) -> set[str]:
        """What the index has of a folder in which there is nothing, where it may not be the same.

        It may be a disk that is not mounted. Where files were seen before in this very folder,
        they were deleted.
        """
        own = f"{self.live.place.path / UPLOADS}{os.sep}"
        if not all(path.startswith(own) for path in files.values()):
            self._home = identity(self.root)
        if self._home is not None and self._home == identity(self.root):
            return set()
        return {file for file in self.live.store.paths() if not file.startswith(uploads.PREFIX)}

    def mended(
        self, work: Callable[[], Result], report: ProgressCallback = lambda _: None
    ) -> Result:
        """Do something; where the store turns out damaged, make it anew and do it again."""
        store = self.live.store
        try:
            return work()
        except DamagedStore as error:
            log.warning("%s; making it anew", error)
        with self.live.place.writing():
            self.live.replace_store(store)
            self._synchronise(report)
        self.finish(self.wait, report)
        return work()

    # Waiting.

    def finish(self, wait: Wait, report: ProgressCallback) -> None:
        """Wait for vectors, if so; report where that ends."""
        if wait is not False:
            self.wait_for_vectors(None if wait is True else float(wait), report)
        report(self.progress())

    def wait_for_vectors(self, seconds: float | None, report: ProgressCallback) -> bool:
        """Wait until everything is read and embedded; whether it is.

        Raises
        ------
        QAError
            Whatever stopped it.
        """
        end = time.monotonic() + (float("inf") if seconds is None else seconds)
        while (self.reading_meanwhile or self.filling.active) and time.monotonic() < end:
            self._wait_a_little(max(0.0, min(REPORT_SECONDS, end - time.monotonic())))
            if (progress := self.progress()).stage != "ready":  # which is said once, at the end
                report(progress)
        if self.error:
            raise self.error
        return self.stage == "ready"

    def _wait_a_little(self, seconds: float) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(seconds)
        else:
            self.filling.wait(seconds)

    @property
    def stage(self) -> Stage:
        """What is being done; "stopped" when there is something to do and nobody is at it."""
        if self.reading:
            return "reading"
        if self.live.newest is None or not self.live.newest.derived.whole:
            return "stopped" if self.error and not self.filling.active else "embedding"
        return "stopped" if self._error else "ready"

    def progress(self) -> Progress:
        """How far it is now."""
        if self.reading or self.live.newest is None:
            return self.read
        both = self.live.newest.derived
        done, total = len(both.vectors), len(both.lexical)
        speed = self.filling.passages_per_second
        found = embedding(done, total, speed)
        files = (self.read.documents_done, self.read.documents_total)
        found = replace(found, documents_done=files[0], documents_total=files[1])
        return replace(found, stage="ready", seconds_left=0.0) if both.whole else found


class _NowAndThen:
    """Between two files: publishes what was read so far, if that is due; ends when closed."""

    def __init__(self, live: LiveCorpus) -> None:
        self._live = live
        self._due = time.monotonic() + PUBLISH_SECONDS

    def __call__(self) -> None:
        if self._live.closed or not threading.main_thread().is_alive():
            raise ValueError("the index is closed")
        if time.monotonic() >= self._due:
            began = time.monotonic()
            self._live.publish()
            took = time.monotonic() - began
            self._due = time.monotonic() + max(PUBLISH_SECONDS, took * (1 / PUBLISH_SHARE - 1))


def _nothing_readable(folder: Path, failures: Sequence[Failure]) -> str:
    looked_for = ", ".join(documents.READABLE)
    message = f"no readable documents in {str(folder)!r}: looked for {looked_for}"
    if failures:
        message += f"; {len(failures)} could not be read, the first: {failures[0].reason}"
    return message
