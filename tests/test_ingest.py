"""Documents to passages to the store."""

import pytest
from fakes import HashingEncoder
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa import ingest
from qa.ingest import (
    Taken,
    embedded_text,
    embedded_title,
    only_characters,
    passage_tokens,
    recipe,
    stored_passages,
    take,
)
from qa.passages import PASSAGE_TOKENS
from qa.store import FileState, Store, vector_key

STATE = FileState(1, 1, "aa")
SENTENCE = "The envoy refused a truce in hill number {}. "


def document(id: str, sentences: int, title: str = "") -> qa.Document:
    text = "".join(SENTENCE.format(f"{id}{number}") for number in range(sentences))
    return qa.Document(id=id, text=text, title=title)


def test_a_document_enters_the_store_with_its_passages_and_nothing_is_embedded() -> None:
    store, encoder = Store(None), HashingEncoder()
    taken = take(store, encoder, "long", STATE, [document("long", 1_500)])
    assert taken == Taken(added=("long",), passages=store.counts()[1])
    assert taken.passages > 50
    assert encoder.embedded == 0


def test_a_document_without_a_passage_is_stored() -> None:
    store = Store(None)
    take(store, HashingEncoder(), "blank", STATE, [qa.Document(id="blank", text=" \n\t\n ")])
    assert store.counts() == (1, 0)


def test_of_a_file_of_many_documents_only_what_changed_is_stored_again() -> None:
    store, encoder = Store(None), HashingEncoder()
    members = [document(f"a.zip/{name}", 3) for name in "abc"]
    failures = [qa.Failure("a.zip/d", "cannot read 'a.zip/d'")]
    taken = take(store, encoder, "a.zip", STATE, members, failures, path=b"/a.zip")
    assert taken == Taken(added=("a.zip/a", "a.zip/b", "a.zip/c"), passages=3)
    assert store.failures() == tuple(failures)
    members = [members[0], document("a.zip/b", 4), document("a.zip/e", 1)]
    taken = take(store, encoder, "a.zip", STATE, members, path=b"/a.zip")
    assert taken == Taken(("a.zip/e",), ("a.zip/b",), ("a.zip/c",), passages=2)
    version = store.version()
    assert take(store, encoder, "a.zip", STATE, members, path=b"/a.zip") == Taken()
    assert store.version() == version


def test_what_is_embedded_of_a_passage_is_its_title_and_its_text() -> None:
    encoder = HashingEncoder()
    titled = document("a", 1, title="Peace talks")
    (stored,) = stored_passages(titled, encoder)
    text = f"Peace talks\n{SENTENCE.format('a0').strip()}"
    assert embedded_text("Peace talks", stored.passage) == text
    assert stored.key == vector_key(text)
    assert stored.passage.text == SENTENCE.format("a0").strip()


@pytest.mark.parametrize(
    ("id", "title"),
    [
        ("notes/peace-talks_2016.txt", "peace talks 2016"),
        ("a.zip/peace talks.txt", "peace talks"),
        ("mail/inbox.mbox/7@example.org", "inbox 7@example.org"),
    ],
)
def test_a_title_that_is_the_name_of_the_file_is_not_embedded(id: str, title: str) -> None:
    encoder = HashingEncoder()
    named, titled = document(id, 1, title=title), document(id, 1, title=f"{title}!")
    assert embedded_title(named, encoder) == ""
    assert embedded_title(titled, encoder) == f"{title}!"


def test_a_long_title_leaves_room_for_the_passage() -> None:
    encoder = HashingEncoder()
    long = document("a", 100, title="word " * 2_000)
    title = embedded_title(long, encoder)
    texts = [embedded_text(title, s.passage) for s in stored_passages(long, encoder)]
    longest = max(len(text.split()) for text in texts)
    assert longest <= ingest.TITLE_TOKENS + PASSAGE_TOKENS < encoder.max_tokens


def test_passages_are_shorter_where_the_encoder_reads_less() -> None:
    encoder = HashingEncoder()
    assert passage_tokens(encoder) == PASSAGE_TOKENS
    before = recipe(encoder)
    encoder.max_tokens = 128
    assert passage_tokens(encoder) < 128 - ingest.TITLE_TOKENS
    assert recipe(encoder) != before


@given(st.text(st.characters() | st.sampled_from("\ud800\udfff\ud83d\ude00")))
def test_half_characters_are_replaced_one_by_one(text: str) -> None:
    whole = only_characters(text)
    assert len(whole) == len(text)
    whole.encode()
    assert all(a == b or b == "\ufffd" for a, b in zip(text, whole, strict=True))


def test_a_document_with_half_characters_keeps_its_offsets() -> None:
    store = Store(None)
    odd = qa.Document(id="a", text="He said \ud83d loudly.", title="\udc00")
    take(store, HashingEncoder(), "a", STATE, [odd])
    assert store.documents()["a"].text == "He said \ufffd loudly."
    assert store.documents()["a"].title == "\ufffd"
