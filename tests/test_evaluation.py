"""`qa eval`: measures against values computed by hand, runs, comparisons, and the command."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import HashingEncoder
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import qa
from qa import cli, embedding
from qa.evaluation import (
    Asker,
    Query,
    Span,
    bootstrap,
    calibration_error,
    compare,
    difference,
    document_scores,
    evaluate,
    holds_gold,
    mean,
    measured,
    open_index,
    plain_report,
    rank,
    read,
    read_run,
    refused_at,
    reliability,
    risk_coverage,
    write_run,
)

DOCUMENTS = [
    qa.Document("truce", "The envoy refused a truce in the northern hills on Monday.", "Hills"),
    qa.Document("bread", "Bakers raised the price of bread by four coins.", "Harbour"),
    qa.Document("comet", "A comet was seen above the observatory on Tuesday.", "Sky"),
]


def kept(place: Path, documents: list[qa.Document], encoder: HashingEncoder) -> qa.Index:
    return qa.Index.from_documents(documents, directory=place, encoder=encoder)


def entry(id: str, text: str, **metadata: object) -> dict[str, Any]:
    return {"_id": id, "text": text, "metadata": metadata}


QUERIES = [
    entry("q truce", "Who refused a truce in the northern hills?", answers=["The envoy"]),
    entry(
        "q bread",
        "What did bakers raise the price of bread by?",
        answers=["four coins"],
        answer_starts=[["four coins", 36]],
        gold_passage="bread",
    ),
    entry("q comet", "Where was a comet seen on Tuesday?", answers=["at sea"]),
    entry("q cup", "Who won the football championship?", is_impossible=True),
]
# Of "comet" a document is said to be relevant that the question does not share a word with.
QRELS = "q truce\ttruce\t1\nq bread\tbread\t1\nq comet\tcomet\t1\nq comet\tbread\t1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(embedding, "load", lambda name: HashingEncoder())
    folder = tmp_path / "collection"
    folder.mkdir()
    corpus = [{"_id": d.id, "title": d.title, "text": d.text} for d in DOCUMENTS]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)), "utf-8")
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, QUERIES)), "utf-8")
    (folder / "qrels.tsv").write_text(QRELS, "utf-8")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["eval", *map(str, arguments)])


# The index of a collection.


def test_documents_kept_in_a_directory_are_embedded_once(tmp_path: Path) -> None:
    first, second = HashingEncoder(), HashingEncoder()
    with kept(tmp_path, DOCUMENTS, first) as index:
        before = index.retrieve("Who refused a truce?")
    with kept(tmp_path, DOCUMENTS, second) as index:
        assert index.directory == tmp_path
        assert index.retrieve("Who refused a truce?") == before
    # The hits' sentences are embedded at each question, the passages at the first making only.
    assert first.embedded - second.embedded == len(DOCUMENTS)


def test_documents_that_changed_or_are_gone_are_followed(tmp_path: Path) -> None:
    kept(tmp_path, DOCUMENTS, HashingEncoder()).close()
    changed = qa.Document("bread", "Bakers lowered the price of bread.", "Harbour")
    encoder = HashingEncoder()
    with kept(tmp_path, [DOCUMENTS[0], changed], encoder) as index:
        assert {document.id for document in index.documents} == {"truce", "bread"}
        assert index.document("bread") == changed
        assert encoder.embedded == 1


def test_the_making_of_an_index_of_documents_is_reported() -> None:
    told: list[qa.Progress] = []
    qa.Index.from_documents(DOCUMENTS, encoder=HashingEncoder(), progress=told.append)
    assert told[0].documents_total == 3
    assert (told[-1].stage, told[-1].documents_done, told[-1].passages_done) == ("ready", 3, 3)


def test_the_index_of_a_collection_is_not_that_of_the_folder_as_articles(folder: Path) -> None:
    (folder / "note.txt").write_text("A note that lies beside the corpus.\n", "utf-8")
    with open_index(read(folder)) as collection, qa.Index.open(folder) as articles:
        assert collection.directory != articles.directory
        assert len(collection.documents) == 3


# Retrieval.


def query(id: str, **relevant: int) -> Query:
    return Query(id, id, relevant)


def test_each_measure_has_the_value_computed_by_hand() -> None:
    queries = [query("one", a=1, b=2, missing=1), query("two", c=1), query("none", d=1)]
    ranking = {"one": {"x": 3.0, "a": 2.0, "b": 1.0}, "two": {"c": 2.0, "x": 1.0}, "z": {"d": 1.0}}
    found = measured(queries, ranking)
    gain = 1 / math.log2(3) + 2 / math.log2(4)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["nDCG@10"] == pytest.approx([gain / ideal, 1, 0])
    assert found["R@10"] == pytest.approx([2 / 3, 1, 0])
    assert found["RR@10"] == pytest.approx([1 / 2, 1, 0])
    assert found["P@1"] == pytest.approx([0, 1, 0])


def test_what_stands_below_the_tenth_rank_does_not_count() -> None:
    ranking = {"q": {str(rank): 20.0 - rank for rank in range(1, 12)}}
    assert measured([Query("q", "q", {"11": 1})], ranking)["R@10"] == [0]
    assert measured([Query("q", "q", {"10": 1})], ranking)["RR@10"] == pytest.approx([0.1])


@dataclass(frozen=True)
class Found:
    """As much of a hit as a ranking needs."""

    score: float
    document: qa.Document
    also_in: tuple[qa.Sentence, ...] = ()


def test_a_document_that_is_folded_into_another_is_found_with_it() -> None:
    copy = qa.Sentence(qa.Document("copy", "Rain."), 0, 5)
    hits: Any = [
        Found(0.9, qa.Document("a", ""), (copy,)),
        Found(0.8, qa.Document("b", "")),
    ]
    assert list(document_scores(hits)) == ["a", "copy", "b"]


def test_a_document_scores_as_its_best_passage_and_equal_ones_keep_their_order() -> None:
    order = ["b", "a", "b", "c", "d"]
    scores = [0.5, 0.5, 0.5, 0.5, 0.0]
    hits: Any = [Found(s, qa.Document(d, "")) for d, s in zip(order, scores, strict=True)]
    found = document_scores(hits)
    assert list(found) == ["b", "a", "c", "d"]
    assert list(found.values()) == pytest.approx([0.5, 0.5, 0.5, 0.0])
    single = [np.float32(score) for score in found.values()]
    assert single == sorted(set(single), reverse=True)


def test_more_passages_are_asked_for_until_there_are_ten_documents() -> None:
    # One document has more passages than are asked for at first.
    long = "\n\n".join(f"The harbour lies at pier {n}. " * 20 for n in range(30))
    documents = [qa.Document("long", long)]
    documents += [qa.Document(f"d{n}", f"{word} fish") for n, word in enumerate("abcdefghijkl")]
    with qa.Index.from_documents(documents, encoder=HashingEncoder()) as index:
        asker, text = Asker(index), "Where is the harbour pier?"
        assert len({hit.document.id for hit in index.retrieve(text, 10)}) < 10
        # The one document that is relevant to the second is found at once.
        queries = [Query("all", text, {"nowhere": 1}), Query("few", text, {"long": 1})]
        ranking, seconds = rank(asker, queries, len(documents))
    assert len(ranking["all"]) == 10
    assert next(iter(ranking["all"])) == next(iter(ranking["few"])) == "long"
    assert len(ranking["few"]) < 10
    assert len(seconds) == 2


# How sure a figure is.


def test_a_mean_has_an_interval_around_it_and_the_same_each_time() -> None:
    values = np.array([0.0, 1.0] * 50)
    found = mean(values)
    assert found == mean(values)
    assert found.value == 0.5
    # The standard error of the mean of 100 coins is 0.05.
    assert found.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)


def test_one_question_alone_has_an_interval_of_no_width() -> None:
    assert mean(np.array([0.25])) == bootstrap(lambda _: 0.25, 1)


def test_a_run_does_not_differ_from_itself() -> None:
    queries = [query("one", a=1), query("two", b=1)]
    ranking = {"one": {"a": 1.0}, "two": {"x": 2.0, "b": 1.0}}
    found = compare(queries, ranking, ranking)
    assert found.questions == 2
    for measure in found.measures.values():
        assert measure.difference.value == 0
        assert measure.p == 1


def test_a_worse_run_is_told_from_a_better_one() -> None:
    queries = [query(f"q{n}", a=1) for n in range(12)]
    better = {q.id: {"a": 2.0, "x": 1.0} for q in queries}
    worse = {q.id: {"x": 2.0, "a": 1.0} for q in queries}
    found = compare(queries, better, worse).measures
    assert found["P@1"].difference.value == 1
    # Of 2 ** 12 ways to swap the pairs two are as far apart: none swapped, and all.
    assert found["P@1"].p == pytest.approx(2 / 2**12)
    assert found["RR@10"].difference.value == pytest.approx(0.5)
    assert found["R@10"].p == 1
    assert compare(queries, worse, better).measures["P@1"].difference.value == -1


def test_only_questions_of_both_runs_are_compared() -> None:
    queries = [query("one", a=1), query("two", b=1)]
    found = compare(queries, {"one": {"a": 1.0}, "two": {}}, {"one": {"a": 1.0}})
    assert found.questions == 1
    with pytest.raises(qa.QAError, match="none of these questions"):
        compare(queries, {"one": {"a": 1.0}}, {"other": {"a": 1.0}})


def test_many_questions_are_compared_by_chance_and_the_same_each_time() -> None:
    random = np.random.default_rng(1)
    ours, theirs = random.random(200), random.random(200)
    assert difference(ours, theirs) == difference(ours, theirs)
    assert difference(ours, theirs).p > 0.05
    assert difference(ours + 0.2, theirs).p < 0.001


# Runs.


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda id: id.isprintable() or id.isspace()),
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            st.floats(allow_nan=False, allow_infinity=False),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_run_is_read_as_it_was_written_whatever_the_ids(
    tmp_path_factory: pytest.TempPathFactory, ranking: dict[str, dict[str, float]]
) -> None:
    path = tmp_path_factory.mktemp("run") / "a.run"
    write_run(path, ranking)
    assert read_run(path) == ranking


def test_a_run_has_six_columns_best_first(tmp_path: Path) -> None:
    write_run(tmp_path / "a.run", {"q 1": {"a": 0.25, "b 100%": 0.5}})
    lines = (tmp_path / "a.run").read_text().splitlines()
    assert lines == ["q%201 Q0 b%20100%25 1 0.5 qa", "q%201 Q0 a 2 0.25 qa"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("q Q0 d 1 0.5 qa\nq Q0 e 2 0.4\n", "line 2: expected the 6 columns"),
        ("q Q0 d 1 high qa\n", "line 1: expected a number as score, found 'high'"),
        ("q Q0 d 1 nan qa\n", "line 1: expected a number as score, found 'nan'"),
        ("q Q0 d 1 2 qa\nq Q0 d 2 1 qa\n", "line 2: document 'd' is there twice"),
    ],
)
def test_a_malformed_run_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.run").write_text(text)
    with pytest.raises(qa.QAError, match=said):
        read_run(tmp_path / "a.run")


# Confidence.


def test_bins_hold_equally_many() -> None:
    found = reliability([0.1, 0.3, 0.2, 0.4], [0, 1, 0, 1], bins=2)
    assert found.confidence == pytest.approx([0.15, 0.35])
    assert found.correct == pytest.approx([0, 1])
    assert list(found.count) == [2, 2]


def test_the_calibration_error_is_the_mean_distance_of_the_bins() -> None:
    # |0.15 - 0| and |0.35 - 1|
    assert calibration_error([0.1, 0.3, 0.2, 0.4], [0, 1, 0, 1], bins=2) == pytest.approx(0.4)
    assert calibration_error([0.0, 1.0] * 20, [0, 1] * 20) == 0


def test_equal_confidences_share_a_bin_whatever_their_order() -> None:
    correct = [True] * 5 + [False] * 5
    assert calibration_error([0.5] * 10, correct) == 0
    assert list(reliability([0.5] * 10, correct).count) == [10]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 12),
)
def test_every_confidence_is_in_one_bin(cases: list[tuple[float, bool]], bins: int) -> None:
    found = reliability([c for c, _ in cases], [b for _, b in cases], bins)
    assert found.count.sum() == len(cases)
    assert len(found.count) <= bins
    assert (found.confidence * found.count).sum() == pytest.approx(sum(c for c, _ in cases))
    assert (found.correct * found.count).sum() == pytest.approx(sum(b for _, b in cases))


def test_risk_is_the_share_of_errors_among_the_most_confident() -> None:
    coverage, risk = risk_coverage([0.9, 0.8, 0.7, 0.7], [1, 0, 1, 0])
    assert coverage == pytest.approx([0.25, 0.5, 1])
    assert risk == pytest.approx([0, 0.5, 0.5])


def test_confidences_without_as_many_outcomes_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"\(2,\).*\(1,\)"):
        risk_coverage([0.1, 0.2], [1])
    with pytest.raises(ValueError):
        reliability([], [])


def test_refusals_at_a_share_of_answered_questions() -> None:
    answerable = [0.05, *[0.5] * 18, 0.9]  # at 95 % one of twenty may be refused
    assert refused_at(answerable, [0.1, 0.2, 0.5, 0.6]) == 0.5
    assert refused_at(answerable, [0.01, 0.1], answered=1.0) == 0.5
    assert refused_at([0.4], [0.3, 0.5]) == 0.5


# Answers.


def answer_of(*sentences: qa.Sentence) -> qa.Answer:
    return qa.Answer("", "", "answered", 1.0, list(sentences), [], "")


def test_a_marked_sentence_holds_a_gold_span_only_whole_and_in_its_place() -> None:
    document = qa.Document("d", "Four coins. It cost four coins. More.")
    other = qa.Document("e", document.text)
    asked = Query("q", "", {"d": 1}, ("four coins",), (Span("d", 20, 30),))
    whole, cut = qa.Sentence(document, 12, 31), qa.Sentence(document, 12, 25)
    assert holds_gold(answer_of(whole), asked, 1)
    assert not holds_gold(answer_of(qa.Sentence(document, 0, 11)), asked, 1)
    assert not holds_gold(answer_of(cut), asked, 1)
    assert not holds_gold(answer_of(qa.Sentence(other, 12, 31)), asked, 1)
    assert not holds_gold(answer_of(cut, whole), asked, 1)
    assert holds_gold(answer_of(cut, whole), asked, 3)


def test_without_spans_a_sentence_of_a_relevant_document_has_to_say_the_words() -> None:
    document, other = qa.Document("d", "It cost FOUR coins."), qa.Document("e", "four coins")
    asked = Query("q", "", {"d": 1}, ("four coins",))
    assert holds_gold(answer_of(qa.Sentence(document, 0, 19)), asked, 1)
    assert not holds_gold(answer_of(qa.Sentence(other, 0, 10)), asked, 1)
    assert not holds_gold(answer_of(), asked, 1)


def test_a_report_says_what_was_measured(folder: Path) -> None:
    collection = read(folder)
    steps: list[tuple[str, int, int]] = []
    with open_index(collection) as index:
        report = evaluate(
            Asker(index),
            collection,
            collection.queries,
            remove_answers=True,
            step=lambda *told: steps.append(told),
        )
    assert (report.documents, report.questions, report.comparison) == (3, 3, None)
    assert report.measures["P@1"].value == 1
    assert report.measures["R@10"].value == 1
    answers = report.answers
    assert answers is not None
    # "at sea" stands in no relevant document; of the others one has spans.
    assert answers.marked is not None
    assert (answers.marked.questions, answers.marked.by_offsets) == (2, 1)
    assert answers.marked.first.value == 1
    assert answers.answerable is not None
    assert answers.answerable.questions == 3
    for refusals, questions in ((answers.unanswerable, 1), (answers.removed, 3)):
        assert refusals is not None
        assert refusals.asked.questions == questions
        assert sum(refusals.asked.statuses.values()) == pytest.approx(1)
        assert refusals.area.value > 0.8
        assert refusals.recall == refusals.asked.statuses["not_found"]
    assert steps[-1] == ("asking without the answers", 3, 3)


def test_without_gold_answers_only_retrieval_is_measured(folder: Path) -> None:
    bare = [{"_id": q["_id"], "text": q["text"]} for q in QUERIES]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, bare)), "utf-8")
    collection = read(folder)
    with open_index(collection) as index:
        report = evaluate(Asker(index), collection, collection.queries)
    assert report.questions == 3
    assert report.answers is None


def test_where_nothing_is_refused_the_precision_is_not_a_number_of_json(folder: Path) -> None:
    easy = [*QUERIES[:3], entry("q", "Who refused a truce in the hills?", is_impossible=True)]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, easy)), "utf-8")
    collection = read(folder)
    with open_index(collection) as index:
        report = evaluate(Asker(index), collection, collection.queries)
    plain = json.loads(json.dumps(plain_report(report), allow_nan=False))
    assert plain["answers"]["unanswerable"]["precision"] is None


def test_a_sample_without_relevant_documents_is_a_mistake(folder: Path) -> None:
    collection = read(folder)
    with open_index(collection) as index, pytest.raises(qa.QAError, match="none of the 1 question"):
        evaluate(Asker(index), collection, collection.queries[3:])


# The command.


def test_eval_prints_each_measure_with_its_interval(folder: Path) -> None:
    result = run(folder, "--remove-answers")
    assert result.exit_code == 0, result.output
    for said in ("nDCG@10", "R@10", "RR@10", "P@1", "95 % interval", "ms a question"):
        assert said in result.stdout
    for said in ("gold in first sentence", "answers removed", "calibration error"):
        assert said in result.stdout
    assert max(map(len, result.stdout.splitlines()[1:])) <= 80
    assert "\x1b" not in result.output


def test_eval_compares_with_an_earlier_run(folder: Path, tmp_path: Path) -> None:
    first = run(folder, "--run", tmp_path / "first.run")
    assert first.exit_code == 0, first.output
    assert "earlier run" not in first.stdout
    assert read_run(tmp_path / "first.run").keys() == {"q truce", "q bread", "q comet"}
    second = run(folder, "--compare", tmp_path / "first.run")
    assert "earlier run, 3 questions" in second.stdout
    assert "+0.000" in second.stdout
    assert "1.0000" in second.stdout


def test_eval_as_json_has_what_the_tables_have(folder: Path, tmp_path: Path) -> None:
    run(folder, "--run", tmp_path / "first.run")
    report = json.loads(run(folder, "--compare", tmp_path / "first.run", "--json").stdout)
    assert report["measures"]["P@1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert report["comparison"]["measures"]["nDCG@10"]["p"] == 1
    assert report["answers"]["marked"]["by_offsets"] == 1
    assert report["answers"]["removed"] is None


def test_eval_asks_a_fixed_sample(folder: Path) -> None:
    asked = [
        json.loads(run(folder, "--half", half, "--json").stdout)["questions"]
        for half in ("tune", "report")
    ]
    assert sum(asked) == 3
    assert json.loads(run(folder, "--limit", 100, "--json").stdout)["questions"] == 3
    assert run(folder, "--limit", 0).exit_code == 2


def test_eval_keeps_its_index_where_it_is_told(folder: Path, tmp_path: Path) -> None:
    run(folder, "--index", tmp_path / "kept")
    assert (tmp_path / "kept" / "store.sqlite3").exists()
    assert not (tmp_path / "cache" / "indexes").exists()


def test_a_mistake_is_one_plain_line(folder: Path) -> None:
    for arguments, said in (
        ((folder / "nowhere",), "nowhere"),
        ((folder, "--compare", folder / "no.run"), "no.run"),
        ((folder, "--compare", folder / "qrels.tsv"), "6 columns"),
        ((folder, "--run", folder / "qrels.tsv" / "a.run"), "cannot write the run"),
    ):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1


def test_eval_measures_the_model_in_8_bits_where_it_is_told_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def load(model: str, *, fast: bool = False) -> HashingEncoder:
        loaded.append(fast)
        return HashingEncoder()

    monkeypatch.setattr(embedding, "load", load)
    assert run(folder, "--fast", "--json").exit_code == 0
    assert run(folder, "--json").exit_code == 0
    assert loaded == [True, False]


def test_importing_qa_and_its_commands_loads_nothing_that_only_eval_needs() -> None:
    code = "import sys, qa.cli; print([m for m in sys.modules if m in sys.argv[1:]])"
    heavy = ["scipy", "sklearn", "ir_measures", "qa.evaluation"]
    ran = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
