"""From a zip file to the files in it, which are never written anywhere.

Nothing is unpacked before its size, its ratio and the number of members are known to be sane.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from qa.errors import UnreadableFile
from qa.formats.content import READABLE, wrapping
from qa.formats.parts import Attached, Part, Unread

MEMBERS = 200_000
"""More members are refused: twice the largest folder that an index is made for."""

DIRECTORY_BYTES = 60_000_000
"""The list of the members itself, which is read into memory whole; 300 bytes a member."""

RATIO = 300
"""Text is packed to a fifth, repetitive tables to a hundredth; a bomb to a thousandth."""

RATIO_BYTES = 5_000_000
"""Below this even a bomb does no harm."""

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_ENCRYPTED = 0x1
_UTF_8 = 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def read(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The readable files of a zip file; hidden ones are left out, as in a folder."""
    with wrapping(name, "zip file"):
        check_directory(stream, name)
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS:
                raise UnreadableFile(
                    f"cannot read {name!r}: it holds {len(members):,} files, the limit is "
                    f"{MEMBERS:,}; split it"
                )
            for member in members:
                path = _safe(_name(member))
                if not member.is_dir() and _is_wanted(path):
                    yield _part(archive, member, path)


def _part(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: str) -> Part:
    if path.lower().endswith(".zip"):
        return Unread(path, "it is a zip file in a zip file; unpack the outer one")
    if member.flag_bits & _ENCRYPTED:
        return Unread(path, "it is protected by a password; zip it without one")
    if member.compress_type not in _METHODS:
        return Unread(path, "it is packed in a way that only newer programs read; zip it anew")
    if member.file_size > max(RATIO_BYTES, RATIO * member.compress_size):
        return Unread(path, f"it would unfold to more than {RATIO} times its size")
    return Attached(path, partial(archive.read, member), member.file_size)


def _is_wanted(path: str) -> bool:
    parts = path.split("/")
    hidden = any(part.startswith((".", "~$")) or part == "__MACOSX" for part in parts)
    return not hidden and path.lower().endswith(READABLE)


def _name(member: zipfile.ZipInfo) -> str:
    """The member's name; many programs write UTF-8 without saying so."""
    if member.flag_bits & _UTF_8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _safe(name: str) -> str:
    """The name as a path inside the archive, whatever it tries to be."""
    parts = re.split(r"[/\\]+", re.sub(r"^[a-zA-Z]:", "", name))
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def check_directory(stream: BinaryIO, name: str) -> None:
    """Refuse a list of members that would not fit in memory, before it is read."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - 65_557 - 76))
    tail = stream.read()
    stream.seek(0)
    end = tail.rfind(_END)
    length = struct.unpack_from("<L", tail, end + 12)[0] if 0 <= end <= len(tail) - 22 else 0
    end_64 = tail.rfind(_END_64)
    if length == 0xFFFFFFFF and 0 <= end_64 <= len(tail) - 56:
        length = struct.unpack_from("<Q", tail, end_64 + 40)[0]
    if length > DIRECTORY_BYTES:
        raise UnreadableFile(
            f"cannot read {name!r}: it lists too many files, the limit is {MEMBERS:,}; split it"
        )
