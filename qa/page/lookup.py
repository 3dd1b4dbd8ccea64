"""What the page's own script asks for: how things stand, an article, rows of the list.

A request comes from outside, and anybody can send one: whatever in it is not of the right kind is
passed over, and documents are found by their id among those of the index, never by a path.
"""

from __future__ import annotations

import datetime
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from zlib import crc32

from qa.page import article, collection, standing, welcome
from qa.page.opening import Opening
from qa.page.shelf import Wanted
from qa.page.wording import Marks, Span, percent

if TYPE_CHECKING:  # the index brings in the search engines; the page's words need none of them
    from qa import Status

SOON_MS, WORKING_MS, CALM_MS = 500, 1000, 2000  # to the next look: opening, working, nothing to do


def look(opening: Opening, request: Any) -> str:
    """How everything stands, for ``{"seen": {part: mark}, "chosen": how many}``.

    Gives an object as JSON: "parts" holds what the page shows, and of that only what has another
    mark than was seen; "version" names the articles there are, "covered" is the share of the
    passages that are searched by their meaning, of 100, and "again" when to look again, in ms.
    """
    said = fields(request)
    seen = fields(said.get("seen"))
    chosen = said.get("chosen")
    version, covered, again, parts = looked(opening, chosen if type(chosen) is int else 0)
    fresh = {
        name: {"html": html, "mark": mark_of(html)}
        for name, html in parts.items()
        if seen.get(name) != mark_of(html)
    }
    return json.dumps({"version": version, "covered": covered, "again": again, "parts": fresh})


def looked(opening: Opening, chosen: int) -> tuple[int, int, int, dict[str, str]]:
    """Version, share covered, when to look again, and the parts of the page, as they are now."""
    index = opening.index
    if index is None:
        again = CALM_MS if opening.error and not opening.empty else SOON_MS
        return 0, 0, again, {"welcome": before_opening(opening)}
    status = index.status
    shelf = opening.refresh(status)
    # Those that are searched: while files are read, not yet all that were; the list lags else.
    listed = shelf.version and status.stage == "reading"
    articles = len(shelf.outlines) if listed else status.documents
    working = status.stage in ("reading", "embedding") or not opening.finished
    parts = {
        "welcome": welcome_now(opening, articles, status),
        "standing": standing.standing(status, opening.trouble),
        "announcement": standing.announcement(status, opening.trouble),
        "scope": collection.scope(articles, chosen),
        "choices": collection.choices(shelf),
        "failures": collection.unread(status.failures, unfolded=not articles),
    }
    again = WORKING_MS if working else CALM_MS
    return shelf.version, percent(status.coverage), again, parts


def before_opening(opening: Opening) -> str:
    """The empty state of a page without an index."""
    if opening.empty:
        return welcome.missing(opening.error)
    return welcome.failed(opening.error) if opening.error else welcome.opening(opening.progress)


def welcome_now(opening: Opening, articles: int, status: Status) -> str:
    """The empty state of a page that can be asked, or that has nothing to ask about."""
    reading = status.stage == "reading"
    if not articles and not reading:
        return welcome.empty(len(status.failures))
    looking = not opening.finished
    return welcome.welcome(articles, opening.examples, looking=looking, reading=reading)


def mark_of(html: str) -> int:
    """Tells a part of the page from what it was before."""
    return crc32(html.encode("utf-8", "surrogatepass"))


def open_article(opening: Opening, request: Any) -> str:
    """One whole article, for what `qa.page.evidence.opener` puts into its button."""
    said = fields(request)
    identity, text, was = said.get("document"), said.get("text"), said.get("was")
    if not isinstance(identity, str):
        return article.gone()
    found = opening.index.document(identity) if opening.index else None
    quoted = article.Quoted(
        span(said.get("passage")),
        marks(said.get("marks")),
        text if isinstance(text, str) else None,
        was if type(was) is int else None,
    )
    return article.reopened(found, quoted) if found else article.gone(identity, quoted.text)


def find_articles(opening: Opening, request: Any) -> str:
    """Rows of the list and what is said above them, as JSON; for what is wanted, see `wanted`.

    ``{"first": [ids]}`` names the articles that are listed first.
    """
    shelf, asked = opening.shelf, wanted(request)
    found = shelf.listed(asked)
    first = set(texts(fields(request).get("first")))
    rows = collection.rows(len(shelf.outlines), found, first, shelf.stories)
    return json.dumps({"listed": collection.listed(shelf, found, asked), "rows": rows})


def listed_ids(opening: Opening, request: Any) -> str:
    """The ids of all articles that are wanted, as JSON; see `wanted`."""
    return json.dumps([outline.id for outline in opening.shelf.listed(wanted(request))])


def still_there(opening: Opening, request: Any) -> str:
    """Of the ids in ``{"documents": [ids]}`` those that are gone, and words for it, as JSON."""
    asked = dict.fromkeys(texts(fields(request).get("documents")))
    gone = [identity for identity in asked if identity not in opening.shelf.ids]
    note = collection.lost(len(gone), len(asked) - len(gone)) if gone else ""
    return json.dumps({"gone": gone, "note": note})


def try_again(opening: Opening, _: Any) -> str:
    """Go on with what stopped."""
    opening.try_again()
    return ""


def ticked_articles(opening: Opening, request: Any) -> list[str]:
    """Those of the ids in ``{"documents": [ids]}`` that there are, in the index's order."""
    ticked = set(texts(fields(request).get("documents"))) & opening.shelf.ids
    return sorted(ticked)


def wanted(request: Any) -> Wanted:
    """What is listed, for ``{"words", "after", "before", "source", "order"}``, each text."""
    said = fields(request)
    known = {name: value for name, value in said.items() if isinstance(value, str)}
    return Wanted(
        words=known.get("words", ""),
        after=date(known.get("after", "")),
        before=date(known.get("before", "")),
        source=known.get("source", ""),
        order=known.get("order", "file"),
    )


def date(value: str) -> datetime.date | None:
    """A day written as ``2016-02-13``, or None for anything else."""
    with suppress(ValueError):
        return datetime.date.fromisoformat(value)
    return None


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
