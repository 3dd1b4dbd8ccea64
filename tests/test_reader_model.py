"""The reader: on a graph of random numbers, and, where it is marked, the model itself."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from qa import reader_model
from qa.errors import ModelError
from qa.prepared import Floats
from qa.reader import Page, Reading, SentenceReading
from qa.reader_model import CrossEncoder, Heads
from qa.sentences import sentence_spans

COMPONENTS = 384
READ_AT_MOST = 512  # tokens

OPENS = (
    "The harbour of Westport closes on Monday for repairs, the council said. "
    "“We could not wait any longer,” said Mayor Ann Duffy."
)
BUILT = "The harbour of Westport is the largest of the county. It was built by hand in 1850."
BREAD = "For sourdough bread one needs flour, water and salt. It rises for a whole night."
FOREIGN = (
    "Žižek и Łukasz 😀 met in São Paulo — naïvely, one might say. "
    "In Łódź, 東京から来た Ångström counted 245 façades in “die Straße” on 3 May 1963. "
    "Ünïcödé ﬁne İstanbul ended it."
)


def page(text: str, title: str = "", start: int = 0) -> Page:
    spans = sentence_spans(text, 0, len(text))
    return Page(title, text, start, tuple((start + a, start + b) for a, b in spans))


def words(exact: tuple[int, int] | None, of: Page) -> str:
    assert exact
    return of.text[exact[0] - of.start : exact[1] - of.start]


class RandomGraph:
    """Hidden states by chance; keeps what it was run on."""

    def __init__(self) -> None:
        self.runs: list[tuple[list[int], int]] = []

    def run(self, tokens: Sequence[int], second: int | None = None) -> list[Floats]:
        assert second is not None
        self.runs.append((list(tokens), second))
        chance = np.random.default_rng(sum(tokens) + len(tokens))
        states = [chance.normal(size=(1, len(tokens), COMPONENTS)) for _ in reader_model.LAYERS]
        return [np.array([[chance.normal()]], np.float32), *(s.astype(np.float32) for s in states)]


def small_tokenizer() -> tokenizers.Tokenizer:
    """Cuts and normalises as BERT's does, and knows no word."""
    vocabulary = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return made


def chance_reader() -> CrossEncoder:
    return CrossEncoder(RandomGraph(), small_tokenizer(), Heads.load())  # type: ignore[arg-type]


def check(readings: list[Reading], pages: Sequence[Page]) -> None:
    """What holds of every reading, whatever was read."""
    for reading, read in zip(readings, pages, strict=True):
        assert math.isfinite(reading.relevance)
        assert math.isfinite(reading.says)
        assert not reading.skimmed
        for (start, end), sentence in zip(read.sentences, reading.sentences, strict=True):
            assert math.isfinite(sentence.score)
            assert math.isfinite(sentence.certainty)
            if sentence.exact:
                assert start <= sentence.exact[0] < sentence.exact[1] <= end


ALPHABET = st.sampled_from([*"abcZ .,!?-\n\u2019\u201céßŁ東и", "\U0001f600", "e\u0301", ". The "])


@given(
    st.lists(st.lists(ALPHABET, max_size=80).map("".join), min_size=1, max_size=4),
    st.integers(0, 10_000),
    st.text(max_size=30),
)
def test_exact_words_lie_in_their_sentences_whatever_is_written(
    texts: list[str], start: int, question: str
) -> None:
    pages = [page(text, "A title", start) for text in texts]
    check(chance_reader().read(question, pages), pages)


