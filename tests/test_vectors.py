from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa.vectors import VectorIndex, Vectors

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
