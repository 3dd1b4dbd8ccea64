from __future__ import annotations

import math
from pathlib import Path

import pytest
from fakes import HashingEncoder, fake_reranker

import qa
from qa import answer as answering
from qa import documents
from qa.answer import Answer
from qa.documents import Document
from qa.passages import Sentence
from qa.repetition import nearly_identical
from qa.rerank import Reranker

SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))
QUESTIONS = [
    "Who refused a truce?",
    "What did Moscow pledge to the Syrian government?",
    "How many people have been killed in Syria?",
    "What will the missiles change?",
    "Who walks near a wall?",
]
ELSEWHERE = [
    "Who won the 2014 World Cup?",
    "How do I bake sourdough bread?",
    "What is the boiling point of tungsten?",
    "谁赢了世界杯？",
    "xyzzy",
]


RERANKERS = {"skimmed": lambda: None, "read": fake_reranker}


@pytest.fixture(scope="module", params=RERANKERS)
def reranker(request: pytest.FixtureRequest) -> Reranker | None:
    return RERANKERS[request.param]()


@pytest.fixture(scope="module")
def seeds(reranker: Reranker | None) -> qa.Index:
    found = [documents.read(path, id=path.name) for path in SEEDS]
    return qa.Index.from_documents(found, encoder=HashingEncoder(), reranker=reranker)


def index(*texts: str, reranker: Reranker | None = None) -> qa.Index:
    made = [Document(f"d{number}", text) for number, text in enumerate(texts)]
    return qa.Index.from_documents(made, encoder=HashingEncoder(), reranker=reranker)


def whole_sentences(found: Answer) -> set[tuple[str, int, int]]:
    return {(s.document.id, s.start, s.end) for hit in found.hits for s in hit.sentences()}


def parts(sentence: Sentence) -> set[tuple[str, int, int]]:
    """The sentence itself, and the one that it brings along."""
    id, lead_in = sentence.document.id, sentence.lead_in
    if lead_in is None:
        return {(id, sentence.start, sentence.end)}
    behind = sentence.document.text[lead_in[1] : sentence.end]
    start = sentence.end - len(behind.lstrip())
    return {(id, *lead_in), (id, start, sentence.end)}


@pytest.mark.parametrize("question", QUESTIONS)
def test_sentences_are_whole_sentences_of_the_hits_word_for_word(
    seeds: qa.Index, question: str
) -> None:
    found = seeds.ask(question)
    assert 1 <= len(found.sentences) <= answering.SENTENCES
    for sentence in found.sentences:
        assert parts(sentence) <= whole_sentences(found)
        assert sentence.text == sentence.document.text[sentence.start : sentence.end]
        assert sentence.text.count("“") == sentence.text.count("”")


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_hits_of_an_answer_are_runs_of_those_that_are_retrieved(
    seeds: qa.Index, question: str
) -> None:
    asked, retrieved = seeds.ask(question).hits, seeds.retrieve(question)
    for one, other in zip(asked, retrieved, strict=True):
        assert (one.rank, one.score, one.document) == (other.rank, other.score, other.document)
        assert one.passage.text == one.document.text[one.passage.start : one.passage.end]
        assert one.reading
        assert len(one.reading.sentences) == len(one.passage.sentences)
        assert one.reading.skimmed == (other.reading is None)
        assert one == other or other.reading is None


@pytest.mark.parametrize("question", QUESTIONS)
def test_exact_words_lie_in_their_sentence_behind_what_it_brings_along(
    seeds: qa.Index, question: str
) -> None:
    for sentence in seeds.ask(question).sentences:
        if sentence.lead_in:
            assert sentence.start == sentence.lead_in[0] < sentence.lead_in[1] < sentence.end
        if sentence.exact:
            first = sentence.lead_in[1] if sentence.lead_in else sentence.start
            assert first <= sentence.exact[0] < sentence.exact[1] <= sentence.end