def test_a_page_is_read_behind_the_question_with_its_title() -> None:
    graph = RandomGraph()
    reader = CrossEncoder(graph, small_tokenizer(), Heads.load())  # type: ignore[arg-type]
    reader.read("Who closes it?", [page("The harbour closes.", "On the sea")])
    ((tokens, second),) = graph.runs
    # question "Who closes it ?"; then title and text: "On the sea", "The harbour closes ."
    assert tokens == [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert second == 6


def test_no_more_is_read_than_the_model_can() -> None:
    graph = RandomGraph()
    reader = CrossEncoder(graph, small_tokenizer(), Heads.load())  # type: ignore[arg-type]
    text = "The harbour closes. " * 300
    long = page(text, "title " * 100)
    (reading,) = reader.read("why " * 2000, [long])
    ((tokens, second),) = graph.runs
    assert len(tokens) == READ_AT_MOST
    assert second == reader_model.QUESTION_TOKENS + 2
    check([reading], [long])
    scores = [sentence.score for sentence in reading.sentences]
    assert reading.sentences[0].exact
    assert reading.sentences[-1].exact is None  # it was not read
    assert scores[-1] <= min(scores)


@pytest.mark.parametrize("text", ["", " \n", "\u200b"])
def test_a_page_without_words_is_read_without_failing(text: str) -> None:
    bare = Page("", text, 7, ())
    (reading,) = chance_reader().read("", [bare])
    check([reading], [bare])


def test_readings_come_in_the_order_of_the_pages() -> None:
    pages = [page("word " * number + "end.") for number in range(1, 30)]
    together = chance_reader().read("Who?", pages)
    assert together == [chance_reader().read("Who?", [one])[0] for one in pages]
    assert len({reading.relevance for reading in together}) == len(pages)


@pytest.mark.parametrize(("seconds", "read"), [(0, 1), (-5, 1), (600, 9)])
def test_one_page_is_read_in_any_case_and_all_when_there_is_time(seconds: float, read: int) -> None:
    pages = [page(BUILT)] * 9
    assert len(chance_reader().read("Who?", pages, seconds=seconds)) == read
    assert chance_reader().read("Who?", [], seconds=seconds) == []


def test_exact_words_are_not_longer_than_they_may_be() -> None:
    long = page(" ".join(f"word{number}" for number in range(200)))
    (reading,) = chance_reader().read("Who?", [long])
    assert len(words(reading.sentences[0].exact, long).split()) <= reader_model.EXACT_TOKENS


# The heads.


def test_the_heads_fit_the_states_that_they_look_at() -> None:
    heads = Heads.load()
    size = len(reader_model.LAYERS) * COMPONENTS
    assert heads.says.shape == heads.sentence.shape == (size,)
    assert heads.exact.shape == (size, 2)
    for values in (heads.says, heads.sentence, heads.exact):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert np.abs(values).max() > 0
    assert math.isfinite(heads.says_bias)
    assert math.isfinite(heads.sentence_bias)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "flipped", "another", "gap"])
def test_damaged_heads_are_told_in_one_line_with_what_to_do(tmp_path: Path, damage: str) -> None:
    whole = reader_model._HEADS.read_bytes()
    path = tmp_path / "heads.npz"
    middle = 3 * len(whole) // 4  # in the weights, not in a name
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(whole[:middle])
        case "text":
            path.write_text("not found")
        case "flipped":
            path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
        case "another":
            np.savez(path, weights=np.zeros(3))
        case "gap":
            with zipfile.ZipFile(reader_model._HEADS) as kept, zipfile.ZipFile(path, "w") as made:
                for name in kept.namelist()[1:]:
                    made.writestr(name, kept.read(name))
    with pytest.raises(ModelError, match="reinstall qa") as error:
        Heads.load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


# The model itself.


