"""From e-mail to documents: the message, what it forwards, and the files attached to it.

Knows nothing of mailboxes. Reads what mail programs really send: wrong or missing character sets,
encodings cut short, parts without names.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_binary_file, message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_tz
from typing import Any, BinaryIO

from qa.errors import UnreadableFile
from qa.formats import hypertext
from qa.formats.content import (
    READABLE,
    Content,
    check_length,
    clean,
    one_line,
    value_or,
    wrapping,
)
from qa.formats.encoding import decode_declared
from qa.formats.parts import Attached, Inner, Part, Unread
from qa.lines import dates

DEPTH = 8
"""How deep messages forwarded in messages, and parts in parts, are followed."""

PARTS = 1_000
"""A message of more parts is damage or an attack."""

STUB_CHARACTERS = 300
"""A plain text shorter than this may only say that the message is HTML ..."""

STUB_SHARE = 0.25
"""... which it does when it has less than this share of the HTML's characters."""

_KNOWN = ("from", "to", "subject", "date", "received", "message-id", "mime-version", "return-path")
_SUFFIXES = {
    "text/plain": ".txt",
    "message/rfc822": ".eml",
    "text/markdown": ".md",
    "text/html": ".html",
    "text/csv": ".csv",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}


def read(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The message of an .eml file, and as documents of their own what it forwards and attaches."""
    with wrapping(name, "message"):
        message = message_from_binary_file(stream)
        if not any(header in message for header in _KNOWN):
            raise UnreadableFile(f"cannot read {name!r}: it does not begin as an e-mail does")
        yield from parts_of(message, name)


def from_bytes(data: bytes, name: str) -> Iterator[Part]:
    """The same of a message in memory."""
    with wrapping(name, "message"):
        yield from parts_of(message_from_bytes(data), name)


@dataclass(slots=True)
class _Body:
    """What is gathered of one message."""

    texts: list[hypertext.Section]
    others: list[Part]
    parts: int = 0


def parts_of(message: Message, name: str, key: str = "", depth: int = 0) -> Iterator[Part]:
    """A message under its key, then all that comes with it, under the key and names of its own."""
    body = _Body([], [])
    _gather(message, body, name, key, depth)
    markdown = any(text.is_markdown for text in body.texts)
    text = "\n\n".join(text.text.strip("\n") for text in body.texts if text.text.strip())
    check_length(len(text), name)
    if text.strip():
        yield Inner(
            key,
            Content(
                text,
                title=header(message, "Subject"),
                date=date_of(message),
                source=sender(message),
                format="markdown" if markdown else "text",
            ),
        )
    elif not body.others:
        yield Unread(key, _why_empty(message))
    yield from body.others


def _why_empty(message: Message) -> str:
    if message.get_content_type() in ("multipart/encrypted", "application/pkcs7-mime"):
        return "the message is encrypted; save it as plain text"
    return "there is no text in the message"


def _gather(part: Message, body: _Body, name: str, key: str, depth: int) -> None:
    """Sort the parts of a message into its text and what is attached."""
    body.parts += 1
    if body.parts > PARTS:
        return
    kind = part.get_content_type()
    if depth > DEPTH:
        body.others.append(Unread(_below(key, "..."), f"messages nested {DEPTH} deep"))
    elif kind == "message/rfc822":
        _gather_forwarded(part, body, name, key, depth)
    elif kind == "multipart/alternative" and part.is_multipart():
        _gather_alternative(_inside(part), body, name, key, depth)
    elif part.is_multipart():
        for inner in _inside(part):
            _gather(inner, body, name, key, depth + 1)
    elif kind.startswith("multipart/"):  # whose boundary is missing: text, as far as it goes
        body.texts.append(_plain(part))
    elif _is_attached(part, kind):
        body.others.extend(_attachment(part, key, kind, len(body.others)))
    elif kind == "text/html":
        body.texts.append(_html(part))
    elif kind.startswith("text/") and kind not in (
        "text/calendar",
        "text/x-vcard",
        "text/vcard",
        "text/rtf",
    ):
        body.texts.append(_plain(part))


def _gather_forwarded(part: Message, body: _Body, name: str, key: str, depth: int) -> None:
    for number, inner in enumerate(_inside(part), len(body.others) + 1):
        subject = re.sub(r"[/\\]+", "-", header(inner, "Subject"))[:80]
        below = _below(key, f"{subject or f'message {number}'}.eml")
        body.others.extend(parts_of(inner, name, below, depth + 1))


def _gather_alternative(inner: list[Message], body: _Body, name: str, key: str, depth: int) -> None:
    """The plain text where there is one that says what the HTML says; what is attached, always."""
    found = [_Body([], [], body.parts) for _ in inner]
    for part, gathered in zip(inner, found, strict=True):
        _gather(part, gathered, name, key, depth + 1)
    body.parts = max((gathered.parts for gathered in found), default=body.parts)
    sizes = [sum(len(text.text.strip()) for text in gathered.texts) for gathered in found]
    chosen = next((number for number, size in enumerate(sizes) if size), None)
    if chosen is not None and sizes[chosen] < min(STUB_CHARACTERS, STUB_SHARE * max(sizes)):
        chosen = sizes.index(max(sizes))
    if chosen is not None:
        body.texts.extend(found[chosen].texts)
    for gathered in found:
        body.others.extend(gathered.others)


def _inside(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if part.is_multipart() else []


def _below(key: str, name: str) -> str:
    return f"{key}/{name}" if key else name


# --- texts -------------------------------------------------------------------------------


def _plain(part: Message) -> hypertext.Section:
    text = decoded(part).replace("\r\n", "\n")
    section = hypertext.Section()
    section.add(text)
    return section


def _html(part: Message) -> hypertext.Section:
    return hypertext.text_of(decoded(part))


def decoded(part: Message) -> str:
    """The characters of a part that is text."""
    charset = value_or("", lambda: str(part.get_content_charset() or ""))
    return decode_declared(_bytes(part), charset)


def _bytes(part: Message) -> bytes:
    nothing: Any = b""
    data = value_or(nothing, lambda: part.get_payload(decode=True))
    return data if isinstance(data, bytes) else b""


# --- what is attached --------------------------------------------------------------------


def _is_attached(part: Message, kind: str) -> bool:
    disposition = value_or("", lambda: part.get_content_disposition() or "")
    named = bool(value_or("", lambda: part.get_filename() or ""))
    return disposition == "attachment" or named or not kind.startswith("text/")


def _attachment(part: Message, key: str, kind: str, number: int) -> Iterator[Part]:
    """A file that can be read; pictures, signatures and the like are passed over."""
    given = _words(value_or("", lambda: part.get_filename() or ""))
    name = re.split(r"[/\\]", given)[-1]
    if not name.lower().endswith(READABLE):
        name = f"{name or f'attachment {number + 1}'}{_SUFFIXES.get(kind, '')}"
    if name.lower().endswith(READABLE):
        yield Attached(_below(key, name), lambda: _bytes(part), len(str(part.get_payload())))


# --- headers -----------------------------------------------------------------------------


def header(message: Message, name: str) -> str:
    """A header as one line of characters, however it is encoded; "" when it is missing."""
    return _words(value_or("", lambda: message.get(name, "")))


def _words(value: object) -> str:
    """RFC 2047's encoded words decoded; bytes that nobody declared by what they are."""
    given: Any = value  # a str, or a Header where there are bytes beyond ASCII
    try:
        found = decode_header(given)
    except (HeaderParseError, ValueError, LookupError):
        found = [(str(value), None)]
    decoded = "".join(
        part if isinstance(part, str) else decode_declared(part, charset or "")
        for part, charset in _unescaped(found)
    )
    return clean(one_line(decoded))


def _unescaped(found: list[Any]) -> Iterator[tuple[str | bytes, str | None]]:
    """8-bit characters in a header stand as surrogates: bytes again, to be decoded."""
    for part, charset in found:
        if isinstance(part, str) and not part.isascii():
            yield part.encode("utf-8", "surrogateescape"), charset
        elif charset == "unknown-8bit":
            yield part, ""
        else:
            yield part, charset


def sender(message: Message) -> str:
    """Who sent it: the name, or the address where there is no name."""
    for key in ("From", "Sender", "Reply-To"):
        people = _people(message, key)
        named = [_words(name) or address for name, address in people if name or address]
        if named:
            return ", ".join(named[:3])
    return ""


def _people(message: Message, key: str) -> list[tuple[str, str]]:
    nobody: list[tuple[str, str]] = []
    given = value_or("", lambda: message.get(key, ""))
    raw = given if isinstance(given, str) else _words(given)
    return value_or(nobody, lambda: getaddresses([raw]))


def date_of(message: Message) -> datetime.date | None:
    """The day it was sent, where it was sent."""
    raw = header(message, "Date") or header(message, "Delivery-date")
    found = value_or(None, lambda: parsedate_tz(raw))
    if found and found[0] > 1970:
        year, month, day = found[:3]
        return value_or(None, lambda: datetime.date(year, month, day))
    return dates.parse(raw) if raw else None
