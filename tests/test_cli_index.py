"""`qa index`, `sync`, `watch` and `list`, and what `qa ask` says of an index that is not whole."""

from __future__ import annotations

import datetime
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from fakes import HashingEncoder
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner, Result
from worker import ROOT, SlowEncoder

import qa
from qa import cli, embedding
from qa.following import Followed
from qa.terminal import indexes
from qa.terminal.indexes import Bar, covered, in_order, kept, print_changes, print_outlines

STORIES = {
    "harbour.md": ("Harbour closes", "2016-02-13", "BBC News", "The harbour closes on Monday."),
    "bread.md": ("Bread is dear", "2015-07-01", "Reuters", "Bakers raised the price of bread."),
    "comet.md": ("A comet", "", "", "Three astronomers saw a comet above the observatory."),
}
CODE = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where tests run in the background
from worker import SlowEncoder
from qa import cli, embedding, index
from fakes import fake_reranker
seconds = float(sys.argv[1])
embedding.load = lambda name: SlowEncoder(seconds)
index.shared = fake_reranker
sys.argv = ["qa", *sys.argv[2:]]
cli.main()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(embedding, "load", lambda name: HashingEncoder())
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, (title, date, source, text) in STORIES.items():
        head = [f"title: {title}", *([f"date: {date}"] if date else [])]
        head += [f"source: {source}"] if source else []
        (folder / name).write_text("\n".join(["---", *head, "---", "", text, ""]), "utf-8")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def names(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [row["id"].removesuffix(".md") for row in json.loads(result.stdout)]


# --- the same story again --------------------------------------------------------------------


def test_documents_that_tell_the_same_story_are_listed_in_groups(folder: Path) -> None:
    told = (
        "The ferry to the island was cancelled because of the storm, said the harbour master, and "
    )
    told += "passengers waited in the old customs house until the wind turned on Sunday evening."
    for name, title in (("one.md", "No ferry"), ("two.md", "Storm stops the ferry")):
        (folder / name).write_text(f"---\ntitle: {title}\n---\n\n{told}\n", "utf-8")
    result = run("list", folder, "--duplicates", "--json")
    assert [{row["id"] for row in group} for group in json.loads(result.stdout)] == [
        {"one.md", "two.md"}
    ]
    assert "Storm stops the ferry" in run("list", folder, "--duplicates").stdout
    (folder / "two.md").unlink()
    alone = run("list", folder, "--duplicates")
    assert (alone.exit_code, alone.stdout) == (0, "")
    assert "No two documents" in alone.stderr


# --- list and ask --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["bread", "comet", "harbour"]),
        (["--sort", "date"], ["harbour", "bread", "comet"]),
        (["--sort", "title"], ["comet", "bread", "harbour"]),
        (["--sort", "source"], ["harbour", "bread", "comet"]),
        (["--after", "2015-07-01"], ["bread", "harbour"]),
        (["--after", "2015-07-02"], ["harbour"]),
        (["--before", "2016-02-12"], ["bread"]),
        (["--source", "bbc"], ["harbour"]),
        (["--source", "bbc", "--before", "2016-01-01"], []),
    ],
)
def test_list_sorts_and_chooses(folder: Path, options: list[str], found: list[str]) -> None:
    assert names(run("list", folder, "--json", *options)) == found


def test_a_listed_document_says_where_it_is_from_and_how_long_it_is(folder: Path) -> None:
    listed = json.loads(run("list", folder, "--json", "--source", "bbc").stdout)
    text = (folder / "harbour.md").read_text("utf-8")
    assert listed == [
        {
            "id": "harbour.md",
            "title": "Harbour closes",
            "source": "BBC News",
            "date": "2016-02-13",
            "file": "harbour.md",
            "characters": len(text),
        }
    ]


def test_ask_looks_only_in_what_was_chosen(folder: Path) -> None:
    def asked(*options: str) -> set[str]:
        result = run("ask", "What does the harbour say of bread?", "-f", folder, "--json", *options)
        assert result.exit_code == 0, result.output
        return {hit["document"]["id"] for hit in json.loads(result.stdout)["hits"]}

    assert {"harbour.md", "bread.md"} <= asked()
    assert asked("--before", "2015-12-31") == {"bread.md"}
    assert asked("--source", "bbc") == {"harbour.md"}


def test_ask_says_nothing_of_coverage_when_all_is_embedded(folder: Path) -> None:
    result = run("ask", "When does the harbour close?", "-f", folder)
    assert "Semantic search" not in result.output
    result = run("ask", "When does the harbour close?", "-f", folder, "--json")
    assert json.loads(result.stdout)["coverage"] == 1.0


