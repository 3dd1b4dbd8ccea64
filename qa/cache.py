"""What qa keeps and can make again: where, written whole, and checked for damage.

It lies in one directory of the user's, or in ``QA_CACHE_DIR``.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import platformdirs

_CHUNK_BYTES = 1 << 20


def cache_directory() -> Path:
    """The directory for indexes and exported models; it need not exist yet."""
    override = os.environ.get("QA_CACHE_DIR")
    return Path(override).expanduser() if override else platformdirs.user_cache_path("qa")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: readers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_sum(path: Path) -> int:
    """CRC-32 of a file."""
    total = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            total = zlib.crc32(chunk, total)
    return total
