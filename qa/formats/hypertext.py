"""All the text of HTML that has no menus around it: of mails, chapters, fields of a record.

For whole web pages `markup` finds the article among the rest. The only module that imports lxml,
when it is needed.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from qa.formats.content import clean, value_or

DEPTH = 120
"""Elements nested deeper than this are read as one piece of text: pages nest some 30 deep."""

_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_BLOCK_NAMES = (
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form header hr html legend li main nav ol option p pre section "
    "summary table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split()) | set(_HEADINGS)
_SILENT_NAMES = (
    "head script style template noscript title iframe object svg math audio video canvas select "
    "textarea button rp rt"
)
_SILENT = frozenset(_SILENT_NAMES.split())
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)", re.I)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\w+);)(\w{2,31});")
_PROLOGUE = re.compile(
    r"\A\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<!DOCTYPE[^>\[]*>", re.S | re.I
)
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_NESTING = re.compile(
    r"</?(?!(?:p|br|h[1-6]|head|style|script|title|template)\b)[a-z][^<>]*>", re.IGNORECASE
)
_TAGS = re.compile(
    r"</?(?:p|br|div|h[1-6]|ul|ol|li|table|blockquote|span|a|em|strong|b|i)\b[^<>]*>", re.I
)


@dataclass(slots=True)
class Section:
    """The text below an anchor, or below none, as Markdown when it has headings."""

    anchor: str = ""
    heading: str = ""
    blocks: list[str] = field(default_factory=list)
    _glue: list[str] = field(default_factory=list)  # what stands before each block

    def add(self, block: str, *, below: bool = False) -> None:
        """Append a paragraph, or a line directly below the last block."""
        self._glue.append("\n" if below else "\n\n" if self.blocks else "")
        self.blocks.append(block)

    @property
    def text(self) -> str:
        return clean("".join(itertools.chain(*zip(self._glue, self.blocks, strict=True))))

    @property
    def is_markdown(self) -> bool:
        return bool(self.heading)


def looks_like_html(text: str) -> bool:
    """Whether a field of a record is written in HTML: at least two tags, one that closes."""
    start = text[:5_000]
    found = _TAGS.findall(start) if "<" in start else []
    return len(found) >= 2 and any(tag.startswith("</") for tag in found)


def tree_of(source: str) -> Any:
    """The elements of HTML or XHTML; None where there are none."""
    xhtml = value_or(None, lambda: _strict(source))
    if xhtml is not None:
        return xhtml
    bare = _DECLARATION.sub("", source)  # which lxml does not accept beside characters
    tree, whole = _parsed(bare)
    return tree if whole else _parsed(_NESTING.sub(" ", bare))[0]


def _parsed(source: str) -> tuple[Any, bool]:
    """The elements, and whether that is all: lxml stops where they nest too deep."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.HTMLParser(
        no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )
    tree = value_or(None, lambda: etree.fromstring(source, parser))
    return tree, not any(error.level_name == "FATAL" for error in parser.error_log)


def _strict(source: str) -> Any:
    """XHTML, in which ``<title/>`` or ``<a id="x"/>`` close themselves; None for other HTML."""
    from lxml import etree

    if "<html" not in source[:2_000] or "http://www.w3.org/1999/xhtml" not in source[:4_000]:
        return None
    named = _ENTITY.sub(lambda match: html.unescape(match[0]), source)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    return etree.fromstring(_DECLARATION.sub("", _PROLOGUE.sub("", named)).lstrip(), parser)


