"""From a mailbox file to its messages, one after another, without holding it in memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from typing import BinaryIO

from qa.errors import UnreadableFile
from qa.formats import mail
from qa.formats.content import wrapping
from qa.formats.parts import Part, Unread

MESSAGE_BYTES = 100_000_000
"""A message beyond this is left out: twice what mail providers let through."""

_FROM = re.compile(rb"From .*\d\d?:\d\d.*\d{4}|From \S+@\S+\s|From - |From MAILER-DAEMON")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_SPECIAL = re.compile(r"[^\w.@+=$!#%&'*~-]+")


def read(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The messages of an mbox file, each under its Message-ID, with what is attached to them.

    A key does not change when messages are added or taken away before it.
    """
    for data in _messages(stream, name):
        if isinstance(data, Unread):
            yield data
            continue
        key = ""
        try:
            with wrapping(name, "message"):
                message = message_from_bytes(data)
                key = _key(mail.header(message, "Message-ID"), data)
                yield from mail.parts_of(message, name, key)
        except UnreadableFile:
            yield Unread(key or _key("", data), "the message is damaged")


def _key(message_id: str, data: bytes) -> str:
    """The Message-ID, or where a message has none, a digest of it."""
    return _SPECIAL.sub("_", message_id.strip("<> "))[:150] or hashlib.sha256(data).hexdigest()[:16]


def _messages(stream: BinaryIO, name: str) -> Iterator[bytes | Unread]:
    """The bytes of each message, without the line that begins with From and a space."""
    first = stream.readline(1_000)
    if not first.startswith(b"From "):
        raise UnreadableFile(
            f"cannot read {name!r}: it is no mailbox: its first line does not begin with 'From '"
        )
    lines: list[bytes] = []
    size, blank, number = 0, False, 1
    while line := stream.readline(1_000_000):
        if blank and line.startswith(b"From ") and _FROM.match(line):
            yield _whole(lines, size, number)
            lines, size, number = [], 0, number + 1
        elif size <= MESSAGE_BYTES:
            lines.append(line)
        size += len(line)
        blank = line in (b"\n", b"\r\n")
    yield _whole(lines, size, number)


def _whole(lines: list[bytes], size: int, number: int) -> bytes | Unread:
    if size > MESSAGE_BYTES:
        limit = f"{MESSAGE_BYTES / 1e6:,.0f} MB"
        return Unread(f"message {number}", f"the message is larger than {limit}")
    return _QUOTED_FROM.sub(rb"\1", b"".join(lines))
