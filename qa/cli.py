"""The terminal's face: the commands of ``qa``. No retrieval here."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import qa
from qa.directory import default_directory
from qa.models import DEFAULT_MODEL
from qa.plain import plain_answer, plain_changes, plain_outline
from qa.preview import preview
from qa.rerank import shared
from qa.seeds import default_folder
from qa.selection import Selection, checked_date, checked_source
from qa.terminal import answers, care, indexes
from qa.terminal.printing import say
from qa.terminal.session import opened_index, plain_errors

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
Imported = Annotated[
    bool, typer.Option("--imported", help="Ask what lies in --index, without a folder.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
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
FAULTS_ARE_LISTED = ("qa.derived", "qa.store.vector_table", "qa.embedding")
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
    imported: Imported = False,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Answer a question with sentences of the articles, or say that they do not."""
    with plain_errors():
        first, last = _day(after), _day(before)
        if rerank:
            shared().prepare()  # while the index is opened
        with opened_index(folder, directory, model, fast, wait=ASK_SECONDS, imported=imported) as (
            index,
            _,
        ):
            answer = index.ask(
                question, k=k, rerank=rerank, after=first, before=last, source=source
            )
            if as_json:
                _print_json(plain_answer(answer))
            else:
                answers.print_answer(answer)
                indexes.print_coverage(answer.coverage, folder)


@app.command()
def index(
    folder: Folder = None,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Read and index a folder, or bring its index up to date."""
    with (
        plain_errors(*FAILURES_ARE_LISTED),
        opened_index(folder, directory, model, fast) as (opened, _),
    ):
        indexes.print_contents(opened)


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
            indexes.print_changes(changes, when="would be: " if dry_run else "")

    with plain_errors(*FAILURES_ARE_LISTED):
        if dry_run:
            with indexes.progress_bar() as bar:
                changes = preview(
                    default_folder(folder),
                    directory=directory,
                    model=model,
                    fast=fast,
                    progress=bar,
                )
            show(changes)
            return
        with opened_index(folder, directory, model, fast, wait=0.0) as (opened, bar):
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
        plain_errors(*FAILURES_ARE_LISTED, "qa.following.watch"),
        opened_index(folder, directory, model, fast, wait=0.0) as (opened, bar),
    ):
        bar.stop()
        indexes.print_contents(opened)
        with opened.watch(bar.tell):
            say(f"Following {opened.folder} (Ctrl+C stops)")
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
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Only those that tell the same story, in groups.")
    ] = False,
    as_json: Json = False,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """List the documents of a folder: date, title, source, file."""
    with plain_errors():
        chosen = Selection(None, _day(after), _day(before), checked_source(source))
        with opened_index(folder, directory, model, fast, wait=0.0) as (index, bar):
            bar.stop()
            found = [outline for outline in index.outlines if chosen.has(outline)]
            if duplicates:
                groups = indexes.grouped(found, index.duplicates())
                if as_json:
                    _print_json([[plain_outline(o) for o in group] for group in groups])
                else:
                    indexes.print_groups(groups)
                return
            rows = indexes.in_order(found, sort)
            if as_json:
                _print_json([plain_outline(outline) for outline in rows])
            else:
                indexes.print_outlines(rows)


@app.command()
def serve(
    folder: Folder = None,
    host: Annotated[str, typer.Option(help="The interface to listen on.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="[default: 7860, or the next free one]", show_default=False)
    ] = None,
    directory: Directory = None,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Open the chat in the browser: prints the address to go to."""
    with plain_errors():
        import app as page  # not at the top: Gradio is slow to import, and only this needs it

        place: dict[str, Any] = {"directory": directory, "model": model, "fast": fast}
        page.serve(default_folder(folder), host=host, port=port, **place)


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
    fast: Fast = False,
) -> None:
    """Measure retrieval, answers and refusals on questions whose answers are known."""
    with plain_errors():
        from qa import evaluation  # not at the top: scipy is slow to import, and only this needs it

        collection = evaluation.read(folder)
        earlier = evaluation.read_run(compare) if compare else None
        with indexes.progress_bar() as bar:
            index = evaluation.open_index(
                collection, directory=directory, model=model, fast=fast, progress=bar
            )
        with index, indexes.step_bar("questions") as step:
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
            answers.print_report(report)


@app.command("doctor")
def examine(
    folder: Folder = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Check every vector and file, not a sample.")
    ] = False,
    directory: Directory = None,
    imported: Imported = False,
    model: Model = DEFAULT_MODEL,
    fast: Fast = False,
) -> None:
    """Check an index against itself, its files and its model; exit 1 when something is wrong."""
    from qa import doctor  # not at the top: only this needs it

    place: dict[str, Any] = {"directory": directory, "model": model, "fast": fast}
    with plain_errors(*FAULTS_ARE_LISTED), indexes.step_bar() as step:
        root = None if imported else default_folder(folder)
        found = doctor.check(root, everything=everything, step=step, **place)
        if fix and found:
            care.print_findings(found)
            doctor.mend(found, root, step=step, **place)
            found = doctor.check(root, everything=everything, step=step, **place)
    care.print_findings(found)
    care.print_verdict(found)
    if not all(finding.harmless for finding in found):
        raise typer.Exit(1)


@app.command("export")
def export_index(
    file: Annotated[Path, typer.Argument(help="What to write, such as articles.qa")],
    folder: FolderOption = None,
    directory: Directory = None,
    force: Force = False,
) -> None:
    """Put an index into one file, with check sums: to keep, or for another machine."""
    from qa import portable  # not at the top: only this needs it

    with plain_errors(), indexes.step_bar() as step:
        root = default_folder(folder)
        place = directory or default_directory(root.expanduser().resolve())
        made = portable.pack(place, file, name=root.name, force=force, step=step)
    care.print_manifest("packed into", file, made)


@app.command("import")
def import_index(
    file: Annotated[Path, typer.Argument(help="What `qa export` wrote.")],
    directory: Directory = None,
    force: Force = False,
) -> None:
    """Make an index of an exported file, where it is whole."""
    from qa import portable  # not at the top: only this needs it

    place = directory or portable.default_place(file)
    with plain_errors(), indexes.step_bar() as step:
        made = portable.unpack(file, place, force=force, step=step)
    care.print_manifest("unpacked into", place, made)
    say(care.how_to_ask(place))


def main() -> None:
    """The ``qa`` command."""
    app()


def _day(text: str | None) -> datetime.date | None:
    """A day of the command line."""
    try:
        return checked_date(text)
    except ValueError as error:
        raise qa.QAError(str(error)) from error


def _print_json(found: object) -> None:
    print(json.dumps(found, ensure_ascii=False, indent=2))
