"""The store: transactions, snapshots, and damage that is noticed."""

import datetime
import os
import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa.passages import Passage
from qa.store import DamagedStore, FileState, Store, StoredPassage, soundness, vector_key
from qa.store.database import Database

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
    store.vectors.put(MODEL, {vector_key(p): np.full(4, len(p), np.float32) for p in passages})
    document = qa.Document(id=id, text=text, **fields)
    store.put(id, STATE, [(document, stored(*passages, text=text))])


def fail(store: Store, id: str, state: FileState = STATE) -> None:
    """A file that cannot be read."""
    store.put(id, state, failures=[qa.Failure(id, f"cannot read {id!r}")])


def read_everything(store: Store, ids: list[int]) -> None:
    (store.version(), store.states(), store.failures(), store.passages(ids))
    (list(store.entries()), store.outlines())


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
    store.put("a/b.txt", STATE, [(document, [])], path=os.fsencode(document.path))
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
    store.vectors.put(MODEL, {b"key": np.ones(4, np.float32)})
    document = qa.Document(id=text, text=text, title=text)
    store.put(text, STATE, [(document, [StoredPassage(passage, b"key")])])
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
    fail(store, "b", FileState(3, 4))
    store.touch("b", FileState(5, 6, "cc"))
    store.remove("b")
    fail(store, "c")
    assert store.version() == before
    assert store.states() == {"a": FileState(1, 2, "bb"), "c": STATE}
    assert store.failures() == (qa.Failure("c", "cannot read 'c'"),)


def test_a_document_that_becomes_unreadable_goes() -> None:
    store = Store(None)
    put(store, "a", "text")
    before = store.version()
    fail(store, "a")
    assert store.counts() == (0, 0)
    assert store.version() != before


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "text")
    version = store.version()
    twice = stored("text", "text", text="text")
    with pytest.raises(DamagedStore):
        store.put("b", STATE, [(qa.Document(id="b", text="text"), twice)])
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
    monkeypatch.setattr("qa.store.vector_table._BATCH", 2)
    store = Store(None)
    words = ["a", "bb", "ccc", "dddd", "eeeee"]
    put(store, "x", *words)
    batches = list(store.vectors.of_passages(MODEL, 4))
    assert [vectors.shape for _, vectors in batches] == [(2, 4), (2, 4), (1, 4)]
    ids = [id for some, _ in batches for id in some.tolist()]
    assert ids == sorted(ids)
    texts = {id: text for id, _, _, text in store.entries()}
    lengths = [row[0] for _, vectors in batches for row in vectors]
    assert lengths == [len(texts[id]) for id in ids]


def test_passage_ids_do_not_depend_on_what_was_there_before() -> None:
    one, other = Store(None), Store(None)
    put(one, "a", "first", "second")
    put(one, "b", "third")
    put(other, "b", "something else")
    put(other, "b", "third")
    put(other, "a", "first", "second")
    assert list(one.entries()) == list(other.entries())


@pytest.mark.parametrize("most_noted", [0, 2, 250])
def test_vectors_of_forgotten_passages_are_dropped_but_not_with_the_last_document(
    monkeypatch: pytest.MonkeyPatch, most_noted: int
) -> None:
    monkeypatch.setattr("qa.store.vector_table._MOST_NOTED", most_noted)
    store = Store(None)
    put(store, "a", "kept", "changed")
    put(store, "b", "gone", "kept", "common")
    put(store, "c", "common", "gone too")
    store.vectors.put("another model", {vector_key("gone"): np.ones(4, np.float32)})
    put(store, "a", "kept")
    store.remove("b")
    put(store, "c", "common")
    store.vectors.drop_unused()
    keys = [*map(vector_key, ["kept", "common", "changed", "gone", "gone too"])]
    assert store.vectors.named(MODEL, keys, 4).keys() == {*keys[:2]}
    assert not store.vectors.named("another model", keys, 4)
    store.remove("c")
    store.vectors.drop_unused()
    assert store.vectors.named(MODEL, keys, 4).keys() == {keys[0]}
    store.remove("a")
    store.vectors.drop_unused()
    assert store.vectors.named(MODEL, keys, 4).keys() == {keys[0]}


