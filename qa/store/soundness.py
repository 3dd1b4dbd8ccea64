"""Whether a store is what was written: its structure, and every row against its check sum.

Everything is read, a few documents at a time, and nothing is changed. Knows nothing of files,
models or search indexes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qa.documents import Document
from qa.errors import StoreError
from qa.onnx_model import Vectors
from qa.store import rows
from qa.store.database import DamagedStore, Database

UNIT_LENGTH = 1e-3  # how far a vector's length may be from 1
_FAULTS = 20  # of SQLite's own that are told
_DOCUMENTS, _VECTORS = 50, 2_000  # in memory at once
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}|")  # no sha256 where a file could not be opened

Step = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def no_step(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class BadVector:
    """A vector that is not one any more.

    Parameters
    ----------
    model : str
    key : bytes
        What it is kept under.
    why : str
    """

    model: str
    key: bytes
    why: str


def opened(path: Path) -> Database:
    """A store's file, to be read; what others write meanwhile is seen, where that is possible."""
    try:
        return Database(path, create=False)
    except DamagedStore:
        raise
    except StoreError:  # it lies on a read-only disk, or on a full one
        return Database(path, write=False)


def faults(database: Database, step: Step = no_step) -> Iterator[str]:
    """What is wrong with the structure, the files, documents, passages and signatures.

    The database is of this version's schema. Nothing comes where all is well.
    """
    try:
        yield from _structure(database)
        yield from _notes(database)
        yield from _documents(database, step)
        yield from _signatures(database)
    except DamagedStore as error:
        yield str(error)


def _structure(database: Database) -> Iterator[str]:
    found = database.rows(f"PRAGMA integrity_check({_FAULTS})")
    # its first words say which of SQLite's checks it was, in several lines
    yield from (" ".join(str(line).split()) for (line,) in found if line != "ok")
    if found == [("ok",)]:
        for table, _, parent, _ in database.rows("PRAGMA foreign_key_check")[:_FAULTS]:
            yield f"a row of the table {table!r} belongs to none of {parent!r}"
    with closing(Database(None)) as fresh:
        for statement in rows.SCHEMA.split(";"):
            fresh.execute(statement)
        if _tables(database) != _tables(fresh):  # a trigger or a view could be anything
            yield "its tables are not those of an index"


def _tables(database: Database) -> set[tuple[str, ...]]:
    return set(database.rows("SELECT type, name, tbl_name FROM sqlite_master WHERE sql NOT NULL"))


def _notes(database: Database) -> Iterator[str]:
    """The tables whose rows have no check sum."""
    meta = dict(database.rows("SELECT key, value FROM meta"))
    if not {"identity", "revision", "recipe"} <= meta.keys():
        yield "it does not say its revision"
    for id, path, sha256, size, modified in database.rows(
        "SELECT id, path, sha256, bytes, modified_ns FROM files"
    ):
        numbers = isinstance(size, int) and isinstance(modified, int)
        texts = isinstance(id, str) and isinstance(path, bytes | None)
        if not numbers or not texts or not _HEXADECIMAL.fullmatch(str(sha256)):
            yield f"what is noted of the file {id!r} has changed"
    for id, reason in database.rows("SELECT id, reason FROM failures"):
        if not isinstance(id, str) or not isinstance(reason, str):
            yield f"what is noted of the failure {id!r} has changed"


def _documents(database: Database, step: Step) -> Iterator[str]:
    sql = f"""SELECT d.rowid, {rows.DOCUMENT_COLUMNS}
              FROM documents AS d JOIN files AS f ON f.id = d.file
              WHERE d.rowid > ? ORDER BY d.rowid LIMIT ?"""
    total, done = _count(database, "documents"), 0
    for some in database.batches(sql, (), -1, _DOCUMENTS):
        for _, *row in some:
            yield from _document(database, tuple(row))
        done += len(some)
        step("documents", done, total)
    if done != total:
        yield f"{total} documents, of which {done} can be reached"


