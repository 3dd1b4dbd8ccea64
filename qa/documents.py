"""Read files into documents."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Document:
    """One article, report or note, as it was read.

    Parameters
    ----------
    id : str
        Unique in its index. For a file: its path inside the folder, with ``/`` between parts.
    text : str
        The file's own characters (for HTML, PDF and Word files: the text extracted from them).
        Every offset in this package counts characters of this string.
    title : str
        The headline, or ``""`` when unknown.
    date : datetime.date or None
        The day of publication, only where the file or its metadata says one.
    path : Path or None
        The file it was read from.
    source : str
        Who published it, where the file says so, else ``""``.
    format : {"text", "markdown"}
        How the lines of `text` are to be read: Markdown marks headings with ``#``.
    """

    id: str
    text: str
    title: str = ""
    date: datetime.date | None = None
    path: Path | None = None
    source: str = ""
    format: Literal["text", "markdown"] = "text"
