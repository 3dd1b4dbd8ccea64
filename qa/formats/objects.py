"""From JSON files to records: a list, an object that holds one, one article, or a line each.

Knows nothing of what the fields mean.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from qa.errors import UnreadableFile
from qa.formats import records
from qa.formats.content import wrapping
from qa.formats.encoding import decode, encoding_of
from qa.formats.parts import Inner, Part

LINE_CHARACTERS = 64_000_000
"""A line beyond this is no record, and would have to be held in memory whole."""

DEPTH = 4
"""How deep in an object a list of records is looked for: ``{"response": {"docs": [...]}}``."""


def read(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The documents of a .json file: of one value, or of one in each line."""
    text = decode(stream.read())[0]
    try:
        with wrapping(name, "JSON"):
            value = json.loads(text)
    except UnreadableFile as error:
        if isinstance(error.__cause__, json.JSONDecodeError):
            if _many_lines(text):
                yield from records.parts(_lines(io.StringIO(text, newline="\n")), name)
                return
            raise UnreadableFile(
                f"cannot read {name!r}: it is no JSON: {error.__cause__}"
            ) from error
        raise
    del text
    yield from _documents(value, name)


def read_lines(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The documents of a .jsonl file; of one that is a list after all, those of the list."""
    encoding = encoding_of(stream)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="\n")
    try:
        if text.read(1_000).lstrip("\ufeff \t\r\n").startswith("["):
            stream.seek(0)
            yield from read(stream, name)
        else:
            text.seek(0)
            yield from records.parts(_lines(text), name)
    finally:
        text.detach()  # the stream belongs to the caller


def _many_lines(text: str) -> bool:
    """Whether the first line is a record by itself, so that it is JSON lines by another name."""
    line = text.lstrip("\ufeff \t\r\n").partition("\n")[0]
    return isinstance(_record(line, 1), dict)


def _lines(text: io.TextIOBase) -> Iterator[Mapping[str, object] | str]:
    number = 0
    while line := text.readline(LINE_CHARACTERS + 1):
        number += 1
        if len(line) > LINE_CHARACTERS:
            yield f"line {number:,} is longer than {LINE_CHARACTERS:,} characters"
            while line and not line.endswith("\n"):
                line = text.readline(LINE_CHARACTERS)
        elif line.strip("\ufeff \t\r\n"):
            yield _record(line.strip("\ufeff \t\r\n"), number)


def _record(line: str, number: int) -> Mapping[str, object] | str:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        return f"line {number:,}, column {error.colno:,}: {error.msg}"
    except (ValueError, RecursionError) as error:
        return f"line {number:,}: {error}"
    return value if isinstance(value, dict) else f"line {number:,} is not an object with fields"


def _documents(value: object, name: str) -> Iterator[Part]:
    alone = records.content_of(value, alone=True) if isinstance(value, Mapping) else None
    found = _list_in(value, DEPTH)
    if alone and len(alone.text) >= _characters(found):
        yield Inner("", alone)
    elif found:
        yield from records.parts(found, name)
    elif isinstance(value, Mapping):
        raise UnreadableFile(f"cannot read {name!r}: {records.without_text(map(str, value))}")
    else:
        raise UnreadableFile(f"cannot read {name!r}: it is no list of records with named fields")


def _characters(found: list[Mapping[str, object] | str]) -> int:
    """How much text the first records have: an article's remarks, or an answer's articles?"""
    contents = (records.content_of(one) for one in found[:20] if isinstance(one, Mapping))
    return sum(len(content.text) for content in contents if content)


def _list_in(value: object, depth: int) -> list[Mapping[str, object] | str]:
    """The longest list of records, whether it is a list or an object with an id for each."""
    if isinstance(value, list):
        found = [part if isinstance(part, Mapping) else "not an object" for part in value]
        return found if any(isinstance(part, Mapping) for part in found) else []
    if not isinstance(value, Mapping) or not depth:
        return []
    keyed = [
        {"id": key, **part}
        for key, part in value.items()
        if isinstance(part, Mapping) and records.content_of(part)
    ]
    below = [_list_in(part, depth - 1) for part in value.values()]
    return max([list(keyed), *below], key=len)
