"""The same story again: linked in a folder, and shown once."""

from __future__ import annotations

import datetime
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fakes import HashingEncoder, fake_reranker

import qa
from qa import duplicates, minhash
from qa.directory import STORE
from qa.seeds import default_folder
from qa.store import Store

NAMES = ["Ardmore", "Belcastle", "Corran", "Dunvale", "Eskham", "Farrow", "Glenby", "Hexley"]
THINGS = ["harbour", "mill", "bridge", "school", "market", "tower", "quarry", "ferry", "orchard"]
DEEDS = ["was closed by", "had been promised to", "is to be rebuilt by", "has troubled"]
PEOPLE = ["the mayor of", "two families from", "the fishermen of", "an engineer from"]


def story(seed: int, sentences: int = 12) -> list[str]:
    """Sentences that no other seed has."""
    chance = random.Random(seed)
    return [
        f"The old {chance.choice(THINGS)} behind the {chance.choice(THINGS)} of "
        f"{chance.choice(NAMES)} {chance.choice(DEEDS)} {chance.choice(PEOPLE)} "
        f"{chance.choice(NAMES)}, who said that {chance.choice(THINGS)} and "
        f"{chance.choice(THINGS)} in {chance.choice(NAMES)} belong together."
        for _ in range(sentences)
    ]


def document(id: str, sentences: list[str], **fields: object) -> qa.Document:
    return qa.Document(id=id, text=" ".join(sentences), **fields)  # type: ignore[arg-type]


def in_memory(*documents: qa.Document) -> qa.Index:
    return qa.Index.from_documents(documents, encoder=HashingEncoder())


def opened(folder: Path, place: Path, encoder: HashingEncoder | None = None) -> qa.Index:
    return qa.Index.open(
        folder, directory=place, encoder=encoder or HashingEncoder(), reranker=fake_reranker()
    )


