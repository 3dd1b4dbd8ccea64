from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.lexical import Entry, LexicalIndex, content_terms, terms
from qa.quotation import quoted, stands_in

TEXTS = [
    "The army of Assad shelled a town near Homs.",
    "A cease-fire was agreed in Geneva, the U.S. envoy told us.",
    "Fighters of IS took the city; it is in the north.",
    "The truce holds, the truce is kept, the truce stands.",
    "More than 245,000 people have been killed.",
    "A café in Malmö was José’s favourite.",
]


def entries(texts: Sequence[str], titles: Sequence[str] = ()) -> list[Entry]:
    titles = titles or [""] * len(texts)
    return [
        Entry(id=10 + number, document=f"d{number}.txt", title=title, text=text)
        for number, (text, title) in enumerate(zip(texts, titles, strict=True))
    ]


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex.build(entries(TEXTS))


def found(index: LexicalIndex, question: str, n: int = 10) -> list[int]:
    """Positions in TEXTS, best first."""
    return [int(id) - 10 for id in index.search(question, n)[0]]


@pytest.mark.parametrize(
    ("question", "position"),
    [
        ("Who agreed to a ceasefire?", 1),
        ("Who agreed to a cease-fire?", 1),
        ("What did the US say?", 1),
        ("What did the U.S. say?", 1),
        ("Where is IS?", 2),
        ("Who was killed, 245000 or fewer?", 4),
        ("How many are 245,000?", 4),
        ("Is there a cafe in Malmo?", 5),
        ("What was Jose's favourite?", 5),
        ("Which towns did Assad’s army shell?", 0),
        ("HOMS", 0),
    ],
)
def test_a_word_is_found_however_it_is_spelled(
    index: LexicalIndex, question: str, position: int
) -> None:
    assert found(index, question)[0] == position


@pytest.mark.parametrize(
    ("joined", "apart"),
    [("ceasefire", "cease-fire"), ("US", "U.S."), ("UN", "U.N."), ("260000", "260,000")],
)
def test_joined_and_divided_forms_find_each_other(joined: str, apart: str) -> None:
    for text, question in [(joined, apart), (apart, joined)]:
        index = LexicalIndex.build(entries([f"{text} it was", "nothing of it"]))
        assert found(index, question) == [0]


def test_a_name_in_capitals_is_not_the_word_that_it_looks_like() -> None:
    index = LexicalIndex.build(entries(["They told us who it is.", "The US, IS and the WHO."]))
    for question in ["What did the US do?", "What is IS?", "Where is the WHO?"]:
        assert found(index, question) == [1]


def test_a_question_all_in_capitals_has_no_names() -> None:
    assert content_terms("WHO ARE YOU?") == []
    assert content_terms("WHO SHELLED HOMS?") == content_terms("Who shelled Homs?")


@pytest.mark.parametrize(
    ("question", "content"),
    [
        ("Who did what to whom?", []),
        ("Please tell me about Homs", ["hom"]),
        ("Homs, Homs and again Homs", ["hom"]),
        ("Isn't it on page 5?", ["page", "5"]),
        ("Assad's and Assad’s", ["assad"]),
        ("They won’t stop, don't and can’t", ["stop"]),
        ("Who won?", ["won"]),
        ("", []),
        ("?! — …", []),
    ],
)
def test_content_terms_are_what_is_asked_for(question: str, content: list[str]) -> None:
    assert content_terms(question) == content


def test_terms_keep_their_order_and_their_repeats() -> None:
    assert terms("Truces, a truce") == ["truce", "a", "truce"]


def test_a_question_of_function_words_alone_is_searched_as_it_is(index: LexicalIndex) -> None:
    assert 2 in found(index, "it is in the")
    assert len(index.search("?", 5)[0]) == 0


def test_scores_descend_and_are_those_of_bm25(index: LexicalIndex) -> None:
    ids, scores = index.search("truce", 5)
    # k1 = 1.2, b = 0.75; lengths are rounded by Tantivy, here not at all as they are small
    lengths = [len(terms(text)) for text in TEXTS]
    idf = np.log(1 + (6 - 1 + 0.5) / (1 + 0.5))
    norm = 1.2 * (0.25 + 0.75 * lengths[3] / np.mean(lengths))
    assert ids.tolist() == [13]
    assert scores[0] == pytest.approx(idf * 3 * 2.2 / (3 + norm), rel=1e-3)
    _, scores = index.search("truce Homs army killed Geneva", 5)
    assert (np.diff(scores) <= 0).all()
    assert (scores > 0).all()


def test_a_match_in_the_title_counts_less_than_one_in_the_passage() -> None:
    both = entries(["a town", "a town near Homs"], ["Homs", "nothing"])
    index = LexicalIndex.build(both)
    assert found(index, "Homs") == [1, 0]
    assert index.passages_with("hom") == 1


def test_only_the_documents_asked_for_are_searched(index: LexicalIndex) -> None:
    ids, scores = index.search("truce Homs army", 5, documents=["d0.txt", "no such"])
    assert ids.tolist() == [10]
    everywhere = dict(zip(*index.search("truce Homs army", 5), strict=True))
    assert scores[0] == everywhere[10]
    assert len(index.search("truce", 5, documents=[])[0]) == 0


def test_only_the_passages_asked_for_are_searched(index: LexicalIndex) -> None:
    everywhere = dict(zip(*index.search("truce Homs army", 5), strict=True))
    ids, scores = index.search("truce Homs army", 5, among=[13, 14, 99])
    assert ids.tolist() == [13]
    assert scores[0] == everywhere[13]
    assert len(index.search("truce", 5, among=[])[0]) == 0
    assert len(index.search("truce", 5, documents=["d0.txt"], among=[13])[0]) == 0


