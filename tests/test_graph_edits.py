from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from qa import graph_edits

WEIGHTS = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)


def written(path: Path, *, mask_of: str) -> Path:
    """A graph that adds 1 - `mask_of`, times -9, to scores before a softmax."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4])
        for name in ("states", "attention_mask")
    ]
    nodes = [
        helper.make_node("MatMul", ["states", "weights"], ["scores"]),
        helper.make_node("Sub", ["one", mask_of], ["absent"]),
        helper.make_node("Mul", ["absent", "minus"], ["mask"]),
        helper.make_node("Add", ["mask", "scores"], ["masked"]),
        helper.make_node("Softmax", ["masked"], ["weighted"]),
        helper.make_node("Mul", ["weighted", "attention_mask"], ["out"]),
    ]
    constants = [
        numpy_helper.from_array(WEIGHTS, "weights"),
        numpy_helper.from_array(np.float32(1), "one"),
        numpy_helper.from_array(np.float32(-9), "minus"),
    ]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 4])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))
    return path


def run(path: Path, states: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path))
    found: np.ndarray = session.run(
        None, {"states": states, "attention_mask": np.ones_like(states)}
    )[0]
    return found


def test_what_the_mask_adds_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", mask_of="attention_mask")
    states = WEIGHTS[:2]
    before = run(path, states)
    assert graph_edits.leave_out_mask(path)
    assert np.array_equal(run(path, states), before)
    kinds = [node.op_type for node in onnx.load(str(path)).graph.node]
    assert kinds == ["MatMul", "Softmax", "Mul"]  # what the mask is used for besides stays


def test_a_quicker_graph_gives_inner_values_too(tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", mask_of="attention_mask")
    data = path.read_bytes()
    quicker = onnx.load_from_string(graph_edits.quicker(path, ["scores"]))
    assert [output.name for output in quicker.graph.output] == ["out", "scores"]
    assert [node.op_type for node in quicker.graph.node] == ["MatMul", "Softmax", "Mul"]
    assert path.read_bytes() == data


def test_what_comes_of_another_input_is_not_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", mask_of="states")
    data = path.read_bytes()
    assert not graph_edits.leave_out_mask(path)
    assert path.read_bytes() == data


def test_a_quantised_graph_is_smaller_and_gives_nearly_the_same(tmp_path: Path) -> None:
    path = written(tmp_path / "model.onnx", mask_of="attention_mask")
    graph_edits.quantise(path, tmp_path / "small.onnx")
    assert [p.name for p in tmp_path.iterdir() if p != path] == ["small.onnx"]
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "small.onnx")).graph.node}
    assert "MatMulInteger" in kinds
    states = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    difference = np.abs(run(tmp_path / "small.onnx", states) - run(path, states)).max()
    assert 0 < difference < 0.1


def test_a_graph_that_cannot_be_quantised_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    monkeypatch.setattr("sys.argv", ["", str(tmp_path / "model.onnx"), str(tmp_path / "small")])
    with pytest.raises(SystemExit) as ended:
        graph_edits.main()
    assert isinstance(ended.value.code, str)
    assert "\n" not in ended.value.code
