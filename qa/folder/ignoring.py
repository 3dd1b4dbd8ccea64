"""Which files a folder's .qaignore leaves out, in git's syntax."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from qa.formats.encoding import decode

IGNORE_FILE = ".qaignore"
IGNORE_BYTES = 1_000_000
"""A longer list of patterns is a mistake."""

_log = logging.getLogger(__name__)

Rules: TypeAlias = tuple[tuple[int, tuple[tuple[re.Pattern[str], bool], ...]], ...]
"""The .qaignore files that apply, outermost first: how many characters of a path are its folder,
and its patterns in order with whether they leave out (or, with an exclamation mark, bring back)."""


def is_ignored(path: str, rules: Rules) -> bool:
    """Whether the innermost .qaignore that has a say about the path says so, as git does.

    A folder's path ends in a slash. What is in an ignored folder is never asked about: git cannot
    bring it back either.
    """
    for start, patterns in reversed(rules):
        inside = path[start:]
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


def rules_of(folder: str) -> Rules:
    """What the .qaignore in a folder says; nothing, with a warning, where it cannot be obeyed."""
    path = Path(folder, IGNORE_FILE)
    try:
        with path.open("rb") as file:
            data = file.read(IGNORE_BYTES + 1)
    except OSError as error:
        _warn(f"{str(path)!r} is not obeyed: {error.strerror or error}")
        return ()
    text = decode(data)[0]
    if len(data) > IGNORE_BYTES or "\0" in text:
        _warn(f"{str(path)!r} is not obeyed: it is not a list of patterns")
        return ()
    patterns = tuple(_compiled(text.splitlines(), path))
    return ((len(folder) + (not folder.endswith(os.sep)), patterns),)


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
