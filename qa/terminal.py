"""What the terminal shows: bars, answers, tables. Knows no command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import qa


@contextmanager
def progress_bar() -> Iterator[Callable[[qa.Progress], None]]:
    """A bar on the terminal's error stream, shown only when there is something to index."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
        disable=not console(stderr=True).is_terminal,
    )
    task = bar.add_task("indexing", total=None, detail="")

    def report(progress: qa.Progress) -> None:
        if progress.stage != "indexing" or not progress.documents_total:
            return
        bar.start()
        bar.update(
            task,
            total=progress.documents_total,
            completed=progress.documents_done,
            detail=_detail(progress),
        )

    try:
        yield report
    finally:
        if bar.live.is_started:
            bar.stop()


def _detail(progress: qa.Progress) -> str:
    parts = [
        f"{progress.documents_done}/{progress.documents_total} documents",
        f"{progress.passages_per_second:.1f} passages/s",
    ]
    if progress.seconds_left is not None:
        minutes, seconds = divmod(round(progress.seconds_left), 60)
        parts.append(f"{minutes}:{seconds:02} left")
    return " · ".join(parts)


def console(*, stderr: bool = False) -> Console:
    """Made when used, so that it writes where sys.stdout points now."""
    return Console(stderr=stderr, highlight=False)


def count(number: int, thing: str) -> str:
    """A number of things in words: "1 document", "2 documents"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def print_answer(answer: qa.Answer) -> None:
    """The answering sentences, where they stand, and the passages behind them."""
    out = console()
    lines = [Text(_lead(answer), "bold")]
    for number, sentence in enumerate(answer.sentences, 1):
        lines += [Text(), Text(f"{number}. {sentence.text}"), Text(f"   {_place(sentence)}", "dim")]
    lines += [Text(), Text(_heading(answer), "bold")]
    for hit in answer.hits:
        lines += [Text(), *_card(hit, answer.sentences)]
    for line in lines:
        out.print(line, soft_wrap=True)


def _lead(answer: qa.Answer) -> str:
    if answer.status == "not_found":
        return answer.text
    if answer.status == "uncertain":
        return f"The articles may not answer this (confidence {answer.confidence:.0%})."
    return f"The articles say (confidence {answer.confidence:.0%}):"


def _heading(answer: qa.Answer) -> str:
    return "Nearest passages, not answers" if answer.status == "not_found" else "Passages"


def _place(sentence: qa.Sentence) -> str:
    document = sentence.document
    named = [document.title, document.source, str(document.date or ""), document.id]
    return f"{' · '.join(dict.fromkeys(name for name in named if name))}:{sentence.start}"


def _card(hit: qa.Hit, sentences: list[qa.Sentence]) -> Iterator[Text]:
    parts = hit.explanation
    yield Text(f"[{hit.rank}] {hit.document.title or hit.document.id}", "cyan")
    yield Text(
        f"    {hit.document.id}:{hit.passage.start}-{hit.passage.end} · score {hit.score:.2f} "
        f"= lexical {parts.lexical:.2f} + semantic {parts.semantic:.2f}",
        "dim",
    )
    text = Text(hit.passage.text)
    for sentence in sentences:
        if sentence.document.id == hit.document.id:
            first, last = sentence.start - hit.passage.start, sentence.end - hit.passage.start
            text.stylize("bold green", max(first, 0), max(last, 0))
    yield text
    for sentence in hit.also_in:
        yield Text(f"    also in {_place(sentence)}", "dim")


def print_documents(documents: tuple[qa.Document, ...]) -> None:
    """A table for eyes; between programs, a line a document and tabs between its fields."""
    out = console()
    rows = [(str(d.date or ""), " ".join(d.title.split()), d.id) for d in documents]
    if not out.is_terminal:
        for row in rows:
            print("\t".join(row))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("date", "title", "file"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(field) for field in row))
    out.print(table)
