from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx.parser
import onnxruntime
import pytest
import tokenizers

from qa import models, prepared, reader_model
from qa.errors import ModelError
from qa.models import ModelFiles

INNER = "shifted"
TOKENS = [3, 1, 4, 1, 5]
GRAPH = f"""
<ir_version: 8, opset_import: ["": 17]>
small (int64[1, n] input_ids, int64[1, n] attention_mask, int64[1, n] token_type_ids)
    => (float[1, n] result)
    <float[1] ten = {{10.0}}, float[1] two = {{2.0}}>
{{
    ids = Cast<to = 1>(input_ids)
    mask = Cast<to = 1>(attention_mask)
    segments = Cast<to = 1>(token_type_ids)
    tens = Mul(segments, ten)
    sum = Add(ids, tens)
    {INNER} = Add(sum, mask)
    result = Mul({INNER}, two)
}}
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def files(tmp_path: Path, cache: Path) -> ModelFiles:
    """A graph of a few nodes with a model's inputs: twice (the ids + 10 * the segments + 1)."""
    folder = tmp_path / "wheel"
    folder.mkdir()
    onnx.save(onnx.parser.parse_model(GRAPH), folder / "model.onnx")
    return ModelFiles("small", folder, hashlib.sha256(b"small").hexdigest())


def kept(cache: Path) -> Path:
    (graph,) = cache.glob("*.onnx")
    return graph


def run(files: ModelFiles) -> list[float]:
    return prepared.load(files).run(TOKENS)[0][0].tolist()  # type: ignore[no-any-return]


def test_a_graph_gives_its_outputs_for_one_text_or_two(files: ModelFiles) -> None:
    graph = prepared.load(files)
    assert graph.run(TOKENS)[0].tolist() == [[8, 4, 10, 4, 12]]
    assert graph.run(TOKENS, 3)[0].tolist() == [[8, 4, 10, 24, 32]]


def test_inner_values_are_given_besides_when_they_are_asked_for(files: ModelFiles) -> None:
    result, inner = prepared.load(files, [INNER]).run(TOKENS)
    assert inner.tolist() == [[4, 2, 5, 2, 6]]
    again = prepared.load(files, [INNER]).run(TOKENS)
    assert [value.tolist() for value in again] == [result.tolist(), inner.tolist()]


def test_what_was_prepared_is_kept_and_used_again(files: ModelFiles, cache: Path) -> None:
    first = run(files)
    assert {path.suffix for path in cache.iterdir()} == {".onnx", ".crc"}
    (files.folder / "model.onnx").unlink()
    assert run(files) == first


def test_other_outputs_are_another_graph(files: ModelFiles, cache: Path) -> None:
    assert len(prepared.load(files).run(TOKENS)) == 1
    assert len(prepared.load(files, [INNER]).run(TOKENS)) == 2
    assert len(prepared.load(files).run(TOKENS)) == 1
    assert len(list(cache.glob("*.onnx"))) == 2


def test_another_model_has_a_graph_of_its_own(files: ModelFiles, cache: Path) -> None:
    run(files)
    other = ModelFiles("other", files.folder, hashlib.sha256(b"other").hexdigest())
    run(other)
    assert len(list(cache.glob("*.onnx"))) == 2


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "no sum", "odd sum", "no graph"])
def test_a_damaged_graph_is_prepared_again(
    files: ModelFiles, cache: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(files)
    graph = kept(cache)
    whole, total = graph.read_bytes(), graph.with_suffix(".crc")
    match damage:
        case "flipped":
            middle = len(whole) // 2
            graph.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        case "cut":
            graph.write_bytes(whole[:-20])
        case "empty":
            graph.write_bytes(b"")
        case "no sum":
            total.unlink()
        case "odd sum":
            total.write_bytes(b"\xff?")
        case "no graph":
            graph.unlink()
    with caplog.at_level(logging.WARNING):
        assert run(files) == first
    assert ("damaged" in caplog.text) == (damage not in ("no sum", "no graph"))
    caplog.clear()
    (files.folder / "model.onnx").unlink()  # it is not needed any more
    assert run(files) == first
    assert not caplog.text


def test_a_graph_that_onnxruntime_refuses_is_prepared_again(files: ModelFiles, cache: Path) -> None:
    """Written whole, and all the same not what this onnxruntime reads."""
    first = run(files)
    graph = kept(cache)
    graph.write_bytes(b"no graph at all")
    graph.with_suffix(".crc").write_text(str(prepared.check_sum(graph)), "ascii")
    assert run(files) == first


def test_where_nothing_can_be_kept_it_is_said_in_one_line(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set QA_CACHE_DIR") as error:
        prepared.load(files)
    assert "\n" not in str(error.value)


def test_nothing_is_left_of_a_preparation_that_failed(files: ModelFiles, cache: Path) -> None:
    (files.folder / "model.onnx").write_bytes(b"no graph at all")
    with pytest.raises(ModelError, match=r"cannot read .*model\.onnx"):
        prepared.load(files)
    assert list(cache.iterdir()) == []


def test_a_token_that_the_vocabulary_has_not_is_named() -> None:
    vocabulary = tokenizers.models.WordLevel({"[CLS]": 7}, unk_token="[CLS]")
    tokenizer = tokenizers.Tokenizer(vocabulary)
    assert prepared.token_id(tokenizer, "[CLS]") == 7
    with pytest.raises(ModelError, match=r"has no \[unused0\]"):
        prepared.token_id(tokenizer, "[unused0]")


def test_results_come_in_the_order_of_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "cores", lambda: 2)
    second_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:  # begun first, done last
            assert second_done.wait(60)
        second_done.set()
        return item * item

    assert list(prepared.side_by_side(work, range(5))) == [0, 1, 4, 9, 16]
    assert list(prepared.side_by_side(work, [])) == []


def test_a_mistake_in_one_of_them_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(prepared.side_by_side(lambda item: 1 / item, [1, 0, 2]))


def test_what_is_not_taken_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "cores", lambda: 1)
    begun: list[int] = []
    taken = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item:
            assert taken.wait(60)
        return item

    results = prepared.side_by_side(work, range(100))
    assert isinstance(results, Iterator)
    assert next(results) == 0
    threading.Timer(0.05, taken.set).start()
    results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 3


def test_at_least_one_core_may_be_used() -> None:
    assert prepared.cores() >= 1


@pytest.mark.model
@pytest.mark.parametrize("name", [models.READER, models.MATCHER])
def test_a_prepared_graph_gives_the_numbers_of_the_wheel_own_graph(name: str) -> None:
    files = models.find_installed(name)
    tokens = prepared.tokenizer(files).encode("When does it close?", "It closes on Monday.").ids
    outputs = reader_model._STATES if name == models.READER else []
    ours = prepared.load(files, outputs).run(tokens, 7)
    ids = np.array([tokens])
    segments = (np.arange(len(tokens)) >= 7).astype(np.int64)[None]
    session = onnxruntime.InferenceSession(
        files.folder / "model.onnx", disabled_optimizers=prepared.SLOWER
    )  # in 8 bits a rounding more or less is seen in the second digit
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": segments}
    theirs = session.run(None, feed)
    assert len(ours) == len(theirs) + len(outputs)
    for one, other in zip(ours, theirs, strict=False):
        np.testing.assert_allclose(one, other, atol=1e-4)
    for inner in ours[len(theirs) :]:
        assert inner.shape == (1, len(tokens), 384)
