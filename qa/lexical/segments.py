"""A BM25 index on the disk in segments, which the states after it share.

A segment holds the passages of some documents and is never changed. Where one of them has changed
or is gone, the others are written into a new one: so the statistics are those of the passages that
are there, whatever there was before, and a change costs no more in a large folder than in a small
one. What is kept is linked into the new state's folder, and Tantivy's own list of its segments,
`meta.json`, is put together from theirs.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qa.lexical.bm25 import Entry, LexicalIndex

SEGMENT_PASSAGES = 4_096  # at most, unless one document has more: a quarter of a second to write
SMALL_SEGMENTS = 8  # so many that are not half full are put together

_META = "meta.json"  # Tantivy's
_SEGMENTS = "segments.json"


@dataclass(frozen=True, slots=True)
class Indexed:
    """A document as a segment knows it.

    Parameters
    ----------
    stamp : str
        Another one when its text or title is another.
    passages : int
    """

    stamp: str
    passages: int


@dataclass(frozen=True, slots=True)
class Segment:
    """What was written at once.

    Parameters
    ----------
    stamps : mapping
        Its documents' stamps by id.
    passages : int
    entries : sequence
        What Tantivy's list says of it.
    """

    stamps: Mapping[str, str]
    passages: int
    entries: Sequence[Mapping[str, Any]]


def write(
    folder: Path,
    documents: Mapping[str, Indexed],
    passages_of: Callable[[Collection[str]], Iterable[Entry]],
    earlier: Path | None = None,
) -> LexicalIndex:
    """Write an index of all these documents, with what can be kept of an earlier one.

    Parameters
    ----------
    folder : Path
        There is none of this name yet.
    documents : mapping
        By id.
    passages_of : callable
        Gives the passages of some of them.
    earlier : Path, optional
        Where an earlier state's index lies.

    Raises
    ------
    OSError, ValueError
        When it cannot be written; the latter is Tantivy's own.
    """
    before = _read(earlier) if earlier else []
    kept, groups = plan(before, documents)
    folder.mkdir()
    if earlier:
        _take_over(kept, earlier, folder)
    parts = groups if kept or groups else [[]]  # a list of no segments is made by Tantivy, too
    made = [
        _write_one(folder, folder / f".part-{number}", ids, documents, passages_of)
        for number, ids in enumerate(parts)
    ]
    _put_together(folder, [*kept, *made])
    return LexicalIndex.load(folder)


def plan(
    segments: Sequence[Segment], documents: Mapping[str, Indexed]
) -> tuple[list[Segment], list[list[str]]]:
    """Which segments can stay, and which documents go into each new one, by id.

    Small ones are put together once there are `SMALL_SEGMENTS`: every segment takes its time of
    every question.
    """
    stamps = {id: document.stamp for id, document in documents.items() if document.passages}
    sound = [segment for segment in segments if segment.stamps.items() <= stamps.items()]
    full = [segment for segment in sound if 2 * segment.passages >= SEGMENT_PASSAGES]
    kept = full if len(sound) - len(full) >= SMALL_SEGMENTS else sound
    left = stamps.keys() - {id for segment in kept for id in segment.stamps}
    return kept, _cut({id: documents[id].passages for id in sorted(left)})


def _cut(passages: Mapping[str, int]) -> list[list[str]]:
    """Documents in groups of so many passages, given the number of each one's."""
    groups: list[list[str]] = []
    total = SEGMENT_PASSAGES
    for id, number in passages.items():
        if total + number > SEGMENT_PASSAGES:
            groups.append([])
            total = 0
        groups[-1].append(id)
        total += number
    return groups


def _write_one(
    folder: Path,
    part: Path,
    ids: Sequence[str],
    documents: Mapping[str, Indexed],
    passages_of: Callable[[Collection[str]], Iterable[Entry]],
) -> Segment:
    """Make an index of its own in `part`, of which only the segment is kept."""
    LexicalIndex.build(passages_of(ids), part)
    entries = json.loads((part / _META).read_bytes())["segments"]
    for path in _files(part, entries):
        path.replace(folder / path.name)
    (part / _META).replace(folder / _META)  # the list's other lines are the same in all
    shutil.rmtree(part, ignore_errors=True)  # Tantivy's threads may linger; it is hidden
    stamps = {id: documents[id].stamp for id in ids}
    return Segment(stamps, sum(documents[id].passages for id in ids), entries)


def _take_over(segments: Iterable[Segment], earlier: Path, folder: Path) -> None:
    for segment in segments:
        for path in _files(earlier, segment.entries):
            _link(path, folder / path.name)
    shutil.copyfile(earlier / _META, folder / _META)


def _link(path: Path, other: Path) -> None:
    """Tantivy writes new files and never changes one, so both may be the same."""
    try:
        os.link(path, other)
    except OSError:  # this file system has no such links
        shutil.copyfile(path, other)


def _files(folder: Path, entries: Iterable[Mapping[str, Any]]) -> list[Path]:
    names = [entry["segment_id"].replace("-", "") for entry in entries]
    return sorted(path for name in names for path in folder.glob(f"{name}.*"))


def _put_together(folder: Path, segments: Sequence[Segment]) -> None:
    meta = json.loads((folder / _META).read_bytes())
    meta["segments"] = [entry for segment in segments for entry in segment.entries]
    (folder / _META).write_text(json.dumps(meta))
    (folder / _SEGMENTS).write_text(json.dumps([asdict(segment) for segment in segments]))


def _read(folder: Path) -> list[Segment]:
    """The segments of an index; none when it was not written here."""
    try:
        found = json.loads((folder / _SEGMENTS).read_bytes())
    except FileNotFoundError:
        return []
    return [Segment(**segment) for segment in found]
