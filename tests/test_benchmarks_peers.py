from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import qa
from qa import evaluation
from qa.evaluation import Query

ROOT = Path(__file__).parents[1]


def imported(name: str, folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


benchmark = imported("peers", ROOT / "benchmarks")
environments = sys.modules["environments"]
peers_table = sys.modules["peers_table"]
phases = imported("phases", ROOT / "benchmarks" / "peers")
SCRIPTS = sorted((ROOT / "benchmarks" / "peers").glob("with_*.py"))

PEER = f"""
import sys
sys.path.insert(0, {str(ROOT / "benchmarks" / "peers")!r})
import phases

class Words:
    '''Ranks by how many words of the question a passage has.'''
    def __init__(self, index, model, mode):
        self.file = index / "passages.txt"
        self.mode = mode
    def add(self, passages):
        print("something that a library says")
        if self.mode == "fails":
            raise ValueError("no room")
        self.file.parent.mkdir()
        self.file.write_text("\\n".join(f"{{p.id}}\\t{{p.text}}" for p in passages))
    def open(self):
        lines = self.file.read_text().splitlines()
        self.texts = dict(line.split("\\t") for line in lines)
    def search(self, question, k):
        words = set(question.lower().split())
        def shared(id):
            return -len(words & set(self.texts[id].lower().split()))
        return sorted(self.texts, key=shared)[:k]

phases.main(Words)
"""
PASSAGES = [
    {"id": "1:0", "document": "a 1", "text": "the ferry leaves at nine"},
    {"id": "2:0", "document": "b%2", "text": "bread is baked from flour"},
    {"id": "2:9", "document": "b%2", "text": "flour is ground from wheat"},
]
QUESTIONS = [
    Query("q 1", "when the ferry leaves", {"a 1": 1}, (), (), True),
    Query("q2", "what bread is baked from", {"b%2": 1}, (), (), True),
]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "with_words.py"
    script.write_text(PEER)
    monkeypatch.setattr(benchmark, "script", lambda row: script)
    monkeypatch.setattr(benchmark, "model_folder", lambda: "none is needed")
    benchmark.write(tmp_path / "passages.jsonl", PASSAGES)
    benchmark.write(tmp_path / "questions.jsonl", [{"id": q.id, "text": q.text} for q in QUESTIONS])
    return tmp_path


def options(work: Path) -> argparse.Namespace:
    return argparse.Namespace(rounds=2, environments=work)


def test_a_peer_goes_through_all_phases_and_one_that_fails_does_not_stop_it(work: Path) -> None:
    rows = [
        benchmark.Row("fails", "fails", "by no means", "fails"),
        benchmark.Row("words", "qa", "by words"),
    ]
    measured, _ = benchmark.measure(rows, work, options(work))
    assert measured["fails"].failure == "index failed: ValueError: no room"
    assert measured["words"].failure == ""
    assert {len(values) for values in measured["words"].figures.values()} == {2}
    assert set(measured["words"].figures) == {column.key for column in peers_table.COLUMNS}
    told = [benchmark.entry(row, measured[row.name], QUESTIONS) for row in rows]
    assert told[0]["failure"] == measured["fails"].failure
    assert told[1]["nDCG@10"]["value"] == 1
    assert min(told[1]["medians"].values()) > 0


def test_rows_that_share_an_index_make_it_once_a_round(work: Path) -> None:
    rows = [benchmark.Row(name, "qa", "by words") for name in ("one", "other")]
    measured, _ = benchmark.measure(rows, work, options(work))
    one, other = (measured[row.name].figures for row in rows)
    assert one["passages_per_second"] == other["passages_per_second"]
    assert one["first_seconds"] != other["first_seconds"]


def test_a_run_names_documents_once_and_survives_any_id(tmp_path: Path) -> None:
    phases.write_run(tmp_path / "run", {"q 1": ["a 1", "b%2"]})
    assert evaluation.read_run(tmp_path / "run") == {"q 1": {"a 1": 1.0, "b%2": 0.5}}


def test_documents_that_the_first_passages_lack_follow_below_them() -> None:
    class Peer:
        def search(self, question: str, k: int) -> list[str]:
            return ["p3", "p1", "p2"]

    documents = {"p1": "a", "p2": "b", "p3": "c", "p4": "a"}
    assert phases.best_documents(Peer(), "?", ["p4", "p1"], documents) == ["a", "c", "b"]


def test_a_process_that_ends_without_an_answer_is_told_by_its_signal_or_last_words() -> None:
    assert benchmark.reason(-11, "") == "ended by SIGSEGV"
    assert benchmark.reason(1, "Traceback\nValueError: no room\n") == "ValueError: no room"
    assert benchmark.reason(3, "") == "ended with 3"


def test_the_launcher_finds_the_answer_among_other_output() -> None:
    code = f"print('loading'); print({phases.ANSWER!r} + '[1, 2]'); print('bye')"
    launch = str(ROOT / "benchmarks" / "peers" / "launch.py")
    said = subprocess.run(
        [sys.executable, launch, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(said.stdout)
    assert found["answer"] == [1, 2]
    assert 1e6 < found["peak_bytes"] < 1e9
    assert 0 < found["seconds"] < 60


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_names_what_it_needs_to_the_version(script: Path) -> None:
    packages = environments.needed(script)
    assert all("==" in package for package in packages)
    assert script.stem == "with_qa" or environments.TORCH in packages


def test_every_row_has_a_script_and_every_script_a_row() -> None:
    assert {benchmark.script(row) for row in benchmark.ROWS} == set(SCRIPTS)


def test_torch_is_held_as_everywhere() -> None:
    assert environments.TORCH in environments.CONSTRAINTS.read_text("utf-8").splitlines()


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    script = tmp_path / "with_some.py"
    script.write_text('# /// script\n# dependencies = ["some==1"]\n# ///\n')
    (tmp_path / "some").mkdir()
    made = {"packages": ["some==1"], "constrained_by": "constraints.txt"}
    (tmp_path / "some" / "made.json").write_text(json.dumps(made))
    found = environments.environment(script, tmp_path)
    assert found.packages == ("some==1",)
    assert found.constrained_by == "constraints.txt"


def test_what_pip_says_is_cut_to_the_reason() -> None:
    said = (
        "WARNING: a place is ignored\n"
        "ERROR: Could not find some>=2 (from other) (from versions: 0.1, 0.2)\n"
        "ERROR: No matching distribution\n"
    )
    assert environments._reason(said) == "Could not find some>=2 (from other)"


def test_all_relevant_documents_are_kept_and_others_up_to_the_limit() -> None:
    corpus = [qa.Document(str(number), "text") for number in range(20)]
    queries = [Query("q", "?", {"3": 1, "17": 1, "gone": 1}, (), (), True)]
    kept = {document.id for document in benchmark.sample(corpus, queries, 5)}
    assert len(kept) == 5
    assert {"3", "17"} < kept
    assert {document.id for document in benchmark.sample(corpus, queries, 1)} == {"3", "17"}
    assert kept == {document.id for document in benchmark.sample(corpus[::-1], queries, 5)}


def row(name: str, quality: float, **better: float) -> dict[str, Any]:
    medians = {column.key: 10.0 for column in peers_table.COLUMNS} | better
    ours = name.startswith("qa")
    return {
        "name": name, "how": "somehow", "ours": ours, "reads": False, "medians": medians,
        "nDCG@10": {"value": quality},
    }  # fmt: skip


def test_the_table_says_where_qa_is_behind_and_who_failed() -> None:
    failed = {"name": "gone", "how": "somehow", "ours": False, "reads": False, "failure": "why"}
    figures = {
        "rows": [
            row("qa", 0.8),
            row("a", 0.7, first_seconds=2.5, passages_per_second=5.0),
            row("b", 0.9),
            failed,
        ],
        "against_qa": {"b": {"difference": {"value": 0.1}, "p": 0.02}},
        "data": {"documents": 1, "passages": 2, "questions": 3},
        "machine": {"cores": 2, "flags": [], "system": "Linux", "python": "3.11", "load": 0.1},
        "rounds": 3,
        "date": "2026-11-22",
        "command": "python benchmarks/peers.py",
    }
    said = peers_table.table(figures).splitlines()
    assert "| gone | somehow; why |" in "\n".join(said)
    assert any(line.startswith("| b |") and "0.900 (+0.100, p 0.02)" in line for line in said)
    assert said[-2:] == [
        "- process start to first answer, s: qa 10.00; a 2.50",
        "- nDCG@10: qa 0.800; b 0.900",
    ]
    assert len({line.count("|") for line in said if line.startswith("|")}) == 1


def test_without_figures_of_qa_nothing_is_claimed() -> None:
    assert peers_table.behind([row("a", 0.7)]) == ["qa itself was not measured."]
