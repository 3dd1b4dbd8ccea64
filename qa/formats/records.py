"""From records with named fields, as CSV and JSON files hold them, to documents.

Knows which names mean a text, a title, a date ...; not how a record is written in a file.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from qa.errors import UnreadableFile
from qa.formats import hypertext
from qa.formats.content import Content, as_date, clean, host, one_line
from qa.formats.parts import Inner, Part, Unread

TEXT = (
    *("text", "body", "content", "contents", "fulltext", "articletext", "articlebody"),
    *("bodytext", "maintext", "textcontent", "contenttext", "plaintext", "rawtext", "article"),
    *("story", "passage", "passagetext", "paragraph", "paragraphs", "document", "documenttext"),
    *("transcript", "speech", "selftext", "message", "context", "abstract"),
)
"""What the text of a record is called, best first; in lower case, without spaces and dashes."""

SHORT_TEXT = ("description", "summary", "excerpt", "review", "comment", "snippet", "answer")
"""What a text may be called too, where a file holds many records: a configuration has these."""

ID = (
    *("id", "docid", "documentid", "articleid", "passageid", "recordid", "uuid", "uid", "guid"),
    *("pmid", "pubmedid", "pmcid", "corduid", "corpusid", "paperid", "doi", "identifier", "slug"),
    *("key", "nr", "number"),
)
TITLE = ("title", "headline", "heading", "articletitle", "subject", "name", "webtitle")
DATE = (
    *("date", "published", "publishedat", "publishdate", "publisheddate", "publicationdate"),
    *("publishedon", "publishtime", "publicationtime", "publishedtime", "pubdate", "datepublished"),
    *("webpublicationdate", "articledate", "dateline", "datetime", "timestamp", "time"),
    *("created", "createdat", "createdutc", "createddate", "datecreated", "posted", "postedat"),
)
SOURCE = ("source", "publisher", "publication", "outlet", "newspaper", "journal", "sitename")
SITE = ("site", "website", "domain", "feed", "author", "authors", "byline", "creator", "from")
"""Who wrote it, or where, when nothing says who published it."""
URL = ("url", "link", "href", "sourceurl", "articleurl", "weburl", "permalink", "uri")

NAME_CHARACTERS = 120
"""An id beyond this is cut, and a column's name in a message."""

_SEPARATORS = re.compile(r"[\s_.:-]+")
_EPOCH = range(100_000_000, 5_000_000_000)  # 1973 to 2128 in seconds
_SENTENCE_CHARACTERS = 250


@dataclass(slots=True)
class _Tally:
    """How many records there were, and how many gave no document."""

    records: int = 0
    empty: int = 0
    broken: int = 0
    textless: int = 0
    first_broken: str = ""
    names: dict[str, None] = field(default_factory=dict)  # in the order they were met

    def sentence(self) -> str:
        """What became of those without a document; "" when there are none."""
        counted = (
            (self.broken, f"cannot be read (the first: {self.first_broken})"),
            (self.empty, "empty"),
            (self.textless, "without a field that is known for a text"),
        )
        said = ", ".join(f"{count:,} {what}" for count, what in counted if count)
        return f"of {self.records:,} records, {said}" if said else ""


def parts(records: Iterable[Mapping[str, object] | str], name: str) -> Iterator[Part]:
    """The documents of a file's records, and at the end the sum of those that gave none.

    Parameters
    ----------
    records : iterable
        In the order of the file; a string for one that is broken says what is wrong with it.
    name : str
        The file, for messages.

    Raises
    ------
    UnreadableFile
        When no record has a field that is known for a text.
    """
    tally = _Tally()
    any_text = False
    for record in records:
        tally.records += 1
        if isinstance(record, str):
            tally.broken += 1
            tally.first_broken = tally.first_broken or record
            continue
        found = content_of(record)
        if found is None:
            _count_textless(record, tally)
            continue
        any_text = True
        if found.text.strip("\ufeff\u200b \t\r\n\v\f\xa0"):
            yield Inner(key_of(record) or str(tally.records), found)
        else:
            tally.empty += 1
    if not any_text and tally.textless:
        raise UnreadableFile(f"cannot read {name!r}: {without_text(tally.names)}")
    if sentence := tally.sentence():
        yield Unread("", sentence)


def _count_textless(record: Mapping[str, object], tally: _Tally) -> None:
    if any(value not in (None, "") for value in record.values()):
        tally.textless += 1
    else:
        tally.empty += 1
    if len(tally.names) < 50:
        tally.names.update(dict.fromkeys(map(str, record)))


