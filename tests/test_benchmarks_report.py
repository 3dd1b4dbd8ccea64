from __future__ import annotations

import importlib
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))  # where the scripts import each other from
recorded = importlib.import_module("recorded")


def stage(quality: float, milliseconds: float) -> dict[str, Any]:
    measure = {"value": quality, "low": quality - 0.05, "high": quality + 0.04}
    names = ("nDCG@10", "R@10", "RR@10", "P@1")
    return {
        "measures": dict.fromkeys(names, measure),
        "latency": {"median_ms": milliseconds, "p95_ms": 2 * milliseconds},
    }


def retrieval(name: str) -> dict[str, Any]:
    gain = {"difference": {"value": 0.05, "low": 0.03, "high": 0.07}, "p": 0.0123}
    return {
        "set": name,
        "documents": 1216,
        "passages": 1300,
        "questions": 300,
        "stages": {
            "reranked": stage(0.95, 400),
            "bm25": stage(0.877, 2),
            "dense": stage(0.8, 7),
            "fused": stage(0.9, 11),
        },
        "reranked_against_fused": dict.fromkeys(("nDCG@10", "R@10", "RR@10", "P@1"), gain),
        "machine": {
            "cores": 2,
            "architecture": "x86_64",
            "flags": ["avx2"],
            "system": "Linux",
            "python": "3.11.9",
            "load": 0.5,
        },
        "date": "2026-11-22",
        "command": f"python benchmarks/retrieval.py --data {name}",
    }


def confidences(name: str, kind: str = "gone") -> dict[str, Any]:
    """Forty answerable questions, twenty that are not, of which some are more confident."""
    return {
        "set": name,
        "kind": kind,
        "confidence": [*np.linspace(0.4, 0.99, 40), *np.linspace(0.01, 0.7, 20)],
        "answerable": [True] * 40 + [False] * 20,
        "correct": [i % 5 > 0 for i in range(40)] + [False] * 20,
    }


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    for name in ("a_new_set", "scifact_train", "squad_v2_dev_half"):
        path = tmp_path / f"retrieval-{name}.json"
        path.write_text(json.dumps(retrieval(name)), "utf-8")
    for kind in ("unsaid", "gone"):
        path = tmp_path / f"confidence-squad_v2_dev_half-{kind}.json"
        path.write_text(json.dumps(confidences("squad_v2_dev_half", kind)), "utf-8")
    return tmp_path


def test_collections_and_stages_come_in_their_own_order(figures: Path) -> None:
    found = recorded.read_retrieval(figures)
    assert [one.set for one in found] == ["squad_v2_dev_half", "scifact_train", "a_new_set"]
    assert [stage.name for stage in found[0].stages] == ["bm25", "dense", "fused", "reranked"]
    assert found[0].stages[0].measures["nDCG@10"].value == 0.877
    assert [one.kind for one in recorded.read_confidences(figures)] == ["gone", "unsaid"]


def test_the_conditions_are_told_with_the_figures(figures: Path) -> None:
    told = recorded.read_retrieval(figures)[0].conditions
    for condition in ("2026-11-22", "2 cores", "avx2", "--data squad_v2_dev_half"):
        assert condition in told


def test_confidences_of_different_lengths_are_refused() -> None:
    entry = confidences("a") | {"correct": [True]}
    with pytest.raises(ValueError, match=r"60, 60, 1"):
        recorded.confidences(entry)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'lost'"):
        recorded.confidences(confidences("a", "lost"))


# What is drawn; matplotlib comes with the optional group "benchmarks".


@pytest.fixture
def pictures() -> Any:
    pytest.importorskip("matplotlib")
    return importlib.import_module("pictures")


@pytest.fixture
def report(pictures: Any) -> Any:
    return importlib.import_module("report")


def test_the_report_is_one_page_with_a_table_beside_every_picture(
    report: Any, figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    places = ["--figures", figures, "--pictures", tmp_path, "--page", page]
    monkeypatch.setattr(sys, "argv", ["report.py", *map(str, places)])
    report.main()
    drawn = {path.stem for path in tmp_path.glob("*.png")}
    assert drawn == {"quality", "latency", "risk", "reliability"}
    html = page.read_text("utf-8")
    assert html.count("<img") == html.count("<table>") == html.count("data:image/png") == 4
    assert "http" not in html
    assert ".877 (.827–.917)" in html
    assert "p = 0.0123" in html


def test_what_is_missing_is_said(
    report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    places = ["--figures", tmp_path, "--pictures", tmp_path, "--page", tmp_path / "page.html"]
    monkeypatch.setattr(sys, "argv", ["report.py", *map(str, places)])
    report.main()
    said = capsys.readouterr().out
    assert "benchmarks/retrieval.py" in said
    assert "benchmarks/confidence.py" in said
    assert not list(tmp_path.glob("*.png"))


def test_pictures_are_opaque_and_of_the_same_figures_the_same(report: Any) -> None:
    found = [recorded.retrieval(retrieval("scifact_train"))]
    drawn = [report.png(report.pictures.quality(found)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    image = importlib.import_module("PIL.Image").open(
        importlib.import_module("io").BytesIO(drawn[0])
    )
    assert image.convert("RGBA").getextrema()[3] == (255, 255)


def test_coverage_at_a_risk_is_the_largest_that_keeps_it(report: Any) -> None:
    entry = {"set": "a", "kind": "gone", "confidence": [0.9, 0.8, 0.7, 0.6]}
    one = recorded.confidences(
        entry | {"answerable": [True] * 4, "correct": [True, False, True, True]}
    )
    assert report.coverage_at(one, 0.3) == 1.0
    assert report.coverage_at(one, 0.2) == 0.25


def test_the_mark_is_where_95_percent_of_the_answerable_are_answered(pictures: Any) -> None:
    one = recorded.confidences(confidences("a"))
    at = pictures.coverage_of_answerable(one)
    answered = np.sort(one.confidence)[::-1][: round(at * 60)]
    assert np.mean(one.confidence[one.answerable] >= answered.min()) == pytest.approx(0.95)


def test_a_collection_looks_the_same_in_every_picture(pictures: Any) -> None:
    alone = pictures.lines(["lihua_world"])
    among = pictures.lines(["squad_v2_dev_half", "lihua_world", "a_new_set"])
    assert alone == [among[1]]
    assert among[0] != among[1]


def test_an_interval_of_a_share_holds_it_and_stays_in_bounds(pictures: Any) -> None:
    low, high = pictures.wilson(np.array([0.0, 0.5, 1.0]), [10, 10, 10])
    assert (low >= -1e-12).all()
    assert (high <= 1 + 1e-12).all()
    assert low[1] == pytest.approx(0.2366, abs=1e-4)  # Wilson's, by hand
    assert high[1] == pytest.approx(0.7634, abs=1e-4)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 0.3))
def test_labels_keep_their_order_and_their_distance(values: list[float], gap: float) -> None:
    pictures = pytest.importorskip("matplotlib") and importlib.import_module("pictures")
    placed = pictures.spread(values, gap)
    ordered = [placed[i] for i in np.argsort(values, kind="stable")]
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(ordered))
    assert sum(placed) == pytest.approx(sum(values))


def test_labels_that_are_far_apart_stay_where_they_are(pictures: Any) -> None:
    assert pictures.spread([0.9, 0.1], 0.2) == [0.9, 0.1]
