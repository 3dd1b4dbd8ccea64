"""From the bytes of one file to its text and what its metadata says: HTML, PDF, Word, Markdown.

The only module that imports the libraries for these formats, each inside the function that needs
it, because they are slow to load. Whatever they raise becomes `UnreadableFile` here.
"""

from __future__ import annotations

import datetime
import io
import logging
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from qa import dates
from qa.encoding import decode
from qa.errors import UnreadableFile

TEXT_CHARACTERS = 20_000_000
"""Extracted text beyond this is refused: about 30 long novels; a small PDF can unfold into more."""

UNPACKED_BYTES = 200_000_000
"""What a Word file may unfold to; beyond it is a zip bomb, or too large for memory."""

RUNNING_CHARACTERS = 80
"""A header or footer is shorter than a line of text."""

FRONT_MATTER_CHARACTERS = 65_536
"""YAML longer than this is no front matter."""

_log = logging.getLogger(__name__)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds; `title`, `date` and `source` are only what its metadata says.

    `created` is when the file was made: a date of publication only where nothing better is given.
    """

    text: str
    title: str = ""
    date: datetime.date | None = None
    source: str = ""
    format: Literal["text", "markdown"] = "text"
    created: datetime.date | None = None


@contextmanager
def _wrapping(name: str, what: str) -> Iterator[None]:
    """Turn whatever a library raises into `UnreadableFile`, and keep its log to itself."""
    loggers = [logging.getLogger(library) for library in ("pypdf", "trafilatura", "htmldate")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except UnreadableFile:
        raise
    except Exception as error:
        reason = f"cannot read '{name}': the {what} is damaged; open it and save it anew"
        raise UnreadableFile(reason) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _or(default: _Value, value: Callable[[], _Value]) -> _Value:
    """A piece of metadata, or the default: broken metadata must not cost the text."""
    try:
        return value()
    except Exception as error:  # noqa: BLE001 - whatever a library makes of broken metadata
        _log.debug("metadata is left out: %r", error)
        return default


def _within_limit(length: int, name: str) -> None:
    if length > TEXT_CHARACTERS:
        raise UnreadableFile(
            f"cannot read '{name}': its text is longer than {TEXT_CHARACTERS:,} characters; "
            "split it into several files"
        )


# --- text and Markdown ---------------------------------------------------------------------------

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def plain_text(data: bytes, name: str) -> Content:
    """A text file, characters as they are."""
    return Content(_decoded(data, name))


def markdown(data: bytes, name: str) -> Content:
    """A Markdown file, characters as they are; title, date and source from its front matter."""
    text = _decoded(data, name)
    nothing: Mapping[str, object] = {}
    given = _or(nothing, lambda: _front_matter(text))
    source = next((given[key] for key in ("source", "publisher", "author") if given.get(key)), "")
    return Content(
        text,
        title=_one_line(given.get("title")),
        date=_or(None, lambda: _as_date(given.get("date"))),
        source=_one_line(source),
        format="markdown",
    )


def _decoded(data: bytes, name: str) -> str:
    text, _ = decode(data)
    controls = sum(
        character < " " and character not in "\t\n\r\f\v\x1b" for character in text[:65536]
    )
    if "\0" in text or controls > 0.05 * min(len(text), 65_536):
        raise UnreadableFile(
            f"cannot read '{name}': it holds binary data, not text; rename it to what it is"
        )
    _within_limit(len(text), name)
    return text


def _front_matter(text: str) -> Mapping[str, object]:
    match = _FRONT_MATTER.match(text[:FRONT_MATTER_CHARACTERS])
    if not match:
        return {}
    import yaml

    given = yaml.safe_load(match[1])
    return {str(key).lower(): value for key, value in given.items()}


def _one_line(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, (_one_line(part) for part in value)))
    if isinstance(value, Mapping):
        return _one_line(value.get("name"))
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def _as_date(value: object) -> datetime.date | None:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    return dates.parse(str(value)) if isinstance(value, str | int) else None


# --- HTML ----------------------------------------------------------------------------------------

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_META_DATES = (
    "article:published_time",
    "og:published_time",
    "datepublished",
    "pubdate",
    "publishdate",
    "publish-date",
    "publication_date",
    "citation_publication_date",
    "parsely-pub-date",
    "sailthru.date",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.date",
    "dc.date",
    "date",
)
_LINKED_DATA = re.compile(r'"datePublished"\s*:\s*"([^"]{8,40})"')


def html(data: bytes, name: str) -> Content:
    """The main text of a web page, without menus and markup."""
    page = _page(data, name)
    with _wrapping(name, "web page"):
        import trafilatura

        tree = trafilatura.load_html(page)
        found = trafilatura.bare_extraction(
            page,
            include_comments=False,
            with_metadata=True,
            date_extraction_params={"extensive_search": False},
        )
        text = _clean((found and _attribute(found, "text")) or _all_text(page))
        if not text.strip():
            raise UnreadableFile(
                f"cannot read '{name}': there is no text in the page; if it is filled in by a "
                "script, save it again from a browser"
            )
        _within_limit(len(text), name)
        return Content(
            text,
            title=_one_line(_attribute(found, "title")),
            date=_or(None, lambda: _page_date(tree, page)),
            source=_one_line(_attribute(found, "sitename")),
        )


def _attribute(found: object, field: str) -> str:
    return getattr(found, field, None) or ""


def _page(data: bytes, name: str) -> str:
    """The page's source: in its declared encoding where that is not plain UTF-8."""
    declared = _CHARSET.search(data[:4096])
    text, encoding = decode(data)
    if declared and encoding not in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        text = _or(text, lambda: data.decode(declared[1].decode("ascii"), errors="replace"))
    if "\0" in text:
        raise UnreadableFile(f"cannot read '{name}': it holds binary data, not a web page")
    return text


