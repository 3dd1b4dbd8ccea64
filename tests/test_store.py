"""The store: transactions, snapshots, and damage that is noticed."""

import datetime
import random
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa.passages import Passage
from qa.store import DamagedStore, FileState, Store, StoredPassage, vector_key

STATE = FileState(10, 20, "aa")
MODEL = "model"


def stored(*passages: str, text: str) -> list[StoredPassage]:
    found = []
    for passage in passages:
        start = text.index(passage)
        end = start + len(passage)
        found.append(
            StoredPassage(Passage(start, end, passage, ((start, end),)), vector_key(passage))
        )
    return found


def put(store: Store, id: str, *passages: str, **fields: object) -> None:
    """A document of these passages, with a vector for each."""
    text = "\n".join(passages)
    store.put_vectors(MODEL, {vector_key(p): np.full(4, len(p), np.float32) for p in passages})
    store.put(qa.Document(id=id, text=text, **fields), STATE, stored(*passages, text=text))


def read_everything(store: Store, ids: list[int]) -> None:
    (store.version(), store.states(), store.failures(), store.passages(ids))
    (list(store.entries()), store.vectors(MODEL, 4))


def passage_texts(store: Store) -> list[str]:
    ids = [id for id, *_ in store.entries()]
    return [passage.text for _, passage in store.passages(ids).values()]


def test_a_document_comes_back_as_it_was_put(tmp_path: Path) -> None:
    document = qa.Document(
        id="a/b.txt",
        text="Ein Satz.\x00 他来了 \ufffd\n",
        title="Größe \x00",
        date=datetime.date(2016, 2, 13),
        path=Path("/ä/\udce9.txt"),
        source="ACME",
        format="markdown",
    )
    store = Store(tmp_path / "store")
    store.put(document, STATE, [])
    store.close()
    again = Store(tmp_path / "store")
    assert again.documents() == {"a/b.txt": document}
    assert again.states() == {"a/b.txt": STATE}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.data())
def test_any_text_comes_back_with_its_passages(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    passage = Passage(start, end, text[start:end], ((start, end),))
    store = Store(None)
    store.put_vectors(MODEL, {b"key": np.ones(4, np.float32)})
    document = qa.Document(id=text, text=text, title=text)
    store.put(document, STATE, [StoredPassage(passage, b"key")])
    (id,) = store.passage_ids([text])
    assert store.passages([id]) == {id: (document, passage)}


def test_replacing_a_document_replaces_its_passages_and_raises_the_revision() -> None:
    store = Store(None)
    put(store, "a", "old one", "old two")
    put(store, "b", "other")
    before = store.version()
    put(store, "a", "new")
    assert sorted(passage_texts(store)) == ["new", "other"]
    assert store.version() != before
    assert store.counts() == (2, 2)


def test_what_is_noted_of_files_alone_does_not_change_the_version() -> None:
    store = Store(None)
    put(store, "a", "text")
    before = store.version()
    store.touch("a", FileState(1, 2, "bb"))
    store.fail("b", FileState(3, 4), "cannot read 'b'")
    store.touch("b", FileState(5, 6, "cc"))
    store.remove("b")
    store.fail("c", STATE, "cannot read 'c'")
    assert store.version() == before
    assert store.states() == {"a": FileState(1, 2, "bb")}
    assert store.failed_states() == {"c": STATE}
    assert store.failures() == (qa.Failure("c", "cannot read 'c'"),)


def test_a_document_that_becomes_unreadable_goes() -> None:
    store = Store(None)
    put(store, "a", "text")
    before = store.version()
    store.fail("a", STATE, "cannot read 'a'")
    assert store.counts() == (0, 0)
    assert store.version() != before


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "text")
    version = store.version()
    twice = stored("text", "text", text="text")
    with pytest.raises(DamagedStore):
        store.put(qa.Document(id="b", text="text"), STATE, twice)
    assert (store.counts(), store.version()) == ((1, 1), version)
    put(store, "b", "works again")
    assert store.counts() == (2, 2)


def test_a_snapshot_keeps_its_state_while_another_connection_writes(tmp_path: Path) -> None:
    writer = Store(tmp_path / "store")
    put(writer, "a", "old")
    reader = writer.snapshot()
    version = reader.version()
    put(writer, "a", "new")
    put(writer, "b", "more")
    assert passage_texts(reader) == ["old"]
    assert reader.version() == version != writer.version()
    assert sorted(passage_texts(writer.snapshot())) == ["more", "new"]


def test_vectors_come_in_the_order_of_their_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.store._BATCH", 2)
    store = Store(None)
    words = ["a", "bb", "ccc", "dddd", "eeeee"]
    put(store, "x", *words)
    ids, matrix = store.vectors(MODEL, 4)
    assert ids == sorted(ids)
    texts = {id: text for id, _, _, text in store.entries()}
    assert [row[0] for row in matrix] == [len(texts[id]) for id in ids]
    assert matrix.shape == (5, 4)


def test_passage_ids_do_not_depend_on_what_was_there_before() -> None:
    one, other = Store(None), Store(None)
    put(one, "a", "first", "second")
    put(one, "b", "third")
    put(other, "b", "something else")
    put(other, "b", "third")
    put(other, "a", "first", "second")
    assert list(one.entries()) == list(other.entries())


def test_vectors_of_forgotten_passages_are_dropped_but_not_with_the_last_document() -> None:
    store = Store(None)
    put(store, "a", "kept")
    put(store, "b", "gone")
    store.remove("b")
    store.drop_unused_vectors()
    keys = [vector_key("kept"), vector_key("gone")]
    assert store.kept_keys(MODEL, keys) == {keys[0]}
    store.remove("a")
    store.drop_unused_vectors()
    assert store.kept_keys(MODEL, keys) == {keys[0]}


