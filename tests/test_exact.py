"""The words that answer: the right ones, or none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.exact import exact
from qa.expected import expected
from qa.mentions import mentions

QUESTIONS = [
    "Who said so?",
    "When did it happen?",
    "In what year did it happen?",
    "Which countries were there?",
    "Where is it?",
    "How many people were killed?",
    "How many days did it last?",
    "How much did it cost?",
    "What percentage of them fled?",
    "How old is he?",
]
DEAD = "More than 245,000 people have been killed in Syria, and four million Syrians have fled."
TOLD = (
    "Russia finds the border fire “unacceptable”, the Kremlin’s spokesman Dmitry Peskov told "
    "reporters on Saturday."
)
CASES = [
    ("How many people have been killed?", DEAD, "More than 245,000"),
    ("number of people killed", DEAD, None),
    ("Who said that the fire could not be accepted?", TOLD, "Dmitry Peskov"),
    (
        "Who wants missiles for the rebels?",
        "The rebels need missiles, said Saudi Foreign Minister Adel al-Jubeir.",
        "Saudi Foreign Minister Adel al-Jubeir",
    ),
    (
        "When will Merkel travel to Turkey?",
        "Merkel will head to Turkey on Sunday for talks, and officials came on Wednesday.",
        "Sunday",
    ),
    ("When did the talks collapse?", "The talks collapsed last week in Geneva.", "last week"),
    ("When does the plumber come?", "The plumber comes tomorrow at 10 AM.", "tomorrow at 10 AM"),
    ("When was the war?", "The war was fought between 1914 and 1918.", "between 1914 and 1918"),
    (
        "When did the Normans give it their name?",
        "The Normans in the 10th and 11th centuries gave it their name.",
        "10th and 11th centuries",
    ),
    ("What year did the storm hit the fleet?", "In April 1191 a storm hit the fleet.", "1191"),
    ("The war began in what year?", "The war began in 1914.", "1914"),
    (
        "In which city are the talks to continue?",
        "The talks should continue in Geneva.",
        "Geneva",
    ),
    (
        "Who designed the Parliament building?",
        "The Parliament building was designed by Spanish architect Enric Miralles.",
        "Enric Miralles",
    ),
    (
        "By whom was the engine invented?",
        "The engine, invented by Thomas Newcomen, was used in 1712.",
        "Thomas Newcomen",
    ),
    (
        "What is the name of the man who led the colony?",
        "The colony was led by Jean Ribault.",
        "Jean Ribault",
    ),
    ("How much was the aid to Israel?", "Nixon asked for $2.2 billion in aid.", "$2.2 billion"),
    (
        "What percentage of the power is made by turbines?",
        "Some 90% of the power is made by turbines.",
        "Some 90%",
    ),
    (
        "How long did the fighters hold out?",
        "The fighters held out for almost a month.",
        "almost a month",
    ),
    (
        "How many days did it last?",
        "It was to last 48 hours, but lasted 63 days.",
        "63 days",
    ),
    ("How many times did they win the cup?", "They won the cup twice.", "twice"),
    ("How far is it from the sea?", "It lies 300 km (190 mi) from the sea.", "300 km"),
    ("How many were hurt?", "Dozens were hurt.", "Dozens"),
]
UNSURE = {
    "two about as near": ("When did they meet?", "They met in 1990 and met in 1991."),
    "the name in the question": ("Who succeeded Merkel?", "Merkel was succeeded."),
    "the year in the question": ("When in 1990 did he die?", "He died in 1990."),
    "a name that another is joined to": (
        "Which country depends on oil?",
        "Iran and Iraq depend on oil.",
    ),
    "a question of why": ("Why did Merkel leave in 2021?", "Merkel left in 2021 for her health."),
    "a conjunction": ("What happens when Assad leaves?", "Assad leaves on Monday."),
    "a people for a person": ("Who built the bridge?", "The Russian builders built the bridge."),
    "an ordinary word with a capital": ("Who saw the ships?", "Scouts saw the ships."),
    "no quotation's speaker": ("Who said it was near?", "The deal with Iran is near, he said."),
}


def marked(question: str, sentence: str) -> str | None:
    span = exact(question, sentence)
    return sentence[slice(*span)] if span else None


@pytest.mark.parametrize(("question", "sentence", "answer"), CASES)
def test_the_words_that_answer_are_marked(question: str, sentence: str, answer: str | None) -> None:
    assert marked(question, sentence) == answer


@pytest.mark.parametrize("case", UNSURE)
def test_nothing_is_marked_when_it_is_not_sure(case: str) -> None:
    assert marked(*UNSURE[case]) is None


def test_several_names_are_marked_together_when_several_are_asked_for() -> None:
    question = "Which two countries might send troops?"
    sentence = "Officials in Turkey and Saudi Arabia might send troops."
    assert marked(question, sentence) == "Turkey and Saudi Arabia"


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Since when have they flown?", "when"),
        ("whose book is it", "person"),
        ("Which politician warned of a pause?", "person"),
        ("In which Swiss cities?", "place"),
        ("At what time does it open?", "clock"),
        ("When all is done, what remains?", None),
        ("What is a prime number?", None),
    ],
)
def test_the_kind_of_answer_is_read_off_the_question(question: str, asked: str | None) -> None:
    found = expected(question)
    assert (found.asked if found else None) == asked


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("24 August \u2013 3 October 1572", "date"),
        ("the late 1980s", "date"),
        ("a week ago", "date"),
        ("5 p.m. Monday", "date"),
        ("5:30 PM", "clock"),
        ("\u20ac60m", "money"),
        ("12 to 15 million", "count"),
        ("tens of thousands", "count"),
        ("half a million", "count"),
        ("between 3 and 14 hours", "duration"),
        ("King Charles III of West Francia", "name"),
        ("Guy de Lusignan", "name"),
        ("Salman bin Abdulaziz", "name"),
    ],
)
def test_what_is_mentioned_is_found_whole(text: str, found: str) -> None:
    sentence = f"they say {text}, and so on"
    kinds = {(sentence[m.start : m.end], m.kind) for m in mentions(sentence)}
    assert (text, found) in kinds


@pytest.mark.parametrize(
    "piece", ["1 ", "one hundred and ", "Aa ", "by a ", "1,000,", "a. ", "said, "]
)
def test_a_sentence_without_end_is_read_all_the_same(piece: str) -> None:
    sentence = piece * (1990 // len(piece))
    for question in QUESTIONS:
        span = exact(question, sentence)
        assert span is None or span[1] <= len(sentence)


@given(
    st.sampled_from(QUESTIONS) | st.text(max_size=60),
    st.text(max_size=120)
    | st.lists(
        st.sampled_from(
            ["Assad", "al-Jubeir", "said", "in", "1990", "12%", "$3", "of", ",", "\u201c", "and",
             "Monday", "killed", "people", "days", "\n", "'s", "by", "May", "half a", "5"]
        ),
        max_size=15,
    ).map(" ".join),
)  # fmt: skip
def test_a_span_lies_within_the_sentence_and_has_no_white_space_around_it(
    question: str, sentence: str
) -> None:
    span = exact(question, sentence)
    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(sentence)
        assert sentence[start:end] == sentence[start:end].strip() != ""
    everything = mentions(sentence)
    assert all(m.start < m.end for m in everything)
    for earlier, later in pairwise(everything):
        assert earlier.end <= later.start