def _all_text(page: str) -> str:
    import trafilatura

    return trafilatura.html2txt(page) or ""


def _page_date(tree: Any, page: str) -> datetime.date | None:
    """Only what is marked as the date of publication; other dates on a page may be anything."""
    given: dict[str, str] = {}
    for meta in tree.iter("meta"):
        for key in ("property", "name", "itemprop"):
            given.setdefault((meta.get(key) or "").lower(), meta.get("content") or "")
    written = [given.get(key, "") for key in _META_DATES]
    written += _LINKED_DATA.findall(page)
    for time in tree.iter("time"):
        if time.get("pubdate") is not None or time.get("itemprop") == "datePublished":
            written.append(time.get("datetime") or "")
    return next(filter(None, map(dates.parse, filter(None, written))), None)


# --- PDF -----------------------------------------------------------------------------------------

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def pdf(data: bytes, name: str) -> Content:
    """A PDF's text, page by page, without its running headers and page numbers."""
    with _wrapping(name, "PDF"):
        import pypdf

        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableFile(
                f"cannot read '{name}': it is protected by a password; save a copy without one"
            )
        text = _joined(_without_running_lines(list(_pages(reader, name))))
        if not text.strip():
            raise UnreadableFile(f"cannot read '{name}': {_why_empty(reader)}")
        metadata = _or(None, lambda: reader.metadata)
        return Content(
            text,
            title=_or("", lambda: _one_line(metadata.title)) if metadata else "",
            created=_or(None, lambda: _as_date(metadata.creation_date)) if metadata else None,
        )


def _pages(reader: Any, name: str) -> Iterator[str]:
    """The text of each page; a page that is damaged is left out, unless all are."""
    total, failure, good = 0, None, 0
    for number, page in enumerate(reader.pages, 1):
        try:
            text = _clean(page.extract_text())
        except Exception as error:  # noqa: BLE001 - whatever pypdf makes of a broken page
            _log.warning("'%s': page %d is damaged and left out", name, number)
            failure = error
            continue
        good += 1
        total += len(text)
        _within_limit(total, name)
        yield text
    if failure and not good:
        raise failure


def _clean(text: str) -> str:
    """Without what no reader sees: ligatures as letters, no control characters or surrogates."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text.translate(_LIGATURES)))


def _why_empty(reader: Any) -> str:
    pictures = _or(
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


# --- Word ----------------------------------------------------------------------------------------

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_HEADING_STYLE = re.compile(r"(?:heading|überschrift|titre|título|titolo)\s*([1-6])", re.IGNORECASE)
_TEMPLATE_DATE = datetime.datetime(2013, 12, 23, 23, 15, tzinfo=datetime.UTC)


def docx(data: bytes, name: str) -> Content:
    """A Word file's paragraphs, lists and tables in order; as Markdown when it has headings."""
    with _wrapping(name, "Word file"):
        _check_package(data, name)
        import docx as python_docx

        document = python_docx.Document(io.BytesIO(data))
        parts = list(_word_blocks(document.element.body, document))
        text = "\n\n".join(part for part in parts if part.strip())
        if not text.strip():
            raise UnreadableFile(f"cannot read '{name}': there is no text in it")
        _within_limit(len(text), name)
        properties = document.core_properties
        return Content(
            _clean(text),
            title=_or("", lambda: _one_line(properties.title)),
            format="markdown" if any(part.startswith("#") for part in parts) else "text",
            created=_or(None, lambda: _word_date(properties.created)),
        )


def _check_package(data: bytes, name: str) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile(
            f"cannot read '{name}': it is protected by a password or in the old .doc format; "
            "save it as .docx without a password"
        )
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        unpacked = sum(member.file_size for member in package.infolist())
    if unpacked > UNPACKED_BYTES:
        raise UnreadableFile(
            f"cannot read '{name}': it unfolds to {unpacked / 1e6:,.0f} MB, the limit is "
            f"{UNPACKED_BYTES / 1e6:,.0f} MB; take out the pictures or split it"
        )


def _word_date(created: datetime.datetime | None) -> datetime.date | None:
    """When the file was made, unless that is the day of the template that python-docx starts from."""
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
    style = _or("", lambda: getattr(Paragraph(paragraph, document).style, "name", ""))
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
