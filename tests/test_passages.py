from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import documents, lines
from qa.documents import Document
from qa.passages import Passage, Sentence, cut
from qa.sentences import sentence_spans

SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))
FURNITURE = (
    "Advertisement",
    "Please enter your comment!",
    "Please enter your name here",
    "Kerry wants 'all or nothing'",
    "Updated on",
    "closes on Aleppo",
    "must follow Kremlin",
)
PARAGRAPH = "The army moved north on Friday, a monitor said. It took two villages there. "


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def characters(texts: Sequence[str]) -> list[int]:
    return [len(re.sub(r"\s", "", text)) for text in texts]


def document(text: str, **fields: str) -> Document:
    return Document("a", text, **fields)  # type: ignore[arg-type]


def texts(passages: Sequence[Passage]) -> list[str]:
    return [passage.text for passage in passages]


def kept_characters(text: str, passages: Sequence[Passage]) -> str:
    return re.sub(r"\s", "", "".join(p.text for p in passages))


def characters_to_keep(given: Document) -> str:
    blocks = lines.blocks(given.text, format=given.format, title=given.title)
    kept = [b for b in blocks if b.kind in (lines.Kind.HEADING, lines.Kind.PROSE)]
    return re.sub(r"\s", "", "".join(given.text[b.start : b.end] for b in kept))


def check(given: Document, passages: Sequence[Passage], max_tokens: int) -> None:
    """What holds of every document however it is written."""
    end = 0
    for passage in passages:
        assert passage.text == given.text[passage.start : passage.end] != ""
        assert passage.text == passage.text.strip()
        assert passage.start >= end
        assert words([passage.text])[0] <= max_tokens
        inside = passage.start
        for first, last in passage.sentences:
            assert inside <= first < last <= passage.end
            inside = last
        end = passage.end
    assert kept_characters(given.text, passages) == characters_to_keep(given)


@cache
def seed(path: Path) -> Document:
    return documents.read(path, id=path.name)


def mutated(path: Path, number: int) -> Document:
    """A seed with lines moved, lost, repeated and joined: always the same for one number."""
    chance = random.Random(number)
    found = seed(path).text.split("\n")
    for _ in range(chance.randrange(1, 12)):
        at = chance.randrange(len(found))
        change = chance.randrange(5)
        if change == 0:
            found.insert(chance.randrange(len(found)), found[at])
        elif change == 1 and len(found) > 3:
            del found[at]
        elif change == 2:
            found[at] = found[at][: chance.randrange(len(found[at]) + 1)]
        elif change == 3:
            found.insert(
                at, chance.choice(["Share", "Advertisement", "Heading", "", "😀", "* * *"])
            )
        else:
            found[at] = found[at].replace(". ", chance.choice([".\r\n", " ", "! ", ".” ", ".\n\n"]))
    return document(chance.choice(["\n", "\r\n"]).join(found))


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
@pytest.mark.parametrize("max_tokens", [5, 40, 120, 1000])
def test_passages_of_the_seeds_hold_everything_once(path: Path, max_tokens: int) -> None:
    check(seed(path), cut(seed(path), words, max_tokens=max_tokens), max_tokens)


@given(st.sampled_from(SEEDS), st.integers(0, 10_000), st.sampled_from([3, 30, 150]))
def test_passages_of_mutated_seeds_hold_everything_once(
    path: Path, number: int, max_tokens: int
) -> None:
    changed = mutated(path, number)
    check(changed, cut(changed, words, max_tokens=max_tokens), max_tokens)


LINE = st.one_of(
    st.sampled_from(
        ["Share", "Advertisement", "", "# Heading", "- item", "* * *", "Heading", "\ufeff"]
    ),
    st.text(st.sampled_from("abC .!?”“'\"()[]1…。é😀\t\u00a0"), max_size=60),
    st.just(PARAGRAPH),
)


