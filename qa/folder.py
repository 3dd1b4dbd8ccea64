"""Find the readable files of a folder: hidden ones and those that .qaignore names are left out.

Knows names, not what is in the files, but for .qaignore itself.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from qa.errors import FolderError
from qa.formats.encoding import decode

IGNORE_FILE = ".qaignore"
IGNORE_BYTES = 1_000_000
"""A longer list of patterns is a mistake."""

_OWN_INDEX = "store.sqlite3"  # as `qa.directory` calls it: an index may lie inside its folder
_log = logging.getLogger(__name__)

Rules: TypeAlias = tuple[tuple[str, tuple[tuple[re.Pattern[str], bool], ...]], ...]
"""The .qaignore files that apply, outermost first: each one's folder, and its patterns in order
with whether they leave out (or, with an exclamation mark, bring back)."""


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
    root = folder.resolve()
    return sorted(path for path in _files(folder, tuple(suffixes)) if _belongs(path, root))


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


def _files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    rules: dict[Path, Rules] = {}
    for parent, folders, names in os.walk(folder, onerror=_not_opened):
        inherited = rules.pop(Path(parent), ())
        if _OWN_INDEX in names and parent != os.fspath(folder):
            folders.clear()
            continue
        applying = (*inherited, *_rules_of(Path(parent))) if IGNORE_FILE in names else inherited
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not _is_ignored(f"{parent}{os.sep}{name}/", applying)
        ]
        if applying:
            rules.update({Path(parent, name): applying for name in folders})
        for name in names:
            if _is_readable(name, suffixes) and not _is_ignored(
                f"{parent}{os.sep}{name}", applying
            ):
                yield Path(parent, name)


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


def _is_readable(name: str, suffixes: tuple[str, ...]) -> bool:
    return not name.startswith((".", "~$")) and name.lower().endswith(suffixes)


def _belongs(path: Path, root: Path) -> bool:
    if not path.is_symlink():
        return True
    return path.exists() and path.resolve().is_relative_to(root)


# --- .qaignore ---------------------------------------------------------------------------


def _is_ignored(path: str, rules: Rules) -> bool:
    """Whether the innermost .qaignore that has a say about the path says so, as git does.

    A folder's path ends in a slash. What is in an ignored folder is never asked about: git cannot
    bring it back either.
    """
    for folder, patterns in reversed(rules):
        inside = path[len(folder) + 1 :]
        for regex, ignored in reversed(patterns):
            if _is_about(regex, inside):
                return ignored
    return False


def _is_about(regex: re.Pattern[str], path: str) -> bool:
    """Whether a pattern means this path itself, not just a folder that it is in.

    pathspec's expressions match both, so that ``!build`` would bring back what lies in build and
    another pattern leaves out.
    """
    if not regex.pattern.startswith("^"):  # "*" and "*/": any name, any folder
        return (
            regex.search(path.rstrip("/").rpartition("/")[2] + "/" * path.endswith("/")) is not None
        )
    match = regex.match(path)
    if match is None:
        return False
    inside_only = regex.pattern.endswith("/")  # "folder/**"
    return (match.end() < len(path)) if inside_only else (match.end() == len(path))


def _rules_of(folder: Path) -> Rules:
    try:
        with (folder / IGNORE_FILE).open("rb") as file:
            data = file.read(IGNORE_BYTES + 1)
    except OSError as error:
        _warn(f"{str(folder / IGNORE_FILE)!r} is not obeyed: {error.strerror or error}")
        return ()
    text = decode(data)[0]
    if len(data) > IGNORE_BYTES or "\0" in text:
        _warn(f"{str(folder / IGNORE_FILE)!r} is not obeyed: it is not a list of patterns")
        return ()
    patterns = tuple(_compiled(text.splitlines(), folder / IGNORE_FILE))
    return ((os.fspath(folder), patterns),)


def _compiled(lines: Sequence[str], file: Path) -> Iterator[tuple[re.Pattern[str], bool]]:
    """The patterns of a .qaignore; a line that is none is left out with a warning."""
    from pathspec import GitIgnoreSpec

    for number, line in enumerate(lines, 1):
        try:
            (pattern,) = GitIgnoreSpec.from_lines([line], backend="simple").patterns or (None,)
        except Exception as error:  # whatever the pattern makes of itself
            _log.debug("%r is no pattern: %r", line, error)
            _warn(f"line {number} of {str(file)!r} is not obeyed: {line!r} is no pattern")
            continue
        regex, ignored = getattr(pattern, "regex", None), getattr(pattern, "include", None)
        if regex is not None and ignored is not None:  # else a comment
            yield regex, ignored


@lru_cache(maxsize=1000)  # a folder that is followed is looked through again and again
def _warn(message: str) -> None:
    _log.warning("%s", message)