def test_a_lookup_takes_any_number_of_keys() -> None:
    store = Store(None)
    put(store, "a", "text")
    key = vector_key("text")
    many = [key, *(str(number).encode() for number in range(40_000))]
    assert store.vectors.named(MODEL, many, 4).keys() == {key}


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
        "UPDATE documents SET file = 'b'",
        "UPDATE documents SET characters = 0",
        "UPDATE documents SET text_sum = 0",
        "UPDATE documents SET text = CAST(text AS BLOB)",
        "UPDATE documents SET title = CAST(title AS BLOB)",
        "UPDATE files SET id = x'62' WHERE id = 'b'",
        "UPDATE failures SET id = x'62'",
        "UPDATE passages SET document = 'b'",
        "UPDATE passages SET start = start + 1",
        "UPDATE passages SET end = 'far'",
        "UPDATE passages SET sentences = '[[0, 3]]'",
        "UPDATE passages SET id = id + 1",
        "UPDATE passages SET key = x'00'",
        "DELETE FROM passages WHERE start = 0",
        "DELETE FROM documents",
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
    fail(store, "b")
    ids = [id for id, *_ in store.entries()]
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(DamagedStore, match="is damaged"):
        read_everything(store, ids)


def test_an_index_of_files_that_lost_its_entries_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "text")
    fail(store, "b")
    store.close()
    with sqlite3.connect(tmp_path / "store") as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        ((page,),) = connection.execute(sql, ("sqlite_autoindex_files_1",)).fetchall()
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
    connection.close()
    data = bytearray((tmp_path / "store").read_bytes())
    start = (page - 1) * size
    data[start + 3 : start + 5] = bytes(2)  # no cells
    (tmp_path / "store").write_bytes(data)
    again = Store(tmp_path / "store")
    with pytest.raises(DamagedStore, match="index of its files"):
        again.states()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vectors SET vector = zeroblob(16)",
        "UPDATE vectors SET vector = x'00'",
        "UPDATE vectors SET vector = 'text'",
        "UPDATE vectors SET vector = 5",
        "UPDATE vectors SET check_sum = 'none'",
        "UPDATE vectors SET key = x'00' || key",
        "DELETE FROM vectors",
    ],
)
def test_a_vector_that_has_changed_counts_as_missing(tmp_path: Path, change: str) -> None:
    path = tmp_path / "store"
    store = Store(path)
    put(store, "a", "They refused a truce.", "Nobody spoke.")
    with sqlite3.connect(path) as connection:
        connection.execute(f"{change} WHERE rowid = 1")
    connection.close()
    (((id,), matrix),) = store.vectors.of_passages(MODEL, 4)
    assert matrix.tolist() == [4 * [len(store.passages([int(id)])[int(id)][1].text)]]
    keys = [vector_key("They refused a truce."), vector_key("Nobody spoke.")]
    assert store.vectors.named(MODEL, keys, 4).keys() == {keys[1]}
    store.vectors.put(MODEL, {key: np.ones(4, np.float32) for key in keys})
    ((ids, _),) = store.vectors.of_passages(MODEL, 4)
    assert len(ids) == 2


def test_vectors_that_joined_after_a_moment_are_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "one")
    seen = store.vectors.last()
    assert store.vectors.since(seen, MODEL, 4) == ({}, seen)
    put(store, "b", "two", "three")
    put(store, "c", "one")  # is there: it joins again
    new, last = store.vectors.since(seen, MODEL, 4)
    assert new.keys() == {vector_key(word) for word in ("one", "two", "three")}
    assert store.vectors.since(last, MODEL, 4) == ({}, last)
    assert dict(store.passages_by_key(new)).keys() == {id for id, *_ in store.entries()}


def test_one_file_can_hold_many_documents_and_failures() -> None:
    store = Store(None)
    members = [qa.Document(id=f"a.zip/{n}.txt", text=f"text {n}") for n in range(3)]
    failures = [qa.Failure("a.zip/bad.pdf", "cannot read 'a.zip/bad.pdf'")]
    path = b"/folder/a.zip"
    store.put("a.zip", STATE, [(member, []) for member in members], failures, path=path)
    assert list(store.documents()) == store.ids("a.zip") == [m.id for m in members]
    assert {document.path for document in store.documents().values()} == {Path("/folder/a.zip")}
    assert store.states() == {"a.zip": STATE}
    assert store.failures() == tuple(failures)
    before = store.version()
    changed = qa.Document(id="a.zip/1.txt", text="other")
    store.put("a.zip", STATE, [(changed, [])], path=path, kept={"a.zip/0.txt"})
    assert {id: d.text for id, d in store.documents().items()} == {
        "a.zip/0.txt": "text 0",
        "a.zip/1.txt": "other",
    }
    assert store.failures() == ()
    assert store.version() != before
    store.remove("a.zip")
    assert (store.counts(), store.states(), store.failures()) == ((0, 0), {}, ())


