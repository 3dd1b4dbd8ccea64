"""Which sentences need the one before them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.context import leans_on_previous

LEANING = [
    "He said the talks had failed.",
    "They stalled last month before really starting.",
    "It was the first of its kind.",
    "It was built in 1990 to house the library.",
    "Its growth was reversed by the loss of the colonies.",
    "His peace push coincides with a visit to Brussels.",
    "This is because competition drives down the wage.",
    "These variations enable different species to live there.",
    "The benefit of this is lost.",
    "For this reason, the Red Cross recommends a safe room.",
    "The latter won the election.",
    "Both agreed to leave.",
    "Such attacks are rare.",
    "Most have found refuge in neighbouring nations.",
    "However, the French ambassador said the draft had no future.",
    "Instead, Kublai Khan favoured Buddhism.",
    "But he left.",
    "In 2012 it investigated the Maltese Commissioner.",
    "When they arrived, colonial authorities offered land.",
    "“It could be signed in the coming days.”",
    "“Our buses are not waiting there in vain”, he said.",
    "The missiles will “change the balance of power on the ground,” he said.",
    "and then left.",
    "By phone.",
]
STANDING_ALONE = [
    "It is clear that the talks have failed.",
    "It is raining in Geneva.",
    "It was Watt who built the engine.",
    "It is believed that Homer was blind.",
    "It took ten years to build the bridge.",
    "This year the harvest failed.",
    "That war of 1990 was short.",
    "Those who came early left early.",
    "Both Russia and Turkey agreed.",
    "Instead of leaving, Russia stayed.",
    "But the West has accused Moscow.",
    "When he was young, Mozart travelled.",
    "More than 245,000 people have been killed in Syria.",
    "29.7% of all households were made up of individuals.",
    "“I believe it is near,” Assad said.",
    "Assad’s army could soon take Aleppo, said Churkin.",
    "Most Syrians have fled.",
    "Merkel said she would go.",
]


@pytest.mark.parametrize("sentence", LEANING)
def test_what_points_back_leans(sentence: str) -> None:
    assert leans_on_previous(sentence)


@pytest.mark.parametrize("sentence", STANDING_ALONE)
def test_what_explains_itself_stands_alone(sentence: str) -> None:
    assert not leans_on_previous(sentence)


@given(st.text(max_size=200))
def test_any_text_has_an_answer_and_white_space_does_not_change_it(text: str) -> None:
    assert leans_on_previous(text) == leans_on_previous(f"\n {text}  ")
