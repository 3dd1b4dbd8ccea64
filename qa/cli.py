"""The terminal's face: ``qa ask``, ``qa index``, ``qa list``, ``qa serve``. No retrieval here."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import qa
from qa.models import DEFAULT_MODEL
from qa.plain import plain_answer, plain_document
from qa.seeds import default_folder

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
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In quotation marks.")],
    folder: FolderOption = None,
    k: Annotated[int, typer.Option("-k", help="Passages to show.")] = 5,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Answer a question with sentences of the articles, or say that they do not."""
    with _plain_errors(), _opened(folder, directory, model) as index:
        answer = index.ask(question, k=k)
        if as_json:
            print(json.dumps(plain_answer(answer), ensure_ascii=False, indent=2))
        else:
            _print_answer(answer)


@app.command()
def index(
    folder: Folder = None,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Read and index a folder, or bring its index up to date."""
    with _plain_errors(silent="qa.sync"), _opened(folder, directory, model) as opened:
        status = opened.status  # which lists all that cannot be read, not only what is new
        _console().print(
            f"{_count(status.documents, 'document')}, {_count(status.passages, 'passage')} "
            f"in the index of {opened.folder}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
        for failure in status.failures:
            _console(stderr=True).print(
                f"not read: {failure.reason}", soft_wrap=True, highlight=False, markup=False
            )


@app.command("list")
def list_documents(
    folder: Folder = None,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """List the documents of a folder: date, title, file."""
    with _plain_errors(), _opened(folder, directory, model) as index:
        if as_json:
            rows = [plain_document(document) for document in index.documents]
            print(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            _print_documents(index.documents)


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


def main() -> None:
    """The ``qa`` command."""
    app()


@contextmanager
def _plain_errors(silent: str = "") -> Iterator[None]:
    """Say a user's mistake in one line, and exit 1; log warnings, but not those of `silent`."""
    try:
        with _logged_to_terminal(silent):
            yield
    except qa.QAError as error:
        _console(stderr=True).print(Text(f"qa: {error}", "red"), soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nothing is left to say


@contextmanager
def _logged_to_terminal(silent: str) -> Iterator[None]:
    """Warnings of this package, one plain line each, beside the answer and not in it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: record.name != silent)
    handler.setFormatter(logging.Formatter("qa: %(message)s"))
    logger = logging.getLogger("qa")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def _opened(folder: Path | None, directory: Path | None, model: str) -> Iterator[qa.Index]:
    with _progress_bar() as report:
        index = qa.Index.open(
            default_folder(folder), directory=directory, model=model, progress=report
        )
    with index:
        yield index


@contextmanager
def _progress_bar() -> Iterator[Callable[[qa.Progress], None]]:
    """A bar on the terminal's error stream, shown only when there is something to index."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=_console(stderr=True),
        transient=True,
        disable=not _console(stderr=True).is_terminal,
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


def _console(*, stderr: bool = False) -> Console:
    """Made when used, so that it writes where sys.stdout points now."""
    return Console(stderr=stderr, highlight=False)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _print_answer(answer: qa.Answer) -> None:
    console = _console()
    lines = [Text(_lead(answer), "bold")]
    for number, sentence in enumerate(answer.sentences, 1):
        lines += [Text(), Text(f"{number}. {sentence.text}"), Text(f"   {_place(sentence)}", "dim")]
    lines += [Text(), Text(_heading(answer), "bold")]
    for hit in answer.hits:
        lines += [Text(), *_card(hit, answer.sentences)]
    for line in lines:
        console.print(line, soft_wrap=True)


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


def _print_documents(documents: tuple[qa.Document, ...]) -> None:
    """A table for eyes; between programs, a line a document and tabs between its fields."""
    console = _console()
    rows = [(str(d.date or ""), " ".join(d.title.split()), d.id) for d in documents]
    if not console.is_terminal:
        for row in rows:
            print("\t".join(row))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("date", "title", "file"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(field) for field in row))
    console.print(table)
