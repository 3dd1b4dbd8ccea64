"""The store's tables: what is kept as rows, with check sums that tell damage.

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

SCHEMA_VERSION = 2  # raise it with a step in `qa.store.migrations`
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files (
    id TEXT PRIMARY KEY, path BLOB, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL
);
CREATE TABLE documents (
    id TEXT PRIMARY KEY, file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    title TEXT NOT NULL, date TEXT, source TEXT NOT NULL, format TEXT NOT NULL,
    passages INTEGER NOT NULL, characters INTEGER NOT NULL, text_sum INTEGER NOT NULL,
    check_sum INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE INDEX documents_of_file ON documents (file);
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
    id TEXT PRIMARY KEY, file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    reason TEXT NOT NULL
);
CREATE INDEX failures_of_file ON failures (file);
CREATE TABLE signatures (
    document TEXT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    minhash BLOB NOT NULL, check_sum INTEGER NOT NULL
);
INSERT INTO meta VALUES
    ('revision', '0'), ('recipe', ''), ('identity', lower(hex(randomblob(8))))
"""

OUTLINE_COLUMNS = (
    "d.id, d.file, d.title, d.date, d.source, d.format, d.passages, d.characters, d.text_sum, "
    "d.check_sum, f.path"
)
"""Of ``documents AS d JOIN files AS f``; all but the text, which is the last that is read."""

DOCUMENT_COLUMNS = f"{OUTLINE_COLUMNS}, d.text"
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


@dataclass(frozen=True, slots=True)
class Outline:
    """A document without its text, for lists of very many.

    Parameters
    ----------
    id, title, date, source, path
        See `Document`.
    file : str
        The id of the file that it stands in: its own id, unless the file holds several.
    characters : int
        How long its text is.
    """

    id: str
    title: str
    date: datetime.date | None
    source: str
    path: Path | None
    file: str
    characters: int


def vector_key(text: str) -> bytes:
    """What a vector is kept under, beside its model: sha256 of the text that was embedded."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def passage_id(document: str, start: int) -> int:
    """A passage's id, of 63 bits: the same in every index of the same files.

    Searches break ties by it, so answers do not depend on how an index came about.
    """
    digest = hashlib.sha256(f"{start} {document}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def document_row(document: Document, file: str, passages: int) -> tuple[Any, ...]:
    """Values for the columns of the table `documents`; `passages` is how many there are of it."""
    date = document.date.isoformat() if document.date else None
    told = (document.id, file, document.title, date, document.source, document.format, passages)
    shown = (*told, len(document.text), check_sum(document.text))
    return (*shown, check_sum(*shown), document.text)


def outline_of(row: tuple[Any, ...]) -> Outline:
    """The outline in a row of `OUTLINE_COLUMNS`. Raises Mismatch."""
    *shown, expected, path = row
    id, file, title, date, source, format, _, characters, _ = shown
    if not _all_text(id, file, title, source, format) or check_sum(*shown) != expected:
        raise Mismatch(f"the document {id!r} has changed")
    return Outline(id, title, _date(date), source, _path(path), file, characters)


def document_of(row: tuple[Any, ...]) -> Document:
    """The document in a row of `DOCUMENT_COLUMNS`. Raises Mismatch."""
    *known, text = row
    outline = outline_of(tuple(known))
    _, _, _, _, _, format, _, characters, text_sum, *_ = known
    if not _all_text(text) or check_sum(text) != text_sum or len(text) != characters:
        raise Mismatch(f"the document {outline.id!r} has changed")
    return Document(
        id=outline.id,
        text=text,
        title=outline.title,
        date=outline.date,
        path=outline.path,
        source=outline.source,
        format=format,
    )


def _all_text(*values: object) -> bool:
    """Whether all are str: bytes would have the same check sum."""
    return all(isinstance(value, str) for value in values)


def _date(date: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(date) if date else None


def _path(path: bytes | None) -> Path | None:
    return Path(os.fsdecode(path)) if path else None


def passage_row(document: str, stored: StoredPassage) -> tuple[Any, ...]:
    """Values for `PASSAGE_COLUMNS`."""
    passage = stored.passage
    shown = (document, passage.start, passage.end, json.dumps(passage.sentences), stored.key)
    return (passage_id(document, passage.start), *shown, check_sum(*shown, passage.text))


def passage_of(row: tuple[Any, ...], document: Document) -> Passage:
    """The passage in a row of `PASSAGE_COLUMNS`. Raises Mismatch."""
    id, *shown, expected = row
    name, start, end, sentences, _ = shown
    text = document.text[start:end] if isinstance(start, int) and isinstance(end, int) else ""
    if check_sum(*shown, text) != expected or id != passage_id(name, start):
        raise Mismatch(f"a passage of {document.id!r} has changed")
    return Passage(start, end, text, tuple((first, last) for first, last in json.loads(sentences)))


def vector_row(model: str, key: bytes, vector: Vectors) -> tuple[str, bytes, bytes, int]:
    """Values for model, key, vector, check_sum."""
    blob = vector.astype(np.float32).tobytes()
    return model, key, blob, check_sum(model, key, blob)


def vector_of(
    model: str, key: bytes, blob: bytes | None, expected: int | None, dimensions: int
) -> Vectors | None:
    """The vector of shape (dimensions,) in a row; None where it is missing or has changed."""
    if not is_vector(model, key, blob, expected) or len(blob or b"") != 4 * dimensions:
        return None
    return np.frombuffer(blob or b"", np.float32)


def is_vector(model: str, key: bytes, blob: bytes | None, expected: int | None) -> bool:
    """Whether a row is what `vector_row` made."""
    return isinstance(blob, bytes) and check_sum(model, key, blob) == expected


def signature_row(document: str, minhash: bytes) -> tuple[str, bytes, int]:
    """Values for document, minhash, check_sum."""
    return document, minhash, check_sum(document, minhash)


def signature_of(row: tuple[Any, ...]) -> tuple[str, bytes] | None:
    """The document and its signature in such a row; None where it has changed."""
    document, minhash, expected = row
    return (document, minhash) if check_sum(document, minhash) == expected else None


def check_sum(*values: object) -> int:
    """CRC-32 of values, one after the other; what is no bytes by how it is written."""
    total = 0
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        total = zlib.crc32(data + b"\0", total)
    return total
