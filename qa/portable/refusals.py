"""Why a file is not exported or imported: damage, and errors of the disk, each in one line.

Knows nothing of what is in the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from qa.errors import StoreError


def refused(file: Path, why: str) -> StoreError:
    """The error to raise for a file that is not imported."""
    return StoreError(f"cannot import {str(file)!r}: {why}")


def first_line(error: Exception) -> str:
    """What a foreign exception says, as far as it fits into a message of one line."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


@contextlib.contextmanager
def in_one_line(doing: str, file: Path) -> Iterator[None]:
    """Turn the operating system's errors into one line."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {doing} {str(file)!r}: {error.strerror or error}") from error
