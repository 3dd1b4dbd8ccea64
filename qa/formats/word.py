"""From the bytes of a Word file to its text and what its metadata says.

The only module that imports python-docx, when it is needed: it is slow to load.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from qa.errors import UnreadableFile
from qa.formats.content import Content, check_length, clean, maker, one_line, value_or, wrapping

UNPACKED_BYTES = 200_000_000
"""What a Word file may unfold to; beyond it is a zip bomb, or too large for memory."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_HEADING_STYLE = re.compile(r"(?:heading|überschrift|titre|título|titolo)\s*([1-6])", re.IGNORECASE)
_TEMPLATE_DATE = datetime.datetime(2013, 12, 23, 23, 15, tzinfo=datetime.UTC)


def read(data: bytes, name: str) -> Content:
    """A Word file's paragraphs, lists and tables in order; as Markdown when it has headings."""
    with wrapping(name, "Word file"):
        _check_package(data, name)
        import docx

        document = docx.Document(io.BytesIO(data))
        parts = list(_word_blocks(document.element.body, document))
        text = "\n\n".join(part for part in parts if part.strip())
        if not text.strip():
            raise UnreadableFile(f"cannot read {name!r}: there is no text in it")
        check_length(len(text), name)
        properties = document.core_properties
        return Content(
            clean(text),
            title=value_or("", lambda: one_line(properties.title)),
            source=value_or("", lambda: maker(properties.author)),
            format="markdown" if any(part.startswith("#") for part in parts) else "text",
            created=value_or(None, lambda: _word_date(properties.created)),
        )


def _check_package(data: bytes, name: str) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile(
            f"cannot read {name!r}: it is protected by a password or in the old .doc format; "
            "save it as .docx without a password"
        )
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        unpacked = sum(member.file_size for member in package.infolist())
    if unpacked > UNPACKED_BYTES:
        raise UnreadableFile(
            f"cannot read {name!r}: it unfolds to {unpacked / 1e6:,.0f} MB, the limit is "
            f"{UNPACKED_BYTES / 1e6:,.0f} MB; take out the pictures or split it"
        )


def _word_date(created: datetime.datetime | None) -> datetime.date | None:
    """When the file was made; not the day of the template that python-docx starts from."""
    if created is None or created.replace(tzinfo=datetime.UTC) == _TEMPLATE_DATE:
        return None
    return created.date()


def _word_blocks(element: Any, document: Any) -> Iterator[str]:
    """Paragraphs and tables in order, those inside content controls and insertions too."""
    rows: list[str] = []
    for child in element:
        if child.tag == f"{_W}p":
            yield _styled(child, document)
        elif child.tag == f"{_W}tbl":
            rows = [_row(row) for row in child.iter(f"{_W}tr")]
            yield "\n".join(row for row in rows if row.strip("| "))
        elif isinstance(child.tag, str) and child.tag != _FALLBACK:
            yield from _word_blocks(child, document)


def _styled(paragraph: Any, document: Any) -> str:
    from docx.text.paragraph import Paragraph

    text = _word_text(paragraph).strip()
    style = value_or("", lambda: getattr(Paragraph(paragraph, document).style, "name", ""))
    if not text:
        return ""
    if match := _HEADING_STYLE.match(style):
        return f"{'#' * (int(match[1]) + 1)} {' '.join(text.split())}"
    if style == "Title":
        return f"# {' '.join(text.split())}"
    numbered = paragraph.pPr is not None and paragraph.pPr.numPr is not None
    return f"- {text}" if numbered or style.startswith("List ") else text


def _word_text(element: Any) -> str:
    """The characters of a paragraph or cell as the page shows them: changes accepted."""
    parts: list[str] = []
    for node in element.iter():
        if _is_hidden(node, element):
            continue
        if node.tag in (f"{_W}t", _MATH_TEXT):
            parts.append(node.text or "")
        elif node.tag in _BREAKS:
            parts.append(_BREAKS[node.tag])
        elif node.tag == f"{_W}p" and parts:
            parts.append("\n")
    return "".join(parts)


def _is_hidden(node: Any, top: Any) -> bool:
    """Say whether a node was moved away, or only stands in for what older programs cannot show."""
    while node is not top:
        if node.tag in (_FALLBACK, f"{_W}moveFrom", f"{_W}tabs"):
            return True
        node = node.getparent()
    return False


def _row(row: Any) -> str:
    cells = [" ".join(_word_text(cell).split()) for cell in row.iter(f"{_W}tc")]
    return f"| {' | '.join(cells)} |"
