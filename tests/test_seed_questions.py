"""The question set over the seed articles is what it says it is.

Nothing here searches: the set is a measuring stick, and this file checks the stick.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import snowballstemmer

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"
LINES = (ROOT / "tests/data/seed_questions.jsonl").read_text(encoding="utf-8").splitlines()
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
MINIMUM = {
    "fact": 5,
    "paraphrase": 8,
    "no_shared_word": 12,
    "one_article": 12,
    "who_said": 10,
    "figure": 10,
    "several_articles": 8,
    "unanswerable": 12,
}
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about all an and any are as at be because been before but by can could did do does for
        from had has have he her him his how i if in into is it its itself me might more most my no
        not of on or our out over own she should so some such than that the their them themselves
        then there these they this those to too until up was we were what when where which while
        who whom whose why will with would you your
        """,
    )
)
STEMMER = snowballstemmer.stemmer("english")

every_question = pytest.mark.parametrize("question", QUESTIONS, ids=[q["id"] for q in QUESTIONS])


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(q, id=q["id"]) for q in QUESTIONS if q["kind"] == kind]


@cache
def article(name: str) -> str:
    # newline="" as offsets count the file's own characters
    with (SEEDS / name).open(encoding="utf-8", newline="") as file:
        return file.read()


def paragraph(gold: dict[str, Any]) -> str:
    text = article(gold["document"])
    return text[text.rfind("\n", 0, gold["start"]) + 1 :].split("\n", 1)[0]


def neighbourhood(gold: dict[str, Any]) -> str:
    """Return the gold paragraph, one on either side, and the headline."""
    paragraphs = [line for line in article(gold["document"]).splitlines() if line.strip()]
    here = paragraphs.index(paragraph(gold))
    headline = next(line for line in paragraphs if line != "Share")
    return "\n".join([headline, *paragraphs[max(here - 1, 0) : here + 2]])


def content_stems(text: str) -> set[str]:
    plain = text.lower().replace("\u2019", "'")
    words = re.findall(r"[^\W_]+", re.sub(r"'s\b", "", plain))
    return {STEMMER.stemWord(word) for word in words if word not in FUNCTION_WORDS}


def related(one: str, other: str) -> bool:
    """Whether two stems may be one word: Turkey and Turkish, Kurds and Kurdish, north and northern.

    Coarser than a stemmer on purpose: a false alarm costs a reworded question.
    """
    return one == other or (len(one) >= 4 and one[:4] == other[:4])


def shared_words(question: dict[str, Any]) -> set[tuple[str, str]]:
    asked = content_stems(question["question"])
    said = set().union(*(content_stems(neighbourhood(gold)) for gold in question["gold"]))
    return {(one, other) for one in asked for other in said if related(one, other)}


def test_ids_are_unique_and_in_order() -> None:
    ids = [question["id"] for question in QUESTIONS]
    assert ids == sorted(set(ids))


def test_no_question_is_asked_twice() -> None:
    asked = Counter(question["question"].lower() for question in QUESTIONS)
    assert [question for question, times in asked.items() if times > 1] == []


def test_there_are_75_to_90_questions_and_enough_of_every_kind() -> None:
    counts = Counter(question["kind"] for question in QUESTIONS)
    assert 75 <= len(QUESTIONS) <= 90
    assert set(counts) == set(MINIMUM)
    assert {kind: counts[kind] for kind in MINIMUM if counts[kind] < MINIMUM[kind]} == {}


def test_every_article_answers_some_question() -> None:
    answering = {gold["document"] for question in QUESTIONS for gold in question["gold"]}
    assert answering == {path.name for path in SEEDS.glob("*.txt")}


@every_question
def test_a_question_has_the_known_fields(question: dict[str, Any]) -> None:
    assert {"id", "question", "kind", "gold"} <= set(question)
    assert set(question) <= {"id", "question", "kind", "gold", "note"}
    for gold in question["gold"]:
        assert set(gold) == {"document", "start", "end", "text"}


@every_question
def test_gold_text_is_the_articles_own_characters_at_its_offsets(question: dict[str, Any]) -> None:
    for gold in question["gold"]:
        assert article(gold["document"])[gold["start"] : gold["end"]] == gold["text"]


@every_question
def test_gold_is_whole_words_inside_one_paragraph(question: dict[str, Any]) -> None:
    for gold in question["gold"]:
        text, start, end = article(gold["document"]), gold["start"], gold["end"]
        assert gold["text"] == gold["text"].strip() != ""
        assert "\n" not in gold["text"]
        assert not text[start - 1].isalnum() or not text[start].isalnum()
        assert not text[end - 1].isalnum() or not text[end].isalnum()


@every_question
def test_gold_stands_in_prose_not_in_a_headline_or_furniture(question: dict[str, Any]) -> None:
    # In these articles every paragraph of prose ends with a full stop, and nothing else does.
    for gold in question["gold"]:
        assert re.search(r"\.\u201d?$", paragraph(gold).rstrip()), paragraph(gold)
        assert not paragraph(gold).lstrip().startswith(("•", "\u2013"))


@every_question
def test_gold_places_are_in_order_and_do_not_overlap(question: dict[str, Any]) -> None:
    places = [(gold["document"], gold["start"], gold["end"]) for gold in question["gold"]]
    assert places == sorted(places)
    for (document, _, end), (next_document, start, _) in pairwise(places):
        assert document != next_document or end <= start


@every_question
def test_only_unanswerable_questions_lack_gold(question: dict[str, Any]) -> None:
    assert (question["gold"] == []) == (question["kind"] == "unanswerable")


@pytest.mark.parametrize("question", of_kind("one_article"))
def test_one_article_questions_have_gold_in_one_article(question: dict[str, Any]) -> None:
    assert len({gold["document"] for gold in question["gold"]}) == 1


@pytest.mark.parametrize("question", of_kind("several_articles"))
def test_several_articles_questions_have_gold_in_several(question: dict[str, Any]) -> None:
    assert len({gold["document"] for gold in question["gold"]}) > 1


@pytest.mark.parametrize("question", of_kind("no_shared_word"))
def test_no_shared_word_questions_share_none_with_the_passage(question: dict[str, Any]) -> None:
    assert shared_words(question) == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [("Turkey", "Turkish"), ("Kurds", "Kurdish"), ("Russia", "Russian"), ("truce", "truces")],
)
def test_forms_of_one_word_count_as_shared(one: str, other: str) -> None:
    assert related(content_stems(one).pop(), content_stems(other).pop())


def test_the_check_for_shared_words_sees_one() -> None:
    gold = next(q for q in QUESTIONS if q["kind"] == "no_shared_word")["gold"]
    word = max(content_stems(gold[0]["text"]), key=len)
    assert shared_words({"question": f"What of {word}?", "gold": gold}) != set()
