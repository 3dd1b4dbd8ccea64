"""The search indexes that are derived from the store: FAISS over vectors, Tantivy over words.

They lie beside the store's file. A manifest names the state of the store that they were made from
and their check sums; it is replaced in one step, so readers see one pair or the other. Whatever is
missing, damaged or out of step is made anew from the store.
"""

from __future__ import annotations

import itertools
import json
import logging
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa import lexical
from qa.cache import check_sum, write_atomically
from qa.embedding import Encoder
from qa.lexical import Entry, LexicalIndex
from qa.store import Store
from qa.vectors import VectorIndex

_MANIFEST = "derived.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Derived:
    """Both search indexes, made from one state of the store."""

    version: str
    vectors: VectorIndex
    lexical: LexicalIndex


def build(store: Store, encoder: Encoder, folder: Path | None = None) -> Derived:
    """Make both from the store; the words' into a folder, or both in memory.

    Raises
    ------
    DamagedStore
        When the store is: whatever is in it is read here.
    """
    ids, matrix = store.vectors(encoder.name, encoder.dimensions)
    vectors = VectorIndex(ids, matrix)
    entries = (Entry(*row) for row in store.entries())
    return Derived(store.version(), vectors, LexicalIndex.build(entries, folder))


def is_published(directory: Path, version: str) -> bool:
    """Whether the manifest names this state of the store; cheap."""
    try:
        manifest = json.loads((directory / _MANIFEST).read_bytes())
        return _is_of(manifest, version)
    except Exception:  # any damage; `load` says which
        return False


def publish(store: Store, encoder: Encoder, directory: Path) -> Derived:
    """Make both in `directory` and switch the manifest to them.

    The caller holds the index's lock for writing. Where the disk has no room for them they are
    made in memory: they can be made again, the store cannot.
    """
    try:
        return _write(store, encoder, directory)
    except (OSError, RuntimeError, ValueError) as error:  # the latter two: faiss's and Tantivy's
        log.warning("cannot keep the search indexes in %s, only in memory: %s", directory, error)
        _delete(_paths(directory, store.version()))  # half of them would only take up room
        return build(store, encoder)


def _write(store: Store, encoder: Encoder, directory: Path) -> Derived:
    version = store.version()
    words, neighbours = _paths(directory, version)
    shutil.rmtree(words, ignore_errors=True)
    made = build(store, encoder, words)
    made.vectors.save(neighbours)
    sums = {
        _name(path, directory): check_sum(path) for path in [neighbours, *_lexical_files(words)]
    }
    manifest = {"version": version, "words": lexical.VERSION, "check_sums": sums}
    write_atomically(directory / _MANIFEST, json.dumps(manifest).encode())
    _clear(directory, keep={words.name, neighbours.name})
    return made


def load(directory: Path, version: str) -> Derived | None:
    """Open the published pair, if it was made from this state of the store and is undamaged.

    Returns
    -------
    Derived or None
        None, with a line in the log, when they have to be made anew.
    """
    try:
        manifest = json.loads((directory / _MANIFEST).read_bytes())
        if not _is_of(manifest, version):
            log.info("the search indexes in %s are of an earlier state", directory)
            return None
        return _checked(directory, version, manifest["check_sums"])
    except Exception as error:  # any damage shows as some error of json, faiss or Tantivy
        never_made = isinstance(error, FileNotFoundError) and not (directory / _MANIFEST).exists()
        level = logging.INFO if never_made else logging.WARNING
        log.log(level, "the search indexes in %s cannot be used: %s", directory, error)
        return None


def _is_of(manifest: dict[str, Any], version: str) -> bool:
    return bool(manifest["version"] == version and manifest["words"] == lexical.VERSION)


def _checked(directory: Path, version: str, check_sums: dict[str, int]) -> Derived:
    words, neighbours = _paths(directory, version)
    there = {_name(path, directory) for path in [neighbours, *_lexical_files(words)]}
    if there != check_sums.keys():
        raise ValueError("there are not the files that there were")
    for name, expected in check_sums.items():
        if check_sum(directory / name) != expected:
            raise ValueError(f"{name} is damaged")
    made = Derived(version, VectorIndex.load(neighbours), LexicalIndex.load(words))
    if len(made.vectors) != len(made.lexical):
        raise ValueError(f"{len(made.vectors)} vectors for {len(made.lexical)} passages")
    return made


def _paths(directory: Path, version: str) -> tuple[Path, Path]:
    """Where the words and the vectors of a state lie."""
    return directory / f"lexical-{version}", directory / f"vectors-{version}.faiss"


def _name(path: Path, directory: Path) -> str:
    return path.relative_to(directory).as_posix()


def _lexical_files(folder: Path) -> list[Path]:
    """What is read of them; the hidden files are its writers', whose threads may linger."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _clear(directory: Path, keep: set[str]) -> None:
    left_over = [f"{_MANIFEST}.*.part", "lexical-*", "vectors-*.faiss"]  # of killed processes too
    found = itertools.chain.from_iterable(directory.glob(pattern) for pattern in left_over)
    _delete(path for path in found if path.name not in keep)


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):  # it is not needed, and may be in use
                path.unlink()