def test_a_sentence_that_needs_the_one_before_brings_it_along(
    reranker: Reranker | None,
) -> None:
    text = "Ann Duffy is the mayor of Westport. She closed the harbour on Monday. Rain fell."
    best = index(text, reranker=reranker).ask("Who closed the harbour on Monday?").sentences[0]
    assert best.text == "Ann Duffy is the mayor of Westport. She closed the harbour on Monday."
    assert best.lead_in == (0, len("Ann Duffy is the mayor of Westport."))


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_sentence_repeats_a_better_one(seeds: qa.Index, question: str) -> None:
    texts = [sentence.text for sentence in seeds.ask(question).sentences]
    for position, text in enumerate(texts):
        assert not any(nearly_identical(text, other) for other in texts[:position])


def test_the_best_sentence_comes_first(seeds: qa.Index) -> None:
    found = seeds.ask("How many people have been killed in Syria?")
    assert "people have been killed in Syria" in found.sentences[0].text
    assert found.status == "answered"
    assert found.text.startswith(found.sentences[0].text)
    assert found.text.endswith(f"({found.sentences[0].document.title})")


@pytest.mark.parametrize("question", ELSEWHERE)
def test_what_the_articles_do_not_say_is_not_found(seeds: qa.Index, question: str) -> None:
    found = seeds.ask(question)
    assert found.status == "not_found"
    assert found.sentences == []
    assert len(found.hits) == 5
    assert found.text.startswith("These articles do not say.")


def test_words_that_are_nowhere_are_named_as_the_question_spells_them(seeds: qa.Index) -> None:
    found = seeds.ask("Did Pelé's Brazil play in Syria, in the U.S. or in Rio-de-Janeiro?")
    assert found.missing == ("Pelé's", "Brazil", "play", "Rio-de-Janeiro")
    found = seeds.ask("Who won the 2014 World Cup?")
    assert found.missing == ("won", "2014", "Cup")
    assert found.text.endswith("None of the nearest passages mentions: won, 2014, Cup.")


def test_a_word_in_a_title_is_not_missing() -> None:
    made = [Document("a", "It was opened in 1889.", title="Eiffel Tower")]
    found = qa.Index.from_documents(made, encoder=HashingEncoder()).ask("When was Eiffel opened?")
    assert found.missing == ()


def test_articles_without_sentences_answer_nothing() -> None:
    found = index().ask("Who?")
    assert (found.status, found.hits, found.sentences) == ("not_found", [], [])
    assert 0 <= found.confidence < answering.NOT_FOUND


def test_a_quotation_is_never_cut_before_its_closing_mark(reranker: Reranker | None) -> None:
    text = "He said: “They refused the truce. It is over.” Then he left the hall in Geneva."
    found = index(text, reranker=reranker).ask("Who refused the truce?")
    assert found.sentences[0].text == "He said: “They refused the truce. It is over.”"


def test_sentences_that_contradict_each_other_are_both_shown(reranker: Reranker | None) -> None:
    toll = "More than {} people have been killed in Syria since the war began."
    both = index(toll.format("260,000"), toll.format("245,000"), reranker=reranker)
    found = both.ask("How many killed in Syria?")
    assert {s.document.id for s in found.sentences} == {"d0", "d1"}


@pytest.mark.parametrize("question", QUESTIONS + ELSEWHERE)
def test_the_status_follows_from_the_confidence(seeds: qa.Index, question: str) -> None:
    found = seeds.ask(question)
    assert not math.isnan(found.confidence)
    expected = "answered" if found.confidence >= answering.ANSWERED else "uncertain"
    assert found.status == (expected if found.confidence >= answering.NOT_FOUND else "not_found")


def test_an_uncertain_answer_says_so() -> None:
    found = answering._text("uncertain", [Sentence(Document("a", "It may be."), 0, 10)], ())
    assert found == "The articles may not answer this. The nearest they say is: It may be. (a)"


def test_a_sentence_over_several_lines_is_told_on_one() -> None:
    found = answering._text("answered", [Sentence(Document("a", "It may\r\n  be."), 0, 13)], ())
    assert found == "It may be. (a)"


def test_a_follow_up_is_asked_with_the_question_it_leans_on(seeds: qa.Index) -> None:
    history = [{"role": "user", "content": "Who refused a truce?"}]
    found = seeds.ask("And in Homs?", history)
    assert found.question == "And in Homs?"
    assert found.query == "Who refused a truce? And in Homs?"
