"""What the system tells of changes in a folder: where to look.

Knows names only: whether and when to look there is `qa.following.watch`'s business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qa.documents import READABLE
from qa.folder import OWN_INDEX
from qa.folder.disks import has_no_events, identity
from qa.folder.ignoring import IGNORE_FILE

if TYPE_CHECKING:
    from watchfiles.main import FileChange

HEARTBEAT_SECONDS = 0.3  # between two looks at whether to stop, and whether the folder is there
EVERYWHERE = ""  # the place that is the folder itself

log = logging.getLogger(__name__)


class Hearing:
    """Listens to what the system tells of a folder.

    Parameters
    ----------
    root : Path
        The folder.
    directory : Path
        The index's own, of which nothing is told.
    ended : callable
        Whether to end.
    pause : callable
        Waits for so many seconds, or until it is to end.

    Attributes
    ----------
    deaf : bool
        Whether the system does not tell of all changes there.
    """

    def __init__(
        self,
        root: Path,
        directory: Path,
        ended: Callable[[], bool],
        pause: Callable[[float], object],
    ) -> None:
        self.deaf = has_no_events(root)
        self._root = root
        self._directory = directory
        self._ended = ended
        self._pause = pause

    def is_set(self) -> bool:
        """Whether to end, for watchfiles."""
        return self._ended()

    def moments(self) -> Iterator[set[str]]:
        """Every now and then, and at once when the system tells of a change: where to look.

        A place is a path in the folder, ``/`` between its parts, of a file or of a folder with all
        that is in it; EVERYWHERE where it is not known which.
        """
        while not self._ended():
            place = identity(self._root)
            if self.deaf or place is None:
                self._pause(HEARTBEAT_SECONDS)
                yield set()
                continue
            try:
                for events in self._events():
                    yield self._places(events)
                    if identity(self._root) != place:  # another disk, another folder: not heard of
                        break
            except (OSError, RuntimeError) as error:  # the latter: watchfiles' own
                if identity(self._root) == place:
                    log.info("no events of %s (%s): looking every now and then", self._root, error)
                    self.deaf = True
            yield {EVERYWHERE}

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

    def _places(self, events: set[FileChange]) -> set[str]:
        found = (place_of(Path(path), self._root, self._directory) for _, path in events)
        return {place for place in found if place is not None}


def place_of(path: Path, root: Path, directory: Path) -> str | None:
    """Where to look after a change of this path; None where it can be none of the documents.

    A .qaignore, or an index that comes or goes, is about the folder that it lies in.
    """
    if path.is_relative_to(directory) or not path.is_relative_to(root):
        return None
    parts = path.relative_to(root).parts
    if parts and parts[-1] in (IGNORE_FILE, OWN_INDEX):
        parts = parts[:-1]
    elif path.suffix.lower() not in READABLE and path.is_file():
        return None
    if any(part.startswith(".") for part in parts):
        return None
    return "/".join(parts)
