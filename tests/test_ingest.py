"""Documents to passages to vectors to the store."""

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import HashingEncoder
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa import ingest
from qa.ingest import Ingester, only_characters, passage_tokens, recipe
from qa.passages import PASSAGE_TOKENS
from qa.store import FileState, Store

STATE = FileState(1, 1, "aa")
SENTENCE = "The envoy refused a truce in hill number {}. "


def document(id: str, sentences: int, title: str = "") -> qa.Document:
    text = "".join(SENTENCE.format(f"{id}{number}") for number in range(sentences))
    return qa.Document(id=id, text=text, title=title)


class RecordingEncoder(HashingEncoder):
    """Remembers the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.batches.append(list(texts))
        return super().encode_passages(texts)


def test_documents_enter_the_store_whole_and_in_windows() -> None:
    store, encoder = Store(None), RecordingEncoder()
    ingester = Ingester(store, encoder)
    for number in range(50):
        ingester.add(document(f"d{number}", 40), STATE)
    assert 0 < store.counts()[0] < 50
    ingester.flush()
    assert store.counts()[0] == 50
    assert {len(batch) for batch in encoder.batches[:-1]} == {ingest.WINDOW_PASSAGES}


def test_a_document_longer_than_a_window_is_embedded_in_several() -> None:
    store, encoder = Store(None), RecordingEncoder()
    told: list[int] = []
    Ingester(store, encoder, told.append).add(document("long", 1_500), STATE)
    _, passages = store.counts()
    assert passages > 2 * ingest.WINDOW_PASSAGES
    assert max(len(batch) for batch in encoder.batches) <= ingest.WINDOW_PASSAGES
    assert sum(told) == passages


def test_vectors_are_kept_though_the_process_ends_before_the_document_is_in() -> None:
    store, encoder = Store(None), HashingEncoder()

    class Killed(BaseException):
        pass

    def kill(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        Ingester(store, encoder, kill).add(document("long", 1_500), STATE)
    assert store.counts() == (0, 0)
    encoder.embedded = 0
    Ingester(store, encoder).add(document("long", 1_500), STATE)
    assert encoder.embedded == store.counts()[1] - ingest.WINDOW_PASSAGES


def test_a_document_without_a_passage_is_stored() -> None:
    store = Store(None)
    ingester = Ingester(store, HashingEncoder())
    ingester.add(qa.Document(id="blank", text=" \n\t\n "), STATE)
    ingester.flush()
    assert store.counts() == (1, 0)


def test_many_documents_without_passages_do_not_pile_up() -> None:
    store = Store(None)
    ingester = Ingester(store, HashingEncoder())
    for number in range(ingest.WINDOW_PASSAGES):
        ingester.add(qa.Document(id=str(number), text=" "), STATE)
    assert store.counts() == (ingest.WINDOW_PASSAGES, 0)


def test_a_passage_is_embedded_with_its_title_and_kept_without() -> None:
    store, encoder = Store(None), RecordingEncoder()
    ingester = Ingester(store, encoder)
    ingester.add(document("a", 1, title="Peace talks"), STATE)
    ingester.flush()
    ((text,),) = encoder.batches
    assert text == f"Peace talks\n{SENTENCE.format('a0').strip()}"
    ((_, _, _, kept),) = store.entries()
    assert kept == SENTENCE.format("a0").strip()


def test_a_long_title_leaves_room_for_the_passage() -> None:
    encoder = RecordingEncoder()
    ingester = Ingester(Store(None), encoder)
    ingester.add(document("a", 100, title="word " * 2_000), STATE)
    ingester.flush()
    longest = max(len(text.split()) for batch in encoder.batches for text in batch)
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
    ingester = Ingester(store, HashingEncoder())
    ingester.add(qa.Document(id="a", text="He said \ud83d loudly.", title="\udc00"), STATE)
    ingester.flush()
    assert store.documents()["a"].text == "He said \ufffd loudly."
    assert store.documents()["a"].title == "\ufffd"
