"""The search indexes beside the store: made anew whenever they are not what they should be."""

import json
import logging
import os
import random
from pathlib import Path

import pytest
from fakes import HashingEncoder
from worker import remove_index

import qa
from qa import derived, lexical, vectors
from qa.corpus import Corpus
from qa.filling import fill_all
from qa.ingest import take
from qa.lexical import LexicalIndex, segments
from qa.store import FileState, Store

QUESTION = "Who refused the truce in hill 7?"


@pytest.fixture
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture
def store(tmp_path: Path, encoder: HashingEncoder) -> Store:
    store = Store(tmp_path / "store")
    for number in range(30):
        text = f"The envoy refused a truce in hill {number}. Number {number} spoke of peace."
        put(store, encoder, qa.Document(id=f"{number}.txt", text=text))
    return embedded(store, encoder)


def put(store: Store, encoder: HashingEncoder, document: qa.Document) -> None:
    take(store, encoder, document.id, FileState(1, 1, "aa"), [document])


def embedded(store: Store, encoder: HashingEncoder) -> Store:
    """The store with all its vectors."""
    fill_all(Corpus(store, derived.build(store, encoder), encoder), store, lambda _: None)
    return store


def results(made: derived.Derived, encoder: HashingEncoder) -> list[list[float]]:
    words = made.lexical.search(QUESTION, 10)
    near = made.vectors.search(encoder.encode_question(QUESTION), 10)
    return [array.tolist() for array in (*words, *near)]


def published_files(directory: Path) -> list[Path]:
    found = [path for path in directory.glob("lexical-*/*") if path.name[0] != "."]
    return sorted([directory / "derived.json", *found])


def test_what_was_published_is_loaded(store, encoder, tmp_path: Path) -> None:
    made = derived.publish(store, encoder, tmp_path)
    loaded = derived.load(store, encoder, tmp_path)
    assert loaded is not None
    assert loaded.version == made.version == store.version()
    assert results(loaded, encoder) == results(made, encoder)
    assert results(loaded, encoder)[0]
    assert derived.is_published(tmp_path, store.version())


def test_another_state_of_the_store_is_not_loaded(store, encoder, tmp_path: Path) -> None:
    derived.publish(store, encoder, tmp_path)
    store.remove("3.txt")
    assert derived.load(store, encoder, tmp_path) is None
    assert not derived.is_published(tmp_path, store.version())


def test_publishing_clears_away_what_was_before_and_what_a_killed_process_left(
    store, encoder, tmp_path: Path
) -> None:
    derived.publish(store, encoder, tmp_path)
    (tmp_path / "lexical-killed-9").mkdir()
    (tmp_path / "vectors-killed-9.faiss").write_bytes(b"half")
    (tmp_path / "vectors-killed-9.faiss.99.part").write_bytes(b"half")
    (tmp_path / "derived.json.123.part").write_bytes(b"{")
    store.remove("3.txt")
    derived.publish(store, encoder, tmp_path)
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith("store")}
    version = store.version()
    assert names == {
        "derived.json",
        "vectors.json",
        f"lexical-{version}",
        f"vectors-{version}.faiss",
    }


def test_publishing_over_half_a_publication_of_the_same_state_works(
    store, encoder, tmp_path: Path
) -> None:
    words = tmp_path / f"lexical-{store.version()}"
    words.mkdir()
    (words / "meta.json").write_text("{}")
    made = derived.publish(store, encoder, tmp_path)
    assert len(made.lexical) == 30
    assert derived.load(store, encoder, tmp_path) is not None


