from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.quotation import quoted, stands_in, unquoted


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        ('Who sang "My Girl"?', ("My Girl",)),
        ("Who sang “My Girl”?", ("My Girl",)),
        ("Wer sang „My Girl“?", ("My Girl",)),
        ("Qui a chanté « My Girl » ?", ("My Girl",)),
        ('What are "short ears" and “long ears”?', ("short ears", "long ears")),
        ('Is "peace" more than "peace"?', ("peace",)),
        ('"Who refused?", he asked.', ("Who refused",)),
        ('Do you mean "America," or "the U.S."?', ("America", "the U.S")),
        ('Was it ("the day after")?', ("the day after",)),
        ("Who sang 'My Girl' at Schindler's?", ()),
        ("Who sang ‘My Girl’ at the workers’ club?", ()),
        ('Is a 5" pipe wider than a 6" pipe?', ()),
        ('Who said "peace', ()),
        ('What is "" or "?!" or “…”?', ()),
        ("Who refused?", ()),
        ("", ()),
    ],
)
def test_phrases_are_what_stands_in_double_marks(question: str, phrases: tuple[str, ...]) -> None:
    assert quoted(question) == phrases


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("peace talks", "Peace\n\ttalks began."),
        ("PEACE TALKS", "The peace\u00a0talks began."),
        ("peace - not war", "Peace—not war!"),
        ("cease-fire", "A cease\u2011fire held."),
        ("1990-1995", "In 1990–1995 they fought."),
        ("Assad's men", "Assad’s men fled."),
        ("the 'moderate' rebels", "The “moderate” rebels fled."),
        ("naïve hope", "A nai\u0308ve hope."),
        ("refused", "He re\u00adfused it."),
        ("first", "The ﬁrst."),
        ("Assad", "Assad’s men fled."),
        ("U.S", "the U.S. army"),
        (".NET", "written in .NET 8"),
        ("C++", "C++ code"),
        ("拒绝停火", "反对派拒绝停火协议"),
    ],
)
def test_a_phrase_stands_in_a_text_whatever_its_case_space_dashes_and_marks(
    phrase: str, text: str
) -> None:
    assert stands_in(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("peace talks", "talks of peace"),
        ("peace talks", "peace and talks"),
        ("peace talks", "peace talk"),
        ("peace talk", "peace talks"),
        ("peace talks", "peace, talks"),
        ("cease-fire", "a cease fire and a ceasefire"),
        ("won", "They won’t go."),
        ("can", "They can't go."),
        ("act", "the fact and the action"),
        ("5 percent", "15 percent"),
        ("US", "the U.S. army"),
    ],
)
def test_another_order_stem_or_spelling_is_not_the_phrase(phrase: str, text: str) -> None:
    assert not stands_in(phrase, text)


def test_without_their_marks_the_words_stay() -> None:
    question = 'What are "short ears", “long ears” and « ears »?'
    assert unquoted(question) == "What are short ears, long ears and  ears ?"
    assert quoted(unquoted(question)) == ()


@given(st.text(max_size=100), st.text(max_size=100))
def test_any_text_can_be_looked_at(question: str, text: str) -> None:
    for phrase in quoted(f'{question} "{text}"'):
        assert stands_in(phrase, phrase)
        stands_in(phrase, text)
