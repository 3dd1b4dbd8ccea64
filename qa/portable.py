"""An index as one file, to be moved to another machine: packed, and unpacked where it is whole.

The file is a zip of a snapshot of the store, the uploads, and a manifest with the sha256 of each
and, over all that the manifest says, of the whole. Search indexes are left out: they are made from
the store in moments. Whatever is unpacked is held against the manifest first, then against the
store's own check sums; only then is anything replaced.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from qa import derived, exported
from qa.cache import cache_directory
from qa.directory import STORE, IndexDirectory
from qa.errors import StoreError
from qa.exported import FORMAT, MANIFEST, Manifest, Part
from qa.store import Store, soundness
from qa.store.database import DamagedStore, Database
from qa.store.soundness import Step, no_step
from qa.uploads import UPLOADS

SUFFIX = ".qa"
ABANDONED_SECONDS = 3_600.0

_CHUNK_BYTES = 1 << 20
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time, and needs none here


# Packing.


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
    with _told("export to", file), _scratch(file.parent, f".{file.name}") as scratch:
        store = scratch / STORE
        with closing(soundness.opened(directory / STORE)) as database:
            # Not a copy of the file: what was deleted from the index is not in this.
            database.execute("VACUUM INTO ?", (str(store),))
        try:
            noted = _checked(store, step)
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
    _clear(file.parent.glob(f"{_escaped(file.name)}.*.part"))
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        manifest = _packed(found, part, noted, zipfile.ZIP_DEFLATED, step)
        if exported.is_dense(manifest, part):  # `unpack` would refuse it
            manifest = _packed(found, part, noted, zipfile.ZIP_STORED, step)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "[]*?" else letter for letter in name)


def _packed(
    found: Mapping[str, Path], file: Path, noted: dict[str, Any], compression: int, step: Step
) -> Manifest:
    with file.open("wb") as stream:
        with zipfile.ZipFile(stream, "w", compression, compresslevel=1) as packed:
            parts = []
            for member, (name, path) in zip(
                exported.members(len(found)), found.items(), strict=True
            ):
                with path.open("rb") as source, _new(packed, member) as sink:
                    parts.append(Part(name, *_copied(source, sink)))
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


def _copied(source: IO[bytes], sink: IO[bytes], most: int | None = None) -> tuple[int, str]:
    """Copy everything, `most` bytes and one at most; how many, and their sha256."""
    total, digest = 0, hashlib.sha256()
    while chunk := source.read(_CHUNK_BYTES):
        total += len(chunk)
        if most is not None and total > most:
            break
        digest.update(chunk)
        sink.write(chunk)
    return total, digest.hexdigest()


# Unpacking.


def unpack(file: Path, directory: Path, *, force: bool = False, step: Step = no_step) -> Manifest:
    """Make an index of an exported file.

    Killed at any moment, there is the index that was there before, the new one, or none.

    Parameters
    ----------
    file : Path
    directory : Path
        Where the index is to lie.
    force : bool
        Whether to replace an index that is there.

    Raises
    ------
    StoreError
        When the file is damaged or no exported index, is of a newer version, would need more room
        than there is, or when there is an index already.
    IndexBusy
        When another process is writing the index that is there.
    """
    with _told("import", file), exported.opened(file) as packed:
        manifest = exported.manifest_of(packed, file)
        _check_room(manifest, file, directory)
        place = IndexDirectory(directory)
        with place.writing(), _scratch(directory, "import") as scratch:
            if not force and _is_index(directory):
                raise StoreError(
                    f"there is an index in {str(directory)!r} already: --force replaces it"
                )
            _extract(packed, manifest, scratch, file, step)
            _prepare(scratch / STORE, manifest, file, step)
            _install(scratch, place)
        return manifest


def _is_index(directory: Path) -> bool:
    """Whether there is something that is not to be replaced unasked."""
    if not (directory / STORE).exists():
        return (directory / UPLOADS).is_dir() and any((directory / UPLOADS).iterdir())
    try:
        with closing(Store(directory / STORE, create=False)) as store:
            return store.counts()[0] > 0
    except StoreError:  # damaged, or of a newer version
        return True


def _check_room(manifest: Manifest, file: Path, directory: Path) -> None:
    size = sum(part.bytes for part in manifest.parts)
    if exported.is_dense(manifest, file):
        raise exported.refused(
            file, f"it would unpack to {size >> 20:,} MB, far more than an index does"
        )
    needed = size + 2 * manifest.parts[0].bytes  # the store is copied, by way of SQLite's log
    there = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        room = f"{needed >> 20:,} MB are needed in {str(directory)!r}, {free >> 20:,} MB are free"
        raise StoreError(f"the disk is too full to import {str(file)!r}: {room}")


def _extract(
    packed: zipfile.ZipFile, manifest: Manifest, scratch: Path, file: Path, step: Step
) -> None:
    (scratch / UPLOADS).mkdir()
    parts = manifest.parts
    for number, (member, part) in enumerate(
        zip(exported.members(len(parts)), parts, strict=True), 1
    ):
        with (scratch / part.name).open("xb") as sink:
            try:
                with packed.open(member) as source:
                    found = _copied(source, sink, most=part.bytes)
            except OSError:
                raise
            except Exception as error:  # whatever damage makes of it
                raise _damaged(file, part, error) from error
            sink.flush()
            os.fsync(sink.fileno())
        if found != (part.bytes, part.sha256):
            raise _damaged(file, part, None)
        step("files", number, len(parts))


def _damaged(file: Path, part: Part, error: Exception | None) -> StoreError:
    detail = f" ({exported.first_line(error)})" if error else ""
    return exported.refused(file, f"{part.name!r} in it is damaged{detail}")


def _prepare(store: Path, manifest: Manifest, file: Path, step: Step) -> None:
    """Make sure that it is a store, and name its state anew.

    The search indexes of a state are known by its name, and this one may have gone on elsewhere,
    in another way, from where it was exported.
    """
    try:
        Store(store, create=False).close()  # brings it forward from an earlier version
        noted = _checked(store, step)
        with closing(Database(store, create=False)) as database:
            sql = "UPDATE meta SET value = ? WHERE key = 'identity'"
            database.execute(sql, (uuid.uuid4().hex[:16],))
    except DamagedStore as error:
        raise exported.refused(file, f"its store is damaged: {error}") from error
    if any(noted[key] != getattr(manifest, key) for key in ("recipe", "documents", "passages")):
        raise exported.refused(file, "its store is not what its manifest says")


def _install(scratch: Path, place: IndexDirectory) -> None:
    """Put it in its place: uploads first, which the store tells of, the store in one step."""
    new = {path.name for path in (scratch / UPLOADS).iterdir()}
    uploads = place.path / UPLOADS
    old = {path.name for path in uploads.iterdir()} if uploads.is_dir() else set()
    if new:
        uploads.mkdir(exist_ok=True)
    for name in sorted(new):
        (scratch / UPLOADS / name).replace(uploads / name)
    derived.withdraw(place.path)
    _install_store(scratch / STORE, place)
    for name in old - new:
        if (uploads / name).is_file():
            (uploads / name).unlink()


def _install_store(new: Path, place: IndexDirectory) -> None:
    """In one transaction: who reads the one that is there goes on, and finds the new one next."""
    place.open_store().close()  # makes one, or puts aside what is none
    kept = place.path / STORE
    with closing(Database(new, create=False)) as source, closing(Database(kept)) as store:
        store.become(source)


def default_place(file: Path) -> Path:
    """Where an index is unpacked when no place is named: in the cache, under the file's name."""
    return cache_directory() / "indexes" / f"{file.name.removesuffix(SUFFIX)}-imported"


