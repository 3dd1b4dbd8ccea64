"""Documents: the articles, reports and notes that everything else is about, and reading them.

`qa.folder` finds the files, `qa.reading` reads them, `qa.formats` knows what is inside.
"""

from __future__ import annotations

import datetime
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qa import folder as folders
from qa.errors import UnreadableFile
from qa.folder import Walk
from qa.formats.content import READABLE
from qa.formats.encoding import decode

__all__ = ["READABLE", "Document", "Failure", "decode", "each", "find", "read", "read_all", "walk"]

VERSION = 2  # raise it when the same file is read differently: indexes are then made anew


@dataclass(frozen=True, slots=True)
class Document:
    """One article, report or note, as it was read.

    Parameters
    ----------
    id : str
        Unique in its index. For a file: its path inside the folder, with ``/`` between parts.
    text : str
        The file's own characters (for HTML, PDF and Word files: the text extracted from them).
        Every offset in this package counts characters of this string.
    title : str
        The headline, or ``""`` when unknown.
    date : datetime.date or None
        The day of publication, only where the file or its metadata says one.
    path : Path or None
        The file it was read from.
    source : str
        Who published it, where the file says so, else ``""``.
    format : {"text", "markdown"}
        How the lines of `text` are to be read: Markdown marks headings with ``#``.
    """

    id: str
    text: str
    title: str = ""
    date: datetime.date | None = None
    path: Path | None = None
    source: str = ""
    format: Literal["text", "markdown"] = "text"


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or something inside one, that is not in the index, and why."""

    path: str
    reason: str


def find(folder: Path) -> list[Path]:
    """The readable files of a folder and the folders in it, in order of their paths.

    Hidden files and folders are left out, what a .qaignore names, and links that lead outside.

    Raises
    ------
    FolderError
        When there is no such folder, it is a file, or it may not be opened.
    """
    return folders.find(folder, READABLE)


def walk(folder: Path) -> Walk:
    """A walk through a folder's readable files, whose paths are strings (see `qa.folder`)."""
    return Walk(folder, READABLE)


def read(path: Path, *, id: str) -> Document:
    """Read a file that is one document.

    Parameters
    ----------
    path : Path
        Its suffix, one of `READABLE`, tells the format.
    id : str
        The document's id; it names the file in messages.

    Raises
    ------
    UnreadableFile
        With one line that says why, and what to do; also when it holds several documents.
    """
    found, _ = read_all(path, id=id)
    if len(found) > 1:
        raise UnreadableFile(f"cannot read {id!r} as one document: it holds {len(found):,}")
    return found[0]


def read_all(path: Path, *, id: str) -> tuple[list[Document], list[Failure]]:
    """Read a file that may hold several documents, and what in it could not be read.

    Parameters
    ----------
    path : Path
    id : str
        The id of the document where there is just one; those inside a file that holds several
        have this, ``/``, and what tells them apart there.

    Raises
    ------
    UnreadableFile
        Where there is not one document to be had of it, as `read` does.
    """
    documents: list[Document] = []
    failures: list[Failure] = []
    for found in each(path, id=id):
        if isinstance(found, Document):
            documents.append(found)
        else:
            failures.append(found)
    if not documents:
        raise UnreadableFile(_nothing_in(id, failures))
    return documents, failures


def each(path: Path, *, id: str) -> Iterator[Document | Failure]:
    """The documents of a file one after another, as `read_all` has them, and what failed.

    Raises
    ------
    UnreadableFile
        When the file cannot be read at all; nothing was given before.
    """
    from qa import reading  # which takes 40 ms to load, for which no question need wait

    yield from reading.each(path, id)


def _nothing_in(id: str, failures: list[Failure]) -> str:
    if not failures:
        return f"cannot read {id!r}: there is no readable document in it"
    if len(failures) == 1 and failures[0].path == id:
        return failures[0].reason
    return f"cannot read {id!r}: nothing in it can be read; the first: {failures[0].reason}"


def called_after(name: str) -> str:
    """A title made of a file's name: without folders and ending, as words."""
    stem = posixpath.splitext(posixpath.basename(name))[0]
    return " ".join(re.sub(r"(?<!\d)-|-(?!\d)|[_+]", " ", stem).split()) or stem


def is_called_after_file(document: Document) -> bool:
    """Whether its title is merely the name of its file, or of its place inside of one."""
    parent, _, last = document.id.rpartition("/")
    return document.title in (called_after(last), f"{called_after(parent)} {last}")
