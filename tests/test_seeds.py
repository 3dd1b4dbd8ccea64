"""How well the real model answers the questions on the seeds.

The floors are a little under what was measured when they were written (in brackets); a change that
falls below one made something worse. They are no goals: see ``benchmarks/`` for those.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import qa
from qa import documents
from qa.answer import Answer, ranked_sentences
from qa.hits import Hit
from qa.passages import Sentence
from qa.repetition import nearly_identical
from qa.rerank import Reranker

pytestmark = pytest.mark.model

ROOT = Path(__file__).parent.parent
SEEDS = sorted((ROOT / "seeds").glob("*.txt"))
LINES = (ROOT / "tests/data/seed_questions.jsonl").read_text(encoding="utf-8").splitlines()
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
ANSWERABLE = [question for question in QUESTIONS if question["gold"]]
UNANSWERABLE = [question for question in QUESTIONS if not question["gold"]]
FURNITURE = (
    "Advertisement",
    "Please enter your comment!",
    "Please enter your name here",
    "Kerry wants 'all or nothing'",
    "Share",
    "Updated on",
    "Syria government offensive routs rebels",
    "Russia's UN envoy says Syria must follow",
)


@pytest.fixture(scope="module")
def seeds() -> qa.Index:
    articles = [documents.read(path, id=path.name) for path in SEEDS]
    patient = Reranker(seconds=float("inf"))  # the same answers on a busy machine
    return qa.Index.from_documents(articles, reranker=patient)


@pytest.fixture(scope="module")
def answers(seeds: qa.Index) -> dict[str, Answer]:
    return {question["id"]: seeds.ask(question["question"]) for question in QUESTIONS}


def holds(question: dict[str, Any], places: Iterable[Sentence]) -> bool:
    return any(
        gold["document"] == place.document.id
        and place.start <= gold["start"]
        and gold["end"] <= place.end
        for place in places
        for gold in question["gold"]
    )


def shown(hit: Hit) -> list[Sentence]:
    return [Sentence(hit.document, hit.passage.start, hit.passage.end), *hit.also_in]


def share(found: Iterable[bool]) -> float:
    answered = list(found)
    return sum(answered) / len(answered)


def test_the_passage_that_answers_is_among_five(answers: dict[str, Answer]) -> None:
    recall = share(
        holds(q, [place for hit in answers[q["id"]].hits for place in shown(hit)])
        for q in ANSWERABLE
    )
    assert recall >= 0.88  # (.908)


def test_the_passage_that_answers_shares_no_word_with_some_questions_and_is_found(
    answers: dict[str, Answer],
) -> None:
    recall = share(
        holds(q, [place for hit in answers[q["id"]].hits for place in shown(hit)])
        for q in ANSWERABLE
        if q["kind"] == "no_shared_word"
    )
    assert recall >= 0.66  # (.733), which BM25 alone cannot


@pytest.mark.parametrize(("n", "floor"), [(1, 0.66), (3, 0.76)])  # (.697, .789)
def test_the_answer_is_in_the_marked_sentences(
    answers: dict[str, Answer], n: int, floor: float
) -> None:
    assert share(holds(q, answers[q["id"]].sentences[:n]) for q in ANSWERABLE) >= floor


def test_unanswerable_questions_are_not_said_to_be_answered(answers: dict[str, Answer]) -> None:
    answered = [q["question"] for q in UNANSWERABLE if answers[q["id"]].status == "answered"]
    # it takes the people killed for the pilots, and says that no passage mentions pilots
    assert set(answered) <= {"How many Russian pilots have been killed in Syria?"}


def test_many_unanswerable_questions_are_not_found(answers: dict[str, Answer]) -> None:
    # the others are about these very people and events, and are uncertain
    assert share(answers[q["id"]].status == "not_found" for q in UNANSWERABLE) >= 0.35  # (.429)


def test_answerable_questions_are_seldom_refused(answers: dict[str, Answer]) -> None:
    assert share(answers[q["id"]].status == "not_found" for q in ANSWERABLE) <= 0.09  # (.066)


def test_most_answerable_questions_are_answered(answers: dict[str, Answer]) -> None:
    assert share(answers[q["id"]].status == "answered" for q in ANSWERABLE) >= 0.6  # (.645)


def test_the_world_cup_is_not_found(seeds: qa.Index) -> None:
    found = seeds.ask("Who won the 2014 World Cup?")
    assert found.status == "not_found"
    assert found.confidence < 0.05
    assert {"2014", "Cup"} <= set(found.missing)


def test_the_question_of_the_readme_is_answered(seeds: qa.Index) -> None:
    found = seeds.ask("Who refused a truce?")
    assert any("refuse" in s.text or "truce" in s.text for s in found.sentences)


def test_hits_of_different_articles_say_different_things(answers: dict[str, Answer]) -> None:
    for question in QUESTIONS:
        hits = answers[question["id"]].hits
        best = [ranked_sentences([hit])[0].sentence for hit in hits]
        assert not any(
            nearly_identical(one.text, other.text) and one.document != other.document
            for one, other in combinations(best, 2)
        )


def test_no_sentence_is_marked_without_its_closing_quotation_mark(
    answers: dict[str, Answer],
) -> None:
    for answer in answers.values():
        for sentence in answer.sentences:
            assert sentence.text.count("“") == sentence.text.count("”")


@pytest.mark.parametrize("furniture", FURNITURE)
def test_furniture_is_never_retrieved(seeds: qa.Index, furniture: str) -> None:
    for hit in seeds.retrieve(furniture, k=1000, rerank=False):
        assert furniture not in hit.passage.text


def test_all_passages_can_be_retrieved(seeds: qa.Index) -> None:
    hits = seeds.retrieve("Syria", k=1000, rerank=False)
    folded = sum(len(hit.also_in) for hit in hits)
    assert seeds.status.passages - folded <= len(hits) <= seeds.status.passages
