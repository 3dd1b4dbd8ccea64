"""The search indexes that are derived from the store: FAISS over vectors, Tantivy over words.

They lie beside the store's file, each with a manifest that names the state of the store that it was
made from, and its check sums; a manifest is replaced in one step, so readers see one state or the
other. The words' are published as soon as texts are stored, the vectors' when every passage has
one; until then they are made from the store. So is whatever is missing, damaged or out of step.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qa import lexical
from qa.cache import check_sum, write_atomically
from qa.embedding import Encoder
from qa.lexical import Entry, Indexed, LexicalIndex, segments
from qa.store import Store
from qa.vectors import VectorIndex

CARRIED_SHARE = 0.9  # of a state's documents: where fewer are as before, all vectors are read anew

_WORDS, _VECTORS = "derived.json", "vectors.json"  # the manifests

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Derived:
    """Both search indexes, made from one state of the store; vectors join while they are made.

    `published` is whether they are on the disk, vectors and all.
    """

    version: str
    vectors: VectorIndex
    lexical: LexicalIndex
    published: bool = False

    @property
    def whole(self) -> bool:
        """Whether every passage has a vector."""
        return len(self.vectors) >= len(self.lexical)


class Before(NamedTuple):
    """An earlier state: what was in the store, and what was made of it."""

    store: Store
    derived: Derived


def build(store: Store, encoder: Encoder) -> Derived:
    """Make both from the store, in memory.

    Raises
    ------
    DamagedStore
        When the store is: whatever is in it is read here.
    """
    return Derived(store.version(), _vectors(store, encoder), _words(store))


def _words(store: Store) -> LexicalIndex:
    return LexicalIndex.build(Entry(*row) for row in store.entries())


def _vectors(store: Store, encoder: Encoder) -> VectorIndex:
    name, dimensions = encoder.name, encoder.dimensions
    return VectorIndex.gathered(lambda: store.vectors.of_passages(name, dimensions), dimensions)


def _vectors_after(
    before: Before, store: Store, encoder: Encoder, now: Mapping[str, Indexed]
) -> VectorIndex:
    """Those of an earlier state, but for the documents that have changed since or are gone."""
    then = _documents(before.store)
    new = [id for id in now if now[id] != then.get(id)]
    if len(new) > (1 - CARRIED_SHARE) * len(now):
        return _vectors(store, encoder)
    found, passages = before.derived.vectors.copy(), store.passage_ids(new)
    found.remove(passages)
    found.remove(np.setdiff1d(found.ids, store.all_passage_ids()))
    kept = store.vectors.of(passages, encoder.name, encoder.dimensions)
    if kept:
        found.add(list(kept), np.stack(list(kept.values())))
    return found if found.fitted else _vectors(store, encoder)


def is_published(directory: Path, version: str) -> bool:
    """Whether the words of this state of the store can be searched; cheap."""
    try:
        return _is_of(_manifest(directory, _WORDS), version)
    except Exception:  # any damage; `load` says which
        return False


def publish(
    store: Store, encoder: Encoder, directory: Path, before: Before | None = None
) -> Derived:
    """Make both in `directory` and switch the manifests to them; vectors only if all are there.

    What is as it was is taken from what was published last, and from the state before. The caller
    holds the index's lock for writing. Where the disk has no room for them they are made in memory:
    they can be made again, the store cannot.
    """
    documents = _documents(store)
    try:
        words = _write_words(store, directory, documents)
    except (OSError, RuntimeError, ValueError) as error:  # the latter two: faiss's and Tantivy's
        _warn(directory, error)
        _delete(_paths(directory, store.version()))  # half of them would only take up room
        words = _words(store)
    if before and _file(before.derived.version) == _file(store.version()):
        vectors = _vectors_after(before, store, encoder, documents)
    else:  # the one before may have been damaged
        vectors = _vectors(store, encoder)
    return with_vectors_published(Derived(store.version(), vectors, words), directory)


def _file(version: str) -> str:
    return version.partition("-")[0]


def _documents(store: Store) -> dict[str, Indexed]:
    return {id: Indexed(*stamp) for id, stamp in store.stamps().items()}


def completed(made: Derived, store: Store, encoder: Encoder, directory: Path) -> Derived:
    """The same state, now that the store has all of its vectors, with these published.

    They are read anew if they would be another index then: what is found must not depend on the
    order in which they came.
    """
    if not made.vectors.fitted:
        made = replace(made, vectors=_vectors(store, encoder))
    return with_vectors_published(made, directory)


def with_vectors_published(made: Derived, directory: Path) -> Derived:
    """Publish the vectors of a state, if it has all of them and that was not done."""
    if made.whole and not made.published:
        _save(made.vectors, made.version, directory)
        return replace(made, published=True)
    return made


def _write_words(store: Store, directory: Path, documents: Mapping[str, Indexed]) -> LexicalIndex:
    folder, neighbours = _paths(directory, store.version())
    earlier = _published_words(directory)

    def entries(documents: Collection[str]) -> Iterator[Entry]:
        return (Entry(*row) for row in store.entries_of(documents))

    shutil.rmtree(folder, ignore_errors=True)
    made = segments.write(folder, documents, entries, earlier if earlier != folder else None)
    _write_manifest(directory, _WORDS, store.version(), _lexical_files(folder))
    _clear(directory, keep={folder.name, neighbours.name})
    return made


def _published_words(directory: Path) -> Path | None:
    """Where the words of whatever state lie that was published last, if they are sound."""
    with suppress(Exception):  # any damage
        version = str(_manifest(directory, _WORDS)["version"])
        folder, _ = _paths(directory, version)
        if not _fault(directory, _WORDS, version, lambda: _lexical_files(folder)):
            return folder
    return None


def _save(vectors: VectorIndex, version: str, directory: Path) -> None:
    """Beside the final place, and moved there: another process may be doing the same."""
    _, neighbours = _paths(directory, version)
    part = neighbours.with_name(f"{neighbours.name}.{os.getpid()}.part")
    try:
        vectors.save(part)
        part.replace(neighbours)
        _write_manifest(directory, _VECTORS, version, [neighbours])
        _delete(path for path in directory.glob("vectors-*") if path != neighbours)
    except (OSError, RuntimeError) as error:  # the latter: faiss's
        _warn(directory, error)
        _delete([part, neighbours])


def _warn(directory: Path, error: Exception) -> None:
    log.warning("cannot keep the search indexes in %s, only in memory: %s", directory, str(error))


def _write_manifest(directory: Path, name: str, version: str, files: Iterable[Path]) -> None:
    sums = {_name(path, directory): check_sum(path) for path in files}
    manifest = {"version": version, "words": lexical.VERSION, "check_sums": sums}
    write_atomically(directory / name, json.dumps(manifest).encode())


def load(store: Store, encoder: Encoder, directory: Path) -> Derived | None:
    """Open what was published for this state of the store, if it is undamaged.

    Vectors that are not published, or damaged, are made from the store.

    Returns
    -------
    Derived or None
        None, with a line in the log, when the words are not there.
    """
    version = store.version()
    folder, _ = _paths(directory, version)
    if not _is_sound(directory, _WORDS, version, lambda: _lexical_files(folder)):
        return None
    try:
        words = LexicalIndex.load(folder)
    except ValueError as error:  # Tantivy's own
        log.warning("the search indexes in %s cannot be used: %s", directory, error)
        return None
    vectors = _loaded_vectors(directory, version, len(words))
    if vectors is not None:
        return Derived(version, vectors, words, published=True)
    log.info("making the search indexes of vectors in memory")
    return Derived(version, _vectors(store, encoder), words)


def _loaded_vectors(directory: Path, version: str, passages: int) -> VectorIndex | None:
    neighbours = _paths(directory, version)[1]
    if _is_sound(directory, _VECTORS, version, lambda: [neighbours]):
        try:
            made = VectorIndex.load(neighbours)
            if len(made) == passages:
                return made
            log.warning("%d vectors for %d passages in %s", len(made), passages, neighbours)
        except RuntimeError as error:  # faiss's own
            log.warning("%s cannot be used: %s", neighbours, error)
    return None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something that was published cannot be used: damage; else it is old, or never was."""

    why: str
    damage: bool