def test_ask_answers_by_the_words_before_all_is_embedded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        (folder / f"{number}.txt").write_text(f"Report {number} on the fishing of herring.\n")
    monkeypatch.setattr(embedding, "load", lambda name: SlowEncoder(0.5))
    monkeypatch.setattr(cli, "ASK_SECONDS", 0.0)
    question = ("ask", "When does the harbour close?", "-f", folder)
    result = run(*question)
    assert result.exit_code == 0
    assert "The harbour closes on Monday." in result.stdout
    assert "Semantic search covers" in result.stderr
    assert f"`qa index {folder}` completes it." in result.stderr
    assert "Semantic search" not in result.stdout
    result = run(*question, "--json", "--index", folder.parent / "new")
    assert json.loads(result.stdout)["coverage"] < 1


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0 %"), (0.384, "38 %"), (0.9999, "99 %"), (1.0, "100 %")]
)
def test_a_share_is_whole_only_when_it_is(share: float, said: str) -> None:
    assert covered(share) == said


# --- sync and index ------------------------------------------------------------------------


def test_sync_says_what_became_of_each_file(folder: Path) -> None:
    result = run("sync", folder)
    assert result.stdout.splitlines() == [
        "3 added",
        *(f"  added     {name}.md" for name in ("bread", "comet", "harbour")),
    ]
    (folder / "bread.md").rename(folder / "loaf.md")
    (folder / "harbour.md").unlink()
    (folder / "comet.md").write_text("The comet is gone.\n")
    (folder / "empty.txt").touch()
    before = sorted(folder.parent.rglob("*"))
    lines = [
        "1 changed, 1 removed, 1 renamed, 1 not read",
        "  changed   comet.md",
        "  removed   harbour.md",
        "  renamed   bread.md → loaf.md",
        "  not read  cannot read 'empty.txt': it is empty",
    ]
    dry = run("sync", folder, "--dry-run")
    assert dry.stdout.splitlines() == [f"would be: {lines[0]}", *lines[1:]]
    assert sorted(folder.parent.rglob("*")) == before
    told = json.loads(run("sync", folder, "--dry-run", "--json").stdout)
    assert told["renamed"] == [["bread.md", "loaf.md"]]
    assert told["failed"][0]["file"] == "empty.txt"
    done = run("sync", folder)
    assert done.stdout.splitlines() == lines
    assert done.stderr == ""
    assert run("sync", folder).stdout == "nothing changed\n"
    assert names(run("list", folder, "--json")) == ["comet", "loaf"]


def test_a_dry_run_makes_no_index(folder: Path) -> None:
    before = sorted(folder.parent.rglob("*"))
    assert run("sync", folder, "--dry-run").stdout.startswith("would be: 3 added\n")
    assert sorted(folder.parent.rglob("*")) == before


def test_of_very_many_changes_the_first_are_listed_and_all_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_changes(qa.Changes(added=tuple(f"{number}.txt" for number in range(1_234))))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1,234 added"
    assert len(lines) == 2 + indexes.MOST_LINES
    assert lines[-1] == f"  and {1_234 - indexes.MOST_LINES:,} more"


def test_of_very_many_failures_the_first_are_listed(folder: Path) -> None:
    for number in range(indexes.MOST_LINES + 7):
        (folder / f"{number}.txt").touch()
    result = run("index", folder)
    assert "3 documents, 3 passages in the index" in result.stdout
    assert result.stderr.count("it is empty") == indexes.MOST_LINES
    assert result.stderr.endswith("not read: 7 more\n")


