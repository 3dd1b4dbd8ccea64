from __future__ import annotations

import pytest
from fakes import HashingEncoder

import qa

TEXTS = {
    "a": "The army said that the cease-fire holds. Nobody fired in Homs.",
    "b": "Nobody fired, the army said: there was fire, but to cease is not to hold.",
    "c": "To be, or not to be, asked the US envoy.",
    "d": "The envoy told us nothing of it.",
    "e": "A day passed.",
}
TITLES = {"e": "Cease-fire Holds in the North"}


@pytest.fixture(scope="module")
def index() -> qa.Index:
    made = [qa.Document(id, text, title=TITLES.get(id, "")) for id, text in TEXTS.items()]
    return qa.Index.from_documents(made, encoder=HashingEncoder())


def found(index: qa.Index, question: str, **arguments: list[str]) -> set[str]:
    return {hit.document.id for hit in index.retrieve(question, k=10, **arguments)}


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ('Who said that the "cease-fire holds"?', {"a", "e"}),
        ("Who said that the “CEASE–FIRE HOLDS”?", {"a", "e"}),
        ('Where is the "cease-fire" that "nobody fired" on?', {"a"}),
        ('Who asked "to be, or not to be"?', {"c"}),
        ('Who asked "to be or not to be"?', set()),
        ('What of "the US envoy"?', {"c"}),
        ('What of "told US"?', {"d"}),
        ('What of "us"?', {"c", "d"}),
        ('Did the army say "fires"?', set()),
        ('Is there a "cease-fire" and an "envoy"?', set()),
        ("Who said that the 'cease-fire holds'?", set(TEXTS)),
    ],
)
def test_a_quoted_phrase_stands_in_every_hit_or_its_title(
    index: qa.Index, question: str, documents: set[str]
) -> None:
    assert found(index, question) == documents


def test_a_phrase_is_looked_for_in_the_documents_asked_for(index: qa.Index) -> None:
    question = 'Does the "cease-fire" hold?'
    assert found(index, question, documents=["b", "e"]) == {"e"}
    assert found(index, question, documents=["b"]) == set()


def test_the_parts_of_the_score_are_of_the_passages_with_the_phrase(index: qa.Index) -> None:
    best, *others = index.retrieve('Who said that the army\'s "cease-fire holds"?')
    assert best.document.id == "a"
    assert best.explanation.bm25 > 0
    assert best.score == pytest.approx(1)
    assert [hit.document.id for hit in others] == ["e"]


def test_a_question_about_a_phrase_that_no_passage_has_is_not_answered(index: qa.Index) -> None:
    answer = index.ask('Who said that the "cease-fire fails"?')
    assert (answer.status, answer.hits, answer.sentences) == ("not_found", [], [])
    assert answer.missing == ("cease-fire fails",)
    assert "cease-fire fails" in answer.text


def test_a_follow_up_does_not_require_what_an_earlier_question_quoted(index: qa.Index) -> None:
    history = [{"role": "user", "content": 'Who said that the "cease-fire holds"?'}]
    hits = index.ask("And what did he tell us?", history).hits
    assert {"a", "d"} <= {hit.document.id for hit in hits}


def test_where_vectors_are_searched_in_8_bits_scores_are_exact_all_the_same(
    index: qa.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.vectors.FLAT_PASSAGES", 1)
    made = [qa.Document(id, text, title=TITLES.get(id, "")) for id, text in TEXTS.items()]
    coarse = qa.Index.from_documents(made, encoder=HashingEncoder())
    assert (index.status.vectors, coarse.status.vectors) == ("flat", "8-bit")
    question = "Who fired in Homs?"
    for one, other in zip(
        index.retrieve(question, k=5), coarse.retrieve(question, k=5), strict=True
    ):
        assert one.document.id == other.document.id
        assert one.explanation.cosine == pytest.approx(other.explanation.cosine, abs=1e-6)