def test_a_lookup_takes_any_number_of_keys() -> None:
    store = Store(None)
    put(store, "a", "text")
    key = vector_key("text")
    many = [key, *(str(number).encode() for number in range(40_000))]
    assert store.kept_keys(MODEL, many) == {key}


def test_an_index_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(qa.StoreError, match=r"newer version of qa \(schema 99.*upgrade qa") as info:
        Store(path)
    assert not isinstance(info.value, DamagedStore)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"not a database at all", b"SQLite format 3\0" + bytes(4080), bytes(8192)],
    ids=["text", "header only", "zeroes"],
)
def test_a_file_that_is_no_database_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store"
    path.write_bytes(content)
    with pytest.raises(DamagedStore, match="is damaged"):
        Store(path)


def test_another_programs_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE meta (mine)")
    connection.close()
    with pytest.raises(DamagedStore):
        Store(path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE documents SET text = replace(text, 'refused', 'accepted')",
        "UPDATE documents SET title = 'Another'",
        "UPDATE documents SET date = '2001-01-01'",
        "UPDATE documents SET date = 'never'",
        "UPDATE documents SET source = 'Somebody'",
        "UPDATE documents SET text = CAST(x'fffe' AS TEXT)",
        "UPDATE documents SET passages = 'two'",
        "UPDATE documents SET id = x'61'",
        "UPDATE failures SET id = x'62'",
        "UPDATE passages SET document = 'b'",
        "UPDATE passages SET start = start + 1",
        "UPDATE passages SET end = 'far'",
        "UPDATE passages SET sentences = '[[0, 3]]'",
        "UPDATE passages SET id = id + 1",
        "UPDATE passages SET key = x'00'",
        "DELETE FROM passages WHERE start = 0",
        "DELETE FROM documents",
        "UPDATE vectors SET vector = zeroblob(16)",
        "UPDATE vectors SET vector = x'00'",
        "UPDATE vectors SET key = x'00' || key",
        "DELETE FROM vectors",
        "DELETE FROM meta WHERE key = 'revision'",
        "DROP TABLE passages",
    ],
)
def test_whatever_changed_on_the_disk_is_noticed_when_it_is_read(
    tmp_path: Path, change: str
) -> None:
    path = tmp_path / "store"
    store = Store(path)
    put(store, "a", "They refused a truce.", "Nobody spoke.", title="T")
    store.fail("b", STATE, "cannot read 'b'")
    ids = [id for id, *_ in store.entries()]
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(DamagedStore, match="is damaged"):
        read_everything(store, ids)


@pytest.mark.parametrize("table", ["documents", "failures"])
def test_an_index_of_a_table_that_lost_its_entries_is_noticed(tmp_path: Path, table: str) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "text")
    store.fail("b", STATE, "cannot read 'b'")
    store.close()
    with sqlite3.connect(tmp_path / "store") as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        ((page,),) = connection.execute(sql, (f"sqlite_autoindex_{table}_1",)).fetchall()
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
    connection.close()
    data = bytearray((tmp_path / "store").read_bytes())
    start = (page - 1) * size
    data[start + 3 : start + 5] = bytes(2)  # no cells
    (tmp_path / "store").write_bytes(data)
    again = Store(tmp_path / "store")
    with pytest.raises(DamagedStore, match=f"index of its {table}"):
        (again.states(), again.failed_states())


def test_filtering_by_document_notices_missing_passages(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "one", "two")
    with sqlite3.connect(tmp_path / "store") as connection:
        connection.execute("DELETE FROM passages WHERE start = 0")
    connection.close()
    with pytest.raises(DamagedStore):
        store.passage_ids(["a"])
    assert store.passage_ids(["unknown"]) == []


def test_filtering_by_document_notices_a_count_that_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "one", "two")
    with sqlite3.connect(tmp_path / "store") as connection:
        connection.execute("UPDATE documents SET passages = 'two'")
    connection.close()
    with pytest.raises(DamagedStore):
        store.passage_ids(["a"])


def test_what_vectors_a_damaged_file_still_has_are_taken(tmp_path: Path) -> None:
    old = Store(tmp_path / "old")
    put(old, "a", *(f"passage {number}" for number in range(3)))
    old.close()
    with sqlite3.connect(tmp_path / "old") as connection:
        connection.execute("UPDATE vectors SET vector = zeroblob(16) WHERE rowid = 2")
    connection.close()
    store = Store(tmp_path / "new")
    assert store.take_vectors(tmp_path / "old") == 2
    keys = [vector_key(f"passage {number}") for number in range(3)]
    assert store.kept_keys(MODEL, keys) == {keys[0], keys[2]}


def test_nothing_is_taken_from_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(random.Random(1).randbytes(5000))
    assert Store(tmp_path / "new").take_vectors(tmp_path / "old") == 0


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.close()
    store.close()
    with pytest.raises(ValueError, match="the index is closed"):
        store.counts()
    with pytest.raises(ValueError, match="the index is closed"):
        store.remove("a")


def test_a_store_knows_when_its_file_was_moved_or_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert store.in_place()
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    assert not store.in_place()
    Store(tmp_path / "store")
    assert not store.in_place()


def test_a_second_writer_waits_for_the_first_or_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.database.BUSY_SECONDS", 0.05)
    one, other = Store(tmp_path / "store"), Store(tmp_path / "store")
    with one.transaction(), pytest.raises(qa.IndexBusy, match="in use by another process"):
        other.remove("a")
    other.remove("a")


def test_threads_share_a_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                put(store, f"{number}", f"text {number} {turn}")
                assert store.documents([f"{number}"])[f"{number}"].text.endswith(str(turn))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert store.counts() == (8, 8)
    assert store.version().endswith("-80")
