"""Turn the bytes of a text file into characters. Knows nothing of files."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

SAMPLE_BYTES = 200_000
"""How much of a file the statistics of an unknown encoding are taken from."""

WESTERN_SHARE = 0.05
"""Up to this share of bytes beyond ASCII, text without UTF-8 is taken to be Western (cp1252):
English to French have 0 to 4 %, and statistics over so few bytes guess badly."""

FEW_BYTES = 12
"""Nor do statistics tell anything from so few bytes beyond ASCII."""

CHUNK_BYTES = 4_000_000
"""How much of a large file is looked at at a time."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = ("ascii", "iso8859-1", "iso8859-15", "cp1252")
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


def decode(data: bytes) -> tuple[str, str]:
    """Decode a text file of unknown encoding.

    A byte-order mark decides; then UTF-8; then UTF-16 without a mark; then UTF-8 with some
    broken bytes; then what the bytes' statistics say, Western Windows (cp1252) when they are few.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    text : str
        Line ends as they are; the byte-order mark is gone; U+FFFD where bytes were broken.
    encoding : str
        The codec that was used, by Python's name.
    """
    encoding = _marked(data) or _wide(data)
    if encoding:
        return data.decode(encoding, errors="replace"), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        encoding = _utf8_with_damage(data) or _by_statistics(data)
        return data.decode(encoding, errors="replace"), encoding


def decode_declared(data: bytes, declared: str) -> str:
    """Decode bytes that come with the name of their encoding, which is believed if it can be.

    What is declared as some Western encoding but is whole UTF-8 beyond ASCII is UTF-8, and
    ISO 8859-1 means Western Windows (cp1252), as browsers have it.
    """
    try:
        codec = codecs.lookup(declared or "ascii").name
        if codec in _WESTERN:
            return _utf8_or_western(data)
        return data.decode(codec)
    except (LookupError, UnicodeError, ValueError, AssertionError):  # or no codec of characters
        return decode(data)[0]


def _utf8_or_western(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return decode(data)[0] if _utf8_with_damage(data) else data.decode("cp1252", "replace")


def encoding_of(stream: BinaryIO) -> str:
    """The encoding of a file that is too large to be read whole; leaves it at its beginning.

    As `decode` tells it, of the first part of the file that is not UTF-8.
    """
    stream.seek(0)
    chunk = stream.read(CHUNK_BYTES)
    encoding = _marked(chunk) or _wide(chunk)
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk and not encoding:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            encoding = decode(chunk)[1]
        chunk = stream.read(CHUNK_BYTES)
    stream.seek(0)
    return encoding or "utf-8"


def _marked(data: bytes) -> str:
    return next((encoding for mark, encoding in _BOMS if data.startswith(mark)), "")


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every second byte of Western text is zero."""
    sample = data[:SAMPLE_BYTES]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if len(zeros) > 1 and zeros.count(0) > 0.6 * len(zeros):
            return encoding
    return ""


def _utf8_with_damage(data: bytes) -> str:
    """Whole sequences of UTF-8 do not come about by chance, so a few broken ones are damage."""
    whole = len(_MULTIBYTE.findall(data))
    broken = data.decode("utf-8", errors="replace").count("\ufffd")
    return "utf-8" if 0 < whole >= broken else ""


def _by_statistics(data: bytes) -> str:
    sample = data[:SAMPLE_BYTES]
    beyond = sum(byte > 127 for byte in sample)
    if beyond <= max(FEW_BYTES, WESTERN_SHARE * len(sample)):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
