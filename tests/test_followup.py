from __future__ import annotations

from typing import Any

import pytest

from qa.followup import complete

ASKED = "Who refused a truce in Aleppo?"


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


@pytest.mark.parametrize(
    "question",
    [
        "And in Homs?",
        "And on Friday?",
        "What did he say about Turkey?",
        "Why?",
        "When was that?",
        "Who else?",
        "What about the Kurds?",
        "How many of them were killed?",
        "but who started it",
        "Who said so?",
        "What happened after that?",
        "Did she say why?",
        "What happened next?",
        "What year did they decide to get back together?",
    ],
)
def test_a_question_that_leans_on_the_one_before_is_put_behind_it(question: str) -> None:
    assert complete(question, [user(ASKED)]) == f"{ASKED} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "Who won the 2014 World Cup?",
        "How many people have been killed in Syria since March 2011?",
        "What does Turkey shell?",
        "Where is Aleppo?",
        "What did the Saudi foreign minister want rebels to have so that they could fight on?",
        "Kerry",
        "Why did Turkey shell Aleppo?",
        "Is there a truce in Homs?",
        "Who said that Aleppo would fall?",
        "Did Assad say he was ready?",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(question: str) -> None:
    assert complete(question, [user(ASKED)]) == question


@pytest.mark.parametrize("history", [[], [assistant("Nobody did.")], [user("  ")]])
def test_without_an_earlier_question_nothing_is_added(history: list[dict[str, Any]]) -> None:
    assert complete("And in Homs?", history) == "And in Homs?"


def test_what_the_assistant_said_is_left_aside() -> None:
    history = [user(ASKED), assistant("Riad Hijab, in Beirut.")]
    assert complete("And in Homs?", history) == f"{ASKED} And in Homs?"


def test_a_chain_of_follow_ups_reaches_back_to_the_question_they_lean_on() -> None:
    history = [user("Who won?"), user(ASKED), user("And in Homs?")]
    assert complete("And in Hama?", history) == f"{ASKED} And in Homs? And in Hama?"


def test_a_long_chain_is_cut_to_the_question_and_what_was_asked_last() -> None:
    history = [user(ASKED), *(user(f"And in town {n}?") for n in range(500))]
    completed = complete("And in Homs?", history)
    assert completed == f"{ASKED} And in town 499? And in Homs?"


def test_messages_as_gradio_makes_them_are_understood() -> None:
    parts = [
        {"type": "text", "text": "Who refused a truce"},
        {"type": "text", "text": "in Aleppo?"},
    ]
    assert complete("And in Homs?", [user(parts)]) == f"{ASKED} And in Homs?"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"role": "user"},
        {"content": "Who?"},
        user(None),
        user(5),
        user([]),
        user([None, 5, {"type": "file", "file": {"path": "a.txt"}}]),
        user({"path": "a.txt"}),
        None,
        "text",
        ["user", "text"],
    ],
)
def test_messages_without_text_are_passed_over(message: Any) -> None:
    assert complete("And in Homs?", [message]) == "And in Homs?"
    assert complete("And in Homs?", [user(ASKED), message]) == f"{ASKED} And in Homs?"


def test_a_message_of_one_text_part_is_understood() -> None:
    assert complete("Why?", [user({"type": "text", "text": ASKED})]) == f"{ASKED} Why?"


def test_a_phrase_quoted_earlier_is_searched_for_and_no_longer_required() -> None:
    history = [user('Who led "Operation Dawn"?')]
    assert complete("And when?", history) == "Who led Operation Dawn? And when?"


def test_a_phrase_quoted_in_the_follow_up_itself_stays_required() -> None:
    completed = complete('And of "Homs"?', [user('Who spoke of "Aleppo"?')])
    assert completed == 'Who spoke of Aleppo? And of "Homs"?'
