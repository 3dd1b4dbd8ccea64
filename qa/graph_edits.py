"""Make exported graphs quicker: leave out what does nothing, and reckon in 8 bits.

The only module that imports onnx, which is slow to import and needed only when a model is exported
or prepared. Knows graphs, not models; whether a graph's vectors are still right is for the caller
to check.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import NodeProto

_MASK = "attention_mask"


def leave_out_mask(path: Path) -> bool:
    """Leave out what is added to attention scores because of the mask.

    It is zero for texts that are run one at a time, with nothing padded, but it is as large as
    the scores themselves.

    Returns
    -------
    bool
        Whether there was such a thing; if not, the file is left as it is.
    """
    model = onnx.load(str(path), load_external_data=False)
    changed = _leave_out_mask(model)
    if changed:
        onnx.save(model, str(path))
    return changed


def quicker(path: Path, outputs: Sequence[str] = ()) -> bytes:
    """A graph without the mask, as `leave_out_mask`, that gives inner values besides its outputs.

    Parameters
    ----------
    outputs : names of these inner values
    """
    model = onnx.load(str(path))
    for name in outputs:
        value = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        model.graph.output.append(value)
    _leave_out_mask(model)
    return bytes(model.SerializeToString())


def _leave_out_mask(model: onnx.ModelProto) -> bool:
    by_output = {output: node for node in model.graph.node for output in node.output}
    inputs = {value.name for value in model.graph.input}
    changed = False
    for node in model.graph.node:
        added = by_output.get(node.input[0]) if node.op_type == "Softmax" else None
        if added is not None and added.op_type == "Add":
            scores = [v for v in added.input if _sources(v, by_output) & inputs != {_MASK}]
            if len(scores) == 1:
                node.input[0] = scores[0]
                changed = True
    if changed:
        used = _used(model.graph)
        del model.graph.node[:]
        model.graph.node.extend(used)
    return changed


def _sources(value: str, by_output: dict[str, NodeProto]) -> set[str]:
    """What a value comes of, but for what gives no more than its shape."""
    reached, ahead = {value}, [value]
    while ahead:
        node = by_output.get(ahead.pop())
        before = node.input if node is not None and node.op_type != "Shape" else ()
        ahead += [name for name in before if name not in reached]
        reached.update(before)
    return reached


def _used(graph: onnx.GraphProto) -> list[NodeProto]:
    """The nodes that the outputs need, in their order."""
    needed = {output.name for output in graph.output}
    kept: list[NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    return kept[::-1]


def quantise(source: Path, target: Path) -> None:
    """Write a graph whose weights have 8 bits, a scale for each channel; its inputs are quantised
    as they come.

    The weights use 7 of them: processors without VNNI add two products of 8 bits in 16, which can
    run over.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises on the root logger
    try:
        quantize_dynamic(
            onnx.load(str(source)),  # of a path it would write beside the source
            target,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    finally:
        root.setLevel(level)


def main() -> None:
    """Quantise the graph that the command line names."""
    source, target = sys.argv[1:]
    try:
        quantise(Path(source), Path(target))
    except Exception as error:  # whatever the quantiser makes of an unusual graph
        sys.exit((str(error).strip().splitlines() or [type(error).__name__])[0])


if __name__ == "__main__":
    main()