def xml(data: bytes) -> Any:
    """The elements of XML, which may be a little broken; nothing outside it is ever fetched."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    return etree.fromstring(data, parser)


def sections(tree: Any, anchors: Collection[str] = ()) -> list[Section]:
    """The text in the order of the page, a new section wherever one of the anchors stands.

    Paragraphs are a blank line apart, table rows and lines broken by hand are lines, list items
    begin with a hyphen, headings with ``#``.
    """
    if tree is None:
        return []
    return _Walk(frozenset(anchors)).run(tree)


def text_of(source: str) -> Section:
    """All the text of a page or a fragment."""
    found = sections(tree_of(source))
    return found[0] if found else Section()


class _Walk:
    """Goes through a tree and gathers its text, block by block."""

    def __init__(self, anchors: frozenset[str]) -> None:
        self._anchors = anchors
        self._sections = [Section()]
        self._inline: list[str] = []
        self._prefix = ""
        self._pre = 0

    def run(self, tree: Any) -> list[Section]:
        self._element(tree, 0)
        self._flush()
        return self._sections

    def _element(self, element: Any, depth: int) -> None:
        tag = _name(element)
        for key in ("id", "name"):
            if element.get(key) in self._anchors:
                self._flush()
                self._sections.append(Section(element.get(key)))
        if not tag or tag in _SILENT or _is_hidden(element):
            return
        if depth > DEPTH:
            self._inline.append(" ".join(element.itertext()))
        elif tag == "br":
            self._inline.append("\n")
        elif tag == "tr":
            self._row(element, depth)
        elif tag in _BLOCKS:
            self._block(element, tag, depth)
        else:
            self._children(element, depth)

    def _children(self, element: Any, depth: int) -> None:
        self._add(element.text)
        for child in element:
            self._element(child, depth + 1)
            self._add(child.tail)

    def _block(self, element: Any, tag: str, depth: int) -> None:
        self._flush()
        if tag in _HEADINGS:
            self._prefix = f"{_HEADINGS[tag]} "
        elif tag == "li":
            self._prefix = "- "
        self._pre += tag == "pre"
        self._children(element, depth)
        self._flush()
        self._pre -= tag == "pre"
        self._prefix = ""

    def _row(self, element: Any, depth: int) -> None:
        """A table row in one line, but what is laid out by tables as if there were none."""
        tails = (cell.tail or "" for cell in element)
        if (element.text or "").strip() or "".join(tails).strip() or _has_blocks(element):
            self._block(element, "div", depth)
            return
        self._flush()
        cells = [" ".join("".join(_words(cell)).split()) for cell in element]
        if any(cells):
            self._append(f"| {' | '.join(cells)} |" if len(cells) > 1 else cells[0])

    def _add(self, text: str | None) -> None:
        if text:
            self._inline.append(text if self._pre else re.sub(r"[^\S\xa0]+", " ", text))

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline.clear()
        lines = (text if self._pre else re.sub(r" *\n *", "\n", text)).split("\n")
        block = "\n".join(line.rstrip() for line in lines).strip("\n" if self._pre else " \n")
        if not block.strip("\xa0\u200b\u200c\u034f\ufeff\u00ad \t\n"):
            return
        if self._prefix.startswith("#"):
            block = " ".join(block.split())
            self._sections[-1].heading = self._sections[-1].heading or block
        self._append(self._prefix + block)
        self._prefix = ""

    def _append(self, block: str) -> None:
        section = self._sections[-1]
        last = section.blocks[-1] if section.blocks else ""
        listed = any(block.startswith(mark) and last.startswith(mark) for mark in ("- ", "| "))
        section.add(block, below=listed)


def _has_blocks(row: Any) -> bool:
    """Whether a table row has more in it than cells of text."""
    inner = (_name(element) for element in row.iter())
    return any(name in _BLOCKS and name not in ("td", "th") for name in list(inner)[1:])


def _words(element: Any) -> Iterator[str]:
    """The text inside an element, without what is silent or hidden."""
    if not _name(element) or _name(element) in _SILENT or _is_hidden(element):
        return
    yield element.text or ""
    for child in element:
        if _name(child) == "br":
            yield " "
        yield from _words(child)
        yield child.tail or ""


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _is_hidden(element: Any) -> bool:
    return element.get("hidden") is not None or bool(_HIDDEN.search(element.get("style") or ""))
