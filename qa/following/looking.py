"""The files of a folder as they are at one moment: all of them, or those at some places.

Knows their sizes and times, not what is in them, nor what of them is in the index.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from qa import documents
from qa import folder as folders
from qa.errors import FolderError
from qa.folder import InDoubt, Walk
from qa.folder.disks import identity
from qa.following.hearing import EVERYWHERE
from qa.preview import without_uploads
from qa.sync import by_id
from qa.uploads import PREFIX

MOST_PLACES = 2_000
"""More are not looked at one by one: of more the system may not have told."""

State: TypeAlias = tuple[int, int, int]  # size in bytes, time in ns, the file's number


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    Parameters
    ----------
    complete : bool
        Whether it is all the files there are; else those at some places.
    states : dict of str to (State or None)
        How they are, by document id; None of those that were known at these places and are gone.
    """

    complete: bool
    states: dict[str, State | None]

    def moved_since(self, before: Look, known: Mapping[str, State]) -> set[str]:
        """The files that came, went or changed since a look of the same kind.

        Parameters
        ----------
        known : mapping
            How the files were that the look before was not at.
        """
        if self.complete:
            same = self.states == before.states  # which is quick, and most often so
            return set() if same else {id for id, _ in before.states.items() ^ self.states.items()}
        was = {id: known.get(id) for id in self.states} | before.states
        return {id for id, state in was.items() if self.states.get(id) != state}


class Sight:
    """Looks at the files of a folder.

    Parameters
    ----------
    root : Path
        The folder.
    directory : Path
        The index's own, which may lie in it.
    """

    def __init__(self, root: Path, directory: Path) -> None:
        self._root = root
        self._directory = directory
        self._start = os.path.join(root, "")  # noqa: PTH118 - with the slash that a Path has not
        self._place: tuple[int, int] | None = None  # the folder that was looked at completely
        self._shared: set[str] = set()  # what changes without being named: see `_states`

    def everything(self) -> Look:
        """All the files there are.

        Raises
        ------
        FolderError
            When the folder is not there, or cannot be read.
        """
        self._place = identity(self._root)
        if self._place is None:
            raise FolderError(
                f"the folder {str(self._root)!r} is not there any more: is its disk mounted? "
                "The index keeps what it had"
            )
        folders.check(self._root)
        walk = documents.walk(self._root)
        paths = self._by_id(walk.everything())
        states, several = _states(paths)
        self._shared = several | self._links(walk)
        return Look(True, states)

    def some(self, places: Collection[str], known: Mapping[str, State]) -> Look:
        """The files at some places, and at those where others may have changed with them.

        It has them as a complete look would, if it is so elsewhere as it was at the last one.

        Parameters
        ----------
        places : collection of str
            As `qa.following.hearing` tells them.
        known : mapping
            All files that were there, by document id.

        Raises
        ------
        InDoubt
            When that cannot be told without a complete look.
        FolderError
            When the folder cannot be read.
        """
        at = {*places, *self._shared}
        if len(at) > MOST_PLACES or any(map(_is_doubtful, at)):
            raise InDoubt(f"{len(at)} places")
        walk = documents.walk(self._root)
        paths = self._by_id(walk.some(map(self.path, at)))
        states, several = _states(paths)
        self._shared |= self._links(walk)
        if self._place is None or identity(self._root) != self._place:
            raise InDoubt("it is another folder")
        if not several <= self._shared:
            raise InDoubt("files have other names too")
        gone: dict[str, State | None] = dict.fromkeys(_within(at, known))
        return Look(False, gone | states)

    def path(self, place: str) -> str:
        """Where a place is, if its name leaves no doubt."""
        return self._start + place.replace("/", os.sep)

    def _by_id(self, paths: Iterator[str]) -> dict[str, str]:
        return without_uploads(by_id(self._root, paths), self._directory)

    def _links(self, walk: Walk) -> set[str]:
        return set(by_id(self._root, walk.links))


def _states(paths: Mapping[str, str]) -> tuple[dict[str, State | None], set[str]]:
    """How files are, and which of them are others too: a change is told by one of the names."""
    states: dict[str, State | None] = {}
    several = set()
    numbers: Counter[int] = Counter()
    for id, path in paths.items():
        try:
            stat = os.stat(path)  # noqa: PTH116 - of 100,000, a Path would take long
        except OSError:
            continue  # it went just now
        states[id] = stat.st_size, stat.st_mtime_ns, stat.st_ino
        numbers[stat.st_ino] += 1
        if stat.st_nlink > 1:
            several.add(id)
    if len(numbers) < len(states):  # the same folder in two places
        several |= {id for id, state in states.items() if state and numbers[state[2]] > 1}
    return states, several


def _is_doubtful(place: str) -> bool:
    """Whether it is everywhere, or the id of a file there may not be its path alone."""
    return (
        place == EVERYWHERE
        or "\\" in place  # bytes that are no characters, or a name that looks so
        or "\ufffd" in place
        or f"{place}/".startswith(PREFIX)  # an upload makes way for it
    )


def _within(places: Collection[str], known: Mapping[str, State]) -> Iterator[str]:
    """The known files at places: those themselves, and those in them."""
    ordered = sorted(known)
    for place in places:
        if place in known:
            yield place
        inside = f"{place}/"
        first = bisect_left(ordered, inside)
        while first < len(ordered) and ordered[first].startswith(inside):
            yield ordered[first]
            first += 1
