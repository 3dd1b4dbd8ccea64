"""What the readers of all formats share: the value they produce, its limits, and their errors.

Knows no format. Whatever a format's library raises becomes `UnreadableFile` here.
"""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from qa.errors import UnreadableFile
from qa.lines import dates

READABLE = (
    *(".txt", ".md", ".markdown", ".html", ".htm", ".mhtml", ".mht", ".pdf", ".docx", ".epub"),
    *(".eml", ".mbox", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".zip"),
)
"""Suffixes of the files that can be read, in lower case."""

TEXT_CHARACTERS = 20_000_000
"""Extracted text beyond this is refused: about 30 long novels; a small PDF can unfold into more."""

_log = logging.getLogger(__name__)
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_NOBODY = re.compile(
    r"(?:(?:system )?administrator|admin|(?:default |hp |dell |my )?user\d*|unknown|author|owner|"
    r"root|anonymous|none|n/?a|python-docx|microsoft.*|adobe.*|acrobat.*|latex.*|pdf.*|.*[/\\@].*)",
    re.IGNORECASE,
)
_NAME = re.compile(r"\w\W+\w|^[^\W\d_a-z]")  # two words, or a capital
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NOISY = ("pypdf", "trafilatura", "htmldate")
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
def wrapping(name: str, what: str) -> Iterator[None]:
    """Turn whatever a library raises into `UnreadableFile`, and keep its log to itself."""
    for library in _NOISY:
        if logging.getLogger(library).level == logging.NOTSET:  # nobody asked for its log
            logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    try:
        yield
    except UnreadableFile:
        raise
    except Exception as error:
        reason = f"cannot read {name!r}: the {what} is damaged; open it and save it anew"
        raise UnreadableFile(reason) from error


def value_or(default: _Value, value: Callable[[], _Value]) -> _Value:
    """A piece of metadata, or the default: broken metadata must not cost the text."""
    try:
        return value()
    except Exception as error:
        _log.debug("metadata is left out: %r", error)
        return default


def check_length(length: int, name: str) -> None:
    """Refuse a text beyond `TEXT_CHARACTERS`."""
    if length > TEXT_CHARACTERS:
        raise UnreadableFile(
            f"cannot read {name!r}: its text is longer than {TEXT_CHARACTERS:,} characters; "
            "split it into several files"
        )


def clean(text: str) -> str:
    """Without what no reader sees: ligatures as letters, no control characters or surrogates."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text.translate(_LIGATURES)))


def one_line(value: object) -> str:
    """A title or a name from metadata of any kind, as one line; "" when it is neither."""
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, (one_line(part) for part in value)))
    if isinstance(value, Mapping):
        return one_line(value.get("name"))
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""


def as_date(value: object) -> datetime.date | None:
    """A day from metadata of any kind; None when it does not give one in full."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    return dates.parse(str(value)) if isinstance(value, str | int) else None


def host(url: str) -> str:
    """The host that a web address names, without ``www.``; "" for anything else."""
    if not url.lower().startswith(("http://", "https://")):
        return ""
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:  # a broken IPv6 address
        return ""
    return name.removeprefix("www.")


def maker(value: object) -> str:
    """Who a file's properties say made it; "" where that is an account or a program."""
    name = one_line(value)
    return "" if _NOBODY.fullmatch(name) or not _NAME.search(name) else name