def _document(database: Database, row: tuple[Any, ...]) -> Iterator[str]:
    try:
        document = rows.document_of(row)
    except (ValueError, TypeError) as error:
        yield str(error)
        return
    found = database.rows(
        f"SELECT {rows.PASSAGE_COLUMNS} FROM passages WHERE document = ?", (document.id,)
    )
    if len(found) != row[6]:
        yield f"{len(found)} passages of {document.id!r}, not {row[6]}"
    for passage in found:
        yield from _passage(passage, document)


def _passage(row: tuple[Any, ...], document: Document) -> Iterator[str]:
    try:
        passage = rows.passage_of(row, document)
    except (ValueError, TypeError) as error:
        yield str(error)
        return
    spans = ((passage.start, passage.end), *passage.sentences)
    if any(not passage.start <= start < end <= passage.end for start, end in spans):
        yield f"a sentence of {document.id!r} is not in its passage"
    if passage.start < 0 or passage.end > len(document.text):
        yield f"a passage of {document.id!r} is not in its document"


def _signatures(database: Database) -> Iterator[str]:
    for row in database.rows("SELECT document, minhash, check_sum FROM signatures"):
        if rows.signature_of(row) is None:
            yield f"the signature of {row[0]!r} has changed"


def bad_vectors(
    database: Database, model: str = "", dimensions: int = 0, step: Step = no_step
) -> Iterator[BadVector]:
    """The vectors that have changed, or are not of unit length.

    Parameters
    ----------
    model, dimensions : str, int
        How many components the vectors of one model have; of others any number.
    """
    sql = """SELECT rowid, model, key, vector, check_sum FROM vectors
             WHERE rowid > ? ORDER BY rowid LIMIT ?"""
    total, done = _count(database, "vectors"), 0
    for some in database.batches(sql, (), -1, _VECTORS):
        for _, *row in some:
            if why := _wrong_with(row, dimensions if row[0] == model else 0):
                yield BadVector(row[0], row[1], why)
        done += len(some)
        step("vectors", done, total)


def _wrong_with(row: list[Any], dimensions: int) -> str:
    blob = row[2]
    if not rows.is_vector(*row):
        return "has changed"
    if len(blob) % 4 or (dimensions and len(blob) != 4 * dimensions):
        return f"has {len(blob)} bytes, not {4 * dimensions}"
    length = float(np.linalg.norm(np.frombuffer(blob, np.float32)))
    if not abs(length - 1) <= UNIT_LENGTH:  # so written because it may be not-a-number
        return f"is of length {length:.3f}, not 1"
    return ""


def orphans(database: Database) -> int:
    """How many vectors are of no passage."""
    sql = "SELECT count(*) FROM vectors WHERE key NOT IN (SELECT key FROM passages)"
    return int(database.rows(sql)[0][0])


def without_vector(database: Database, model: str) -> int:
    """How many passages have no vector of this model."""
    sql = """SELECT count(*) FROM passages WHERE key NOT IN
             (SELECT key FROM vectors WHERE model = ?)"""
    return int(database.rows(sql, (model,))[0][0])


def vectors_of(
    database: Database, ids: Collection[int], model: str, dimensions: int
) -> dict[int, tuple[bytes, Vectors]]:
    """The keys and vectors of passages, by passage id, of those that have a sound one."""
    sql = """SELECT p.id, p.key, v.vector, v.check_sum FROM passages p
             CROSS JOIN vectors v ON v.key = p.key AND v.model = ? WHERE p.id IN (?)"""
    found: dict[int, tuple[bytes, Vectors]] = {}
    for id, key, blob, check_sum in database.rows_for(sql, ids, model):
        vector = rows.vector_of(model, key, blob, check_sum, dimensions)
        if vector is not None:
            found[id] = (key, vector)
    return found


def free_bytes(database: Database) -> int:
    """How many bytes of the file nothing is kept in."""
    free, size = (database.rows(f"PRAGMA {name}")[0][0] for name in ("freelist_count", "page_size"))
    return int(free) * int(size)


def _count(database: Database, table: str) -> int:
    return int(database.rows(f"SELECT count(*) FROM {table}")[0][0])
