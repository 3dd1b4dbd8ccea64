"""Reading collections in BEIR's layout, gold answers, and samples of the questions."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import qa
from qa.evaluation import Query, Span, half_of, read, sample, says, without_answers

Entry = dict[str, Any]

CORPUS = [
    {"_id": "truce", "title": "Hills", "text": "The envoy refused a truce on Monday."},
    {"_id": "bread", "title": "Harbour", "text": "Bread costs 12 coins."},
    {"_id": "empty", "title": "A title alone", "text": ""},
]
QUERIES: list[Entry] = [
    {"_id": "q1", "text": "Who refused a truce?"},
    {"_id": "q2", "text": "What does bread cost?"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\ttruce\t1\nq2\tbread\t2\n"


def written(
    folder: Path,
    *,
    corpus: list[Entry] | str = CORPUS,
    queries: list[Entry] | str = QUERIES,
    qrels: str = QRELS,
    qrels_name: str = "qrels.tsv",
) -> Path:
    for name, entries in (("corpus", corpus), ("queries", queries)):
        rows = entries if isinstance(entries, str) else "\n".join(map(json.dumps, entries))
        (folder / f"{name}.jsonl").write_text(rows, "utf-8")
    (folder / qrels_name).parent.mkdir(exist_ok=True)
    (folder / qrels_name).write_text(qrels, "utf-8")
    return folder


def with_metadata(query: Entry, **metadata: object) -> Entry:
    return query | {"metadata": metadata}


def test_a_folder_is_read_with_its_qrels(tmp_path: Path) -> None:
    collection = read(written(tmp_path))
    assert collection.documents[0] == qa.Document(
        "truce", "The envoy refused a truce on Monday.", "Hills"
    )
    assert collection.queries[1] == Query(
        "q2", "What does bread cost?", {"bread": 2}, answerable=True
    )


def test_a_document_that_has_only_a_title_can_be_found_by_it(tmp_path: Path) -> None:
    assert read(written(tmp_path)).documents[2].text == "A title alone"


@pytest.mark.parametrize(
    "qrels",
    [
        "q1\ttruce\t1\nq2\tbread\t2\n",
        "q1\t0\ttruce\t1\nq2\t0\tbread\t2\n",
        "q1 0 truce 1\nq2 0 bread 2\n",
        "\ufeffquery-id\tcorpus-id\tscore\r\nq1\ttruce\t1\r\n\r\nq2\tbread\t2",
    ],
)
def test_qrels_are_read_with_or_without_header_in_3_or_4_columns(
    tmp_path: Path, qrels: str
) -> None:
    queries = read(written(tmp_path, qrels=qrels)).queries
    assert [query.relevant for query in queries] == [{"truce": 1}, {"bread": 2}]


def test_qrels_may_lie_where_beir_puts_them(tmp_path: Path) -> None:
    assert read(written(tmp_path, qrels_name="qrels/test.tsv")).queries[0].relevant


def test_what_is_judged_not_relevant_is_not_relevant(tmp_path: Path) -> None:
    queries = read(written(tmp_path, qrels="q1\ttruce\t0\nq1\tbread\t-1\nq2\tbread\t1\n")).queries
    assert queries[0].relevant == {}


def test_gold_spans_are_places_in_the_gold_passage(tmp_path: Path) -> None:
    query = with_metadata(
        QUERIES[0],
        answers=["The envoy", "The envoy"],
        answer_starts=[["The envoy", 0], ["envoy", 4], ["The envoy", 0]],
        gold_passage="truce",
        is_impossible=False,
    )
    found = read(written(tmp_path, queries=[query, QUERIES[1]])).queries[0]
    assert found.answers == ("The envoy",)
    assert found.spans == (Span("truce", 0, 9), Span("truce", 4, 9))


def test_the_only_relevant_document_is_the_gold_passage(tmp_path: Path) -> None:
    query = with_metadata(QUERIES[0], answer_starts=[["envoy", 4]])
    found = read(written(tmp_path, queries=[query])).queries[0]
    assert found.spans == (Span("truce", 4, 9),)


def test_a_question_is_unanswerable_when_the_collection_says_so(tmp_path: Path) -> None:
    queries = [with_metadata(QUERIES[0], is_impossible=True), QUERIES[1]]
    assert [q.answerable for q in read(written(tmp_path, queries=queries)).queries] == [False, True]


def test_a_question_is_unanswerable_when_nothing_is_relevant_and_its_answer_stands_nowhere(
    tmp_path: Path,
) -> None:
    queries = [
        *QUERIES,
        with_metadata({"_id": "q3", "text": "Who won?"}, answers=["Nobody knows"]),
        with_metadata({"_id": "q4", "text": "When?"}, answers=["on monday"]),
        {"_id": "q5", "text": "Why?"},
    ]
    found = read(written(tmp_path, queries=queries)).queries
    assert [query.answerable for query in found] == [True, True, False, None, None]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"corpus": ""}, "corpus.jsonl' is empty"),
        ({"corpus": '{"_id": "a", "text": "b"}\n{"_id"'}, "corpus.jsonl', line 2: expected a JSON"),
        ({"corpus": "[1]"}, "corpus.jsonl', line 1: expected a JSON object, found [1]"),
        ({"corpus": '{"text": "b"}'}, 'line 1: expected a string as "_id", found none'),
        ({"corpus": '{"_id": 7, "text": "b"}'}, 'line 1: expected a string as "_id", found 7'),
        ({"corpus": '{"_id": " ", "text": "b"}'}, 'line 1: expected an "_id" of characters'),
        ({"corpus": '{"_id": "\\ud800", "text": "b"}'}, 'expected an "_id" of characters'),
        ({"corpus": '{"_id": "a"}'}, 'line 1: expected a string as "text", found none'),
        ({"corpus": [*CORPUS, CORPUS[0]]}, "line 4: the id 'truce' was there before"),
        ({"queries": '{"_id": "q1", "text": " "}'}, 'expected a question as "text", found none'),
        ({"queries": [with_metadata(QUERIES[0], answers="x")]}, "expected a list of strings"),
        ({"queries": [QUERIES[0] | {"metadata": [1]}]}, 'expected an object as "metadata"'),
        (
            {"queries": [with_metadata(QUERIES[0], answer_starts=[["envoy", 5]])]},
            'queries.jsonl\', line 1: expected "answer_starts"',
        ),
        ({"queries": [with_metadata(QUERIES[0], answer_starts=[5])]}, "[text, start]"),
        (
            {
                "queries": [
                    with_metadata(QUERIES[0], answer_starts=[["envoy", 4]], gold_passage=["x"])
                ]
            },
            "[text, start]",
        ),
        ({"qrels": "q1\ttruce\n"}, "qrels.tsv', line 1: expected query id, document id and"),
        ({"qrels": "q1\ttruce\t1\nq2\tbread\tyes\n"}, "line 2: expected a whole number"),
        ({"qrels": "q9\ttruce\t1\n"}, "no query of"),
    ],
)
def test_what_is_malformed_is_said_in_one_line(
    tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    with pytest.raises(qa.QAError) as raised:
        read(written(tmp_path, **files))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (written(tmp_path) / name).unlink()
    with pytest.raises(qa.QAError, match=name):
        read(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(qa.QAError, match="nowhere"):
        read(tmp_path / "nowhere")


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (written(tmp_path) / "corpus.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(qa.QAError, match="UTF-8"):
        read(tmp_path)


def test_qrels_about_what_is_not_there_are_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        read(written(tmp_path, qrels=f"{QRELS}q1\tgone\t1\nq9\ttruce\t1\n"))
    assert "1 documents that are not in the corpus, the first 'gone'" in caplog.text
    assert "1 queries that are not in queries.jsonl, the first 'q9'" in caplog.text


def queries(n: int) -> list[Query]:
    return [Query(f"q{number}", "text", {}) for number in range(n)]


def test_both_halves_together_are_all_and_the_hash_of_the_id_says_which() -> None:
    made = queries(100)
    tune, report = sample(made, half="tune"), sample(made, half="report")
    assert sorted(q.id for q in (*tune, *report)) == sorted(q.id for q in made)
    assert 30 < len(tune) < 70
    # the SHA-1 of "q0" ends in 72, of "q2" in 51
    assert (half_of("q0"), half_of("q2")) == ("tune", "report")


def test_a_sample_is_fixed_keeps_the_order_and_is_part_of_a_larger_one() -> None:
    made = queries(100)
    few, more = sample(made, limit=10), sample(made, limit=20)
    assert len(few) == 10
    assert {q.id for q in few} < {q.id for q in more}
    assert few == sorted(few, key=lambda q: int(q.id[1:]))
    assert {q.id for q in few} == {q.id for q in sample(made[::-1], limit=10)}
    assert sample(made, limit=1_000) == made


@pytest.mark.parametrize(
    ("text", "answer", "found"),
    [
        ("It rose to 2 metres", "2", True),
        ("It rose in 1912", "2", False),
        ("Yes, it did", "yes", True),
        ("Yesterday it did", "Yes", False),
        ("In the STRASSE of\n  Westport", "straße of Westport", True),
        ("The Normans came", "Norman", True),
        ("costs $5 (five)", "$5 (five)", True),
        ("anything", " ", False),
    ],
)
def test_an_answer_stands_in_a_text_whatever_the_case_and_spacing(
    text: str, answer: str, found: bool
) -> None:
    assert says(text, [answer]) is found


def test_documents_without_answers_are_neither_relevant_nor_say_one() -> None:
    documents = [
        qa.Document("relevant", "Nothing of the kind."),
        qa.Document("says", "It was four\ncoins."),
        qa.Document("titled", "Prices.", "Four coins"),
        qa.Document("spanned", "Gold."),
        qa.Document("other", "It was five coins, for fourteen loaves."),
    ]
    query = Query("q", "What?", {"relevant": 1}, ("four coins", "4"), (Span("spanned", 0, 4),))
    assert without_answers(documents, query) == ["other"]
