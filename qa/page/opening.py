"""The index, opened in the background, so that the page is there at once; then kept in step."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qa import documents
from qa.errors import FolderError, QAError
from qa.page.examples import Example, examples
from qa.page.shelf import Shelf, shelf_of
from qa.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from qa import Index, Status
    from qa.following import Followed, Watch

Result = TypeVar("Result")
Key = tuple[int, int, int, int, bool]
log = logging.getLogger(__name__)
UNEXPECTED = "Something went wrong that should not have; the terminal window says what."
SHELF_SECONDS = 3.0  # between two looks at all the articles while files are read
EMPTY_SECONDS = 1.0  # between two looks into a folder that cannot be used now
SHELF_PATIENCE = 0.3  # seconds that a look at them is waited for: of 100,000 it takes three
STORIES_SHARE = 0.1  # of the time, at most, that goes into finding which tell the same story


class Opening:
    """An index on its way: its progress, then the index itself or why there is none.

    From then on its folder is followed.

    Parameters
    ----------
    open_index : callable
        Opens the index, reporting to the callback it is given; may raise `QAError`.
    folder : Path, optional
        Its folder: where it cannot be used now, as without its disk, it is opened as soon as
        there are files in it.

    Attributes
    ----------
    shelf : Shelf
        The articles there are, as of the last `refresh`.
    """

    def __init__(
        self, open_index: Callable[[ProgressCallback], Index], folder: Path | None = None
    ) -> None:
        self.folder = folder
        self.progress = Progress("preparing")
        self.index: Index | None = None
        self.error = ""
        self.empty = False  # there is nothing in the folder, where there should be
        self.finished = False  # examples and all
        self.shelf = Shelf()
        self._examples: tuple[Example, ...] = ()
        self._suggested = False  # whether they were looked for
        self._suggesting = threading.Lock()
        self._watch: Watch | None = None
        self._changes = 0  # that following the folder has brought
        self._key: Key | None = None  # of the shelf
        self._refreshed = 0.0
        self._refreshing = threading.Lock()
        self._groups: Sequence[Sequence[str]] = ()  # of articles of the same story
        self._grouped = False  # whether they are those of the shelf
        self._group_again = 0.0  # when
        self._settled = threading.Event()
        self._open_index = open_index
        threading.Thread(target=self._run, name="qa-opening", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the index is open or has failed; whether that is so now."""
        return self._settled.wait(seconds)

    def ready(self) -> Index:
        """The index, waiting for it as long as it takes.

        Raises
        ------
        QAError
            When it could not be opened.
        """
        self.wait()
        if self.index is None:
            raise QAError(self.error)
        return self.index

    @property
    def examples(self) -> tuple[str, ...]:
        """Questions to click: those whose article is still there."""
        return tuple(one.question for one in self._examples if one.document in self.shelf.ids)

    @property
    def trouble(self) -> str:
        """What keeps the folder from being followed, else "" (one line)."""
        return self._watch.trouble if self._watch else ""

    # The articles.

    def refresh(self, status: Status) -> Shelf:
        """The shelf as it is now; or, of very many articles, as it is in a moment.

        All articles are looked at only when something tells that they have changed: their
        numbers, or the folder that is followed.
        """
        key = self._key_of(status)
        if self._is_due(key, status) and self._refreshing.acquire(blocking=False):
            worker = threading.Thread(target=self._refresh, args=(key,), name="qa-shelf")
            worker.start()
            worker.join(SHELF_PATIENCE)
        return self.shelf

    def _key_of(self, status: Status) -> Key:
        numbers = (status.documents, status.passages, len(status.failures))
        return (*numbers, self._changes, status.stage == "reading")

    def _is_due(self, key: Key, status: Status) -> bool:
        lagging = len(self.shelf.outlines) != status.documents  # what was read is published later
        if key == self._key and not lagging:
            return self._is_to_be_grouped(status.stage == "reading")
        at_once = key != self._key and status.stage != "reading"
        return at_once or time.monotonic() - self._refreshed > SHELF_SECONDS

    def _is_to_be_grouped(self, reading: bool) -> bool:
        """While files are read it is not known which are the same story."""
        return not self._grouped and not reading and time.monotonic() >= self._group_again

    def _refresh(self, key: Key) -> None:
        try:
            if self.index is not None:
                self._fill_shelf(self.index)
                self._grouped = self._grouped and key == self._key
                self._key = key
                if self._is_to_be_grouped(reading=key[-1]):
                    self._group(self.index)
        except Exception:  # the list stays as it was
            log.exception("the list of articles")
        finally:
            self._refreshed = time.monotonic()
            self._refreshing.release()

    def _fill_shelf(self, index: Index) -> None:
        outlines = index.outlines
        if outlines == self.shelf.outlines and self.shelf.version:
            return
        self.shelf = shelf_of(outlines, self.shelf.version + 1, self._groups)
        if not outlines:
            self._suggested = False
        elif not self._suggested:
            again = threading.Thread(
                target=self._suggest, args=(index,), name="qa-examples", daemon=True
            )
            again.start()

    def _group(self, index: Index) -> None:
        """Put to the articles which of them tell the same story."""
        began = time.monotonic()
        groups = index.duplicates()
        self._grouped = True
        self._group_again = time.monotonic() + (time.monotonic() - began) / STORIES_SHARE
        if groups != self._groups:
            self._groups = groups
            self.shelf = shelf_of(self.shelf.outlines, self.shelf.version + 1, groups)

    def try_again(self) -> None:
        """Go on with what stopped, in the background; the status tells what comes of it."""
        threading.Thread(target=self._try_again, name="qa-again", daemon=True).start()

    def _try_again(self) -> None:
        try:
            if self.index is not None:
                self.index.sync(wait=False)
        except Exception as error:
            log.warning("it stopped again: %s", error)

    # Opening.

    def _open(self) -> Index:
        """The index; where its folder cannot be used now, as soon as there is something in it."""
        tried: frozenset[tuple[Path, int, int]] = frozenset()
        while True:
            try:
                return self._open_index(self._report)
            except FolderError as error:
                if self.folder is None or not self.folder.is_dir():
                    raise
                self.error, self.empty = str(error), True
                self._settled.set()
            while (there := readable(self.folder)) in (tried, frozenset()):
                time.sleep(EMPTY_SECONDS)
            tried = there

    def _run(self) -> None:
        try:
            self.index = self._open()
            self.error, self.empty = "", False
        except Exception as error:
            self.error = plainly(error)
        self._settled.set()
        if self.index is not None:
            self._follow(self.index)
            self._suggest(self.index)
        self.finished = True

    def _suggest(self, index: Index) -> None:
        """Look for questions to click, once there is something to ask."""
        if not self._suggesting.acquire(blocking=False):
            return
        try:
            if not self._suggested and index.outlines:
                self.finished = False
                self._examples = examples(index)
                self._suggested = True
        except Exception:  # the page does without suggestions
            self._suggested = True
            log.exception("no example questions")
        finally:
            self.finished = True
            self._suggesting.release()

    def _follow(self, index: Index) -> None:
        """Keep the index in step with its folder from now on."""
        if index.folder is None:  # one of documents made by hand
            return
        try:
            self._watch = index.watch(self._note)
        except Exception:
            log.exception("the folder is not followed")

    def _note(self, _: Followed) -> None:
        self._changes += 1

    def _report(self, progress: Progress) -> None:
        self.progress = progress


def readable(folder: Path | None) -> frozenset[tuple[Path, int, int]]:
    """The files of a folder that may be readable, as they are now; none of none."""
    found = set()
    with suppress(OSError, FolderError):
        for path in documents.find(folder) if folder else ():
            stat = path.stat()
            found.add((path, stat.st_size, stat.st_mtime_ns))
    return frozenset(found)


def plainly(error: Exception) -> str:
    """An error as one line for the page; one that is not the user's goes to the log too."""
    if isinstance(error, QAError):
        return str(error)
    log.error("unexpected error", exc_info=error)
    return UNEXPECTED


def reported(work: Callable[[ProgressCallback], Result]) -> Iterator[Progress | Result]:
    """Run `work` in a thread; give its progress reports as they come, and its result last.

    Raises
    ------
    Exception
        Whatever the work raises.
    """
    reports: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
    results: list[Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work(reports.put))
        except Exception as error:
            errors.append(error)
        reports.put(None)

    threading.Thread(target=run, name="qa-work", daemon=True).start()
    yield from iter(reports.get, None)
    if errors:
        raise errors[0]
    yield results[0]
