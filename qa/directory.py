"""The directory an index is kept in: who may write there, and a damaged store put aside."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from qa.cache import cache_directory
from qa.errors import IndexBusy, StoreError
from qa.store import DamagedStore, Store

STORE = "store.sqlite3"
DAMAGED = f"{STORE}.damaged"
WAIT_SECONDS = 60.0  # for another process that is writing the same index

log = logging.getLogger(__name__)


def default_directory(folder: Path) -> Path:
    """Where the index of a folder is kept: in the cache, by the folder's absolute path."""
    key = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = re.sub(r"[^\w.-]", "_", folder.name)[:40]
    return cache_directory() / "indexes" / f"{name or 'root'}-{key}"


class IndexDirectory:
    """A place on disk, and this process's right to write there.

    Raises
    ------
    StoreError
        When it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = threading.RLock()
        self._depth = 0  # of `writing`, in the thread that holds the lock above
        self._make()

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the index in {str(self.path)!r} ({error.strerror}): "
                "name another place with --index"
            ) from error

    @property
    def being_written(self) -> bool:
        """Whether some thread of this process is writing."""
        return self._depth > 0

    @contextmanager
    def writing(self, seconds: float | None = None) -> Iterator[None]:
        """Hold the index for writing, against threads and processes; reentrant.

        Parameters
        ----------
        seconds : float, optional
            How long to wait for somebody else; `WAIT_SECONDS` by default.

        Raises
        ------
        IndexBusy
            When somebody else is writing for longer.
        """
        seconds = WAIT_SECONDS if seconds is None else seconds
        if not self._writer.acquire(timeout=seconds):
            raise self._busy()
        try:
            with self._locked("writer.lock", seconds if not self._depth else None):
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
        finally:
            self._writer.release()

    @contextmanager
    def filling(self) -> Iterator[bool]:
        """Hold the right to embed for this index, if nobody else has it; whether that is so."""
        lock = filelock.FileLock(self.path / "filling.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            yield False
            return
        except OSError as error:
            raise self._refused(error) from error
        try:
            yield True
        finally:
            lock.release()

    def open_store(self, *, create: bool = True) -> Store:
        """Open the store, or make one; a damaged one is put aside first.

        Raises
        ------
        StoreError, IndexBusy
        """
        try:
            return self._open(create=create)
        except DamagedStore:
            return self.replace(None)

    def replace(self, damaged: Store | None) -> Store:
        """Put a damaged store aside and make a new one, unless somebody else has done so.

        What vectors can still be read in it are kept, so that little is embedded again.

        Parameters
        ----------
        damaged : Store or None
            The one in which damage was found; None for whichever cannot be opened.
        """
        with self.writing():
            if damaged is None or not damaged.in_place():
                try:
                    return self._open()
                except DamagedStore as error:
                    log.warning("%s; making it anew", error)
            else:
                damaged.check_version()  # what contradicts itself may be a newer version's
            self._put_aside()
            store = self._open()
            kept = store.vectors.take_from(self.path / DAMAGED)
            log.warning("the damaged index is now %s: took %d vectors from it", DAMAGED, kept)
            return store

    def _open(self, *, create: bool = True) -> Store:
        """Open or make the store, one process at a time: making takes several steps."""
        if create:
            self._make()
        with self._locked("open.lock", WAIT_SECONDS):
            return Store(self.path / STORE, create=create)

    def _put_aside(self) -> None:
        """Rename the store. Its own name first: what has no store beside it SQLite clears away."""
        try:
            for suffix in ("", "-wal", "-shm"):
                (self.path / f"{DAMAGED}{suffix}").unlink(missing_ok=True)
            for suffix in ("", "-wal"):  # the third is made again from the second
                if (self.path / f"{STORE}{suffix}").exists():
                    (self.path / f"{STORE}{suffix}").rename(self.path / f"{DAMAGED}{suffix}")
            (self.path / f"{STORE}-shm").unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot put the damaged index {str(self.path / STORE)!r} aside "
                f"({error.strerror}): delete {str(self.path)!r}"
            ) from error

    @contextmanager
    def _locked(self, name: str, seconds: float | None) -> Iterator[None]:
        """Hold a file lock; with None for `seconds` it is held already."""
        if seconds is None:
            yield
            return
        lock = filelock.FileLock(self.path / name)
        try:
            lock.acquire(timeout=seconds)
        except filelock.Timeout as error:
            raise self._busy() from error
        except OSError as error:
            raise self._refused(error) from error
        try:
            yield
        finally:
            lock.release()

    def _refused(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write the index in {str(self.path)!r} ({error.strerror}): "
            "name another place with --index"
        )

    def _busy(self) -> IndexBusy:
        return IndexBusy(
            f"the index {str(self.path)!r} is being written by somebody else: try again later"
        )
