from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from fakes import FakeMatcher, FakeReader, HashingEncoder, fake_reranker

import qa
from qa import documents, fusion, rerank, retrieval
from qa.corpus import matched_weight
from qa.documents import Document
from qa.errors import QuestionError
from qa.hits import Hit
from qa.repetition import nearly_identical
from qa.rerank import Reranker

SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))
TOWNS = ["Homs", "Hama", "Idlib", "Latakia", "Raqqa", "Palmyra", "Daraa", "Kobani"]
FIRE = "The army said on Friday that its guns had fired on the {} road all through the night."
QUESTIONS = [
    "Who refused a truce?",
    "What did Moscow pledge?",
    "How many people have been killed in Syria?",
    "What does the opposition say of a ceasefire?",
    "Where do the talks resume?",
    "Who gets surface-to-air missiles?",
]


RERANKERS = {"fused": lambda: None, "reranked": fake_reranker}


def index(*texts: str, reranker: Reranker | None = None) -> qa.Index:
    made = [Document(f"d{number}", text, title="") for number, text in enumerate(texts)]
    return qa.Index.from_documents(made, encoder=HashingEncoder(), reranker=reranker)


def seed_index(reranker: Reranker | None) -> qa.Index:
    found = [documents.read(path, id=path.name) for path in SEEDS]
    return qa.Index.from_documents(found, encoder=HashingEncoder(), reranker=reranker)


@pytest.fixture(scope="module", params=RERANKERS)
def seeds(request: pytest.FixtureRequest) -> qa.Index:
    return seed_index(RERANKERS[request.param]())


@pytest.fixture(scope="module")
def towns() -> qa.Index:
    return index(*[f"{FIRE.format(town)} Nothing else was told of it." for town in TOWNS])


def places(hits: list[Hit]) -> list[tuple[str, int]]:
    return [(hit.document.id, hit.passage.start) for hit in hits]


@pytest.mark.parametrize("question", QUESTIONS)
def test_hits_are_in_order_and_their_scores_are_the_sum_of_their_parts(
    seeds: qa.Index, question: str
) -> None:
    hits = seeds.retrieve(question, k=8)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        parts = hit.explanation
        assert hit.score == pytest.approx(
            parts.lexical + parts.semantic + parts.matched + parts.read
        )
        assert 0 <= hit.score <= 1 + 1e-6
        assert 0 <= parts.lexical <= 1 - fusion.SEMANTIC_WEIGHT + 1e-6
        assert 0 <= parts.semantic <= fusion.SEMANTIC_WEIGHT + 1e-6
        assert -1.001 <= parts.cosine <= 1.001
        assert (parts.bm25 > 0) == (parts.lexical > 0)
        assert hit.passage.text == hit.document.text[hit.passage.start : hit.passage.end]


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_not_read_says_so_in_its_parts(question: str) -> None:
    for hit in seed_index(None).retrieve(question):
        parts = hit.explanation
        assert (parts.matched, parts.read, parts.similarity) == (0, 0, 0)
        assert hit.reading is None


@pytest.mark.parametrize("question", QUESTIONS)
def test_readings_are_parallel_to_the_sentences_that_are_shown(question: str) -> None:
    hits = seed_index(fake_reranker()).retrieve(question)
    assert all(hit.reading for hit in hits)
    for hit in hits:
        assert hit.reading
        assert len(hit.reading.sentences) == len(hit.passage.sentences) > 0
        for (start, end), read in zip(hit.passage.sentences, hit.reading.sentences, strict=True):
            assert read.exact
            assert hit.passage.start <= start <= read.exact[0] < read.exact[1] <= end


def test_a_rerank_that_is_not_wanted_is_not_made() -> None:
    matcher, reader = FakeMatcher(), FakeReader()
    both = seed_index(Reranker(lambda: matcher, lambda: reader))
    plain = seed_index(None)
    for question in QUESTIONS:
        assert both.retrieve(question, rerank=False) == plain.retrieve(question)
        assert both.ask(question, rerank=False) == plain.ask(question)
    assert not matcher.matched
    assert not reader.pages
    assert any(both.retrieve(q) != plain.retrieve(q) for q in QUESTIONS)
    assert reader.pages


@pytest.mark.parametrize("k", [1, 5, 12])
def test_pages_are_whole_passages_and_as_many_however_many_are_asked_for(k: int) -> None:
    matcher, reader = FakeMatcher(), FakeReader()
    articles = seed_index(Reranker(lambda: matcher, lambda: reader))
    texts = {d.title: d.text for d in articles.documents}
    corpus = articles._current()
    retrieval.retrieve(corpus, QUESTIONS[0], k, reranker=articles._reranker)
    assert len(matcher.matched) == rerank.MATCHED
    assert len(reader.pages) == rerank.READ
    for page in [*matcher.matched, *reader.pages]:
        assert texts[page.title][page.start :].startswith(page.text)
        assert page.sentences
        for start, end in page.sentences:
            assert page.start <= start < end <= page.start + len(page.text)


