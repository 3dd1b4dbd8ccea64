from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest

from qa.vectors import Kind, VectorIndex, Vectors

IDS = np.arange(100, 300, 2)


def unit_rows(n: int, d: int = 16, seed: int = 0) -> Vectors:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return unit_rows(100)


@pytest.fixture(scope="module")
def index(vectors: Vectors) -> VectorIndex:
    return VectorIndex(IDS, vectors)


@pytest.fixture(scope="module")
def query() -> Vectors:
    return unit_rows(1, seed=1)[0]


def test_search_is_exact(index: VectorIndex, vectors: Vectors, query: Vectors) -> None:
    ids, cosines = index.search(query, 10)
    best = np.argsort(-(vectors @ query))[:10]
    assert ids.tolist() == IDS[best].tolist()
    assert np.allclose(cosines, (vectors @ query)[best], atol=1e-6)
    assert (np.diff(cosines) <= 0).all()


def test_only_the_named_ids_are_searched(index: VectorIndex, query: Vectors) -> None:
    among = {100, 150, 298}
    ids, cosines = index.search(query, 10, among=among)
    assert set(ids.tolist()) == among
    everywhere = dict(zip(*index.search(query, 100), strict=True))
    assert [everywhere[id] for id in ids] == pytest.approx(cosines)


def test_ids_that_are_not_there_are_not_found(index: VectorIndex, query: Vectors) -> None:
    assert index.search(query, 10, among=[100, 101, 999])[0].tolist() == [100]
    assert len(index.search(query, 10, among=[])[0]) == 0


def test_more_than_there_are_gives_all(index: VectorIndex, query: Vectors) -> None:
    assert len(index.search(query, 10_000)[0]) == len(index) == 100


def test_cosines_come_in_the_order_asked_for(
    index: VectorIndex, vectors: Vectors, query: Vectors
) -> None:
    cosines = index.cosines(query, [298, 100])
    assert cosines == pytest.approx([vectors[99] @ query, vectors[0] @ query], abs=1e-6)
    assert index.cosines(query, []).shape == (0,)


