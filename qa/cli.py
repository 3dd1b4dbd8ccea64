"""The terminal's face: ``qa ask``, ``index``, ``sync``, ``watch``, ``list``, ``serve``, ``eval``.

No retrieval here.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import qa
from qa import terminal, terminal_index
from qa.models import DEFAULT_MODEL
from qa.plain import plain_answer, plain_changes, plain_outline
from qa.preview import preview
from qa.seeds import default_folder
from qa.selection import Selection, checked_date, checked_source

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Ask a folder of articles a question; get the passages that answer it, word for word.",
)

Folder = Annotated[
    Path | None, typer.Argument(help="The articles, subfolders included. [default: seeds]")
]
FolderOption = Annotated[
    Path | None, typer.Option("--folder", "-f", help="The articles. [default: seeds]")
]
Directory = Annotated[
    Path | None,
    typer.Option("--index", help="Where to keep the index. [default: the user's cache]"),
]
Model = Annotated[
    str, typer.Option(help="A sentence-transformers model: hub name or local folder.")
]
Rerank = Annotated[
    bool,
    typer.Option(
        "--rerank/--no-rerank", help="Read the best passages, or keep the order of the searches."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Fast = Annotated[
    bool,
    typer.Option("--fast", help="Embed in 8 bits: quicker, and an index of its own kind."),
]
After = Annotated[
    str | None, typer.Option(metavar="2016-02-13", help="Only documents of this day or later.")
]
Before = Annotated[
    str | None, typer.Option(metavar="2016-02-13", help="Only documents of this day or earlier.")
]
Source = Annotated[
    str | None, typer.Option(metavar="NAME", help="Only documents whose source has this in it.")
]

ASK_SECONDS = 5.0  # that a question waits for vectors; a small folder has all of them by then
WATCH_SECONDS = 0.5
INTERRUPTED = 130
FAILURES_ARE_LISTED = ("qa.sync", "qa.reading")  # which would say them as well


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In quotation marks.")],
    folder: FolderOption = None,
    k: Annotated[int, typer.Option("-k", help="Passages to show.")] = 5,
    rerank: Rerank = True,
    after: After = None,
    before: Before = None,
    source: Source = None,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Answer a question with sentences of the articles, or say that they do not."""
    with _plain_errors():
        first, last = _day(after), _day(before)
        with _opened(folder, directory, model, fast, wait=ASK_SECONDS) as (index, _):
            answer = index.ask(
                question, k=k, rerank=rerank, after=first, before=last, source=source
            )
            if as_json:
                _print_json(plain_answer(answer))
            else:
                terminal.print_answer(answer)
                terminal_index.print_coverage(answer.coverage, folder)


