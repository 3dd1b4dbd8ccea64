from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def test_the_command_names_no_place_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = "retrieval.py --data somewhere/scifact_train --limit 300 --no-time-limit"
    monkeypatch.setattr(sys, "argv", [*typed.split(), "--index-directory", "elsewhere"])
    assert benchmark.command("scifact_train", benchmark.parsed()) == (
        "python benchmarks/retrieval.py --data scifact_train --half report --limit 300 "
        "--no-time-limit"
    )


def test_without_a_time_limit_all_passages_are_looked_at(index: qa.Index) -> None:
    class Hurried:
        def match(self, question: str, pages: list[object], *, seconds: float = 9.0) -> list[float]:
            return [1.0 for _ in pages[: int(seconds)]]

    unhurried = benchmark._Unhurried(Hurried())
    assert len(Hurried().match("?", [1, 2, 3], seconds=1.0)) == 1
    assert len(unhurried.match("?", [1, 2, 3], seconds=1.0)) == 3


def test_times_are_replaced_and_nothing_else() -> None:
    def figures(value: float, milliseconds: float) -> dict[str, Any]:
        stage = {"measures": {"P@1": value}, "latency": {"median_ms": milliseconds}}
        said = {"questions": 1, "machine": {}, "date": "today", "command": f"{milliseconds}"}
        return {"stages": {"bm25": stage}, **said}

    both = benchmark.retimed(figures(0.5, 80.0), figures(0.9, 2.0))
    assert both["stages"] == {"bm25": {"measures": {"P@1": 0.5}, "latency": {"median_ms": 2.0}}}
    assert (both["command"], both["timed"]["command"]) == ("80.0", "2.0")
