"""Work that is not finished: the folder it is done in, and what of it was abandoned.

Knows nothing of what is worked at; all of it is called ``*.part``.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ABANDONED_SECONDS = 3_600.0


@contextlib.contextmanager
def scratch_folder(directory: Path, purpose: str) -> Iterator[Path]:
    """A folder to work in, inside another; clears away what killed processes left there."""
    clear_abandoned(directory, f"{purpose}-")
    with tempfile.TemporaryDirectory(
        prefix=f"{purpose}-", suffix=".part", dir=directory, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def clear_abandoned(directory: Path, begin: str) -> None:
    """Delete what so begins and has lain there for long; at the rest somebody may be working."""
    for path in directory.glob(f"{_escaped(begin)}*.part"):
        if not is_abandoned(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "[]*?" else letter for letter in name)


def is_abandoned(path: Path) -> bool:
    """Whether something unfinished has not been touched for so long that nobody will end it."""
    try:
        return abs(time.time() - path.stat().st_mtime) > ABANDONED_SECONDS
    except OSError:
        return False
