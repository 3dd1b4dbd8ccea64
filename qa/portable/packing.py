"""An index into one file, whole or not at all: its store, its uploads and a manifest.

Search indexes are left out: they are made from the store in moments. Knows nothing of the folder
that was indexed, nor of how such a file is read again.
"""

from __future__ import annotations

import datetime
import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from qa.directory import STORE
from qa.errors import StoreError
from qa.portable import file_format
from qa.portable.checked_store import summary
from qa.portable.file_format import FORMAT, MANIFEST, Manifest, Part
from qa.portable.refusals import in_one_line
from qa.portable.unfinished import clear_abandoned, scratch_folder
from qa.store import soundness
from qa.store.database import DamagedStore
from qa.store.soundness import Step, no_step
from qa.uploads import UPLOADS

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time, and needs none here


def pack(
    directory: Path, file: Path, *, name: str = "", force: bool = False, step: Step = no_step
) -> Manifest:
    """Write an index into one file, whole or not at all.

    Others may use the index and write it meanwhile: this is one state of it, as far as it is read
    and embedded.

    Parameters
    ----------
    directory : Path
        Where the index lies.
    file : Path
        The file to make.
    name : str
        What it is the index of, for people; the folder's name.
    force : bool
        Whether to replace a file that is there.

    Raises
    ------
    StoreError
        When there is no index, it is damaged, the file is there, or the disk is full.
    """
    if not (directory / STORE).is_file():
        raise StoreError(f"there is no index in {str(directory)!r}: make one with `qa index`")
    if file.is_dir() or (file.exists() and not force):
        kind = "a folder" if file.is_dir() else "there already, and is replaced only with --force"
        raise StoreError(f"cannot export to {str(file)!r}: it is {kind}")
    with in_one_line("export to", file), scratch_folder(file.parent, f".{file.name}") as scratch:
        store = scratch / STORE
        with closing(soundness.opened(directory / STORE)) as database:
            # Not a copy of the file: what was deleted from the index is not in this.
            database.execute("VACUUM INTO ?", (str(store),))
        try:
            noted = summary(store, step)
        except DamagedStore as error:
            raise DamagedStore(f"{error}; `qa doctor --fix` mends the index") from error
        found = {STORE: store} | _uploads(directory)
        return _written(found, file, noted | {"name": name or directory.name}, step)


def _uploads(directory: Path) -> dict[str, Path]:
    folder = directory / UPLOADS
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {
        f"{UPLOADS}/{path.name}": path
        for path in found
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
    }


def _written(found: Mapping[str, Path], file: Path, noted: dict[str, Any], step: Step) -> Manifest:
    clear_abandoned(file.parent, f"{file.name}.")
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        manifest = _packed(found, part, noted, zipfile.ZIP_DEFLATED, step)
        if file_format.is_dense(manifest, part):  # `unpack` would refuse it
            manifest = _packed(found, part, noted, zipfile.ZIP_STORED, step)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _packed(
    found: Mapping[str, Path], file: Path, noted: dict[str, Any], compression: int, step: Step
) -> Manifest:
    with file.open("wb") as stream:
        with zipfile.ZipFile(stream, "w", compression, compresslevel=1) as packed:
            parts = []
            for member, (name, path) in zip(
                file_format.members(len(found)), found.items(), strict=True
            ):
                with path.open("rb") as source, _new(packed, member) as sink:
                    parts.append(Part(name, *file_format.copied(source, sink)))
                step("files", len(parts), len(found))
            made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            version = metadata.version("qa")
            manifest = Manifest(format=FORMAT, qa=version, made=made, parts=tuple(parts), **noted)
            told = asdict(manifest) | {"sha256": manifest.sha256}
            with _new(packed, MANIFEST) as sink:
                sink.write(json.dumps(told, indent=1).encode())
        stream.flush()
        os.fsync(stream.fileno())
    return manifest


def _new(packed: zipfile.ZipFile, name: str) -> IO[bytes]:
    member = zipfile.ZipInfo(name, _EARLIEST)
    member.compress_type = packed.compression
    return packed.open(member, "w", force_zip64=True)