# Both.


def _checked(store: Path, step: Step) -> dict[str, Any]:
    """What a manifest says of a store, in which everything is as it was written."""
    with closing(Database(store, create=False)) as database:
        fault = next(soundness.faults(database, step), None)
        bad = None if fault else next(soundness.bad_vectors(database, step=step), None)
        if fault or bad:
            what = fault or (bad and f"a vector {bad.why}")
            raise DamagedStore(str(what))
        counted = {
            table: database.rows(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("documents", "passages", "vectors")
        }
        recipe = database.rows("SELECT value FROM meta WHERE key = 'recipe'")[0][0]
        schema = database.rows("PRAGMA user_version")[0][0]
    return counted | {"recipe": recipe, "schema": schema}


@contextlib.contextmanager
def _scratch(directory: Path, purpose: str) -> Iterator[Path]:
    """A folder to work in, inside another; clears away what killed processes left there."""
    _clear(directory.glob(f"{_escaped(purpose)}-*.part"))
    with tempfile.TemporaryDirectory(
        prefix=f"{purpose}-", suffix=".part", dir=directory, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _clear(found: Iterable[Path]) -> None:
    """Delete what has lain there for long; what has not, somebody may be working at."""
    for path in found:
        if not is_abandoned(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_abandoned(path: Path) -> bool:
    """Whether something unfinished has not been touched for so long that nobody will end it."""
    try:
        return abs(time.time() - path.stat().st_mtime) > ABANDONED_SECONDS
    except OSError:
        return False


@contextlib.contextmanager
def _told(doing: str, file: Path) -> Iterator[None]:
    """Turn the operating system's errors into one line."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {doing} {str(file)!r}: {error.strerror or error}") from error
