"""What the terminal shows of an index: how far it is, what changed in it, what is in it."""

from __future__ import annotations

import datetime
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rich.cells import cell_len, chop_cells
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

import qa
from qa.following import Followed
from qa.progress import embedding
from qa.terminal.printing import console, count, say

MOST_LINES = 40  # of a list of changes or failures, before the rest is only counted
STYLES = {"added": "green", "changed": "yellow", "removed": "red", "renamed": "cyan"}


class Bar:
    """A bar on the terminal's error stream, shown only while there is something to index.

    Attributes
    ----------
    last : qa.Progress
        How far it was, when it was told last.
    """

    def __init__(self) -> None:
        self.last = qa.Progress("preparing")
        self._bar = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=9)),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True)),
            console=console(stderr=True),
            transient=True,
            disable=not console(stderr=True).is_terminal,
        )
        self._task = self._bar.add_task("indexing", total=None, detail="")

    def __call__(self, progress: qa.Progress) -> None:
        self.last = progress
        done, total, _ = _steps(progress)
        if not total:
            return
        self._bar.start()
        self._bar.update(
            self._task,
            description=progress.stage,
            total=total,
            completed=done,
            detail=" · ".join(details(progress)),
        )

    def show(self, status: qa.Status) -> None:
        """How far an index is that goes on by itself."""
        if status.stage == "embedding":
            self(embedding(status.embedded, status.passages, status.passages_per_second))
        elif status.stage != "reading":
            self.last = qa.Progress("ready")
            self.stop()

    def tell(self, followed: Followed) -> None:
        """What following a folder did, above the bar."""
        self.stop()  # it comes again
        at = f"{datetime.datetime.now():%H:%M:%S}  "
        if followed.trouble:
            say(f"{at}{followed.trouble}", "red", stderr=True)
        elif followed.changes == qa.Changes():
            say(f"{at}the folder is there again, and nothing changed")
        else:
            print_changes(followed.changes, when=at)

    def stop(self) -> None:
        """Take it off the screen."""
        if self._bar.live.is_started:
            self._bar.stop()


@contextmanager
def progress_bar() -> Iterator[Bar]:
    """A bar, taken off the screen at the end."""
    bar = Bar()
    try:
        yield bar
    finally:
        bar.stop()


def _steps(progress: qa.Progress) -> tuple[int, int, str]:
    """How much is done, of how much, of what; of nothing when there is nothing to be told."""
    if progress.stage == "reading":
        return progress.documents_done, progress.documents_total, "files"
    if progress.stage == "embedding":
        return progress.passages_done, progress.passages_total, "passages"
    return 0, 0, ""


def details(progress: qa.Progress) -> Iterator[str]:
    """How far it is, how fast, and how long it will take."""
    done, total, things = _steps(progress)
    yield f"{done:,}/{total:,} {things}"
    if progress.stage == "reading" and progress.passages_done:
        yield count(progress.passages_done, "passage")
    if progress.passages_per_second:
        yield f"{progress.passages_per_second:,.1f} passages/s"
    if progress.seconds_left is not None:
        yield f"{_clock(progress.seconds_left)} left"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def kept(progress: qa.Progress) -> str:
    """What an indexer that was stopped has done, and that it was not for nothing."""
    done, total, _ = _steps(progress)
    said = {
        "reading": f"{done:,} of {total:,} new or changed files are read; ",
        "embedding": f"all files are read, and {done:,} of {total:,} passages embedded; ",
    }
    return f"stopped; {said.get(progress.stage, '')}the next run goes on from here"


