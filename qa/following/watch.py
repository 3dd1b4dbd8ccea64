"""Follow a folder: what is written there is in the index a moment after it is whole.

Knows when to look and when to wait, and what to do when the folder, the disk or another process is
in the way. What is done with the files that are ready is `qa.sync`'s business.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from qa import preview
from qa.errors import FolderError, QAError
from qa.folder import InDoubt
from qa.following.hearing import EVERYWHERE, Hearing
from qa.following.looking import Look, Sight, State
from qa.keeping import Keeper
from qa.progress import Progress
from qa.sync import Changes

QUIET_SECONDS = 0.6  # a file whose size and time have been still for so long is whole
BURST_SECONDS = 10.0  # so long new files are waited for, so that one synchronisation takes them all
GROWING_SECONDS = 60.0  # a file that never stops growing is read so often, whole or not
POLL_SECONDS = 1.0  # between two looks at the files where the system does not tell of changes
UNHEARD_SECONDS = 60.0  # the same where it does: some change may have gone unheard
BUSY_SECONDS = 2.0  # for another process that is writing the index
LATER_SECONDS = (1.0, 60.0)  # after an error: first, and at most
LOOK_SHARE = 0.1  # of the time, at most, that goes into looking when nothing is heard

Value = TypeVar("Value")
_UNKNOWN: State = (-1, -1, -1)  # how a file is in the index that was left for later

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
        self._sight = Sight(self._root, self._directory)
        self._places = {EVERYWHERE}  # where to look
        self._overdue = 0.0  # when to look everywhere, whatever was heard
        self._done: dict[str, State] | None = None  # the files as they are in the index
        self._growing: dict[str, float] = {}  # files that are being written, and since when
        self._later = LATER_SECONDS[0]
        self._stopping = threading.Event()
        self._hearing = Hearing(self._root, self._directory, self.is_set, self._stopping.wait)
        self._moments = self._hearing.moments()
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
        for heard in self._moments:
            self._places |= heard
            ready = not self._keeper.reading_meanwhile and (not self.trouble or _now() >= due)
            if ready and (heard or _now() >= due):
                due = _now() + self._look_after_it()
            elif heard:
                due = min(due, _now() + self._later)

    def _hear(self, seconds: float) -> None:
        """Listen for some time, or a little longer."""
        end = _now() + seconds
        while _now() < end:
            self._places |= next(self._moments, set())
            if self.is_set():
                raise _Ended

    # What to do then.

    def _look_after_it(self) -> float:
        """Bring the index in step; after how many seconds to look again, if nothing is heard."""
        if self._hearing.deaf or _now() >= self._overdue:
            self._places = {EVERYWHERE}
        try:
            self._tell(Followed(self._take_what_is_whole()))
        except _Ended:
            return 0.0
        except Exception as error:
            self._places = {EVERYWHERE}
            return 0.0 if self.is_set() else self._put_off(error)
        self._places = set()
        self._later = LATER_SECONDS[0]
        return QUIET_SECONDS if self._growing else max(0.0, self._overdue - _now())

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
        began = _now()
        look, leave = self._settled()
        if not look.complete:
            try:
                return self._take_some(look, leave)
            except InDoubt as doubt:
                log.debug("looking everywhere: %s", doubt)
                self._places = {EVERYWHERE}
                look, leave = self._settled()
        changes = self._take_all(look, leave)
        often = POLL_SECONDS if self._hearing.deaf else UNHEARD_SECONDS
        self._overdue = _now() + max(often, (_now() - began) / LOOK_SHARE)
        return changes

    def _take_all(self, look: Look, leave: set[str]) -> Changes:
        changes, done = Changes(), self._done or {}
        whole = {id: state for id, state in look.states.items() if state and id not in leave}
        if self._done is None or whole != _without(leave, done):
            changes = self._keeper.sync(
                self._ended_here,
                False,
                leave=lambda files: leave | self._unseen(files, look),
                seconds=BUSY_SECONDS,
            )
        self._done = whole | {id: done.get(id, _UNKNOWN) for id in leave}
        return changes

    def _take_some(self, look: Look, leave: set[str]) -> Changes:
        """The same at some places. Raises InDoubt where it cannot be done for these alone."""
        changes, done = Changes(), self._done or {}
        seen = _without(leave, look.states)
        changed = {id for id, state in seen.items() if state != done.get(id)}
        here = {id for id in changed if look.states[id]}
        if not here and not done.keys() - changed:
            raise InDoubt("no file would be left")  # which is for the keeper to judge
        if changed:
            changes = self._keeper.sync(
                self._ended_here,
                False,
                leave=lambda files: leave | (files.keys() ^ here),
                seconds=BUSY_SECONDS,
                files=lambda: self._files_of(changed),
                among=changed,
            )
        for id, state in look.states.items():
            if id in leave:
                done.setdefault(id, _UNKNOWN)
            elif state:
                done[id] = state
            else:
                done.pop(id, None)
        return changes

    def _files_of(self, ids: set[str]) -> dict[str, str]:
        """Those of some files that are there now."""
        look = self._sight.some(ids, {})
        here = sorted(ids & look.states.keys(), key=lambda id: id.split("/"))  # as all of them come
        return {id: self._sight.path(id) for id in here}

    def _ended_here(self, progress: Progress) -> None:
        if self.is_set() and progress.stage == "reading":  # later it is done, and can be told
            raise _Ended

    def _unseen(self, files: Mapping[str, str], look: Look) -> set[str]:
        """The files that came or went since a look."""
        return preview.without_uploads(files, self._directory).keys() ^ look.states.keys()

    # What is whole.

    def _settled(self) -> tuple[Look, set[str]]:
        """The files there are when no more come, and those of them that are still being written.

        What was being written the last time already is not waited for.
        """
        end = _now() + BURST_SECONDS
        before, seconds = self._timed_look()
        while True:
            self._hear(max(QUIET_SECONDS, 4 * seconds))
            after, seconds = self._timed_look()
            if before.complete == after.complete:
                moving = after.moved_since(before, self._done or {})
                if moving <= self._growing.keys() or _now() > end:
                    return after, self._left(after, moving)
            before = after

    def _left(self, look: Look, moving: set[str]) -> set[str]:
        """The files to leave for later: those that move, unless they have done so for long."""
        if self._done is not None:  # an empty one is most often about to be written
            empty = {id: state for id, state in look.states.items() if state and not state[0]}
            moving = moving | {id for id, state in empty.items() if self._done.get(id) != state}
        since = {id: self._growing.get(id, _now()) for id in moving}
        left = {id: then for id, then in since.items() if _now() - then < GROWING_SECONDS}
        self._growing = left
        return set(left)

    def _timed_look(self) -> tuple[Look, float]:
        began = _now()
        return self._look(), _now() - began

    def _look(self) -> Look:
        """Look at the places that were told of, or everywhere."""
        if self._done is not None and EVERYWHERE not in self._places:
            try:
                return self._sight.some(self._places | self._growing.keys(), self._done)
            except InDoubt as doubt:
                log.debug("looking everywhere: %s", doubt)
                self._places = {EVERYWHERE}
        return self._sight.everything()


class _Ended(Exception):
    """It was stopped."""


def _now() -> float:
    return time.monotonic()


def _without(ids: set[str], states: Mapping[str, Value]) -> dict[str, Value]:
    return {id: state for id, state in states.items() if id not in ids}
