"""From the bytes of a text, Markdown or HTML file to its text and what its metadata says.

The only module that imports trafilatura and YAML, when they are needed: they are slow to load.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from qa.errors import UnreadableFile
from qa.formats.content import (
    Content,
    as_date,
    check_length,
    clean,
    host,
    one_line,
    value_or,
    wrapping,
)
from qa.formats.encoding import decode
from qa.lines import dates

FRONT_MATTER_CHARACTERS = 65_536
"""YAML longer than this is no front matter."""

_FRONT_DATES = (
    *("date", "published", "publishdate", "publish_date", "published_at", "pubdate", "pub_date"),
    *("publication_date", "date_published", "datepublished", "created"),
)
_FRONT_SOURCES = (
    *("source", "publisher", "publication", "outlet", "site", "sitename", "site_name", "website"),
    *("author", "authors", "byline", "creator"),
)
_TOML = re.compile(r"\+\+\+[ \t]*\r?\n(.*?)\r?\n\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # what text has no use for
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def plain_text(data: bytes, name: str) -> Content:
    """A text file, characters as they are."""
    return Content(_decoded(data, name))


def markdown(data: bytes, name: str) -> Content:
    """A Markdown file, characters as they are; title, date and source from its front matter."""
    text = _decoded(data, name)
    nothing: Mapping[str, object] = {}
    given = value_or(nothing, lambda: _front_matter(text))
    days = (value_or(None, lambda key=key: as_date(given.get(key))) for key in _FRONT_DATES)  # type: ignore[misc]
    return Content(
        text,
        title=one_line(given.get("title")) or one_line(given.get("headline")),
        date=next(filter(None, days), None),
        source=next(filter(None, (one_line(given.get(key)) for key in _FRONT_SOURCES)), ""),
        format="markdown",
    )


def _decoded(data: bytes, name: str) -> str:
    text, _ = decode(data)
    beginning = text[:65_536]
    if "\0" in text or len(_CONTROL.findall(beginning)) > 0.05 * len(beginning):
        raise UnreadableFile(
            f"cannot read {name!r}: it holds binary data, not text; rename it to what it is"
        )
    check_length(len(text), name)
    return text


def _front_matter(text: str) -> Mapping[str, object]:
    """What YAML between lines of ``---``, or TOML between lines of ``+++``, says at the top."""
    start = text[:FRONT_MATTER_CHARACTERS].removeprefix("\ufeff")
    given: Any = {}
    if match := _FRONT_MATTER.match(start):
        import yaml

        given = yaml.safe_load(match[1])
    elif match := _TOML.match(start):
        import tomllib

        given = tomllib.loads(match[1].replace("\r\n", "\n"))
    return {str(key).lower(): value for key, value in given.items()}


# --- HTML ------------------------------------------------------------------------------

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
TITLE_WITHIN = 300  # characters of the text: its headline is among them, if it has one
_SITE_NAME = re.compile(r"(?<=\S)\s+(?:[-\u2013\u2014|\u00b7\u00bb\u2022]|::)+\s+(?=\S)")
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d+\)(\S+)\s*-->", re.IGNORECASE)
_LINKED_DATA = re.compile(r'"datePublished"\s*:\s*"([^"]{8,40})"')


def html(data: bytes, name: str) -> Content:
    """The main text of a web page, without menus and markup."""
    return page(_page(data, name), name)


def page(source: str, name: str, url: str = "") -> Content:
    """The same of the characters of a page; `url` is where it was saved from, if that is known."""
    with wrapping(name, "web page"):
        import trafilatura

        addresses = (url, *_SAVED_FROM.findall(source[:4096]))
        address = next(filter(host, addresses), "")
        tree = trafilatura.load_html(source)
        found = trafilatura.bare_extraction(
            source,
            url=address or None,
            include_comments=False,
            with_metadata=True,
            date_extraction_params={"extensive_search": False},
        )
        text = clean((found and _attribute(found, "text")) or _all_text(source))
        if not text.strip():
            raise UnreadableFile(
                f"cannot read {name!r}: there is no text in the page; if it is filled in by a "
                "script, save it again from a browser"
            )
        check_length(len(text), name)
        return Content(
            text,
            title=one_line(_page_title(tree, _attribute(found, "title"), text)),
            date=value_or(None, lambda: _page_date(tree, source)),
            source=one_line(_publisher(found, address)),
        )


def _publisher(found: object, address: str) -> str:
    """The site, by its name or its host's; the author where nothing names a site."""
    return _attribute(found, "sitename") or host(address) or _attribute(found, "author")


def _attribute(found: object, field: str) -> str:
    return getattr(found, field, None) or ""


def _page(data: bytes, name: str) -> str:
    """The page's source: in its declared encoding where that is not plain UTF-8."""
    declared = _CHARSET.search(data[:4096])
    text, encoding = decode(data)
    if declared and encoding not in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        text = value_or(text, lambda: data.decode(declared[1].decode("ascii"), errors="replace"))
    if "\0" in text:
        raise UnreadableFile(f"cannot read {name!r}: it holds binary data, not a web page")
    return text


def _all_text(page: str) -> str:
    import trafilatura

    return trafilatura.html2txt(page) or ""


def _page_title(tree: Any, guessed: str, text: str) -> str:
    """What the page calls itself. A heading that trafilatura took for the headline is believed
    when the page's title or the beginning of its text has it too: it may be of a menu or a help.
    """
    called = " ".join((tree.findtext(".//title") or "").split())
    for meta in tree.iter("meta"):
        if meta.get("property") == "og:title" and (meta.get("content") or "").strip():
            return str(meta.get("content"))
    parts = _SITE_NAME.split(called)
    heading = " ".join(guessed.split()).casefold()
    believed = f"{called if heading != parts[-1].casefold() else parts[0]} {text[:TITLE_WITHIN]}"
    return guessed if not called or (heading and heading in believed.casefold()) else parts[0]


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