@pytest.mark.parametrize("damage", ["truncate", "empty", "flip", "delete", "extend"])
def test_every_damaged_file_is_noticed(
    store, encoder, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    random_numbers = random.Random(damage)
    derived.publish(store, encoder, tmp_path)
    for path in published_files(tmp_path):
        before = path.read_bytes()
        if damage == "delete":
            path.unlink()
        else:
            path.write_bytes(damaged(before, damage, random_numbers))
        caplog.clear()
        caplog.set_level(logging.INFO)
        assert derived.load(store, encoder, tmp_path) is None, path
        assert caplog.messages, path
        path.write_bytes(before)
    assert derived.load(store, encoder, tmp_path) is not None


@pytest.mark.parametrize("damage", ["truncate", "empty", "flip", "delete", "extend"])
def test_vectors_are_made_from_the_store_where_their_file_or_manifest_is_damaged(
    store, encoder, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    random_numbers = random.Random(damage)
    made = derived.publish(store, encoder, tmp_path)
    caplog.set_level(logging.INFO)
    for path in [tmp_path / "vectors.json", *tmp_path.glob("vectors-*")]:
        before = path.read_bytes()
        if damage == "delete":
            path.unlink()
        else:
            path.write_bytes(damaged(before, damage, random_numbers))
        caplog.clear()
        loaded = derived.load(store, encoder, tmp_path)
        assert loaded is not None
        assert results(loaded, encoder) == results(made, encoder)
        assert "making the search indexes" in caplog.text
        path.write_bytes(before)


def test_vectors_are_published_when_every_passage_has_one(encoder, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for number in range(40):
        put(store, encoder, qa.Document(id=f"{number}.txt", text=f"The envoy saw hill {number}."))
    without = derived.publish(store, encoder, tmp_path)
    assert (len(without.vectors), len(without.lexical), without.whole) == (0, 40, False)
    assert not list(tmp_path.glob("vectors*"))
    loaded = derived.load(store, encoder, tmp_path)
    assert loaded is not None
    assert not loaded.whole
    embedded(store, encoder)
    derived.completed(without, store, encoder, tmp_path)
    loaded = derived.load(store, encoder, tmp_path)
    assert loaded is not None
    assert loaded.whole
    assert results(loaded, encoder) == results(derived.build(store, encoder), encoder)


@pytest.mark.parametrize("damage", ["truncate", "empty", "flip", "delete"])
def test_damage_to_files_for_writers_alone_changes_no_result(
    store, encoder, tmp_path: Path, damage: str
) -> None:
    made = derived.publish(store, encoder, tmp_path)
    hidden = [path for path in tmp_path.glob("lexical-*/.*") if path.is_file()]
    assert hidden
    for path in hidden:
        before = path.read_bytes()
        if damage == "delete":
            path.unlink()
        elif before:
            path.write_bytes(damaged(before, damage, random.Random(1)))
        loaded = derived.load(store, encoder, tmp_path)
        assert loaded is None or results(loaded, encoder) == results(made, encoder)
        path.write_bytes(before)


def damaged(data: bytes, damage: str, random_numbers: random.Random) -> bytes:
    if damage == "truncate":
        return data[: random_numbers.randrange(len(data))]
    if damage == "empty":
        return b""
    if damage == "extend":
        return data + b"}"
    position = random_numbers.randrange(len(data))
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    "manifest",
    [b"[]", b"null", b"{}", b'{"version": 1}', b"\xff\xfe", b'{"version": "V", "check_sums": {}}'],
)
def test_a_manifest_of_any_other_shape_is_no_manifest(
    store, encoder, tmp_path: Path, manifest: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    derived.publish(store, encoder, tmp_path)
    version = store.version()
    (tmp_path / "derived.json").write_bytes(manifest.replace(b"V", version.encode()))
    assert derived.load(store, encoder, tmp_path) is None
    assert str(tmp_path) in caplog.text
    made = derived.publish(store, encoder, tmp_path)
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)
    assert derived.load(store, encoder, tmp_path) is not None


def test_a_manifest_cannot_name_files_elsewhere(store, encoder, tmp_path: Path) -> None:
    derived.publish(store, encoder, tmp_path)
    manifest = json.loads((tmp_path / "derived.json").read_bytes())
    manifest["check_sums"]["../../etc/hostname"] = 0
    (tmp_path / "derived.json").write_text(json.dumps(manifest))
    assert derived.load(store, encoder, tmp_path) is None


def test_a_loaded_pair_works_on_after_its_files_are_gone(store, encoder, tmp_path: Path) -> None:
    made = derived.publish(store, encoder, tmp_path)
    loaded = derived.load(store, encoder, tmp_path)
    assert loaded is not None
    for path in tmp_path.glob("lexical-*"):
        remove_index(path)
    assert results(loaded, encoder) == results(made, encoder)


def test_where_they_cannot_be_kept_they_are_made_in_memory(
    store, encoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    made = derived.publish(store, encoder, tmp_path / "file")
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)
    assert "only in memory" in caplog.text


def test_an_empty_store_has_empty_search_indexes(encoder, tmp_path: Path) -> None:
    store = Store(tmp_path / "empty")
    derived.publish(store, encoder, tmp_path)
    loaded = derived.load(store, encoder, tmp_path)
    assert loaded is not None
    assert results(loaded, encoder) == [[], [], [], []]


def test_the_order_in_which_documents_came_makes_no_difference(encoder) -> None:
    found = []
    for order in (1, -1):
        store = Store(None)
        for number in list(range(20))[::order]:
            text = f"The envoy refused a truce in hill {number % 3}."
            put(store, encoder, qa.Document(id=f"{number}.txt", text=text))
        found.append(results(derived.build(embedded(store, encoder), encoder), encoder))
    assert found[0] == found[1]


def test_search_indexes_with_other_terms_are_made_anew(
    store: Store, encoder: HashingEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived.publish(store, encoder, tmp_path)
    assert derived.is_published(tmp_path, store.version())
    monkeypatch.setattr(lexical, "VERSION", lexical.VERSION + 1)
    assert not derived.is_published(tmp_path, store.version())
    assert derived.load(store, encoder, tmp_path) is None


# Documents that join, change and go.


def add(store: Store, encoder: HashingEncoder, *ids: str) -> Store:
    """Add documents, vectors and all; the state that this makes."""
    for id in ids:
        text = f"The envoy spoke of a truce and of {id} in hill 7."
        take(store, encoder, id, FileState(1, 1, text), [qa.Document(id=id, text=text)])
    return embedded(store, encoder).snapshot()


def count_built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of passages of which word indexes are built on the disk from now on."""
    built: list[int] = []
    build = LexicalIndex.build

    def counted(entries, folder=None):
        made = build(entries, folder)
        if folder is not None:
            built.append(len(made))
        return made

    monkeypatch.setattr(LexicalIndex, "build", counted)
    return built


def change(store: Store, encoder: HashingEncoder, id: str, said: str) -> None:
    text = f"The envoy now {said} in hill {id[0]}."
    take(store, encoder, id, FileState(1, 1, said), [qa.Document(id=id, text=text)])


def test_words_of_added_documents_join_those_that_are_published(
    store, encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_PASSAGES", 40)
    derived.publish(store, encoder, tmp_path)
    built = count_built(monkeypatch)
    for number in range(7):
        add(store, encoder, f"a{number}.txt", f"zz{number}.txt")
        derived.publish(store, encoder, tmp_path)
    assert built == 7 * [2]
    add(store, encoder, "last.txt")
    made = derived.publish(store, encoder, tmp_path)
    assert built == [*7 * [2], 1]
    loaded = derived.load(store, encoder, tmp_path)
    assert loaded is not None
    assert results(loaded, encoder) == results(made, encoder)
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)
    assert [path.name for path in tmp_path.glob("lexical-*")] == [f"lexical-{store.version()}"]


@pytest.mark.parametrize("what", ["removed", "changed"])
def test_where_a_document_changed_or_is_gone_only_its_segment_is_written_anew(
    store, encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_PASSAGES", 6)
    derived.publish(store, encoder, tmp_path)
    built = count_built(monkeypatch)
    if what == "removed":
        store.remove("3.txt")
    else:
        change(store, encoder, "3.txt", "refused every truce")
    made = derived.publish(embedded(store, encoder), encoder, tmp_path)
    assert built == [5 if what == "removed" else 6]
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)


@pytest.mark.parametrize("what", ["recipe", "unreadable list", "list gone"])
def test_all_words_are_written_anew_where_it_is_not_known_what_they_are(
    store, encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    derived.publish(store, encoder, tmp_path)
    (listed,) = tmp_path.glob("lexical-*/segments.json")
    if what == "recipe":
        documents = store.documents().values()
        store.start_recipe("another")
        for document in documents:
            put(store, encoder, document)
    elif what == "list gone":
        listed.unlink()
    else:
        listed.write_text("[{}]")
    add(store, encoder, "a.txt")
    built = count_built(monkeypatch)
    made = derived.publish(store, encoder, tmp_path)
    assert built == [31]
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)


def test_small_segments_are_put_together(
    store, encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_PASSAGES", 10)
    for number in range(40):
        add(store, encoder, f"a{number}.txt")
        made = derived.publish(store, encoder, tmp_path)
    (listed,) = tmp_path.glob("lexical-*/segments.json")
    sizes = [segment["passages"] for segment in json.loads(listed.read_text())]
    assert sum(sizes) == 70
    assert len([size for size in sizes if size < 5]) < segments.SMALL_SEGMENTS
    assert len(sizes) < 20
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happened_the_answers_are_those_of_indexes_that_are_made_anew(
    store, encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_PASSAGES", 8)
    monkeypatch.setattr(segments, "SMALL_SEGMENTS", 3)
    monkeypatch.setattr(derived, "CARRIED_SHARE", 0.0)
    monkeypatch.setattr(vectors, "FLAT_PASSAGES", 30)  # it turns 8-bit, and back
    dice = random.Random(seed)
    before = None
    for step in range(25):
        for _ in range(dice.randint(1, 4)):
            id = f"{dice.randint(0, 50)}.txt"
            if dice.random() < 0.5:
                store.remove(id)
            else:
                change(store, encoder, id, f"was {step}")
        now = store.snapshot()
        made = derived.publish(now, encoder, tmp_path, before)
        if dice.random() < 0.8:
            fill_all(Corpus(now, made, encoder), store, lambda _: None)
            made = derived.completed(made, store, encoder, tmp_path)
            anew = derived.build(store, encoder)
            assert results(made, encoder) == results(anew, encoder)
            assert made.vectors.ids.tolist() == anew.vectors.ids.tolist()
            assert made.vectors.kind == anew.vectors.kind
            assert made.whole
            assert made.published
        before = derived.Before(now, made)


def test_vectors_that_are_kept_are_not_read_again(
    store, encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = derived.Before(store.snapshot(), derived.publish(store, encoder, tmp_path))
    change(store, encoder, "3.txt", "refused every truce")
    now = embedded(store, encoder).snapshot()
    monkeypatch.setattr(type(now.vectors), "of_passages", None)
    made = derived.publish(now, encoder, tmp_path, before)
    assert made.published
    monkeypatch.undo()
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)


def test_words_are_made_anew_where_the_published_ones_are_damaged(
    store, encoder, tmp_path: Path
) -> None:
    derived.publish(store, encoder, tmp_path)
    largest = max(tmp_path.glob("lexical-*/*.idx"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-20] + bytes(20))
    made = derived.publish(add(store, encoder, "a.txt"), encoder, tmp_path)
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)


def test_words_join_where_the_file_system_has_no_links(
    store, encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    derived.publish(store, encoder, tmp_path)
    made = derived.publish(add(store, encoder, "a.txt"), encoder, tmp_path)
    assert len(made.lexical) == 31
    assert results(made, encoder) == results(derived.build(store, encoder), encoder)
    assert derived.load(store, encoder, tmp_path) is not None
