"""How files become documents: opening them, one document of a file, or several.

Knows files and their limits; `qa.formats` knows what is inside.
"""

from __future__ import annotations

import io
import posixpath
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from qa import lines
from qa.documents import Document, Failure, called_after
from qa.errors import UnreadableFile
from qa.formats import suffixes
from qa.formats.content import READABLE, Content, wrapping
from qa.formats.parts import Attached, Inner
from qa.lines import dates

COLLECTION_CHARACTERS = 500_000_000
"""The text of one file's documents together: some 150,000 articles. What follows is left out."""

FAILURES = 20
"""So many failures inside one file are told one by one, the others by their number."""

NESTED = 3
"""A file in a file in a file is read (a Word file attached to a mail in a zip), no deeper."""

TITLE_CHARACTERS = 300
"""A title beyond this is none."""

_NO_NAME = re.compile(r"untitled|no (?:title|subject)|none|null|nan|n/a|\W*", re.IGNORECASE)
_NO_TITLE = re.compile(
    r"microsoft (?:word|powerpoint|excel) - .*|(?:un|no )titled?(?: document)?(?:[- ]?\d+)?|"
    r"(?:new )?(?:document|presentation|slide|template|layout)\s*\d*|powerpoint presentation|"
    r"titel|title|none|null|.*\.(?:docx?|pdf|indd|qxd|tex|dvi|rtf|odt|html?|txt|pptx?|xlsx?|ps|eps)|"
    r"\W*|.*[/\\].*[/\\].*",
    re.IGNORECASE,
)


def each(path: Path, id: str) -> Iterator[Document | Failure]:
    """The documents of a file, as `qa.documents.each` promises them."""
    suffix = path.suffix.lower()
    with _opened(path, id) as file:
        if suffix in suffixes.SEVERAL:
            yield from _Unpacking(path, id).run(file)
        else:
            yield _document(file.read(suffixes.limit(suffix) + 1), path, path.name, id)


# --- a file that holds several -----------------------------------------------------------


class _Full(Exception):
    """The file's documents have `COLLECTION_CHARACTERS` together."""


@dataclass(slots=True)
class _Unpacking:
    """Makes documents of what is in a file, each with an id of its own; counts what fails."""

    path: Path
    id: str
    ids: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)  # the last, of ids that came again
    failed: int = 0
    sums: list[str] = field(default_factory=list)
    characters: int = 0

    def run(self, file: BinaryIO) -> Iterator[Document | Failure]:
        try:
            yield from self._unpacked(file, self.path.suffix.lower(), self.id, 0)
        except UnreadableFile as error:
            if not self.ids:
                raise
            self.sums.append(f"only a part of {self.id!r} is read: {error}")
        except _Full:
            self.sums.append(
                f"only a part of {self.id!r} is read: its text is longer than "
                f"{COLLECTION_CHARACTERS:,} characters; split it into several files"
            )
        if self.failed > FAILURES:
            more = self.failed - FAILURES
            self.sums.append(f"cannot read {more:,} more of what is in {self.id!r}")
        if self.sums:
            yield Failure(self.id, "; ".join(self.sums))

    def _unpacked(
        self, file: BinaryIO, suffix: str, id: str, depth: int
    ) -> Iterator[Document | Failure]:
        for part in suffixes.SEVERAL[suffix](file, id):
            inner = _below(id, part.key)
            try:
                if isinstance(part, Attached):
                    yield from self._attached(part, inner, depth + 1)
                elif isinstance(part, Inner):
                    _check_text(part.content, inner)
                    title = _inner_title(part, id)
                    yield self._kept(_made(part.content, self.path, title, self._free(inner)))
                else:
                    raise UnreadableFile(f"cannot read {inner!r}: {part.reason}")
            except UnreadableFile as error:
                yield from self._fail(inner, str(error))

    def _attached(self, part: Attached, id: str, depth: int) -> Iterator[Document | Failure]:
        suffix = _suffix(part.key)
        if depth > NESTED or (suffix == ".zip" and depth > 1):
            raise UnreadableFile(f"cannot read {id!r}: it lies too deep in other files; unpack it")
        _check_size(part.bytes, min(suffixes.limit(suffix), suffixes.FILE_BYTES), id)
        with wrapping(id, "file"):
            data = part.data()
        if suffix in suffixes.SEVERAL:
            yield from self._unpacked(io.BytesIO(data), suffix, id, depth)
        else:
            read = _document(data, self.path, part.key, id)
            yield self._kept(replace(read, id=self._free(id)))

    def _kept(self, document: Document) -> Document:
        self.characters += len(document.text)
        if self.characters > COLLECTION_CHARACTERS:
            raise _Full
        return document

    def _fail(self, id: str, reason: str) -> Iterator[Failure]:
        if id == self.id:
            self.sums.append(reason)
            return
        self.failed += 1
        if self.failed <= FAILURES:
            yield Failure(self._free(id), reason)

    def _free(self, id: str) -> str:
        """The id, or it with a number where something else in the file has it."""
        free = id
        while free in self.ids:
            self.numbers[id] = self.numbers.get(id, 1) + 1
            free = _numbered(id, self.numbers[id])
        self.ids.add(free)
        return free