@contextmanager
def step_bar(things: str = "") -> Iterator[Callable[[str, int, int], None]]:
    """A bar on the terminal's error stream, for things that are done one after the other."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed:.0f}}/{{task.total:.0f}} {things}"),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        disable=not console(stderr=True).is_terminal,
    )
    with bar:
        task = bar.add_task("", total=0)
        yield lambda doing, done, total: bar.update(
            task, description=doing, completed=done, total=total
        )


# --- how far, and what could not be read -------------------------------------------------


def covered(share: float) -> str:
    """``38 %``; not a hundred before it is all."""
    return f"{min(99, int(100 * share))} %" if share < 1 else "100 %"


def print_coverage(share: float, folder: Path | None) -> None:
    """That an answer was found by the words alone, of some passages; nothing when it was not."""
    if share < 1:
        command = shlex.join(["qa", "index", *([str(folder)] if folder else [])])
        say(
            f"Semantic search covers {covered(share)} of the passages so far; "
            f"`{command}` completes it.",
            "dim",
            stderr=True,
        )


def print_contents(index: qa.Index) -> None:
    """What is in an index, and what could not be read."""
    status = index.status
    found = [count(status.documents, "document"), count(status.passages, "passage")]
    if status.coverage < 1:
        found.append(f"{covered(status.coverage)} of them embedded")
    say(f"{', '.join(found)} in the index of {index.folder}")
    print_failures(status.failures)


def print_failures(failures: Sequence[qa.Failure]) -> None:
    """What could not be read, a line each."""
    for failure in failures[:MOST_LINES]:
        say(f"not read: {failure.reason}", stderr=True)
    if len(failures) > MOST_LINES:
        say(f"not read: {len(failures) - MOST_LINES:,} more", stderr=True)


# --- what changed ------------------------------------------------------------------------


def print_changes(changes: qa.Changes, *, when: str = "") -> None:
    """What a synchronisation did, or would do: the counts, and a line a document."""
    out = console()
    out.print(Text(f"{when}{summary(changes)}"), soft_wrap=True)
    lines = list(islice(_lines(changes), MOST_LINES + 1))
    for verb, name in lines[:MOST_LINES]:
        line = Text.assemble("  ", (f"{verb:<8}", STYLES.get(verb, "")), "  ", name)
        out.print(line, soft_wrap=True)
    if len(lines) > MOST_LINES:
        out.print(Text(f"  and {sum(1 for _ in _lines(changes)) - MOST_LINES:,} more", "dim"))


def summary(changes: qa.Changes) -> str:
    """``2 added, 1 renamed``, or ``nothing changed``."""
    told = [verb for verb, _ in _lines(changes)]
    verbs = dict.fromkeys((*STYLES, "not read"), 0)
    for verb in told:
        verbs[verb] += 1
    return ", ".join(f"{n:,} {verb}" for verb, n in verbs.items() if n) or "nothing changed"


def _lines(changes: qa.Changes) -> Iterator[tuple[str, str]]:
    """What became of each document; a renamed one was not also added and removed."""
    before, now = {old for old, _ in changes.renamed}, {new for _, new in changes.renamed}
    yield from (("added", id) for id in changes.added if id not in now)
    yield from (("changed", id) for id in changes.changed)
    yield from (("removed", id) for id in changes.removed if id not in before)
    yield from (("renamed", f"{old} → {new}") for old, new in changes.renamed)
    yield from (("not read", failure.reason) for failure in changes.failed)


# --- what is in it -----------------------------------------------------------------------


def in_order(outlines: Sequence[qa.Outline], by: str) -> list[qa.Outline]:
    """Documents by file, title or source, or the latest first; what has none comes last."""
    if by == "date":
        first = datetime.date.min
        return sorted(outlines, key=lambda o: o.date or first, reverse=True)
    if by == "title":
        return sorted(outlines, key=lambda o: (not o.title, o.title.casefold()))
    if by == "source":
        return sorted(outlines, key=lambda o: (not o.source, o.source.casefold(), o.id))
    return sorted(outlines, key=lambda o: o.id)


def print_outlines(outlines: Sequence[qa.Outline]) -> None:
    """A line a document: cut to the terminal's width; between programs whole, with tabs."""
    out = console()
    rows = [
        (str(o.date or ""), " ".join(o.title.split()), " ".join(o.source.split()), o.id)
        for o in outlines
    ]
    if not out.is_terminal:
        for row in rows:
            sys.stdout.write("\t".join(row) + "\n")
        return
    widths = _widths(rows, out.width)
    out.print(Text(_row(("date", "title", "source", "file"), widths), "bold"), no_wrap=True)
    for row in rows:
        out.print(Text(_row(row, widths)), no_wrap=True, overflow="ellipsis")


def grouped(
    outlines: Sequence[qa.Outline], groups: Sequence[Sequence[str]]
) -> list[list[qa.Outline]]:
    """The outlines of each group of document ids, of which two or more are there."""
    found = {outline.id: outline for outline in outlines}
    there = [[found[id] for id in group if id in found] for group in groups]
    return [group for group in there if len(group) > 1]


def print_groups(groups: Sequence[Sequence[qa.Outline]]) -> None:
    """Documents that tell the same story, the best of each group first, a blank line between."""
    if not groups:
        say("No two documents tell the same story in the same words.", stderr=True)
    for number, group in enumerate(groups):
        if number:
            say("")
        print_outlines(group)


def _widths(rows: Sequence[tuple[str, ...]], width: int) -> list[int]:
    """Columns as wide as they need to be, or what is left of the terminal shared out."""
    needed = [max((cell_len(row[c]) for row in rows), default=0) for c in range(4)]
    needed = [max(wide, least) for wide, least in zip(needed, (4, 5, 6, 4), strict=True)]
    date, title, source, file = needed
    room = width - date - 6  # two blanks between columns
    if title + source + file > room:
        source = min(source, max(6, room // 5))
        file = min(file, max(8, (room - source) * 2 // 5))
        title = max(5, room - source - file)
    return [date, title, source, file]


def _row(fields: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(map(_fitted, fields, widths)).rstrip()


def _fitted(text: str, width: int) -> str:
    """Exactly so many cells wide."""
    if cell_len(text) > width:
        text = f"{chop_cells(text, width - 1)[0]}…"
    return text + " " * (width - cell_len(text))
