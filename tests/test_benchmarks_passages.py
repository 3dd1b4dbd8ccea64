import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

_PATH = Path(__file__).parents[1] / "benchmarks" / "passages.py"
_SPEC = importlib.util.spec_from_file_location("benchmark_of_passages", _PATH)
assert _SPEC
assert _SPEC.loader
benchmark = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = benchmark  # where dataclasses look for it
_SPEC.loader.exec_module(benchmark)


def test_the_whole_answer_and_nothing_else_scores_one() -> None:
    found = benchmark.score([("a", 10, 30)], "a", [(10, 30)])
    assert (found.recall, found.precision, found.iou) == (1.0, 1.0, 1.0)


def test_half_an_answer_in_a_longer_passage() -> None:
    found = benchmark.score([("a", 0, 20)], "a", [(10, 30)])
    assert found.recall == 0.5
    assert found.precision == 0.5
    assert found.iou == pytest.approx(10 / 30)


def test_the_same_place_in_another_document_is_only_ballast() -> None:
    found = benchmark.score([("b", 10, 30), ("a", 10, 20)], "a", [(10, 30)])
    assert found.recall == 0.5
    assert found.precision == pytest.approx(10 / 30)
    assert found.iou == pytest.approx(10 / 40)


def test_characters_shown_twice_are_found_once_and_count_twice_as_shown() -> None:
    found = benchmark.score([("a", 0, 20), ("a", 10, 30)], "a", [(10, 20)])
    assert found.recall == 1.0
    assert found.precision == pytest.approx(10 / 40)
    assert found.iou == pytest.approx(10 / 40)


def test_every_part_of_an_answer_counts_by_its_length() -> None:
    found = benchmark.score([("a", 0, 10)], "a", [(0, 10), (50, 80)])
    assert found.recall == 0.25


def test_no_passages_score_nothing() -> None:
    found = benchmark.score([], "a", [(0, 10)])
    assert (found.recall, found.precision, found.iou, found.shown) == (0.0, 0.0, 0.0, 0)


_SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda at: (at[0], at[0] + at[1])),
    max_size=6,
)


@given(_SPANS)
def test_merged_spans_hold_the_same_characters_and_leave_gaps(
    spans: list[tuple[int, int]],
) -> None:
    merged = benchmark.merged(spans)
    assert {at for span in merged for at in range(*span)} == {
        at for span in spans for at in range(*span)
    }
    assert all(before[1] < after[0] for before, after in pairwise(merged))


@given(_SPANS, _SPANS)
def test_scores_agree_with_counting_characters_one_by_one(
    shown: list[tuple[int, int]], answers: list[tuple[int, int]]
) -> None:
    answers = benchmark.merged(answers) or [(0, 5)]
    found = benchmark.score([("a", *span) for span in shown], "a", answers)
    gold = {at for span in answers for at in range(*span)}
    seen = [at for span in shown for at in range(*span)]
    assert found.recall == pytest.approx(len(gold & set(seen)) / len(gold))
    assert found.iou == pytest.approx(len(gold & set(seen)) / (len(seen) + len(gold - set(seen))))


def test_questions_and_documents_are_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "a", "title": "a", "text": "Ann refused."}\n')
    (tmp_path / "queries.jsonl").write_text(
        '{"_id": "q", "text": "Who refused?", "metadata": {"corpus_id": "a", '
        '"references": [{"content": "Ann", "start_index": 0, "end_index": 3}]}}\n'
    )
    assert [document.text for document in benchmark.read_documents(tmp_path)] == ["Ann refused."]
    (question,) = benchmark.read_questions(tmp_path)
    assert (question.document, question.answers) == ("a", ((0, 3),))


def test_our_row_stands_where_its_recall_belongs() -> None:
    questions = [benchmark.Question("q", "Who?", "a", ((0, 10),))]
    scores = [benchmark.score([("a", 0, 100)], "a", [(0, 10)])]
    lines = benchmark.table(questions, scores, scores)
    assert lines[2] == "| **qa** | 100.0 ± 0.0 | 10.0 ± 0.0 | 10.0 ± 0.0 | 100 |"
    assert lines[3].startswith("| fixed 250 tokens")
