"""From the bytes of a PDF to its text and what its metadata says.

The only module that imports pypdf, when it is needed: it is slow to load.
"""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from qa.errors import UnreadableFile
from qa.formats.content import (
    Content,
    as_date,
    check_length,
    clean,
    maker,
    one_line,
    value_or,
    wrapping,
)

RUNNING_CHARACTERS = 80
"""A header or footer is shorter than a line of text."""

_log = logging.getLogger(__name__)


def read(data: bytes, name: str) -> Content:
    """A PDF's text, page by page, without its running headers and page numbers."""
    with wrapping(name, "PDF"):
        import pypdf

        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableFile(
                f"cannot read {name!r}: it is protected by a password; save a copy without one"
            )
        text = _joined(_without_running_lines(list(_pages(reader, name))))
        if not text.strip():
            raise UnreadableFile(f"cannot read {name!r}: {_why_empty(reader)}")
        return _with_properties(text, reader)


def _with_properties(text: str, reader: Any) -> Content:
    """The text with what the PDF's properties say: the older kind, then those in XMP."""
    old = value_or(None, lambda: reader.metadata)
    xmp = value_or(None, lambda: reader.xmp_metadata)
    created = value_or(None, lambda: as_date(old.creation_date))
    title = value_or("", lambda: clean(one_line(old.title)))
    author = value_or("", lambda: clean(maker(old.author)))
    return Content(
        text,
        title=title or value_or("", lambda: one_line(xmp.dc_title.get("x-default"))),
        source=value_or("", lambda: maker(xmp.dc_publisher))
        or author
        or value_or("", lambda: maker(xmp.dc_creator)),
        created=created or value_or(None, lambda: as_date(xmp.xmp_create_date)),
    )


def _pages(reader: Any, name: str) -> Iterator[str]:
    """The text of each page; a page that is damaged is left out, unless all are."""
    total, failure, good = 0, None, 0
    for number, page in enumerate(reader.pages, 1):
        try:
            text = clean(page.extract_text())
        except Exception as error:
            _log.warning("%r: page %d is damaged and left out", name, number)
            failure = error
            continue
        good += 1
        total += len(text)
        check_length(total, name)
        yield text
    if failure and not good:
        raise failure


def _why_empty(reader: Any) -> str:
    pictures = value_or(
        True, lambda: any("/XObject" in (page.get("/Resources") or {}) for page in reader.pages)
    )
    if pictures:
        return "no text in it: it holds only pictures; run OCR on it first"
    return "no text in it"


def _without_running_lines(pages: Sequence[str]) -> list[list[str]]:
    """The pages' lines, without those that return at the edge of most pages."""
    lines = [page.strip().splitlines() for page in pages]
    for edge in (0, 0, -1, -1):  # a header or footer has two lines at most
        counts = Counter(_running_key(page[edge]) for page in lines if page)
        often = {key for key, count in counts.items() if count >= max(3, 0.6 * len(pages))}
        for page in lines:
            if page and _running_key(page[edge]) in often and len(page[edge]) <= RUNNING_CHARACTERS:
                del page[edge]
            while page and not page[edge].strip():
                del page[edge]
    return lines


def _running_key(line: str) -> str:
    """Equal for lines that differ in the page's number only."""
    return re.sub(r"\d+", "#", " ".join(line.split()))


def _joined(pages: Sequence[Sequence[str]]) -> str:
    """Pages one after another; a sentence that runs over the edge of a page stays in one piece."""
    text = ""
    for lines in pages:
        page = "\n".join(lines).strip()
        if text and page:
            runs_on = page[0].islower() and text[-1] not in '.!?:”"'
            text += "\n" if runs_on else "\n\n"
        text += page
    return text