@pytest.mark.parametrize("name", "abcdef")  # which of the copies are read depends on their names
def test_a_passage_that_was_read_comes_before_its_copies_that_were_not(name: str) -> None:
    best = "The army fired on the Homs road because the rebels of Hama had shelled the army first."
    copies = [FIRE.format("Homs") for _ in range(rerank.READ + 4)]
    made = [Document(f"{name}{i}", text, title="") for i, text in enumerate([best, *copies])]
    reader = FakeReader()
    articles = qa.Index.from_documents(
        made, encoder=HashingEncoder(), reranker=Reranker(FakeMatcher, lambda: reader)
    )
    question = "Why did the army fire on the Homs road, rebels of Hama?"
    hits = retrieval.retrieve(articles._current(), question, 6, reranker=articles._reranker)
    assert len(reader.pages) == rerank.READ
    assert [hit.reading is not None for hit in hits] == [True, True]
    assert len(hits[1].also_in) == len(copies) - 1


def test_the_best_of_both_searches_has_the_whole_score(towns: qa.Index) -> None:
    best, second, *_ = towns.retrieve("What of Palmyra?")
    assert "Palmyra" in best.passage.text
    assert best.score == pytest.approx(1)
    assert second.score < best.score


def test_the_same_question_has_the_same_hits(seeds: qa.Index) -> None:
    for question in QUESTIONS:
        assert seeds.retrieve(question) == seeds.retrieve(question)


def test_only_the_documents_asked_for_are_searched(seeds: qa.Index) -> None:
    chosen = [SEEDS[1].name, SEEDS[3].name]
    for question in QUESTIONS:
        hits = seeds.retrieve(question, k=50, documents=chosen)
        assert {hit.document.id for hit in hits} == set(chosen)
        named = {s.document.id for hit in hits for s in hit.also_in}
        assert named <= set(chosen)


@pytest.mark.parametrize("chosen", [[], ["no such document"]])
def test_no_documents_have_no_hits(seeds: qa.Index, chosen: list[str]) -> None:
    assert seeds.retrieve("Who refused a truce?", documents=chosen) == []


def test_more_than_there_are_gives_all_that_are_different(towns: qa.Index) -> None:
    hits = towns.retrieve("Which road was it?", k=1000)
    assert len(hits) == len(set(places(hits))) == len(TOWNS)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_fewer_hits_are_the_first_of_more(seeds: qa.Index, k: int) -> None:
    def whole(question: str, k: int) -> list[Hit]:  # how much is shown depends on the others
        return retrieval.retrieve(seeds._current(), question, k, reranker=seeds._reranker)

    for question in QUESTIONS:
        assert places(whole(question, k)) == places(whole(question, rerank.READ))[:k]


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(seeds: qa.Index, k: int) -> None:
    with pytest.raises(QuestionError, match=f"k is {k}"):
        seeds.retrieve("Who?", k=k)


@pytest.mark.parametrize("question", ["", "  \n\t", "\u3000"])
def test_an_empty_question_is_refused(seeds: qa.Index, question: str) -> None:
    with pytest.raises(QuestionError, match="empty"):
        seeds.retrieve(question)


def test_an_endless_question_is_refused_with_its_length(seeds: qa.Index) -> None:
    with pytest.raises(QuestionError, match="100,000 characters: 5,000 at most"):
        seeds.retrieve("a" * 100_000)
    assert seeds.retrieve("truce " * 800)


@pytest.mark.parametrize("question", ["谁拒绝停火？", "Кто отказался?", "؟", "?", "😀", "\x00 who"])
def test_a_question_in_any_script_is_answered_with_something(
    seeds: qa.Index, question: str
) -> None:
    assert len(seeds.retrieve(question)) == 5


def test_an_empty_corpus_has_no_hits() -> None:
    assert index().retrieve("Who?") == []


def test_a_story_that_several_articles_print_is_one_hit_that_names_them() -> None:
    story = FIRE.format("Homs")
    several = index(
        f"{story} A witness saw it.",
        f"Beirut: {story}",
        story.replace("all through", "through"),
        "In Geneva the envoys talked.",
    )
    hits = several.retrieve("Which road did the army fire on?")
    about = [hit for hit in hits if "Homs" in hit.passage.text]
    assert len(about) == 1
    named = {about[0].document.id, *(s.document.id for s in about[0].also_in)}
    assert named == {"d0", "d1", "d2"}
    for sentence in about[0].also_in:
        assert "Homs road" in sentence.text
        assert sentence.text == sentence.document.text[sentence.start : sentence.end]
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


