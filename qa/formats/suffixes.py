"""Which reader a file's suffix calls for, and how large such a file may be."""

from __future__ import annotations

from collections.abc import Callable

from qa.formats import (
    archive,
    epub,
    mail,
    markup,
    mbox,
    objects,
    pdf,
    tables,
    web_archive,
    word,
)
from qa.formats.content import Content
from qa.formats.parts import Container

TEXT_BYTES = 20_000_000
"""Text files beyond this are refused: a log or a database dump, which would swamp the articles."""

FILE_BYTES = 200_000_000
"""Other files beyond this are refused, because they are read into memory whole."""

COLLECTION_BYTES = 4_000_000_000
"""Files of many documents that are read bit by bit; of a mailbox most is pictures. What is kept of
one is limited by `qa.documents.COLLECTION_CHARACTERS`."""

SINGLE: dict[str, Callable[[bytes, str], Content]] = {
    ".txt": markup.plain_text,
    ".md": markup.markdown,
    ".markdown": markup.markdown,
    ".html": markup.html,
    ".htm": markup.html,
    ".mhtml": web_archive.read,
    ".mht": web_archive.read,
    ".pdf": pdf.read,
    ".docx": word.read,
}
"""Readers of files that are one document."""

SEVERAL: dict[str, Container] = {
    ".epub": epub.read,
    ".eml": mail.read,
    ".mbox": mbox.read,
    ".json": objects.read,
    ".jsonl": objects.read_lines,
    ".ndjson": objects.read_lines,
    ".csv": tables.read,
    ".tsv": tables.read,
    ".zip": archive.read,
}
"""Readers of files that may hold several."""

_TEXTUAL = (".txt", ".md", ".markdown", ".html", ".htm")
_STREAMED = (".mbox", ".jsonl", ".ndjson", ".csv", ".tsv", ".zip")


def limit(suffix: str) -> int:
    """The most bytes that a file may have."""
    if suffix in _TEXTUAL:
        return TEXT_BYTES
    return COLLECTION_BYTES if suffix in _STREAMED else FILE_BYTES
