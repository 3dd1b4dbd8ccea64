"""From a web page saved as one file (.mhtml, .mht) to its text and what its metadata says."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

from qa.errors import UnreadableFile
from qa.formats import mail, markup
from qa.formats.content import Content, wrapping

PARTS = 10_000
"""Pictures and style sheets of a page; beyond it the page is not looked for any further."""


def read(data: bytes, name: str) -> Content:
    """The main text of the page; the day it was saved is its date when nothing better is known."""
    with wrapping(name, "saved web page"):
        message = message_from_bytes(data)
        page = _page(message)
        if page is None:
            raise UnreadableFile(f"cannot read {name!r}: there is no web page in it")
        address = (
            mail.header(page, "Content-Location")
            or mail.header(message, "Snapshot-Content-Location")
            or mail.header(message, "Content-Location")
        )
        return markup.page(mail.decoded(page), name, url=address)


def _page(message: Message) -> Message | None:
    """The first part that is HTML: browsers put the page before its frames and pictures."""
    for number, part in enumerate(message.walk()):
        if number > PARTS:
            break
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            return part
    return None