@pytest.mark.parametrize(
    ("phrase", "positions"),
    [
        ("a town near Homs", {0}),
        ("town a near Homs", set()),
        ("towns near Homs", {0}),  # stems; whoever asks looks at the text
        ("a CEASE-FIRE was", {1}),
        ("the is", set()),
        ("fighters of is", {2}),
        ("it is in the", {2}),
        ("café in Malmo", {5}),
        ("José's favourite", {5}),
        ("truce", {3}),
        ("ceasefire", {1}),
    ],
)
def test_a_phrase_is_found_by_its_words_in_their_order(
    index: LexicalIndex, phrase: str, positions: set[int]
) -> None:
    assert {id - 10 for id in index.with_phrases([phrase]).tolist()} == positions


def test_a_phrase_is_found_in_titles_and_all_phrases_in_one_passage_with_its_title() -> None:
    titles = ["A truce in Homs", "A truce in Hama", ""]
    index = LexicalIndex.build(entries(["talks began", "talks ended", "talks began"], titles))
    assert set(index.with_phrases(["a truce in"]).tolist()) == {10, 11}
    assert set(index.with_phrases(["a truce in", "talks began"]).tolist()) == {10}


def test_a_word_that_is_not_indexed_rules_no_passage_out() -> None:
    code = "f" * 64
    index = LexicalIndex.build(entries([f"sum {code} of it", "sum of it"]))
    assert set(index.with_phrases([f"sum {code} of"]).tolist()) == {10, 11}
    assert set(index.with_phrases([f"sum {code}", "nothing"]).tolist()) == set()
    assert set(index.with_phrases([code]).tolist()) == {10, 11}


WORDS = ["US", "the", "WHO", "won't", "Assad’s", "U.S.", "cease-fire", "1,000", "it’s", "AND"]
ODD_WORDS = ["nai\u0308ve", "ﬁrst", "re\u00adfused", "拒绝停火", "x" * 70]
PIECES = st.sampled_from([*WORDS, *ODD_WORDS, " ", " ", "\n", "—", "“", "”", ", "])


@given(st.lists(PIECES, min_size=1, max_size=12), st.data())
def test_no_passage_that_has_a_phrase_is_left_out(pieces: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(pieces) - 1))
    last = data.draw(st.integers(first, len(pieces) - 1))
    phrases = quoted(f"«{''.join(pieces[first : last + 1])}»")
    text = "".join(pieces)
    index = LexicalIndex.build(entries([text, text.lower(), text.upper()]))
    for phrase in phrases:
        if stands_in(phrase, text):
            assert set(index.with_phrases([phrase]).tolist()) == {10, 11, 12}


def test_fewer_come_back_when_there_are_not_so_many(index: LexicalIndex) -> None:
    assert len(index.search("the", 3)[0]) == 3
    assert len(index.search("the", 1000)[0]) <= len(TEXTS) == len(index)


def test_an_empty_index_finds_nothing() -> None:
    index = LexicalIndex.build([])
    assert len(index) == 0
    assert len(index.search("truce", 5)[0]) == 0
    assert index.passages_with("truce") == 0


def test_a_loaded_index_answers_as_the_built_one(tmp_path: Path) -> None:
    built = LexicalIndex.build(entries(TEXTS), tmp_path / "index")
    loaded = LexicalIndex.load(tmp_path / "index")
    for question in ["truce", "Homs army Geneva", "US ceasefire 245,000"]:
        for one, other in zip(built.search(question, 9), loaded.search(question, 9), strict=True):
            assert np.array_equal(one, other)
    assert len(loaded) == len(built)


def test_scores_do_not_depend_on_the_order_of_indexing(index: LexicalIndex) -> None:
    shuffled = entries(TEXTS)
    random.Random(1).shuffle(shuffled)
    other = LexicalIndex.build(shuffled)
    for question in ["truce", "the army killed people in Geneva", "IS US"]:
        one, two = (dict(zip(*i.search(question, 9), strict=True)) for i in (index, other))
        assert one == two


def test_of_passages_that_score_alike_the_same_are_found_in_whatever_order_they_came() -> None:
    found = []
    for step in (1, 7, 63):
        order = [number * step % 64 for number in range(64)]
        entries = [Entry(number, f"{number}", "", "The truce held in Homs.") for number in order]
        ids, scores = LexicalIndex.build(entries).search("truce in Homs", 10)
        assert len(set(scores.tolist())) == 1
        found.append(ids.tolist())
    assert found == [list(range(10))] * 3


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: str) -> None:
    LexicalIndex.build(entries(TEXTS), tmp_path / "index")
    meta = tmp_path / "index" / "meta.json"
    meta.write_bytes(meta.read_bytes()[:20]) if damage == "cut" else meta.unlink()
    with pytest.raises(ValueError):
        LexicalIndex.load(tmp_path / "index")


def test_words_too_long_to_be_words_are_left_out() -> None:
    assert terms("x" * 61 + " " + "y" * 59) == ["y" * 59]


@given(st.text(max_size=200))
def test_any_text_can_be_indexed_and_asked(text: str) -> None:
    assert set(content_terms(text)) <= set(terms(text))
    index = LexicalIndex.build(entries([text, "something else"]))
    assert len(index.search(text, 5)[0]) <= 2
