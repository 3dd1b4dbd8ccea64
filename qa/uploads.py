"""Files that a user gave to an index: copies in a folder of the index's own.

Their documents have ids that begin with the folder's name. Callers hold the index for writing.
"""

from __future__ import annotations

import errno
import itertools
import logging
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from qa import documents
from qa.errors import StoreError, UnreadableFile
from qa.sync import files_in

UPLOADS = "uploads"  # the folder
PREFIX = f"{UPLOADS}/"  # of their ids
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

log = logging.getLogger(__name__)


def uploaded(directory: Path, others: Mapping[str, object]) -> dict[str, Path]:
    """The uploaded files by document id.

    Where a file of the indexed folder has meanwhile taken an id, the upload gets another name.
    """
    folder = directory / UPLOADS
    if not folder.is_dir():
        return {}
    found = files_in(folder, PREFIX)
    for id in found.keys() & others.keys():
        name = _free_name(found[id].name, folder, others)
        log.warning("%r is a file of the indexed folder too: the uploaded one is now %r", id, name)
        found[f"{PREFIX}{name}"] = found.pop(id).rename(folder / name)
    return found


def keep(source: Path, directory: Path, taken: Collection[str]) -> str:
    """Copy a file in, under its own name or that name with a number; its document's id.

    Raises
    ------
    UnreadableFile
        When it is no file, may not be read, or is of a kind that cannot be read.
    StoreError
        When there is no room for it.
    """
    name = source.name.lstrip(".~$ ")  # hidden and temporary files are never read
    if Path(name).suffix.lower() not in documents.READABLE:
        looked_for = ", ".join(documents.READABLE)
        raise UnreadableFile(f"cannot read {source.name!r}: only {looked_for} can be read")
    if not source.is_file():
        raise UnreadableFile(f"cannot read {source.name!r}: there is no such file")
    folder = directory / UPLOADS
    part = folder / ".part"  # hidden until it is whole
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    try:
        shutil.copyfile(source, part)
        name = _free_name(name, folder, taken)
        part.rename(folder / name)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in _NO_ROOM:
            raise StoreError(f"cannot keep {source.name!r}: {error.strerror}") from error
        raise UnreadableFile(f"cannot read {source.name!r}: {error.strerror}") from error
    return f"{PREFIX}{name}"


def drop(document_id: str, directory: Path) -> None:
    """Delete an uploaded file.

    Raises
    ------
    ValueError
        When the id is not of an uploaded document.
    StoreError
        When the file cannot be deleted.
    """
    folder = directory / UPLOADS
    path = files_in(folder, PREFIX).get(document_id) if folder.is_dir() else None
    if path is None:
        raise ValueError(f"not an uploaded document: {document_id!r}")
    try:
        path.unlink()
    except OSError as error:
        raise StoreError(f"cannot delete {str(path)!r}: {error.strerror}") from error


def _free_name(name: str, folder: Path, taken: Collection[str]) -> str:
    stem, suffix = Path(name).stem, Path(name).suffix
    candidates = (f"{stem}-{number}{suffix}" for number in itertools.count(2))
    return next(
        candidate
        for candidate in itertools.chain([name], candidates)
        if not (folder / candidate).exists() and f"{PREFIX}{candidate}" not in taken
    )
