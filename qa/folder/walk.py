"""Find the readable files of a folder: hidden ones and those that .qaignore names are left out.

Knows names, not what is in the files. Goes by strings: a `Path` for each of 100,000 files would
take longer than all the rest.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from qa.errors import FolderError
from qa.folder.ignoring import IGNORE_FILE, Rules, is_ignored, rules_of

OWN_INDEX = "store.sqlite3"  # as `qa.directory` calls it: an index may lie inside its folder
_log = logging.getLogger(__name__)


def find(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files of a folder and the folders in it that end so, in order of their paths.

    Hidden files and folders are left out, links that lead outside the folder, what a .qaignore
    in git's syntax names, and indexes of ours.

    Parameters
    ----------
    suffixes : collection of str
        In lower case, each with its dot.

    Raises
    ------
    FolderError
        When there is no such folder, it is a file, or it may not be opened.
    """
    check(folder)
    return [Path(path) for path in Walk(folder, suffixes).everything()]


def check(folder: Path) -> None:
    """Look whether a folder can be opened, without going through it.

    Raises
    ------
    FolderError
        As for `find`.
    """
    if not folder.exists():
        raise FolderError(f"no folder '{folder}': check the spelling, or make it")
    if not folder.is_dir():
        raise FolderError(f"'{folder}' is a file, not a folder: name the folder that holds it")
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise FolderError(f"cannot open the folder '{folder}': {error.strerror}") from error


class InDoubt(Exception):
    """Whether a path is one of the files cannot be told without going through the whole folder."""


class Walk:
    """Goes through a folder once, or looks at some places in it, as it is just then.

    Parameters
    ----------
    folder : Path
    suffixes : collection of str
        As for `find`.

    Attributes
    ----------
    links : set of str
        The paths of links that were met, of readable names, wherever they lead.
    """

    def __init__(self, folder: Path, suffixes: Collection[str]) -> None:
        self.links: set[str] = set()
        self._top = os.fspath(folder)
        self._suffixes = tuple(suffixes)
        self._ways: dict[str, Rules | None] = {}

    def everything(self) -> Iterator[str]:
        """The paths of all files, in order of their parts.

        Raises
        ------
        FolderError
            When a disk or a connection failed.
        """
        return self._below(self._top, ())

    def some(self, paths: Iterable[str]) -> Iterator[str]:
        """Those of all files that are, or lie in, what these paths inside the folder name.

        Raises
        ------
        InDoubt
            When one of them may stand for another one too.
        FolderError
            As for `everything`.
        """
        for path in paths:
            yield from self._at(path)

    # All of it.

    def _below(self, folder: str, rules: Rules) -> Iterator[str]:
        levels = [self._level(folder, rules)]
        while levels:
            for path, inside in levels[-1]:
                if inside is not None:
                    levels.append(self._level(path, inside))
                    break
                yield path
            else:
                levels.pop()

    def _level(self, folder: str, inherited: Rules) -> Iterator[tuple[str, Rules | None]]:
        """What is in a folder: files, and folders with the rules that apply in them."""
        entries = _entries(folder)
        if folder != self._top and OWN_INDEX in entries and _is_file(folder, OWN_INDEX):
            return
        rules = inherited
        if IGNORE_FILE in entries and _is_file(folder, IGNORE_FILE):
            rules = (*inherited, *rules_of(folder))
        for name in sorted(entries):
            if name.startswith("."):
                continue
            entry = entries[name]
            if _is_folder(entry):
                if not (rules and is_ignored(f"{entry.path}/", rules)):
                    yield entry.path, rules
            elif self._is_wanted(name, entry.path, rules, entry.is_symlink()):
                yield entry.path, None

    def _is_wanted(self, name: str, path: str, rules: Rules, is_link: bool) -> bool:
        """Whether what is not a folder, nor hidden, is one of the files."""
        if name.startswith("~$") or not name.lower().endswith(self._suffixes):
            return False
        if rules and is_ignored(path, rules):
            return False
        return not is_link or self._leads_inside(path)

    def _leads_inside(self, link: str) -> bool:
        self.links.add(link)
        path = Path(link)
        if path.is_dir() or not path.exists():
            return False
        return path.resolve().is_relative_to(Path(self._top).resolve())

    # Some of it.

    def _at(self, path: str) -> Iterator[str]:
        parent, name = os.path.split(path)
        rules = self._way(parent)
        mode = 0 if rules is None or name.startswith(".") else _mode(path)
        if rules is None or not mode:
            return
        if _has_other_spelling(parent, name):
            raise InDoubt(path)
        if not stat.S_ISDIR(mode):
            if self._is_wanted(name, path, rules, stat.S_ISLNK(mode)):
                yield path
        elif not (rules and is_ignored(f"{path}/", rules)):
            yield from self._below(path, rules)

    def _way(self, folder: str) -> Rules | None:
        """The rules that apply in a folder; None where a walk does not come to it."""
        if folder not in self._ways:
            self._ways[folder] = self._way_to(folder)
        return self._ways[folder]

    def _way_to(self, folder: str) -> Rules | None:
        inherited = () if folder == self._top else self._way_into(folder)
        if inherited is None or not os.access(folder, os.R_OK):
            return None
        return (*inherited, *rules_of(folder)) if _is_file(folder, IGNORE_FILE) else inherited

    def _way_into(self, folder: str) -> Rules | None:
        parent, name = os.path.split(folder)
        inherited = self._way(parent)
        if inherited is None or name.startswith("."):
            return None
        mode = _mode(folder)
        if stat.S_ISLNK(mode):  # the system may tell by this name of what is behind it
            raise InDoubt(folder)
        left_out = is_ignored(f"{folder}/", inherited) or _is_file(folder, OWN_INDEX)
        return inherited if stat.S_ISDIR(mode) and not left_out else None


def _entries(folder: str) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry in entries}
    except OSError as error:
        _not_opened(error)
        return {}


def _not_opened(error: OSError) -> None:
    """Raise FolderError where a disk or a connection failed: nothing may look as if it were gone.

    A folder that may not be opened, or went just now, is left out.
    """
    if error.errno in (errno.EACCES, errno.EPERM):
        _log.warning("cannot open the folder '%s': %s; left out", error.filename, error.strerror)
    elif error.errno not in (errno.ENOENT, errno.ENOTDIR):
        raise FolderError(
            f"cannot open the folder '{error.filename}': {error.strerror}; try again"
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is one itself, not a link to one: those are not followed."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_file(folder: str, name: str) -> bool:
    """Whether there is such a thing that is not a folder, be it a link that leads nowhere."""
    path = Path(folder, name)
    return os.path.lexists(path) and not path.is_dir()


def _mode(path: str) -> int:
    """What kind of thing it is; 0 for none. Raises FolderError as `_not_opened` does."""
    try:
        return os.lstat(path).st_mode
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM):
            _not_opened(error)
        return 0


def _has_other_spelling(folder: str, name: str) -> bool:
    """Whether the disk takes capital and small letters for the same, and may mean another name."""
    path = Path(folder, name)
    other = path.with_name(name.swapcase())
    try:
        return other != path and os.path.samestat(other.lstat(), path.lstat())
    except OSError:
        return False
