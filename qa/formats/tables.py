"""From CSV and TSV files to records: commas, semicolons or tabs, in any encoding.

Reads line by line; knows nothing of what the columns mean.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from qa.errors import UnreadableFile
from qa.formats import records
from qa.formats.content import TEXT_CHARACTERS
from qa.formats.encoding import encoding_of
from qa.formats.parts import Part

SAMPLE_CHARACTERS = 100_000
"""How much of a table the separator is told from."""

_DIALECTS: tuple[dict[str, Any], ...] = (
    {"delimiter": ","},
    {"delimiter": ";"},
    {"delimiter": "\t"},
    {"delimiter": "|"},
    {"delimiter": "\t", "quoting": csv.QUOTE_NONE},  # where a quotation mark is one
)


def read(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The documents of a table whose first row names its columns."""
    text = io.TextIOWrapper(stream, encoding=encoding_of(stream), errors="replace", newline="")
    try:
        yield from records.parts(_rows(text, name), name)
    finally:
        text.detach()  # the stream belongs to the caller


def _rows(text: io.TextIOWrapper, name: str) -> Iterator[Mapping[str, object] | str]:
    sample = text.read(SAMPLE_CHARACTERS)
    text.seek(0)
    if "\0" in sample:
        raise UnreadableFile(f"cannot read {name!r}: it holds binary data, not a table")
    csv.field_size_limit(TEXT_CHARACTERS)
    rows = csv.reader(text, **_dialect(sample))
    header = _next(rows)
    while isinstance(header, list) and not any(map(str.strip, header)):
        header = _next(rows)
    if header is None or isinstance(header, str):
        raise UnreadableFile(f"cannot read {name!r}: {header or 'it is empty'}")
    names = [column.strip("\ufeff \t") for column in header]
    while (row := _next(rows)) is not None:
        if isinstance(row, str):
            yield row
        elif any(map(str.strip, row[len(names) :])):
            yield f"line {rows.line_num:,} has {len(row)} columns, the first row {len(names)}"
        elif row:  # not a blank line
            yield dict(zip(names, row, strict=False))


def _next(rows: Any) -> list[str] | str | None:
    """A row; what is wrong with it; or None at the end."""
    try:
        return next(rows, None)
    except csv.Error as error:
        return f"line {getattr(rows, 'line_num', '?')}: {error}"


def _dialect(sample: str) -> dict[str, Any]:
    """What splits most first rows into the same number of columns, and the more the better."""
    best = max(_DIALECTS, key=lambda dialect: _evenness(sample, dialect))
    return best | {"skipinitialspace": f'{best["delimiter"]} "' in sample}


def _evenness(sample: str, dialect: dict[str, Any]) -> float:
    rows = _some_rows(sample, dialect)
    columns = len(rows[0] or ()) if rows else 1
    if columns < 2:
        return 0.0
    even = sum(row is not None and len(row) == columns for row in rows)
    return even / len(rows) + min(columns, 50) / 1_000


def _some_rows(sample: str, dialect: dict[str, Any]) -> list[list[str] | None]:
    """The first rows of a sample; None for one whose quotation marks do not match."""
    reader = csv.reader(io.StringIO(sample, newline=""), **dialect, strict=True)
    rows = [row if isinstance(row, list) else None for row in iter(lambda: _next(reader), None)]
    if len(rows) > 1 and len(sample) == SAMPLE_CHARACTERS:
        del rows[-1]  # it may be cut off
    return [row for row in rows if row != []][:50]
