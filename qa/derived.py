"""The search indexes that are derived from the store: FAISS over vectors, Tantivy over words.

They lie beside the store's file. A manifest names the state of the store that they were made from
and their check sums; it is replaced in one step, so readers see one pair or the other. Whatever is
missing, damaged or out of step is made anew from the store.
"""

from __future__ import annotations

import json
import logging
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

from qa.embedding import Encoder
from qa.lexical import Entry, LexicalIndex
from qa.models import write_atomically
from qa.store import Store
from qa.vectors import VectorIndex

_MANIFEST = "derived.json"
_CHUNK_BYTES = 1 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Derived:
    """Both search indexes, made from one state of the store."""

    version: str
    vectors: VectorIndex
    lexical: LexicalIndex


def build(store: Store, encoder: Encoder, folder: Path | None = None) -> Derived:
    """Make both from the store; into a folder, or in memory."""
    ids, matrix = store.vectors(encoder.name, encoder.dimensions)
    vectors = VectorIndex(ids, matrix)
    entries = (Entry(*row) for row in store.entries())
    return Derived(store.version(), vectors, LexicalIndex.build(entries, folder))


def publish(store: Store, encoder: Encoder, directory: Path) -> Derived:
    """Make both in `directory` and switch the manifest to them.

    The caller holds the index's lock for writing. Where the disk has no room for them they are
    made in memory: they can be made again, the store cannot.
    """
    try:
        return _write(store, encoder, directory)
    except (OSError, RuntimeError, ValueError) as error:  # the latter two: faiss's and Tantivy's
        log.warning("cannot keep the search indexes in %s: %s", directory, error)
        return build(store, encoder)


def _write(store: Store, encoder: Encoder, directory: Path) -> Derived:
    version = store.version()
    words = directory / f"lexical-{version}"
    neighbours = directory / f"vectors-{version}.faiss"
    shutil.rmtree(words, ignore_errors=True)
    made = build(store, encoder, words)
    made.vectors.save(neighbours)
    sums = {
        path.relative_to(directory).as_posix(): _check_sum(path)
        for path in [neighbours, *_lexical_files(words)]
    }
    manifest = {"version": version, "check_sums": sums}
    write_atomically(directory / _MANIFEST, json.dumps(manifest).encode())
    _clear(directory, keep={words.name, neighbours.name})
    return made


def load(directory: Path, version: str) -> Derived | None:
    """Open the published pair, if it was made from this state of the store and is undamaged."""
    try:
        manifest = json.loads((directory / _MANIFEST).read_bytes())
        if manifest["version"] != version:
            return None
        for name, check_sum in manifest["check_sums"].items():
            if _check_sum(directory / name) != check_sum:
                raise ValueError(f"{name} is damaged")
        vectors = VectorIndex.load(directory / f"vectors-{version}.faiss")
        return Derived(version, vectors, LexicalIndex.load(directory / f"lexical-{version}"))
    except FileNotFoundError:
        return None
    except Exception as error:  # any damage shows as some error of json, faiss or Tantivy
        log.warning("the search indexes in %s cannot be used: %s", directory, error)
        return None


def _lexical_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix != ".lock")


def _check_sum(path: Path) -> int:
    total = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            total = zlib.crc32(chunk, total)
    return total


def _clear(directory: Path, keep: set[str]) -> None:
    for path in [*directory.glob("lexical-*"), *directory.glob("vectors-*.faiss")]:
        if path.name in keep:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
