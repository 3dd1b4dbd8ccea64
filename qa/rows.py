"""The store's tables: documents, passages and vectors as rows, with check sums that tell damage.

SQLite notices damage to its own structure, not to what it keeps: a letter that flipped on the
disk would be quoted. Every row therefore carries a check sum over all that is shown or searched.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qa.documents import Document
from qa.onnx_model import Vectors
from qa.passages import Passage

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL, title TEXT NOT NULL, date TEXT, source TEXT NOT NULL,
    format TEXT NOT NULL, passages INTEGER NOT NULL, path BLOB, check_sum INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    document TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, sentences TEXT NOT NULL,
    key BLOB NOT NULL, check_sum INTEGER NOT NULL
);
CREATE INDEX passages_of_document ON passages (document);
CREATE INDEX passages_by_key ON passages (key);
CREATE TABLE vectors (
    model TEXT NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL, check_sum INTEGER NOT NULL,
    PRIMARY KEY (model, key)
);
CREATE TABLE failures (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL, reason TEXT NOT NULL
);
INSERT INTO meta VALUES
    ('revision', '0'), ('recipe', ''), ('identity', lower(hex(randomblob(8))))
"""

DOCUMENT_COLUMNS = "id, text, title, date, source, format, passages, path, check_sum"
PASSAGE_COLUMNS = "id, document, start, end, sentences, key, check_sum"


class Mismatch(ValueError):
    """A row is not what was written."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file looked like when it was read: size in bytes, mtime in ns, sha256 in hex.

    Where the time could not be trusted to tell a later change, it is -1; where the file could not
    be opened, there is no sha256: ``""``.
    """

    bytes: int
    modified_ns: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as it goes into the store, with the key of its vector (see `vector_key`)."""

    passage: Passage
    key: bytes


def vector_key(text: str) -> bytes:
    """What a vector is kept under, beside its model: sha256 of the text that was embedded."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def passage_id(document: str, start: int) -> int:
    """A passage's id, of 63 bits: the same in every index of the same files.

    Searches break ties by it, so answers do not depend on how an index came about.
    """
    digest = hashlib.sha256(f"{start} {document}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def document_row(document: Document, passages: int) -> tuple[Any, ...]:
    """Values for `DOCUMENT_COLUMNS`; `passages` is how many there are of it."""
    date = document.date.isoformat() if document.date else None
    shown = (document.id, document.text, document.title, date, document.source, document.format)
    path = os.fsencode(document.path) if document.path else None
    return (*shown, passages, path, _check_sum(*shown, passages))


def document_of(row: tuple[Any, ...]) -> Document:
    """The document in a row of `DOCUMENT_COLUMNS`. Raises Mismatch."""
    *shown, path, check_sum = row
    if _check_sum(*shown) != check_sum:
        raise Mismatch(f"the document {row[0]!r} has changed")
    id, text, title, date, source, format, _ = shown
    return Document(
        id=id,
        text=text,
        title=title,
        date=datetime.date.fromisoformat(date) if date else None,
        path=Path(os.fsdecode(path)) if path else None,
        source=source,
        format=format,
    )


def passage_row(document: str, stored: StoredPassage) -> tuple[Any, ...]:
    """Values for `PASSAGE_COLUMNS`."""
    passage = stored.passage
    shown = (document, passage.start, passage.end, json.dumps(passage.sentences), stored.key)
    return (passage_id(document, passage.start), *shown, _check_sum(*shown, passage.text))


def passage_of(row: tuple[Any, ...], document: Document) -> Passage:
    """The passage in a row of `PASSAGE_COLUMNS`. Raises Mismatch."""
    id, *shown, check_sum = row
    name, start, end, sentences, _ = shown
    text = document.text[start:end] if isinstance(start, int) and isinstance(end, int) else ""
    if _check_sum(*shown, text) != check_sum or id != passage_id(name, start):
        raise Mismatch(f"a passage of {document.id!r} has changed")
    return Passage(start, end, text, tuple((first, last) for first, last in json.loads(sentences)))


def vector_row(model: str, key: bytes, vector: Vectors) -> tuple[str, bytes, bytes, int]:
    """Values for model, key, vector, check_sum."""
    blob = vector.astype(np.float32).tobytes()
    return model, key, blob, _check_sum(model, key, blob)


def vector_of(
    model: str, key: bytes, blob: bytes | None, check_sum: int | None, dimensions: int
) -> Vectors:
    """The vector of shape (dimensions,) in a row. Raises Mismatch."""
    if not is_vector(model, key, blob, check_sum) or len(blob or b"") != 4 * dimensions:
        raise Mismatch("a vector is missing or has changed")
    return np.frombuffer(blob or b"", np.float32)


def is_vector(model: str, key: bytes, blob: bytes | None, check_sum: int | None) -> bool:
    """Whether a row is what `vector_row` made."""
    return blob is not None and _check_sum(model, key, blob) == check_sum


def _check_sum(*values: object) -> int:
    total = 0
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        total = zlib.crc32(data + b"\0", total)
    return total
