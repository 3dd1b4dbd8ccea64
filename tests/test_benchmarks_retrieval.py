from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import HashingEncoder

import qa
from qa.evaluation import Query

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
benchmark = importlib.import_module("retrieval")


@pytest.fixture
def index() -> Iterator[qa.Index]:
    long = " ".join(f"Sentence {i} tells of a harbour and its boats." for i in range(200))
    documents = [
        qa.Document("long", long),
        qa.Document("ferry", "The ferry to the island leaves the harbour at nine."),
        qa.Document("bread", "Bread is baked from flour and water."),
    ]
    with qa.Index.from_documents(documents, encoder=HashingEncoder()) as made:
        yield made


def test_every_stage_finds_the_document_that_answers(index: qa.Index) -> None:
    for stage in benchmark.stages(index):
        found, seconds = benchmark.best_documents(stage, "What is bread baked from?")
        assert found[0] == "bread", stage.name
        assert seconds > 0


def test_a_document_with_many_passages_does_not_hide_the_others(index: qa.Index) -> None:
    bm25 = benchmark.stages(index)[0]
    assert len(bm25.search("harbour boats", 2)) == 2
    found, _ = benchmark.best_documents(bm25, "harbour boats")
    assert sorted(found) == ["ferry", "long"]


def test_what_the_first_passages_lack_follows_below_them() -> None:
    stage = benchmark.Stage(
        "made up", lambda question, n: ["b", "b", "a"], lambda question, n: ["c", "a", "d"]
    )
    assert benchmark.best_documents(stage, "?")[0] == ["b", "a", "c", "d"]


def test_rankings_are_written_best_first(index: qa.Index) -> None:
    query = Query("q", "the ferry to the island", {"ferry": 1}, (), (), True)
    runs, seconds = benchmark.ranked(benchmark.stages(index), [query])
    assert list(runs) == list(seconds) == ["bm25", "dense", "fused", "reranked"]
    for run in runs.values():
        assert max(run["q"], key=run["q"].__getitem__) == "ferry"


def test_a_question_in_a_conversation_is_completed(tmp_path: Path) -> None:
    history = [["user", "Who runs the ferry to the island?"], ["agent", "The harbour."]]
    entries = [
        {"_id": "1", "text": "When does it leave?", "metadata": {"history": history}},
        {"_id": "2", "text": "What is bread baked from?"},
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (tmp_path / "queries.jsonl").write_text(lines, "utf-8")
    queries = [Query(entry["_id"], entry["text"], {}) for entry in entries]
    first, second = benchmark.completed(tmp_path, queries)
    assert "ferry to the island" in first.text
    assert second.text == "What is bread baked from?"


def test_the_command_names_no_place_of_this_machine() -> None:
    assert benchmark.command("scifact_train", 300, "report") == (
        "python benchmarks/retrieval.py --data scifact_train --limit 300 --half report"
    )