def write(folder: Path, name: str, *paragraphs: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n\n".join(paragraphs))


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were given a signature."""
    texts: list[str] = []
    sign = minhash.signature

    def counting(text: str) -> bytes:
        texts.append(text)
        return sign(text)

    monkeypatch.setattr(minhash, "signature", counting)
    return texts


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every pair that was compared word for word."""
    pairs: list[int] = []
    same = minhash.same

    def counting(one: frozenset[str], other: frozenset[str]) -> bool:
        pairs.append(1)
        return same(one, other)

    monkeypatch.setattr(minhash, "same", counting)
    return pairs


# Which are linked.


def test_the_oldest_comes_first_then_the_longest_and_what_has_no_date_last() -> None:
    told = story(1)
    day = datetime.date(2016, 2, 13)
    index = in_memory(
        document("a-undated", [*told, *told[:1]]),
        document("b-later", told, date=day + datetime.timedelta(1)),
        document("c-cut", told[:10], date=day),
        document("d-whole", told, date=day),
        document("e-other", story(2), date=day),
    )
    assert index.duplicates() == [("d-whole", "c-cut", "b-later", "a-undated")]
    assert index.duplicates_of("c-cut") == ("d-whole", "b-later", "a-undated")
    assert index.duplicates_of("e-other") == index.duplicates_of("nowhere") == ()


def test_groups_come_in_the_order_of_their_best() -> None:
    day = datetime.date(2016, 2, 13)
    index = in_memory(
        document("a", story(1)),
        document("b", story(1)),
        document("c", story(2)),
        document("d", story(2), date=day),
    )
    assert index.duplicates() == [("d", "c"), ("a", "b")]


def test_what_is_the_same_as_a_third_is_in_its_group() -> None:
    told = story(1, 30)
    index = in_memory(
        document("whole", told), document("begin", told[:18]), document("end", told[12:])
    )
    assert minhash.same(*(minhash.shingles(" ".join(part)) for part in (told[:18], told)))
    assert not minhash.same(*(minhash.shingles(" ".join(part)) for part in (told[:18], told[12:])))
    assert [set(group) for group in index.duplicates()] == [{"whole", "begin", "end"}]
    assert index.duplicates()[0][0] == "whole"


def test_daily_notices_that_differ_in_the_day_alone_are_not_linked() -> None:
    notices = [
        document(
            f"{day}",
            [
                f"Time: 2026-05-{day} 08:30. Your bread has been delivered, please"
                " come and pick it up as soon as possible. Have a good day."
            ],
        )
        for day in range(10, 28)
    ]
    assert in_memory(*notices).duplicates() == []


def test_articles_on_the_same_subject_are_not_linked(tmp_path: Path) -> None:
    with opened(default_folder(), tmp_path) as index:
        assert len(index.outlines) == 5
        assert index.duplicates() == []


def test_documents_without_words_are_linked_to_nothing() -> None:
    index = in_memory(qa.Document("a", ""), qa.Document("b", "  "), qa.Document("c", "— * —"))
    assert index.duplicates() == []
    assert in_memory().duplicates() == []


# In a folder.


def test_another_title_a_changed_first_line_cut_sentences_and_furniture_make_no_other_story(
    tmp_path: Path,
) -> None:
    folder, told = tmp_path / "folder", story(1, 20)
    paragraphs = [" ".join(told[start : start + 4]) for start in range(0, 20, 4)]
    write(folder, "first.txt", "Who owns the harbour?", *paragraphs)
    again = [f"Nobody knows. {paragraphs[0]}", *paragraphs[1:2], *paragraphs[3:]]
    write(folder, "again.txt", "Share", "A town is angry", *again, "Advertisement", "Read more:")
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    page = f"<html><head><title>The ferry row</title></head><body><h1>The ferry row</h1>{body}"
    write(folder, "page.html", f"{page}<footer>All rights reserved</footer></body></html>")
    write(folder, "other.txt", "The same subject", *(" ".join(story(n, 4)) for n in range(5, 10)))
    with opened(folder, tmp_path / "index") as index:
        assert [sorted(group) for group in index.duplicates()] == [
            ["again.txt", "first.txt", "page.html"]
        ]


def test_a_file_that_is_there_twice_is_embedded_once(tmp_path: Path) -> None:
    folder, told = tmp_path / "folder", story(1, 60)
    paragraphs = [" ".join(told[start : start + 5]) for start in range(0, 60, 5)]
    write(folder, "first.txt", "Who owns the harbour?", *paragraphs)
    with opened(folder, tmp_path / "index", encoder := HashingEncoder()) as index:
        once = encoder.embedded
        assert once > 1
        write(folder, "again.txt", "Who owns the harbour?", *paragraphs)
        write(folder, "again.md", "# Who owns the harbour?", *paragraphs)
        index.sync()
        assert index.status.passages == 3 * once
        assert encoder.embedded == once
        assert [len(group) for group in index.duplicates()] == [3]


def test_signatures_are_made_once_and_then_only_of_what_is_new(
    tmp_path: Path, signed: list[str]
) -> None:
    folder = tmp_path / "folder"
    for number in range(6):
        write(folder, f"{number}.txt", *story(number))
    opened(folder, tmp_path / "index").close()
    assert len(signed) == 6
    with opened(folder, tmp_path / "index") as index:
        assert index.duplicates() == []
        assert len(signed) == 6
        write(folder, "again.txt", *story(3))
        write(folder, "5.txt", *story(50))
        index.sync()
        assert len(signed) == 8
        assert index.duplicates() == [("3.txt", "again.txt")]
        assert len(signed) == 8


def test_what_was_compared_is_not_compared_again(tmp_path: Path, compared: list[int]) -> None:
    folder = tmp_path / "folder"
    write(folder, "a.txt", *story(1))
    write(folder, "b.txt", *story(1))
    with opened(folder, tmp_path / "index") as index:
        index.duplicates()
        index.duplicates_of("a.txt")
        assert len(compared) == 1
        write(folder, "c.txt", *story(2))
        index.sync()
        assert index.duplicates() == [("a.txt", "b.txt")]
        assert len(compared) == 1
        write(folder, "b.txt", *story(3))
        index.sync()
        assert index.duplicates() == []


def test_however_a_folder_grew_the_links_are_those_of_a_clean_build(tmp_path: Path) -> None:
    folder, chance = tmp_path / "folder", random.Random(7)
    with opened(_start(folder), tmp_path / "grown") as index:
        for step in range(12):
            told = story(chance.randrange(4), 14)
            write(folder, f"{chance.randrange(8)}.txt", *told[: chance.randrange(8, 15)])
            if step % 4 == 3:
                (folder / f"{chance.randrange(8)}.txt").unlink(missing_ok=True)
            index.sync()
            grown = index.duplicates()
    with opened(folder, tmp_path / "clean") as index:
        assert grown == index.duplicates() != []


def _start(folder: Path) -> Path:
    write(folder, "start.txt", *story(0))
    return folder


# What is kept.


def damage(place: Path, statement: str) -> None:
    with closing(sqlite3.connect(place / STORE)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM signatures",
        "UPDATE signatures SET minhash = zeroblob(505)",
        "UPDATE signatures SET check_sum = check_sum + 1",
    ],
)
def test_signatures_that_are_lost_or_damaged_are_missed_by_nobody(
    tmp_path: Path, statement: str
) -> None:
    folder = tmp_path / "folder"
    write(folder, "a.txt", *story(1))
    write(folder, "b.txt", *story(1)[:10])
    opened(folder, tmp_path / "index").close()
    damage(tmp_path / "index", statement)
    with opened(folder, tmp_path / "index") as index:
        assert index.duplicates() == [("a.txt", "b.txt")]