def faults(directory: Path, version: str) -> list[Fault]:
    """What is wrong with what was published for a state of the store; reads all of it."""
    folder, neighbours = _paths(directory, version)
    both = [
        _fault(directory, _WORDS, version, lambda: _lexical_files(folder)),
        _fault(directory, _VECTORS, version, lambda: [neighbours]),
    ]
    return [fault for fault in both if fault]


def withdraw(directory: Path) -> None:
    """Have both made anew when the index is opened next."""
    _delete([directory / _WORDS, directory / _VECTORS])


def _is_sound(
    directory: Path, name: str, version: str, files: Callable[[], Iterable[Path]]
) -> bool:
    """Whether a manifest is of this state, and the files are those that it names; logs why not."""
    fault = _fault(directory, name, version, files)
    if fault:
        level = logging.WARNING if fault.damage else logging.INFO
        log.log(level, "the search indexes in %s %s", directory, fault.why)
    return fault is None


def _fault(
    directory: Path, name: str, version: str, files: Callable[[], Iterable[Path]]
) -> Fault | None:
    try:
        manifest = _manifest(directory, name)
        if not _is_of(manifest, version):
            return Fault("are of an earlier state", damage=False)
        _check(directory, manifest["check_sums"], files())
    except Exception as error:  # any damage shows as some error of json or of the disk
        never_made = isinstance(error, FileNotFoundError) and not (directory / name).exists()
        return Fault(f"cannot be used: {error}", damage=not never_made)
    return None


def _check(directory: Path, check_sums: dict[str, int], files: Iterable[Path]) -> None:
    if {_name(path, directory) for path in files} != check_sums.keys():
        raise ValueError("there are not the files that there were")
    for name, expected in check_sums.items():
        if check_sum(directory / name) != expected:
            raise ValueError(f"{name} is damaged")


def _manifest(directory: Path, name: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((directory / name).read_bytes())
    return manifest


def _is_of(manifest: dict[str, Any], version: str) -> bool:
    return bool(manifest["version"] == version and manifest["words"] == lexical.VERSION)


def _paths(directory: Path, version: str) -> tuple[Path, Path]:
    """Where the words and the vectors of a state lie."""
    return directory / f"lexical-{version}", directory / f"vectors-{version}.faiss"


def _name(path: Path, directory: Path) -> str:
    return path.relative_to(directory).as_posix()


def _lexical_files(folder: Path) -> list[Path]:
    """What is read of them; the hidden files are its writers', whose threads may linger."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _clear(directory: Path, keep: set[str]) -> None:
    left_over = ["*.json.*.part", "lexical-*", "vectors-*.faiss*"]  # of killed processes too
    found = itertools.chain.from_iterable(directory.glob(pattern) for pattern in left_over)
    _delete(path for path in found if path.name not in keep)


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):  # it is not needed, and may be in use
                path.unlink()