def test_a_saved_index_answers_as_before(
    index: VectorIndex, query: Vectors, tmp_path: Path
) -> None:
    index.save(tmp_path / "vectors.faiss")
    loaded = VectorIndex.load(tmp_path / "vectors.faiss")
    assert len(loaded) == len(index)
    for one, other in zip(index.search(query, 7), loaded.search(query, 7), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(loaded.cosines(query, [100]), index.cosines(query, [100]))
    assert loaded.search(query, 5, among=[100, 150])[0].size == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_file_is_refused(index: VectorIndex, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "vectors.faiss"
    index.save(path)
    data = path.read_bytes()
    path.write_bytes({"cut": data[:100], "empty": b"", "other": b"not an index " * 99}[damage])
    with pytest.raises(RuntimeError):
        VectorIndex.load(path)


def test_an_empty_index_finds_nothing(query: Vectors, tmp_path: Path) -> None:
    empty = VectorIndex([], np.empty((0, 16), np.float32))
    assert len(empty) == 0
    assert len(empty.search(query, 5)[0]) == 0
    empty.save(tmp_path / "empty.faiss")
    assert len(VectorIndex.load(tmp_path / "empty.faiss")) == 0


@pytest.mark.parametrize("shape", [(3, 16), (2,), (2, 2, 2)])
def test_ids_and_vectors_must_match(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="2 ids for vectors of shape"):
        VectorIndex([1, 2], np.zeros(shape, np.float32))


@pytest.mark.parametrize("kind", ["flat", "8-bit"])
def test_what_is_added_is_found_and_what_is_removed_is_not(kind: Kind) -> None:
    vectors = unit_rows(60)
    index = VectorIndex([3, 1], vectors[:2], kind=kind)
    index.add([2, 10, 7], vectors[2:5])
    assert index.ids.tolist() == [1, 2, 3, 7, 10]
    assert index.search(vectors[3], 1)[0].tolist() == [10]
    index.remove([10, 3, 999])
    assert index.ids.tolist() == [1, 2, 7]
    assert len(index) == 3
    assert set(index.search(vectors[3], 9)[0].tolist()) == {1, 2, 7}
    assert index.cosines(vectors[2], [2])[0] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("kind", ["flat", "8-bit"])
def test_an_id_that_is_added_again_gets_the_new_vector(kind: Kind) -> None:
    vectors = unit_rows(9)
    index = VectorIndex([5, 6], vectors[:2], kind=kind)
    index.add([6, 7], vectors[2:4])
    assert index.ids.tolist() == [5, 6, 7]
    assert index.cosines(vectors[2], [6])[0] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("kind", ["flat", "8-bit"])
def test_an_id_without_a_vector_has_no_cosine(kind: Kind) -> None:
    vectors = unit_rows(9)
    index = VectorIndex([5, 6], vectors[:2], kind=kind)
    cosines = index.cosines(vectors[0], [4, 5, 99])
    assert np.isnan(cosines).tolist() == [True, False, True]
    assert cosines[1] == pytest.approx(1, abs=0.01)
    empty = VectorIndex([], np.empty((0, 16), np.float32), kind=kind)
    assert np.isnan(empty.cosines(vectors[0], [4])).all()


@pytest.mark.parametrize("ids", [[1, 1], [1]])
def test_what_is_added_must_match_too(ids: list[int]) -> None:
    index = VectorIndex([], np.empty((0, 16), np.float32))
    with pytest.raises(ValueError, match="ids"):
        index.add(ids, unit_rows(2))
    assert len(index) == 0


def test_the_kind_is_chosen_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.vectors.FLAT_PASSAGES", 20)
    vectors = unit_rows(40)
    assert VectorIndex(range(20), vectors[:20]).kind == "flat"
    assert VectorIndex(range(21), vectors[:21]).kind == "8-bit"
    assert VectorIndex(range(40), vectors, kind="flat").kind == "flat"
    assert VectorIndex(range(2), vectors[:2], kind="8-bit").kind == "8-bit"


def test_a_flat_index_that_grows_too_large_turns_8_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.vectors.FLAT_PASSAGES", 20)
    vectors = unit_rows(40)
    index = VectorIndex(range(15), vectors[:15])
    named = VectorIndex(range(15), vectors[:15], kind="flat")
    for one in (index, named):
        one.add(range(15, 40), vectors[15:])
    assert (index.kind, named.kind) == ("8-bit", "flat")
    assert index.ids.tolist() == list(range(40))
    assert all(index.search(vector, 1)[0] == [id] for id, vector in enumerate(vectors))


def test_8_bits_give_nearly_the_cosines(vectors: Vectors, query: Vectors) -> None:
    trained_on_two = VectorIndex(IDS[:2], vectors[:2], kind="8-bit")
    trained_on_two.add(IDS[2:], vectors[2:])
    for index in (VectorIndex(IDS, vectors, kind="8-bit"), trained_on_two):
        difference = np.abs(index.cosines(query, IDS) - vectors @ query).max()
        assert 0 < difference < 0.01


def test_a_saved_8_bit_index_stays_one(vectors: Vectors, query: Vectors, tmp_path: Path) -> None:
    index = VectorIndex(IDS, vectors, kind="8-bit")
    index.save(tmp_path / "vectors.faiss")
    loaded = VectorIndex.load(tmp_path / "vectors.faiss")
    assert loaded.kind == "8-bit"
    assert loaded.ids.tolist() == IDS.tolist()
    assert np.array_equal(loaded.search(query, 9)[0], index.search(query, 9)[0])
    loaded.add([1], query[np.newaxis])
    assert loaded.search(query, 1)[0].tolist() == [1]


def test_a_file_of_before_is_read(vectors: Vectors, query: Vectors, tmp_path: Path) -> None:
    before = faiss.IndexIDMap2(faiss.IndexFlatIP(16))
    before.add_with_ids(vectors, IDS)
    faiss.write_index(before, str(tmp_path / "vectors.faiss"))
    loaded = VectorIndex.load(tmp_path / "vectors.faiss")
    assert (loaded.kind, len(loaded)) == ("flat", 100)
    assert loaded.search(query, 1)[0] == IDS[np.argmax(vectors @ query)]


def test_an_index_without_ids_is_refused(vectors: Vectors, tmp_path: Path) -> None:
    without = faiss.IndexFlatIP(16)
    without.add(vectors)
    faiss.write_index(without, str(tmp_path / "vectors.faiss"))
    with pytest.raises(RuntimeError, match="no index with ids"):
        VectorIndex.load(tmp_path / "vectors.faiss")


def test_ids_cannot_be_written_into(index: VectorIndex) -> None:
    with pytest.raises(ValueError, match="read-only"):
        index.ids[0] = 1


@pytest.mark.parametrize("kind", ["flat", "8-bit"])
def test_searches_go_on_beside_additions(kind: Kind) -> None:
    vectors = unit_rows(4000)
    index = VectorIndex([0], vectors[:1], kind=kind)
    done = threading.Event()

    def search() -> int:
        wrong = 0
        while not done.is_set():
            known = index.ids
            wrong += int(np.isnan(index.cosines(vectors[0], known)).sum())
            wrong += index.search(vectors[0], 1)[0].tolist() != [0]
        return wrong

    with ThreadPoolExecutor(3) as pool:
        searching = [pool.submit(search) for _ in range(3)]
        for first in range(1, 4000, 16):
            index.add(range(first, min(first + 16, 4000)), vectors[first : first + 16])
        done.set()
        assert sum(one.result() for one in searching) == 0
    assert len(index) == 4000


# As if it had been made at once.


@pytest.mark.parametrize("kind", ["flat", "8-bit"])
@pytest.mark.parametrize("n", [1, 5, 17, 40])
def test_of_vectors_that_are_as_near_those_of_the_least_ids_are_found(kind: Kind, n: int) -> None:
    same = np.repeat(unit_rows(2), [3, 40], axis=0)  # (43, d)
    order = np.random.default_rng(3).permutation(43)
    index = VectorIndex(100 + order, same[order], kind=kind)
    ids, cosines = index.search(same[-1], n)
    assert ids.tolist() == list(range(103, 103 + n))
    assert len(set(cosines.tolist())) == 1


def test_a_copy_goes_its_own_way(vectors: Vectors, query: Vectors) -> None:
    index = VectorIndex(IDS, vectors)
    before = index.search(query, 10)
    copy = index.copy()
    copy.remove(IDS[:50])
    copy.add([7], query[np.newaxis])
    assert (len(index), len(copy)) == (100, 51)
    assert copy.search(query, 1)[0].tolist() == [7]
    for one, other in zip(before, index.search(query, 10), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_an_index_that_says_it_is_fitted_is_the_one_that_would_be_made_at_once(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("qa.vectors.FLAT_PASSAGES", 30)
    dice, query = np.random.default_rng(seed), unit_rows(1, d=100)[0]
    far = dice.random((500, 100)) < 0.002
    rows = unit_rows(500, d=100, seed=seed) * np.where(far, 8, 1)  # beyond what is usual
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    numbers = dice.choice(500, 32, replace=False)
    index = VectorIndex(numbers, rows[numbers])
    fitted = []
    for _ in range(80):
        index.remove(dice.choice(500, 5))
        numbers = dice.choice(500, int(dice.integers(2)), replace=False)
        index.add(numbers, rows[numbers])
        anew = VectorIndex(index.ids, rows[index.ids])
        fitted.append(index.fitted)
        if not index.fitted:
            index = anew
        for one, other in zip(index.search(query, 60), anew.search(query, 60), strict=True):
            assert np.array_equal(one, other)
    assert set(fitted) == {True, False}


def test_how_far_8_bits_reach_is_known_when_vectors_come_and_go() -> None:
    signs = np.sign(unit_rows(50, d=100))
    rows, far = (signs / 10).astype(np.float32), np.eye(100, dtype=np.float32)[:1]
    index = VectorIndex(np.arange(50), rows, kind="8-bit")
    index.remove([3])
    index.add([3], rows[4:5])
    assert index.fitted
    index.add([99], far)
    assert not index.fitted
    anew = VectorIndex([*range(50), 99], np.concatenate([rows, far]), kind="8-bit")
    anew.remove([7])
    assert anew.fitted
    anew.remove([99])
    assert not anew.fitted


@pytest.mark.parametrize("size", [0, 1, 29, 30, 31, 70])
def test_vectors_that_come_some_at_a_time_make_the_same_index(
    monkeypatch: pytest.MonkeyPatch, query: Vectors, size: int
) -> None:
    monkeypatch.setattr("qa.vectors.FLAT_PASSAGES", 30)
    rows, ids = unit_rows(size), np.arange(size)
    came = 0

    def batches():
        nonlocal came
        came += 1
        for first in range(0, size, 8):
            yield ids[first : first + 8], rows[first : first + 8]

    index, once = VectorIndex.gathered(batches, 16), VectorIndex(ids, rows)
    assert came == (2 if size > 30 else 1)
    assert (index.kind, index.fitted, len(index)) == (once.kind, True, size)
    for one, other in zip(index.search(query, size), once.search(query, size), strict=True):
        assert np.array_equal(one, other)