@pytest.fixture(scope="module")
def reader() -> CrossEncoder:
    return reader_model.load()


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "answering", "others"),
    [
        ("When does the harbour of Westport close?", OPENS, [BUILT, BREAD]),
        ("How old is the harbour of Westport?", BUILT, [OPENS, BREAD]),
        ("What do I need for sourdough bread?", BREAD, [OPENS, BUILT]),
        ("Who is mayor of the town?", OPENS, [BUILT, BREAD]),
    ],
)
def test_a_passage_that_answers_is_read_better_than_one_that_does_not(
    reader: CrossEncoder, question: str, answering: str, others: list[str]
) -> None:
    best, *rest = reader.read(question, [page(text) for text in [answering, *others]])
    assert best.relevance > max(reading.relevance for reading in rest)
    assert max(sentence.score for sentence in best.sentences) > max(
        sentence.score for reading in rest for sentence in reading.sentences
    )


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "text", "number", "answer"),
    [
        ("When does the harbour close?", OPENS, 0, "Monday"),
        ("Who is the mayor?", OPENS, 1, "Ann Duffy"),
        ("When was the harbour built?", BUILT, 1, "1850"),
        ("How long does the bread rise?", BREAD, 1, "night"),
    ],
)
def test_the_sentence_that_answers_is_found_and_the_words_in_it(
    reader: CrossEncoder, question: str, text: str, number: int, answer: str
) -> None:
    read = page(text, start=1234)
    (reading,) = reader.read(question, [read])
    scores = [sentence.score for sentence in reading.sentences]
    assert scores.index(max(scores)) == number
    assert answer in words(reading.sentences[number].exact, read)


@pytest.mark.model
def test_a_passage_says_it_more_likely_than_one_that_is_merely_about_it(
    reader: CrossEncoder,
) -> None:
    answering, about = reader.read(
        "When does the harbour of Westport close?", [page(OPENS), page(BUILT)]
    )
    assert answering.says > about.says


@pytest.mark.model
@pytest.mark.parametrize("start", [0, 98_765])
def test_offsets_hold_in_every_script(reader: CrossEncoder, start: int) -> None:
    read = page(FOREIGN, "Über Łódź 😀", start)
    readings = reader.read("When did Ångström count façades in Łódź?", [read])
    check(readings, [read])
    found = [words(sentence.exact, read) for sentence in readings[0].sentences]
    assert "1963" in found[1]
    for text in found:
        assert text == text.strip()


@pytest.mark.model
@pytest.mark.parametrize("question", ["", "Who?", "谁？ 😀", "why " * 5000, "x" * 5000])
@pytest.mark.parametrize("text", ["", "\u200b", "😀", BUILT, "word " * 5000, "x" * 5000])
def test_neither_nothing_nor_too_much_makes_it_fail(
    reader: CrossEncoder, question: str, text: str
) -> None:
    read = page(text, "title")
    check(reader.read(question, [read]), [read])


@pytest.mark.model
def test_it_reads_the_same_alone_and_side_by_side(reader: CrossEncoder) -> None:
    pages = [page(text) for text in (OPENS, BUILT, BREAD, FOREIGN)]
    together = reader.read("When was it built?", pages)
    assert together == [reader.read("When was it built?", [one])[0] for one in pages]


@pytest.mark.model
def test_without_time_it_reads_one_page(reader: CrossEncoder) -> None:
    assert len(reader.read("Who?", [page(BUILT)] * 5, seconds=0)) == 1


TABLE = """
| Library | Median latency | Relative |
|---|---|---|
| orjson | 0.01 | 1 |
| json | 0.08 | 6.2 |
"""


@pytest.mark.model
def test_to_a_table_of_figures_no_question_about_something_else_is_answered(
    reader: CrossEncoder,
) -> None:
    (reading,) = reader.read("What is the weather in Oslo?", [page(TABLE)])
    assert reading.says < -2
    assert all(sentence.score < -2 for sentence in reading.sentences)


@given(st.floats(-12, 12), st.floats(-20, 20), st.lists(st.floats(-20, 20), max_size=5))
def test_no_head_is_far_above_the_relevance_and_sentences_keep_their_order(
    relevance: float, says: float, scores: list[float]
) -> None:
    before = Reading(relevance, says, tuple(SentenceReading(score) for score in scores))
    after = reader_model._within_reason(before)
    most = relevance + reader_model.MOST_ABOVE + 1e-9
    assert after.says <= min(says, most)
    found = [sentence.score for sentence in after.sentences]
    assert all(score <= most for score in found)
    assert np.diff(found) == pytest.approx(np.diff(scores))
