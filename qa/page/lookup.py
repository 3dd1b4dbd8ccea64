"""What the page's own script asks for: an article, rows of the list, the ticked articles.

A request comes from outside, and anybody can send one: whatever in it is not of the right kind is
passed over, and documents are found by their id among those of the index, never by a path.
"""

from __future__ import annotations

from typing import Any

from qa.documents import Document
from qa.page import article, collection
from qa.page.opening import Opening
from qa.page.wording import Marks, Span


def open_article(opening: Opening, request: Any) -> str:
    """One whole article, for ``{"document": id, "passage": [start, end], "marks": {...}}``."""
    said = fields(request)
    identity = said.get("document")
    found = (
        opening.index.document(identity) if opening.index and isinstance(identity, str) else None
    )
    if found is None:
        return article.gone()
    return article.article(found, span(said.get("passage")), marks(said.get("marks")))


def find_articles(opening: Opening, request: Any) -> str:
    """Rows of the list, for ``{"filter": text, "chosen": [ids]}``."""
    said = fields(request)
    ticked = set(texts(said.get("chosen")))
    return collection.rows(documents(opening), ticked, str(said.get("filter", "")))


def ticked_articles(opening: Opening, request: Any) -> list[str]:
    """Those of the ids in ``{"documents": [ids]}`` that there are, in the index's order."""
    ticked = set(texts(fields(request).get("documents")))
    return [document.id for document in documents(opening) if document.id in ticked]


def documents(opening: Opening) -> tuple[Document, ...]:
    """The documents of the index; none before it is ready."""
    return opening.index.documents if opening.index else ()


def fields(value: Any) -> dict[str, Any]:
    """A request's fields; none of anything that is not an object."""
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> list[str]:
    """The strings in a list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def span(value: Any) -> Span | None:
    """``[start, end]``, or None for anything that is not that."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    start, end = value
    return (start, end) if type(start) is int and type(end) is int and 0 <= start <= end else None


def spans(value: Any) -> list[Span]:
    """The spans in a list."""
    return [one for one in map(span, value if isinstance(value, list) else []) if one]


def marks(value: Any) -> Marks:
    """The marks in ``{"sentences": [spans], "lead_ins": [spans], "exact": [spans]}``."""
    said = fields(value)
    return Marks(**{name: tuple(spans(said.get(name))) for name in Marks.__slots__})