def without_text(names: Iterable[str]) -> str:
    """Why records with these names cannot be read."""
    found = [repr(name[:NAME_CHARACTERS]) for name in names]
    listed = ", ".join(found[:8]) + (", ..." if len(found) > 8 else "")
    return (
        f"no column or field in it is known for a text: it has {listed or 'none'}; "
        "name the one to be read 'text', 'body', 'content', 'article' or 'abstract'"
    )


def content_of(record: Mapping[str, object], *, alone: bool = False) -> Content | None:
    """What a record says, by the names of its fields; None when none is known for a text.

    Parameters
    ----------
    alone : bool
        The only one of its file: then it must have one of the names that are surely a text's.
    """
    fields = _fields(record)
    known = TEXT if alone else (*TEXT, *SHORT_TEXT)
    names = [name for name in known if _is_prose(fields.get(name))]
    if not names:
        inner = [found for value in record.values() if (found := _inner(value, alone))]
        return _merged(inner[0], fields) if len(inner) == 1 or (inner and not alone) else None
    texts = (_prose(fields[name]) for name in names)
    text = next((text for text in texts if text.strip()), "")
    markup = hypertext.text_of(text) if hypertext.looks_like_html(text) else None
    return Content(
        markup.text if markup else clean(text),
        title=_first_line(fields, TITLE, but=names[0]),
        date=next(filter(None, (_day(fields.get(name)) for name in DATE)), None),
        source=_source(fields),
        format="markdown" if markup and markup.is_markdown else "text",
    )


def _inner(value: object, alone: bool) -> Content | None:
    """A record inside a record, as search engines and editorial systems export them."""
    if not isinstance(value, Mapping):
        return None
    fields = _fields(value)
    known = TEXT if alone else (*TEXT, *SHORT_TEXT)
    return content_of(value, alone=alone) if any(_is_prose(fields.get(n)) for n in known) else None


def _merged(inner: Content, fields: Mapping[str, object]) -> Content:
    """The inner record, with what only the outer one says."""
    return Content(
        inner.text,
        title=inner.title or _first_line(fields, TITLE),
        date=inner.date or next(filter(None, (_day(fields.get(name)) for name in DATE)), None),
        source=inner.source or _source(fields),
        format=inner.format,
    )


def key_of(record: Mapping[str, object]) -> str:
    """The record's own id, "" when it has none."""
    fields = _fields(record)
    for name in ID:
        key = one_line(_plain(fields.get(name)))
        if key and not isinstance(fields.get(name), bool):
            return key[:NAME_CHARACTERS]
    return ""


def _fields(record: Mapping[str, object]) -> dict[str, object]:
    """The fields by their bare names: "Article Text" and "article_text" are one."""
    fields: dict[str, object] = {}
    for name, value in record.items():
        fields.setdefault(_SEPARATORS.sub("", str(name).strip("\ufeff \"'")).casefold(), value)
    return fields


def _is_prose(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(part, str) for part in value)
    return isinstance(value, str)


def _prose(value: object) -> str:
    """A text; of a list, sentences in one paragraph and paragraphs in many."""
    if not isinstance(value, list):
        return str(value)
    parts = [part.strip() for part in value if part.strip()]
    long = sum(map(len, parts)) > _SENTENCE_CHARACTERS * len(parts)
    return ("\n\n" if long else " ").join(parts)


def _plain(value: object) -> object:
    """What a wrapper of MongoDB holds (``{"$oid": "..."}``); anything else as it is."""
    if isinstance(value, Mapping) and len(value) == 1:
        name, inner = next(iter(value.items()))
        return _plain(inner) if str(name).startswith("$") else value
    return value


def _first_line(fields: Mapping[str, object], names: Iterable[str], but: str = "") -> str:
    found = (one_line(_plain(fields.get(name))) for name in names if name != but)
    return clean(next(filter(None, found), ""))


def _day(value: object) -> datetime.date | None:
    """A date however it is written; seconds or milliseconds since 1970 are in UTC."""
    value = _plain(value)
    number = str(value).partition(".")[0] if isinstance(value, int | float | str) else ""
    if not isinstance(value, bool) and number.isascii() and number.isdigit():
        seconds = int(number) // 1000 if len(number) == 13 else int(number[:13])
        if len(number) in (9, 10, 13) and seconds in _EPOCH:
            return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
    return as_date(value)


def _source(fields: Mapping[str, object]) -> str:
    """Who published it, or where it stood, or who wrote it."""
    named = _first_line(fields, (*SOURCE, *SITE[:4]))
    address = one_line(_plain(next((fields[name] for name in URL if fields.get(name)), "")))
    return host(named) or named or host(address) or _first_line(fields, SITE)