@app.command()
def index(
    folder: Folder = None,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Read and index a folder, or bring its index up to date."""
    with (
        _plain_errors(*FAILURES_ARE_LISTED),
        _opened(folder, directory, model, fast) as (opened, _),
    ):
        terminal_index.print_contents(opened)


@app.command()
def sync(
    folder: Folder = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done; write nothing.")
    ] = False,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Bring the index of a folder up to date, once, and say what changed."""

    def show(changes: qa.Changes) -> None:
        if as_json:
            _print_json(plain_changes(changes))
        else:
            terminal_index.print_changes(changes, when="would be: " if dry_run else "")

    with _plain_errors(*FAILURES_ARE_LISTED):
        if dry_run:
            with terminal_index.progress_bar() as bar:
                changes = preview(
                    default_folder(folder),
                    directory=directory,
                    model=model,
                    fast=fast,
                    progress=bar,
                )
            show(changes)
            return
        with _opened(folder, directory, model, fast, wait=0.0) as (opened, bar):
            bar.stop()
            show(opened.changes)
            opened.sync(bar, wait=True)


@app.command()
def watch(
    folder: Folder = None,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Follow a folder: keep its index up to date until Ctrl+C."""
    with (
        _plain_errors(*FAILURES_ARE_LISTED, "qa.watch"),
        _opened(folder, directory, model, fast, wait=0.0) as (opened, bar),
    ):
        bar.stop()
        terminal_index.print_contents(opened)
        with opened.watch(bar.tell):
            terminal.say(f"Following {opened.folder} (Ctrl+C stops)")
            while True:
                bar.show(opened.status)
                time.sleep(WATCH_SECONDS)


@app.command("list")
def list_documents(
    folder: Folder = None,
    sort: Annotated[
        Literal["file", "date", "title", "source"],
        typer.Option(help="The latest first, or by A-Z."),
    ] = "file",
    after: After = None,
    before: Before = None,
    source: Source = None,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """List the documents of a folder: date, title, source, file."""
    with _plain_errors():
        chosen = Selection(None, _day(after), _day(before), checked_source(source))
        with _opened(folder, directory, model, fast, wait=0.0) as (index, bar):
            bar.stop()
            found = [outline for outline in index.outlines if chosen.has(outline)]
            rows = terminal_index.in_order(found, sort)
            if as_json:
                _print_json([plain_outline(outline) for outline in rows])
            else:
                terminal_index.print_outlines(rows)


@app.command()
def serve(
    folder: Folder = None,
    host: Annotated[str, typer.Option(help="The interface to listen on.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="[default: 7860, or the next free one]", show_default=False)
    ] = None,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Open the chat in the browser: prints the address to go to."""
    with _plain_errors():
        import app as page  # not at the top: Gradio is slow to import, and only this needs it

        page.serve(default_folder(folder), host=host, port=port, directory=directory, model=model)


@app.command("eval")
def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="In BEIR layout: corpus.jsonl, queries.jsonl, qrels.tsv.")
    ],
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask so many, a fixed random sample. [default: all]")
    ] = None,
    half: Annotated[
        Literal["tune", "report"] | None,
        typer.Option(help="A fixed half, by a hash of the id. [default: both]"),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Write the rankings to this file, as a TREC run.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="An earlier TREC run, to test the difference to.")
    ] = None,
    remove_answers: Annotated[
        bool,
        typer.Option("--remove-answers", help="Ask again of the documents that do not answer."),
    ] = False,
    rerank: Rerank = True,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Measure retrieval, answers and refusals on questions whose answers are known."""
    with _plain_errors():
        from qa import evaluation  # not at the top: scipy is slow to import, and only this needs it

        collection = evaluation.read(folder)
        earlier = evaluation.read_run(compare) if compare else None
        with terminal_index.progress_bar() as bar:
            index = evaluation.open_index(
                collection, directory=directory, model=model, progress=bar
            )
        with index, terminal_index.question_bar() as step:
            report = evaluation.evaluate(
                evaluation.Asker(index, rerank=rerank),
                collection,
                evaluation.sample(collection.queries, limit=limit, half=half),
                run=run,
                earlier=earlier,
                remove_answers=remove_answers,
                step=step,
            )
        if as_json:
            print(json.dumps(evaluation.plain_report(report), ensure_ascii=False, indent=2))
        else:
            terminal.print_report(report)


def main() -> None:
    """The ``qa`` command."""
    app()


@contextmanager
def _plain_errors(*silent: str) -> Iterator[None]:
    """Say a user's mistake in one line, and exit 1; log warnings, but not those of `silent`."""
    try:
        with _logged_to_terminal(silent), _one_interrupt():
            yield
    except qa.QAError as error:
        terminal.say(f"qa: {error}", "red", stderr=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nothing is left to say


@contextmanager
def _one_interrupt() -> Iterator[None]:
    """The first Ctrl+C ends in good order; one more ends at once, which an index survives."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # somebody else's business
        return

    def first(*_: object) -> None:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _logged_to_terminal(silent: Collection[str]) -> Iterator[None]:
    """Warnings of this package, one plain line each, beside the answer and not in it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: record.name not in silent)
    handler.setFormatter(logging.Formatter("qa: %(message)s"))
    logger = logging.getLogger("qa")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def _opened(
    folder: Path | None,
    directory: Path | None,
    model: str,
    fast: bool,
    wait: bool | float = True,
) -> Iterator[tuple[qa.Index, terminal_index.Bar]]:
    """An index and the bar of its progress; Ctrl+C says what was kept."""
    options: dict[str, Any] = {"directory": directory, "model": model, "fast": fast}
    with terminal_index.progress_bar() as bar:
        try:
            with qa.Index.open(default_folder(folder), progress=bar, wait=wait, **options) as index:
                yield index, bar
        except KeyboardInterrupt:
            bar.stop()
            terminal.say(terminal_index.kept(bar.last), stderr=True)
            raise


def _day(text: str | None) -> datetime.date | None:
    """A day of the command line."""
    try:
        return checked_date(text)
    except ValueError as error:
        raise qa.QAError(str(error)) from error


def _print_json(found: object) -> None:
    print(json.dumps(found, ensure_ascii=False, indent=2))
