"""`--rerank` and `--no-rerank`, in process, with a stand-in for the model and for the reader."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeMatcher, FakeReader, HashingEncoder
from typer.testing import CliRunner

import qa
from qa import cli, embedding, index
from qa.rerank import Reranker
from qa.terminal import answers

ARTICLE = """Harbour closes for repairs

The harbour of Westport closes on Monday, said the council of Westport.

Mayor Ann Duffy spoke at noon. She said that a crane had hurt 14 people.
"""


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: FakeReader) -> Path:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(embedding, "load", lambda name: HashingEncoder())
    monkeypatch.setattr(index, "shared", lambda: Reranker(FakeMatcher, lambda: reader))
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "harbour.txt").write_text(ARTICLE, "utf-8")
    return folder


@pytest.fixture
def collection(folder: Path) -> Path:
    rows = {
        "corpus.jsonl": json.dumps({"_id": "harbour", "title": "", "text": ARTICLE}),
        "queries.jsonl": json.dumps({"_id": "q", "text": "When does the harbour close?"}),
        "qrels.tsv": "query-id\tcorpus-id\tscore\nq\tharbour\t1",
    }
    for name, text in rows.items():
        (folder.parent / name).write_text(f"{text}\n", "utf-8")
    return folder.parent


def out(*arguments: object) -> str:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


QUESTION = "When does the harbour close?"


def test_ask_reads_the_passages_unless_told_not_to(folder: Path, reader: FakeReader) -> None:
    told = out("ask", QUESTION, "-f", folder, "--no-rerank")
    assert not reader.pages
    assert " read " not in told
    assert "words in context" not in told
    told = out("ask", QUESTION, "-f", folder)
    assert len(reader.pages) == 1
    assert re.search(
        r"score 1\.00 = words .\.\d\d \+ meaning .\.\d\d "
        r"\+ words in context .\.\d\d \+ read .\.\d\d",
        told,
    )


def test_the_parts_of_the_score_are_in_the_json_and_no_score_of_a_sentence(folder: Path) -> None:
    said = json.loads(out("ask", QUESTION, "-f", folder, "--json"))
    (hit,) = said["hits"]
    parts = sum(hit[name] for name in ("lexical", "semantic", "matched", "read"))
    assert parts == pytest.approx(hit["score"])
    assert hit["matched"] > 0
    assert hit["read"] > 0
    assert "certainty" not in json.dumps(said)
    assert "relevance" not in json.dumps(said)


def test_eval_reads_the_passages_unless_told_not_to(collection: Path, reader: FakeReader) -> None:
    assert "not reranked" in out("eval", collection, "--no-rerank")
    assert not reader.pages
    assert "not reranked" not in out("eval", collection)
    assert reader.pages
    assert json.loads(out("eval", collection, "--no-rerank", "--json"))["rerank"] is False


def styles(line: Any, piece: str) -> str:
    """The styles of a piece of a line."""
    start = line.plain.index(piece)
    spans = [span for span in line.spans if span.start <= start and span.end >= start + len(piece)]
    return " ".join(str(span.style) for span in spans)


def test_lead_in_and_exact_words_are_told_apart_from_the_sentence() -> None:
    document = qa.Document("harbour.txt", ARTICLE)
    start, end = ARTICLE.index("Mayor"), len(ARTICLE) - 1
    exact = ARTICLE.index("14 people")
    middle = ARTICLE.index(" She said")
    sentence = qa.Sentence(document, start, end, (start, middle), (exact, exact + 9))
    passage = qa.Passage(0, end, ARTICLE[:end])
    hit = qa.Hit(1, 1.0, passage, document, qa.Explanation(0.7, 0.3, 1.0, 1.0))
    *_, card = answers._card(hit, [sentence])
    assert card.plain == passage.text
    assert styles(card, "Ann Duffy") == answers.LEAD_IN
    assert styles(card, "a crane") == answers.ANSWERING
    assert styles(card, "14 people") == f"{answers.ANSWERING} {answers.EXACT}"
    assert styles(card, "closes on Monday") == ""
    quotation = answers._quotation(2, sentence)
    assert quotation.plain == f"2. {sentence.text}"
    assert answers.EXACT in styles(quotation, "14 people")


def test_an_uncertain_answer_quotes_the_words_that_are_not_mentioned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = qa.Document("harbour.txt", ARTICLE)
    values = ([qa.Sentence(document, 28, 60)], [], "text", ("blue", "moon"))
    answers.print_answer(qa.Answer("What?", "What?", "uncertain", 0.25, *values))
    told = capsys.readouterr().out.splitlines()[0]
    assert told == (
        "The articles may not answer this (confidence 25%): no passage mentions “blue” or “moon”."
    )
