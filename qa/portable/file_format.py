"""The file that an index is exported into: a zip with a manifest, and what may be in it.

Nothing of such a file is believed before it was held against the manifest's check sum. Knows
nothing of where the file comes from, or of what is done with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from qa.directory import STORE
from qa.errors import StoreError
from qa.ingest import model_of
from qa.portable.refusals import first_line, refused
from qa.store import rows
from qa.uploads import UPLOADS

FORMAT = 1
SUFFIX = ".qa"
MANIFEST = "manifest.json"

LARGEST_RATIO = 100  # bytes for each byte of the file; what holds more is refused ...
LEAST_BYTES = 256 << 20  # ... when it has more than this
_MANIFEST_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One file in it: its name, size and sha256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an exported index says of itself.

    Parameters
    ----------
    format, schema : int
        The versions of the file and of the store's tables.
    qa : str
        The version of this package that wrote it.
    name : str
        Of the folder, or whatever it was called.
    made : str
        When: ISO 8601, UTC.
    recipe : str
        See `qa.ingest.recipe`.
    documents, passages, vectors : int
        Of which vectors may be fewer than passages, where embedding was under way.
    parts : tuple of Part
    """

    format: int
    schema: int
    qa: str
    name: str
    made: str
    recipe: str
    documents: int
    passages: int
    vectors: int
    parts: tuple[Part, ...]

    @property
    def sha256(self) -> str:
        """Of all of the above, in hex; so of everything in the file."""
        return _sha256(asdict(self))

    @property
    def model(self) -> str:
        """What its vectors are made by."""
        return model_of(self.recipe)


def _sha256(told: dict[str, Any]) -> str:
    """Of a manifest of whatever version."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def copied(source: IO[bytes], sink: IO[bytes], most: int | None = None) -> tuple[int, str]:
    """Copy everything, `most` bytes and one at most; how many, and their sha256."""
    total, digest = 0, hashlib.sha256()
    while chunk := source.read(_CHUNK_BYTES):
        total += len(chunk)
        if most is not None and total > most:
            break
        digest.update(chunk)
        sink.write(chunk)
    return total, digest.hexdigest()


def members(number: int) -> list[str]:
    """The names of so many parts in the zip. The uploads' own, of any characters, are no paths."""
    return [STORE, *(f"{UPLOADS}/{n}" for n in range(1, number))]


@contextlib.contextmanager
def opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """The zip. Raises StoreError when it is none, OSError when it cannot be read."""
    try:
        packed = zipfile.ZipFile(file)
    except OSError:
        raise
    except Exception as error:  # zipfile lets whatever damage makes of its numbers through
        raise refused(file, f"it is no exported index, or damaged ({first_line(error)})") from error
    with packed:
        yield packed


def manifest_of(packed: zipfile.ZipFile, file: Path) -> Manifest:
    """What a file says of itself; it holds just the parts that this names.

    Raises
    ------
    StoreError
        When the manifest is damaged, or of a newer version.
    """
    try:
        with packed.open(MANIFEST) as stream:
            data = stream.read(_MANIFEST_BYTES + 1)
        told = json.loads(data) if len(data) <= _MANIFEST_BYTES else None
    except Exception as error:
        raise refused(file, f"its manifest cannot be read ({first_line(error)})") from error
    if not isinstance(told, dict) or not isinstance(told.get("format"), int):
        raise refused(file, "its manifest is none of ours")
    if told.pop("sha256", None) != _sha256(told):
        raise refused(file, "its manifest is damaged")
    if told["format"] > FORMAT or _number(told.get("schema")) > rows.SCHEMA_VERSION:
        raise StoreError(f"{str(file)!r} was made by a newer version of qa: upgrade qa")
    manifest = _read(told)
    if manifest is None:
        raise refused(file, "its manifest is none of ours")
    _check_members(packed, manifest, file)
    return manifest


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _read(told: dict[str, Any]) -> Manifest | None:
    try:
        parts = tuple(Part(**part) for part in told.pop("parts"))
        manifest = Manifest(**told, parts=parts)
    except (TypeError, ValueError, KeyError):
        return None
    numbers = [*(part.bytes for part in parts), manifest.documents, manifest.passages]
    sound = all(isinstance(number, int) and number >= 0 for number in numbers)
    texts = [manifest.recipe, manifest.name, *(part.name for part in parts)]
    return manifest if sound and all(isinstance(text, str) for text in texts) else None


def _check_members(packed: zipfile.ZipFile, manifest: Manifest, file: Path) -> None:
    names = [part.name for part in manifest.parts]
    for name in names[1:]:
        if not _is_upload(name):
            raise refused(file, f"it holds {name!r}, which is no part of an index")
    there = sorted(member.filename for member in packed.infolist())
    wanted = sorted([*members(len(names)), MANIFEST])
    if there != wanted or names[:1] != [STORE] or len(set(names)) != len(names):
        raise refused(file, "it does not hold what its manifest names")


def _is_upload(name: str) -> bool:
    """Whether it is what an upload is called: never a way to anywhere else."""
    folder, _, upload = name.partition("/")
    plain = upload == Path(upload).name and not set("/\0") & set(upload)
    return folder == UPLOADS and plain and bool(upload) and not upload.startswith(".")


def is_dense(manifest: Manifest, file: Path) -> bool:
    """Whether there is more in it than anybody would have packed into it without malice."""
    size = sum(part.bytes for part in manifest.parts)
    return size > max(LEAST_BYTES, LARGEST_RATIO * file.stat().st_size)
