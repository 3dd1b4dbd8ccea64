"""An index from one file: held against its manifest, then against the store's own check sums.

Only then is anything replaced, the store in one step. Knows nothing of how the file was made, and
believes nothing of it.
"""

from __future__ import annotations

import os
import shutil
import uuid
import zipfile
from contextlib import closing
from pathlib import Path

from qa import derived
from qa.cache import cache_directory
from qa.directory import STORE, IndexDirectory
from qa.errors import StoreError
from qa.portable import file_format
from qa.portable.checked_store import summary
from qa.portable.file_format import SUFFIX, Manifest, Part
from qa.portable.refusals import first_line, in_one_line, refused
from qa.portable.unfinished import scratch_folder
from qa.store import Store
from qa.store.database import DamagedStore, Database
from qa.store.soundness import Step, no_step
from qa.uploads import UPLOADS


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
    with in_one_line("import", file), file_format.opened(file) as packed:
        manifest = file_format.manifest_of(packed, file)
        _check_room(manifest, file, directory)
        place = IndexDirectory(directory)
        with place.writing(), scratch_folder(directory, "import") as scratch:
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
    if file_format.is_dense(manifest, file):
        raise refused(file, f"it would unpack to {size >> 20:,} MB, far more than an index does")
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
        zip(file_format.members(len(parts)), parts, strict=True), 1
    ):
        with (scratch / part.name).open("xb") as sink:
            try:
                with packed.open(member) as source:
                    found = file_format.copied(source, sink, most=part.bytes)
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
    detail = f" ({first_line(error)})" if error else ""
    return refused(file, f"{part.name!r} in it is damaged{detail}")


def _prepare(store: Path, manifest: Manifest, file: Path, step: Step) -> None:
    """Make sure that it is a store, and name its state anew.

    The search indexes of a state are known by its name, and this one may have gone on elsewhere,
    in another way, from where it was exported.
    """
    try:
        Store(store, create=False).close()  # brings it forward from an earlier version
        noted = summary(store, step)
        with closing(Database(store, create=False)) as database:
            sql = "UPDATE meta SET value = ? WHERE key = 'identity'"
            database.execute(sql, (uuid.uuid4().hex[:16],))
    except DamagedStore as error:
        raise refused(file, f"its store is damaged: {error}") from error
    if any(noted[key] != getattr(manifest, key) for key in ("recipe", "documents", "passages")):
        raise refused(file, "its store is not what its manifest says")


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
