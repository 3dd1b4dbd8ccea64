"""Follow a folder: what is written there is in the index a moment after it is whole.

Knows when to look and when to wait, and what to do when the folder, the disk or another process is
in the way. What is done with the files that are ready is `qa.sync`'s business.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qa import preview
from qa.disks import has_no_events, identity
from qa.documents import READABLE
from qa.errors import FolderError, QAError
from qa.ignoring import IGNORE_FILE
from qa.keeping import Keeper
from qa.progress import Progress
from qa.sync import Changes

if TYPE_CHECKING:
    from watchfiles.main import FileChange

QUIET_SECONDS = 0.6  # a file whose size and time have been still for so long is whole
BURST_SECONDS = 10.0  # so long new files are waited for, so that one synchronisation takes them all
GROWING_SECONDS = 60.0  # a file that never stops growing is read so often, whole or not
HEARTBEAT_SECONDS = 0.5  # between two looks at whether to stop, and whether the folder is there
POLL_SECONDS = 1.0  # between two looks at the files where the system does not tell of changes
UNHEARD_SECONDS = 60.0  # the same where it does: some change may have gone unheard
BUSY_SECONDS = 2.0  # for another process that is writing the index
LATER_SECONDS = (1.0, 60.0)  # after an error: first, and at most
LOOK_SHARE = 0.1  # of the time, at most, that goes into looking when nothing is heard

State = tuple[int, int, int]  # size in bytes, time in ns, the file's number
Look = dict[str, State]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Followed:
    """Something to tell of a folder that is followed.

    Parameters
    ----------
    changes : Changes
        What was done; nothing when there is trouble.
    trouble : str
        What is in the way, in one line; it is tried again. "" when things go on.
    """

    changes: Changes = field(default_factory=Changes)
    trouble: str = ""


class Watch:
    """Keeps an index in step with its folder from now on, in a thread of its own, until `stop`.

    Use as a context manager, or call `stop`; closing the index stops it too.

    Parameters
    ----------
    keeper : Keeper
    report : callable
        Told what was done, and once of each trouble, from that thread.

    Attributes
    ----------
    trouble : str
        What is in the way now, else "".
    """

    def __init__(self, keeper: Keeper, report: Callable[[Followed], None]) -> None:
        self._keeper = keeper
        self._report = report
        self._root = keeper.root
        self._directory = keeper.live.place.path
        self._polls = has_no_events(self._root)
        self._done: Look | None = None  # the files as they are in the index
        self._growing: dict[str, float] = {}  # files that are being written, and since when
        self._later = LATER_SECONDS[0]
        self._stopping = threading.Event()
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="qa-watching")
        self._thread.start()

    @property
    def active(self) -> bool:
        """Whether it still follows."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Follow no longer; what is being read is finished first."""
        self._stopping.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def is_set(self) -> bool:
        """Whether to end: stopped, the index closed, or the program ending without either."""
        stopping = self._stopping.is_set() or self._keeper.live.closed
        return stopping or not threading.main_thread().is_alive()

    # When to look.

    def _run(self) -> None:
        due = 0.0
        for heard in self._moments():
            ready = not self._keeper.reading_meanwhile and (not self.trouble or _now() >= due)
            if ready and (heard or _now() >= due):
                due = _now() + self._look_after_it()
            elif heard:
                due = min(due, _now() + self._later)

    def _moments(self) -> Iterator[bool]:
        """Every now and then, and at once when the system tells of a change: whether it does."""
        while not self.is_set():
            place = identity(self._root)
            if self._polls or place is None:
                self._stopping.wait(HEARTBEAT_SECONDS)
                yield False
                continue
            try:
                for events in self._events():
                    yield any(self._matters(Path(path)) for _, path in events)
                    if identity(self._root) != place:  # another disk, another folder: not heard of
                        break
            except (OSError, RuntimeError) as error:  # the latter: watchfiles' own
                if identity(self._root) == place:
                    log.info("no events of %s (%s): looking every now and then", self._root, error)
                    self._polls = True
            yield True

    def _events(self) -> Iterator[set[FileChange]]:
        from watchfiles import watch  # not at the top: only who follows a folder waits for it

        yield from watch(
            self._root,
            watch_filter=None,
            debounce=200,
            rust_timeout=round(HEARTBEAT_SECONDS * 1000),
            yield_on_timeout=True,
            stop_event=self,
            raise_interrupt=False,
            force_polling=False,
            ignore_permission_denied=True,
        )

    def _matters(self, path: Path) -> bool:
        """Whether a change of this path can be one of the documents; a folder's may be."""
        if path.is_relative_to(self._directory) or not path.is_relative_to(self._root):
            return False
        parts = path.relative_to(self._root).parts
        if parts and parts[-1] == IGNORE_FILE:
            parts = parts[:-1]
        elif path.suffix.lower() not in READABLE and path.is_file():
            return False
        return not any(part.startswith((".", "~$")) for part in parts)

    # What to do then.

    def _look_after_it(self) -> float:
        """Bring the index in step; after how many seconds to look again, if nothing is heard."""
        began = _now()
        try:
            changes = self._take_what_is_whole()
            self._tell(Followed(changes))
        except _Ended:
            return 0.0
        except Exception as error:
            if self.is_set():
                return 0.0
            return self._put_off(error)
        self._later = LATER_SECONDS[0]
        if self._growing:
            return QUIET_SECONDS
        often = POLL_SECONDS if self._polls else UNHEARD_SECONDS
        return max(often, (_now() - began) / LOOK_SHARE)

    def _tell(self, followed: Followed) -> None:
        over = self.trouble and not followed.trouble
        self.trouble = followed.trouble
        if over or followed != Followed():
            try:
                self._report(followed)
            except Exception:
                log.exception("what was told of %s", self._root)

    def _put_off(self, error: Exception) -> float:
        """Say once what is in the way; after how many seconds to try again."""
        known = isinstance(error, QAError)
        said = str(error) if known else f"{type(error).__name__}: {error}"
        if said != self.trouble:
            log.warning("%s (tried again)", said, exc_info=None if known else error)
            self._tell(Followed(trouble=said))
        if isinstance(error, FolderError):  # looking whether it is back costs nothing
            return LATER_SECONDS[0]
        later, self._later = self._later, min(2 * self._later, LATER_SECONDS[1])
        return later

    def _take_what_is_whole(self) -> Changes:
        look, leave = self._settled()
        whole = {id: state for id, state in look.items() if id not in leave}
        done = {id: state for id, state in (self._done or {}).items() if id not in leave}
        if self._done is not None and whole == done:
            return Changes()
        changes = self._keeper.sync(
            self._ended_here,
            False,
            leave=lambda files: leave | self._unseen(files, look),
            seconds=BUSY_SECONDS,
        )
        self._done = whole
        return changes

    def _ended_here(self, _: Progress) -> None:
        if self.is_set():
            raise _Ended

    def _unseen(self, files: Mapping[str, str], look: Look) -> set[str]:
        """The files that came or went since a look."""
        return preview.without_uploads(files, self._directory).keys() ^ look.keys()

    # What is whole.

    def _settled(self) -> tuple[Look, set[str]]:
        """The files there are when no more come, and those of them that are still being written.

        What was being written the last time already is not waited for.
        """
        end = _now() + BURST_SECONDS
        before, seconds = self._timed_look()
        while True:
            if self._stopping.wait(max(QUIET_SECONDS, 4 * seconds)) or self.is_set():
                raise _Ended
            after, seconds = self._timed_look()
            moving = {id for id, _ in before.items() ^ after.items()}
            if moving <= self._growing.keys() or _now() > end:
                return after, self._left(after, moving)
            before = after

    def _left(self, look: Look, moving: set[str]) -> set[str]:
        """The files to leave for later: those that move, unless they have done so for long."""
        if self._done is not None:  # an empty one is most often about to be written
            empty = {id for id, (size, *_) in look.items() if not size}
            moving = moving | {id for id in empty if self._done.get(id) != look[id]}
        since = {id: self._growing.get(id, _now()) for id in moving}
        left = {id: then for id, then in since.items() if _now() - then < GROWING_SECONDS}
        self._growing = left
        return set(left)

    def _timed_look(self) -> tuple[Look, float]:
        began = _now()
        return self._look(), _now() - began

    def _look(self) -> Look:
        if identity(self._root) is None:
            raise FolderError(
                f"the folder {str(self._root)!r} is not there any more: is its disk mounted? "
                "The index keeps what it had"
            )
        found: Look = {}
        for id, path in preview.paths_of_folder(self._root, self._directory).items():
            try:
                stat = os.stat(path)  # noqa: PTH116 - a Path takes longer than the look
            except OSError:
                continue  # it went just now
            found[id] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        return found


class _Ended(Exception):
    """It was stopped."""


def _now() -> float:
    return time.monotonic()
