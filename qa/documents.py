"""Read files into documents: their text, and the title, date and source that they give.

Knows folders and files; `qa.markup`, `qa.pdf` and `qa.word` know what is inside them.
"""

from __future__ import annotations

import datetime
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qa import lines
from qa.errors import FolderError, UnreadableFile
from qa.formats import markup, pdf, word
from qa.formats.content import Content
from qa.formats.encoding import decode
from qa.lines import dates

__all__ = ["READABLE", "Document", "Failure", "decode", "find", "read", "read_all"]

VERSION = 1  # raise it when the same file is read differently: indexes are then made anew
READABLE = (".txt", ".md", ".markdown", ".html", ".htm", ".pdf", ".docx")
"""Suffixes of the files that can be read, in lower case."""

TEXT_BYTES = 20_000_000
"""Text files beyond this are refused: a log or a database dump, which would swamp the articles."""

FILE_BYTES = 200_000_000
"""Any file beyond this is refused, because it is read into memory whole."""

_READERS: dict[str, Callable[[bytes, str], Content]] = {
    ".txt": markup.plain_text,
    ".md": markup.markdown,
    ".markdown": markup.markdown,
    ".html": markup.html,
    ".htm": markup.html,
    ".pdf": pdf.read,
    ".docx": word.read,
}
_TEXTUAL = (".txt", ".md", ".markdown", ".html", ".htm")
_NO_TITLE = re.compile(
    r"microsoft (?:word|powerpoint|excel) - .*|(?:un|no )titled?(?: document)?(?:[- ]?\d+)?|"
    r"(?:new )?(?:document|presentation|slide|template|layout)\s*\d*|powerpoint presentation|"
    r"titel|title|none|null|.*\.(?:docx?|pdf|indd|qxd|tex|dvi|rtf|odt|html?|txt|pptx?|xlsx?|ps|eps)|"
    r"\W*|.*[/\\].*[/\\].*",
    re.IGNORECASE,
)


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

    Hidden files and folders are left out, and links that lead outside the folder.

    Raises
    ------
    FolderError
        When there is no such folder, it is a file, or it may not be opened.
    """
    if not folder.exists():
        raise FolderError(f"no folder '{folder}': check the spelling, or make it")
    if not folder.is_dir():
        raise FolderError(f"'{folder}' is a file, not a folder: name the folder that holds it")
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise FolderError(f"cannot open the folder '{folder}': {error.strerror}") from error
    return sorted(path for path in _files(folder) if _belongs(path, folder.resolve()))


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith((".", "~$")) and name.lower().endswith(READABLE):
                yield Path(parent, name)


def _belongs(path: Path, root: Path) -> bool:
    if not path.is_symlink():
        return True
    return path.exists() and path.resolve().is_relative_to(root)


def read(path: Path, *, id: str) -> Document:
    """Read one file.

    Parameters
    ----------
    path : Path
        Its suffix, one of `READABLE`, tells the format.
    id : str
        The document's id; it names the file in messages.

    Raises
    ------
    UnreadableFile
        With one line that says why, and what to do.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableFile(f"cannot read {id!r}: only {', '.join(READABLE)} can be read")
    data = _bytes(path, id)
    if not data.strip():
        raise UnreadableFile(f"cannot read {id!r}: it is empty")
    content = reader(data, id)
    if not content.text.strip("\ufeff\u200b \t\r\n\v\f\xa0"):
        raise UnreadableFile(f"cannot read {id!r}: it is empty")
    return Document(
        id=id,
        text=content.text,
        title=_title(content, path),
        date=content.date or dates.in_text(content.text) or content.created,
        path=path,
        source=content.source,
        format=content.format,
    )


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
    return [read(path, id=id)], []


def _bytes(path: Path, id: str) -> bytes:
    """The whole file, if it is one and not too large."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableFile(f"cannot read {id!r}: it is not a file")
        limit = TEXT_BYTES if path.suffix.lower() in _TEXTUAL else FILE_BYTES
        _check_size(path.stat().st_size, limit, id)
        with path.open("rb") as file:
            data = file.read(limit + 1)
        _check_size(len(data), limit, id)
    except FileNotFoundError as error:
        raise UnreadableFile(f"cannot read {id!r}: it is no longer there") from error
    except PermissionError as error:
        raise UnreadableFile(
            f"cannot read {id!r}: permission denied; change the file's permissions"
        ) from error
    except OSError as error:
        raise UnreadableFile(f"cannot read {id!r}: {error.strerror or error}") from error
    return data


def _check_size(size: int, limit: int, id: str) -> None:
    if size > limit:
        raise UnreadableFile(
            f"cannot read {id!r}: it is {size / 1e6:,.1f} MB, the limit is {limit / 1e6:,.0f} MB; "
            "split it into smaller files"
        )


def _title(content: Content, path: Path) -> str:
    """The metadata's title if it is one, else the text's headline, else the file's name."""
    given = content.title
    if given and len(given) <= 300 and not _NO_TITLE.fullmatch(given):
        return given
    return lines.title_of(content.text, format=content.format) or _readable(path.stem)


def _readable(stem: str) -> str:
    return " ".join(re.sub(r"(?<!\d)-|-(?!\d)|[_+]", " ", stem).split()) or stem