def test_a_story_printed_twice_in_one_article_is_shown_at_both_places() -> None:
    story = FIRE.format("Homs")
    hits = index(f"{story}\n\nAdvertisement\n\n{story}").retrieve("Which road?")
    assert [hit.passage.text for hit in hits] == [story, story]
    assert [hit.also_in for hit in hits] == [(), ()]


def test_what_is_folded_is_named_by_other_articles_only(seeds: qa.Index) -> None:
    hits = [hit for question in QUESTIONS for hit in seeds.retrieve(question, k=10)]
    assert any(hit.also_in for hit in hits)
    for hit in hits:
        assert hit.document.id not in {sentence.document.id for sentence in hit.also_in}


def test_articles_that_contradict_each_other_are_not_folded() -> None:
    toll = "More than {} people have been killed in Syria since the long war began."
    hits = index(toll.format("260,000"), toll.format("245,000")).retrieve("How many were killed?")
    assert len(hits) == 2


def test_a_passage_that_says_more_than_the_shared_sentence_stays() -> None:
    shared = FIRE.format("Homs")
    one = f"{shared} The envoys in Geneva agreed to lift the siege of Madaya and feed its people."
    other = f"{shared} The siege of Douma goes on, because no envoys agreed to anything in Vienna."
    hits = index(one, other).retrieve("What did envoys agree on the Homs siege?")
    assert len(hits) == 2


@pytest.mark.parametrize("question", QUESTIONS)
def test_five_hits_on_the_seeds_are_five_different_things(seeds: qa.Index, question: str) -> None:
    weights = seeds._current().weights(question)

    def answering(hit: Hit) -> str:
        if hit.reading:
            scores = [sentence.score for sentence in hit.reading.sentences]
            return hit.sentences()[scores.index(max(scores))].text
        return max((s.text for s in hit.sentences()), key=lambda t: matched_weight(t, weights))

    for one, other in combinations(seeds.retrieve(question), 2):
        if one.document.id != other.document.id:
            assert not nearly_identical(answering(one), answering(other))


PLEDGE = (
    "Moscow has pledged to continue backing the Syrian government in its fight against "
    "“terrorism”, dashing hopes for a ceasefire."
)
SAME = [
    (PLEDGE, "Beirut: " + PLEDGE),
    (PLEDGE, PLEDGE.replace("has pledged", "pledged Saturday")),
    (PLEDGE, PLEDGE.replace("“terrorism”", '"terrorism"').replace("the Syrian", "a Syrian")),
    ("The U.S. urged a cease-fire in the north.", "The US urged a ceasefire in the north."),
    ("They showed reciporcal restraint in Syria.", "They showed reciprocal restraint in Syria."),
    ("He favoured the organisation’s plan.", "He favored the organization’s plan."),
]
CONTRADICTING = {
    "figures": ("260,000 people", "245,000 people"),
    "a figure more": ("killed 10 people", "killed people"),
    "numbers in words": ("two people", "three people"),
    "vague numbers": ("dozens of people", "scores of people"),
    "one and two": ("one of the towns", "two of the towns"),
    "magnitudes": ("a million people", "a billion people"),
    "days": ("on Monday", "on Friday"),
    "months": ("in March", "in April"),
    "towns": ("in Homs", "in Hama"),
    "countries alike": ("in Austria", "in Australia"),
    "countries": ("by Iran", "by Iraq"),
    "compass": ("the north of it", "the south of it"),
    "negation": ("did accept", "did not accept"),
    "short negation": ("will accept", "won’t accept"),
    "without": ("with conditions", "without conditions"),
    "opposites": ("would increase", "would decrease"),
    "prefixes": ("a legal party", "an illegal party"),
    "function words": ("before the talks", "after the talks"),
    "persons": ("he was told", "she was told"),
    "deeds": ("were killed there", "were wounded there"),
}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_in_nearly_the_same_words_is_nearly_identical(one: str, other: str) -> None:
    assert nearly_identical(one, other)
    assert nearly_identical(other, one)


@pytest.mark.parametrize("case", CONTRADICTING)
def test_contradictions_are_not_nearly_identical(case: str) -> None:
    # so long that the characters alone would say that it is the same sentence
    around = (
        "The spokesman for the group told the reporters who had come that {} as was known then."
    )
    one, other = (around.format(part) for part in CONTRADICTING[case])
    assert nearly_identical(one, one)
    assert not nearly_identical(one, other)
    assert not nearly_identical(other, one)


def test_who_did_it_to_whom_makes_a_difference() -> None:
    one = "The minister said that Russia had accused Turkey of shelling the border."
    assert not nearly_identical(
        one, one.replace("Russia had accused Turkey", "Turkey had accused Russia")
    )