def test_signing_that_was_interrupted_goes_on_where_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "index"
    qa.Index.from_documents(
        [document(f"{n:02}", story(n)) for n in range(10)],
        directory=place,
        encoder=HashingEncoder(),
    ).close()
    damage(place, "DELETE FROM signatures")
    monkeypatch.setattr(duplicates, "_BATCH", 3)
    with closing(Store(place / STORE)) as store:
        with pytest.raises(ValueError, match="closed"):
            duplicates.sign(store, _closes_after(2))
        assert sorted(store.signatures()) == [f"{n:02}" for n in range(6)]
        duplicates.sign(store)
        assert store.unsigned() == []


def _closes_after(calls: int) -> Callable[[], None]:
    left = [calls]

    def after_each() -> None:
        left[0] -= 1
        if not left[0]:
            raise ValueError("the index is closed")

    return after_each


# What is shown.


def republished(text: str) -> str:
    """A seed article as another site would bring it."""
    paragraphs = re.split(r"\n+", text)
    body = [paragraph for paragraph in paragraphs[1:] if paragraph.strip()]
    del body[len(body) // 2]
    furniture = ["Home | News | Sport", "Another headline for the same story", "Share", "Tweet"]
    return "\n\n".join([*furniture, *body, "Advertisement", "© 2016 The Daily Messenger"])


@pytest.mark.parametrize(
    "question",
    [
        "How many air strikes did Russian warplanes launch in Homs?",
        "What does the Syrian Observatory for Human Rights report?",
        "What did Lavrov say about the peace talks in Geneva?",
    ],
)
def test_a_story_that_was_republished_is_shown_once_and_its_other_places_are_named(
    tmp_path: Path, question: str
) -> None:
    folder = tmp_path / "folder"
    for path in sorted(default_folder().glob("*.txt")):
        write(folder, path.name, path.read_text())
        write(folder, f"again-{path.name}", republished(path.read_text()))
    with opened(folder, tmp_path / "index") as index:
        assert [len(group) for group in index.duplicates()] == [2] * 5
        best, *others = index.retrieve(question, k=5)
        (again,) = index.duplicates_of(best.document.id)
        named = [sentence for sentence in best.also_in if sentence.document.id == again]
        assert named
        for sentence in named:
            assert sentence.text in sentence.document.text
        shown = best.passage.text
        assert not any(hit.passage.text in shown or shown in hit.passage.text for hit in others)
        plain = index.ask(question).sentences
        assert len({sentence.text for sentence in plain}) == len(plain)