@given(st.lists(LINE, max_size=12), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_passages_of_any_text_hold_everything_once(
    found: list[str], newline: str, markdown: bool
) -> None:
    made = document(newline.join(found), format="markdown" if markdown else "text")
    check(made, cut(made, words, max_tokens=20), 20)


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_no_passage_holds_furniture_or_the_headline(path: Path) -> None:
    for passage in cut(seed(path), words):
        assert seed(path).title not in passage.text
        for line in passage.text.splitlines():
            assert line.strip() != "Share"
            assert not any(furniture in line for furniture in FURNITURE), line


def test_no_passage_runs_across_furniture() -> None:
    text = f"Title of it\n\n{PARAGRAPH}\n\nAdvertisement\n\n{PARAGRAPH}"
    first, second = cut(document(text), words, max_tokens=1000)
    assert first.text == second.text == PARAGRAPH.strip()


def test_passages_are_evenly_filled() -> None:
    text = " ".join(f"Sentence number {n} has exactly seven words." for n in range(30))
    lengths = [len(p.text.split()) for p in cut(document(text), words, max_tokens=100)]
    assert lengths == [70, 70, 70]


def test_a_passage_holds_whole_sentences_only() -> None:
    text = PARAGRAPH * 20
    whole = {text[start:end] for start, end in sentence_spans(text, 0, len(text))}
    for passage in cut(document(text), words, max_tokens=50):
        assert all(text[start:end] in whole for start, end in passage.sentences)
        assert passage.start == passage.sentences[0][0]
        assert passage.end == passage.sentences[-1][1]


def test_a_heading_opens_a_new_passage_and_is_no_sentence_of_it() -> None:
    text = f"# Title\n\n{PARAGRAPH}\n\n## Looming Disaster\n\n{PARAGRAPH}"
    first, second = cut(document(text, format="markdown"), words, max_tokens=50)
    assert "Looming" not in first.text
    assert second.text.startswith("## Looming Disaster")
    assert next(text[a:b] for a, b in second.sentences).startswith("The army")


def test_very_short_sections_share_a_passage() -> None:
    text = "# Title\n\n" + "".join(f"## Option {n}\n\nIt does {n} things.\n\n" for n in range(9))
    passages = cut(document(text, format="markdown"), words, max_tokens=60)
    assert len(passages) == 3
    assert all(passage.text.startswith("## Option") for passage in passages)


def test_a_sentence_beyond_the_limit_is_divided_between_words() -> None:
    text = " ".join(f"word{n}" for n in range(95)) + "."
    passages = cut(document(text), words, max_tokens=20)
    assert " ".join(texts(passages)) == text
    assert max(words(texts(passages))) <= 20


@pytest.mark.parametrize("letter", ["a", "漢", "😀", "각"])
def test_a_word_beyond_the_limit_is_divided_between_characters(letter: str) -> None:
    def counted(given: Sequence[str]) -> list[int]:  # as encoders do for scripts they hardly know
        return [3 * count for count in characters(given)]

    text = letter * 1000
    passages = cut(document(text), counted, max_tokens=30)
    assert "".join(texts(passages)) == text
    assert max(counted(texts(passages))) <= 30


def test_data_that_counts_as_one_token_does_not_become_an_endless_passage() -> None:
    passages = cut(document("A" * 100_000), words, max_tokens=100)
    assert "".join(texts(passages)) == "A" * 100_000
    assert max(len(passage.text) for passage in passages) <= 20 * 100 + 20


def test_line_ends_of_windows_give_the_same_passages() -> None:
    for path in SEEDS:
        text = seed(path).text
        unix, windows = (
            cut(document(t, title=seed(path).title), words, max_tokens=80)
            for t in (text, text.replace("\n", "\r\n"))
        )
        assert [p.text.split() for p in unix] == [p.text.split() for p in windows]


@pytest.mark.parametrize(
    "text", ["", " \n ", "Share\n\nAdvertisement\n\nPlease enter your comment!"]
)
def test_nothing_to_read_gives_no_passages(text: str) -> None:
    assert cut(document(text), words) == []


def test_scripts_without_spaces_are_kept_whole() -> None:
    text = "彼は来た。彼女は去った。" * 40
    passages = cut(document(text), characters, max_tokens=50)
    assert "".join(texts(passages)) == text
    assert all(p.text.endswith("。") for p in passages)


def test_a_sentence_reads_its_own_characters() -> None:
    given = document("He left. She stayed.")
    assert Sentence(given, 9, 20).text == "She stayed."
