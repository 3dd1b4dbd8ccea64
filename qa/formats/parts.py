"""What a file that holds several documents gives, one after another.

Knows no format; `qa.documents` makes documents and failures of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from qa.formats.content import Content


@dataclass(frozen=True, slots=True)
class Inner:
    """A document; `key` tells it apart in its file, ``""`` stands for the file itself."""

    key: str
    content: Content


@dataclass(frozen=True, slots=True)
class Attached:
    """A file inside the file; the suffix of `key` tells its format, `data` reads its bytes.

    `bytes` is its size, as far as it is known before `data` is called.
    """

    key: str
    data: Callable[[], bytes]
    bytes: int


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that cannot be read, and why; with ``""`` for a key, a sum of several."""

    key: str
    reason: str


Part: TypeAlias = Inner | Attached | Unread
Container: TypeAlias = Callable[[BinaryIO, str], Iterator[Part]]
"""Reads an open file, which can be rewound; its name is for messages."""