# --- bars and lists on a terminal ------------------------------------------------------------


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a narrow terminal is sent."""
    sent = io.StringIO()
    console = Console(file=sent, force_terminal=True, width=60, color_system=None)
    monkeypatch.setattr(indexes, "console", lambda **_: console)
    monkeypatch.setattr(indexes, "say", lambda text, *_, **__: console.print(text))
    return sent


def test_a_bar_tells_files_passages_speed_and_time_left(screen: io.StringIO) -> None:
    bar = Bar()
    bar(qa.Progress("preparing"))
    assert not screen.getvalue()
    reading = qa.Progress("reading", 1_200, 5_000, 830, 95.25, 62.0)
    assert list(indexes.details(reading)) == [
        "1,200/5,000 files",
        "830 passages",
        "95.2 passages/s",
        "1:02 left",
    ]
    embedding = qa.Progress("embedding", 0, 0, 700, 61.0, 3_725.0, 5_155)
    assert list(indexes.details(embedding)) == [
        "700/5,155 passages",
        "61.0 passages/s",
        "1:02:05 left",
    ]
    bar(reading)
    bar(embedding)
    bar.stop()
    assert "embedding" in screen.getvalue()


def test_what_was_kept_is_said_in_numbers() -> None:
    again = "the next run goes on from here"
    assert kept(qa.Progress("preparing")) == f"stopped; {again}"
    assert kept(qa.Progress("reading", 3, 9)) == (
        f"stopped; 3 of 9 new or changed files are read; {again}"
    )
    assert kept(qa.Progress("embedding", passages_done=700, passages_total=5_155)) == (
        f"stopped; all files are read, and 700 of 5,155 passages embedded; {again}"
    )


def test_a_list_fits_the_terminal(screen: io.StringIO) -> None:
    outlines = [
        qa.Outline(id, title, datetime.date(2016, 2, 13), source, None, id, 10)
        for id, title, source in [
            ("a/very/deep/folder/with/a/long/name/article.txt", "A " * 80, "The Source " * 9),
            ("短い.txt", "見出しがとても長い記事です" * 5, ""),
            ("short.txt", "Short", "BBC"),
        ]
    ]
    print_outlines(in_order(outlines, "file"))
    lines = screen.getvalue().splitlines()
    assert len(lines) == 1 + len(outlines)
    assert all(cell_len(line) <= 60 for line in lines)
    assert lines[0].split() == ["date", "title", "source", "file"]
    assert "short.txt" in screen.getvalue()


def test_what_is_followed_is_told_with_the_time(screen: io.StringIO) -> None:
    bar = Bar()
    bar.tell(Followed(qa.Changes(added=("new.txt",))))
    bar.tell(Followed(trouble="the disk is full"))
    bar.tell(Followed())
    lines = screen.getvalue().splitlines()
    assert [line[:8].count(":") for line in lines] == [2, 0, 2, 2]
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        "1 added",
        "new.txt",
        "the disk is full",
        "the folder is there again, and nothing changed",
    ]


# --- Ctrl+C ------------------------------------------------------------------------------------


class Command:
    """A command of qa in a process of its own, with a slow stand-in for the model."""

    def __init__(self, *arguments: str, seconds: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(seconds), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        )

    def line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def press(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def interrupt(self) -> tuple[int, str, str]:
        """Press Ctrl+C; the exit status and what was said."""
        self.press()
        out, err = self._process.communicate(timeout=120)  # rather than hang for ever
        return self._process.returncode, out, err

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def wait_for_rows(store: Path, table: str, most: int) -> None:
    """Until another process has written more than so many."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as database,
        ):
            if database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > most:
                return
        time.sleep(0.05)
    raise AssertionError(f"too few {table}")


def test_an_interrupted_index_says_what_was_kept_and_goes_on_the_next_time(
    folder: Path, tmp_path: Path
) -> None:
    for number in range(400):
        (folder / f"{number}.txt").write_text(f"Report {number} on the fishing of herring.\n")
    place = tmp_path / "index"
    with Command("index", str(folder), "--index", str(place), seconds=0.3) as command:
        wait_for_rows(place / "store.sqlite3", "vectors", 250)
        status, out, err = command.interrupt()
    assert (status, out) == (130, "")
    assert err.startswith("stopped; all files are read, and ")
    assert err.endswith("of 403 passages embedded; the next run goes on from here\n")
    encoder = HashingEncoder()
    with qa.Index.open(folder, directory=place, encoder=encoder) as index:
        assert index.changes == qa.Changes()
        assert 0 < encoder.embedded < 200
        assert index.status.coverage == 1


def test_pressing_ctrl_c_again_ends_at_once(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "index"
    with Command("index", str(folder), "--index", str(place), seconds=3_600.0) as command:
        wait_for_rows(place / "store.sqlite3", "passages", 2)
        time.sleep(1.0)
        command.press()
        time.sleep(0.5)
        status, _, err = command.interrupt()
    assert status == 130
    assert "Traceback" not in err
    with qa.Index.open(folder, directory=place, encoder=HashingEncoder()) as index:
        assert index.status.coverage == 1


def test_a_watch_ends_with_ctrl_c_and_says_what_it_did(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "index"
    with Command("watch", str(folder), "--index", str(place), seconds=0.0) as command:
        assert command.line().startswith("3 documents, 3 passages")
        assert command.line() == f"Following {folder} (Ctrl+C stops)\n"
        (folder / "new.txt").write_text("Something new is in the harbour.\n")
        assert command.line().endswith("1 added\n")
        assert command.line() == "  added     new.txt\n"
        status, out, err = command.interrupt()
    assert (status, out) == (130, "")
    assert err == "stopped; the next run goes on from here\n"
