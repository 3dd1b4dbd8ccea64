"""The terminal's face: ``qa ask``, ``index``, ``list``, ``serve``, ``eval``. No retrieval here."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

import qa
from qa import terminal
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
Rerank = Annotated[
    bool,
    typer.Option(
        "--rerank/--no-rerank", help="Read the best passages, or keep the order of the searches."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In quotation marks.")],
    folder: FolderOption = None,
    k: Annotated[int, typer.Option("-k", help="Passages to show.")] = 5,
    rerank: Rerank = True,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Answer a question with sentences of the articles, or say that they do not."""
    with _plain_errors(), _opened(folder, directory, model) as index:
        answer = index.ask(question, k=k, rerank=rerank)
        if as_json:
            print(json.dumps(plain_answer(answer), ensure_ascii=False, indent=2))
        else:
            terminal.print_answer(answer)


@app.command()
def index(
    folder: Folder = None,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
) -> None:
    """Read and index a folder, or bring its index up to date."""
    with _plain_errors(silent="qa.sync"), _opened(folder, directory, model) as opened:
        status = opened.status  # which lists all that cannot be read, not only what is new
        terminal.console().print(
            f"{terminal.count(status.documents, 'document')}, "
            f"{terminal.count(status.passages, 'passage')} in the index of {opened.folder}",
            soft_wrap=True,
            highlight=False,
            markup=False,
        )
        for failure in status.failures:
            terminal.console(stderr=True).print(
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
            terminal.print_documents(index.documents)


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
        with terminal.progress_bar() as bar:
            index = evaluation.open_index(
                collection, directory=directory, model=model, progress=bar
            )
        with index, terminal.question_bar() as step:
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
def _plain_errors(silent: str = "") -> Iterator[None]:
    """Say a user's mistake in one line, and exit 1; log warnings, but not those of `silent`."""
    try:
        with _logged_to_terminal(silent):
            yield
    except qa.QAError as error:
        terminal.console(stderr=True).print(Text(f"qa: {error}", "red"), soft_wrap=True)
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
    with terminal.progress_bar() as report:
        index = qa.Index.open(
            default_folder(folder), directory=directory, model=model, progress=report
        )
    with index:
        yield index
