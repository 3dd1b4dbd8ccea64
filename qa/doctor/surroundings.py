"""What an index stands on: its directory, the disk, the models in the cache, what lies about."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from qa.cache import cache_directory, check_sum
from qa.directory import DAMAGED, STORE
from qa.doctor.finding import Finding, together
from qa.onnx_model import ExportedModel
from qa.portable import is_abandoned

LEAST_FREE_BYTES = 100 << 20

_EXPECTED = "free some space there, or move the index with --index"


def disk_findings(directory: Path) -> Iterator[Finding]:
    """What is wrong with the directory itself: its permissions and the room in it."""
    if not os.access(directory, os.R_OK | os.X_OK):
        mends = "change its permissions, or name another with --index"
        yield Finding("directory", f"{str(directory)!r} may not be read", "nothing works", mends)
        return
    refused = [path.name for path in _own_files(directory) if not os.access(path, os.R_OK)]
    if refused:
        mends = "change their permissions"
        yield Finding("directory", f"{together(refused)} may not be read", "nothing works", mends)
    written = [directory, *_own_files(directory)]
    if refused := [path.name for path in written if not os.access(path, os.W_OK)]:
        means = "questions are answered at best; nothing new is indexed"
        mends = "change the permissions, or name another place with --index"
        yield Finding("directory", f"{together(refused)} may not be written", means, mends)
    if directory.stat().st_mode & stat.S_IWOTH:
        means = "anybody on this machine can change what is answered"
        what, mends = f"{str(directory)!r} may be written by everybody", "chmod o-w"
        yield Finding("directory", what, means, mends, harmless=True)
    free, needed = shutil.disk_usage(directory).free, _size_of_store(directory)
    if free < max(LEAST_FREE_BYTES, needed):
        means = "the next change may not fit; what there is stays whole"
        what = f"{free >> 20:,} MB are free where the index lies"
        yield Finding("directory", what, means, _EXPECTED, harmless=True)


def _own_files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.is_file())


def _size_of_store(directory: Path) -> int:
    store = directory / STORE
    return store.stat().st_size if store.is_file() else 0


def abandoned(directory: Path) -> list[Path]:
    """What a killed process, or the mending of damage, left in an index's directory."""
    aside = directory.glob(f"{DAMAGED}*")
    parts = (path for path in directory.glob("*.part") if is_abandoned(path))
    return sorted([*aside, *parts])


def damaged_models() -> list[Path]:
    """Exported and prepared models in the cache that are not as they were written."""
    folder = cache_directory() / "models"
    exported = (path.parent for path in folder.glob("*-v*/model.json"))
    prepared = (path for path in folder.glob("*.onnx") if path.with_suffix(".crc").exists())
    return sorted(
        [
            *(path for path in exported if not _is_sound_export(path)),
            *(path for path in prepared if not _is_sound_graph(path)),
        ]
    )


def _is_sound_export(folder: Path) -> bool:
    try:
        sums = ExportedModel.read(folder).check_sums
        return all(check_sum(folder / name) == expected for name, expected in sums.items())
    except (TypeError, KeyError):  # of an earlier version, which knew other things: not used
        return True
    except (OSError, ValueError, AttributeError):
        return False


def _is_sound_graph(path: Path) -> bool:
    try:
        return path.with_suffix(".crc").read_text("ascii") == str(check_sum(path))
    except (OSError, ValueError):
        return False


def delete(path: Path) -> None:
    """Delete a file or a folder, if that can be done."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