def _below(id: str, key: str) -> str:
    """The id of what is in a file under this key, in characters that can be shown in one line."""
    shown = "".join(character if character.isprintable() else "_" for character in key)
    return f"{id}/{shown}" if key else id


def _numbered(id: str, number: int) -> str:
    stem, dot, suffix = id.rpartition(".")
    return f"{stem}-{number}.{suffix}" if f"{dot}{suffix}".lower() in READABLE else f"{id}-{number}"


def _suffix(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _inner_title(part: Inner, id: str) -> str:
    """What the part is called, else its headline, else its place in the file."""
    given = part.content.title
    if given and len(given) <= TITLE_CHARACTERS and not _NO_NAME.fullmatch(given):
        return given
    name = called_after(part.key or id)
    if part.key and not part.key.lower().endswith(READABLE):
        name = f"{called_after(id)} {part.key}"
    return lines.title_of(part.content.text, format=part.content.format) or name


# --- one document ------------------------------------------------------------------------


def _document(data: bytes, path: Path, name: str, id: str) -> Document:
    """What the bytes of a file say, whose name tells its format."""
    suffix = _suffix(name)
    reader = suffixes.SINGLE[suffix]
    _check_size(len(data), suffixes.limit(suffix), id)
    if not data.strip():
        raise UnreadableFile(f"cannot read {id!r}: it is empty")
    content = reader(data, id)
    _check_text(content, id)
    return _made(content, path, _title(content, name), id)


def _made(content: Content, path: Path, title: str, id: str) -> Document:
    return Document(
        id=id,
        text=content.text,
        title=title,
        date=content.date or dates.in_text(content.text) or content.created,
        path=path,
        source=content.source,
        format=content.format,
    )


def _check_text(content: Content, id: str) -> None:
    if not content.text.strip("\ufeff\u200b \t\r\n\v\f\xa0"):
        raise UnreadableFile(f"cannot read {id!r}: it is empty")


@contextmanager
def _opened(path: Path, id: str) -> Iterator[BinaryIO]:
    """The file, if it is one, of a kind that can be read, and not too large."""
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise UnreadableFile(f"cannot read {id!r}: only {', '.join(READABLE)} can be read")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableFile(f"cannot read {id!r}: it is not a file")
        _check_size(path.stat().st_size, suffixes.limit(suffix), id)
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise UnreadableFile(f"cannot read {id!r}: it is no longer there") from error
    except PermissionError as error:
        raise UnreadableFile(
            f"cannot read {id!r}: permission denied; change the file's permissions"
        ) from error
    except OSError as error:
        raise UnreadableFile(f"cannot read {id!r}: {error.strerror or error}") from error


def _check_size(size: int, limit: int, id: str) -> None:
    if size > limit:
        raise UnreadableFile(
            f"cannot read {id!r}: it is {size / 1e6:,.1f} MB, the limit is {limit / 1e6:,.0f} MB; "
            "split it into smaller files"
        )


def _title(content: Content, name: str) -> str:
    """The metadata's title if it is one, else the text's headline, else the file's name."""
    given = content.title
    if given and len(given) <= TITLE_CHARACTERS and not _NO_TITLE.fullmatch(given):
        return given
    return lines.title_of(content.text, format=content.format) or called_after(name)