def test_a_document_can_go_over_to_another_file() -> None:
    store = Store(None)
    put(store, "a.zip/b.txt", "a file in a folder of that name")
    member = qa.Document(id="a.zip/b.txt", text="a file in an archive")
    store.put("a.zip", STATE, [(member, [])])
    assert store.ids("a.zip") == ["a.zip/b.txt"]
    store.remove("a.zip/b.txt")
    assert store.documents()["a.zip/b.txt"].text == "a file in an archive"


def test_outlines_tell_everything_but_the_text(tmp_path: Path) -> None:
    store = Store(None)
    date = datetime.date(2016, 2, 13)
    document = qa.Document(
        id="a.txt", text="x\0y" * 100, title="T", date=date, source="BBC News", path=Path("/a.txt")
    )
    store.put("a.txt", STATE, [(document, [])], path=b"/a.txt")
    put(store, "b", "text")
    expected = qa.Outline("a.txt", "T", date, "BBC News", Path("/a.txt"), "a.txt", 300)
    assert store.outlines() == (expected, qa.Outline("b", "", None, "", None, "b", 4))


def test_signatures_are_kept_as_long_as_their_documents(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put(store, "a", "one")
    put(store, "b", "two")
    store.put_signatures({"a": b"sa", "b": b"sb"})
    assert store.signatures() == {"a": b"sa", "b": b"sb"}
    with sqlite3.connect(tmp_path / "store") as connection:
        connection.execute("UPDATE signatures SET minhash = x'00' WHERE document = 'b'")
    connection.close()
    assert store.signatures() == {"a": b"sa"}
    put(store, "a", "changed")
    assert store.signatures() == {}


def test_passages_of_the_latest_documents_come_first() -> None:
    store = Store(None)
    put(store, "undated", "no day")
    put(store, "old", "long ago", date=datetime.date(1963, 1, 1))
    put(store, "new", "just now", "and more", date=datetime.date(2016, 2, 13))
    texts = {id: text for id, _, _, text in store.entries()}
    order = [texts[id] for id in store.newest_first()]
    assert order == ["just now", "and more", "long ago", "no day"]


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
    assert store.vectors.take_from(tmp_path / "old") == 2
    keys = [vector_key(f"passage {number}") for number in range(3)]
    assert store.vectors.named(MODEL, keys, 4).keys() == {keys[0], keys[2]}


def test_nothing_is_taken_from_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(random.Random(1).randbytes(5000))
    assert Store(tmp_path / "new").vectors.take_from(tmp_path / "old") == 0


def test_damage_to_the_definition_of_a_table_is_told_in_one_line(tmp_path: Path) -> None:
    Store(tmp_path / "store").close()
    data = (tmp_path / "store").read_bytes()
    at = data.index(b"id TEXT PRIMARY KEY, file TEXT")
    (tmp_path / "store").write_bytes(data[:at] + b'"' + data[at + 1 :])
    with pytest.raises(DamagedStore, match="malformed database schema") as caught:
        Store(tmp_path / "store").counts()
    assert "\n" not in str(caught.value)


def test_a_table_that_damage_made_a_ring_of_is_not_read_for_ever(tmp_path: Path) -> None:
    """Rows that come in the order 1, 2, 0 are found again and again behind the last of them."""
    path = tmp_path / "store"
    with closing(Store(path)) as store:
        store.vectors.put("m", {bytes([n] * 32): np.ones(4, np.float32) for n in range(3)})
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'vectors'"
        ((page,),) = connection.execute(sql)
    data = bytearray(path.read_bytes())
    start = (page - 1) * 4096
    cell = start + int.from_bytes(data[start + 12 : start + 14], "big")  # the third's place
    assert data[cell + 1] == 3  # its rowid, after the length of its content
    data[cell + 1] = 0
    path.write_bytes(data)
    with closing(Store(tmp_path / "new")) as new:
        assert new.vectors.take_from(path) == 3
    with closing(Store(path)) as store, pytest.raises(DamagedStore):
        store.vectors.since(2, "m", 4)
    with closing(Database(path)) as database:
        with pytest.raises(DamagedStore):
            list(soundness.bad_vectors(database))
        assert "out of order" in next(soundness.faults(database))


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
    monkeypatch.setattr("qa.store.database.BUSY_SECONDS", 0.05)
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
