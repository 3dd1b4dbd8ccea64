"""Models on sentence-transformers itself: running one, and exporting it to ONNX.

The only module that imports sentence-transformers and torch. `qa.embedding` runs it as a program:

    python -m qa.torch_model NAME FOLDER FINGERPRINT OUTPUT

which leaves ``model.json`` in OUTPUT (see `qa.onnx_model.ExportedModel`), and beside it
``model.onnx`` and ``tokenizer.json`` where the model could be exported.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa import graph_edits, models
from qa.cache import check_sum
from qa.errors import ModelError
from qa.onnx_model import SAMPLES, ExportedModel, OnnxEncoder, Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EXPORT_TOLERANCE = 1e-3  # largest difference, in any component, from sentence-transformers' vectors


class TorchEncoder:
    """A model on sentence-transformers itself, for those that cannot be exported exactly."""

    def __init__(self, files: models.ModelFiles) -> None:
        self._model = load_model(files)
        self._lock = threading.Lock()  # its tokenizer can be used by one thread at a time
        self._name = f"{files.name}@{files.fingerprint[:12]}"

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        return int(self._model.max_seq_length or 512)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        tokenize = self._model.tokenizer
        with self._lock:
            return [len(tokenize(text, add_special_tokens=False)["input_ids"]) for text in texts]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        with self._lock:
            return _unit(self._model.encode_document(list(texts), show_progress_bar=False))

    def encode_question(self, text: str) -> Vectors:
        with self._lock:
            vector: Vectors = _unit(self._model.encode_query([text], show_progress_bar=False))[0]
        return vector


def _unit(vectors: Any) -> Vectors:
    rows = np.asarray(vectors, np.float32)
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def load_model(files: models.ModelFiles) -> SentenceTransformer:
    """Load a model. Raises ModelError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch and transformers warn about their own insides
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            return SentenceTransformer(str(files.folder), device="cpu", local_files_only=True)
    except Exception as error:  # whatever a model's files can make transformers raise
        raise ModelError(
            f"cannot load the model {files.name!r}: {models.first_line(error)}"
        ) from error


def export_into(files: models.ModelFiles, folder: Path) -> None:
    """Export a model and leave what is known of it in ``model.json``. Raises ModelError."""
    export(load_model(files), files, folder).write(folder)


def export(model: SentenceTransformer, files: models.ModelFiles, folder: Path) -> ExportedModel:
    """Write ``model.onnx`` and ``tokenizer.json`` into `folder`, and check the vectors.

    Returns
    -------
    ExportedModel
        With ``exact`` False when the model cannot be exported, or when a vector of the exported
        graph differs from sentence-transformers' own by more than `EXPORT_TOLERANCE`.
    """
    kept = ExportedModel(
        model=files.name,
        fingerprint=files.fingerprint,
        dimensions=int(model.get_embedding_dimension() or 0),
        max_tokens=int(model.max_seq_length or 512),
        inputs=_graph_inputs(model),
        passage_prompt=_prompt(model, ("document", "passage", "corpus")),
        question_prompt=_prompt(model, ("query", "question")),
        exact=True,
    )
    try:
        model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
        _export_graph(model, kept.inputs, folder / "model.onnx")
        difference = _without_mask(model, folder, kept)
    except OSError:  # the disk's trouble, not the model's
        raise
    except Exception as error:  # tracing runs the model's own code: anything can come out
        return replace(kept, exact=False, problem=models.first_line(error))
    if not difference <= EXPORT_TOLERANCE:  # so that not-a-number is no match
        return replace(kept, exact=False, difference=difference)
    sums = {path.name: check_sum(path) for path in folder.iterdir()}
    return replace(kept, difference=difference, check_sums=sums)


def _prompt(model: SentenceTransformer, names: Sequence[str]) -> str:
    for name in names:
        if model.prompts.get(name):
            return str(model.prompts[name])
    return ""


def _graph_inputs(model: SentenceTransformer) -> tuple[str, ...]:
    known = ("input_ids", "attention_mask", "token_type_ids")
    return tuple(name for name in known if name in model.preprocess(["a"]))


def _export_graph(model: SentenceTransformer, inputs: Sequence[str], path: Path) -> None:
    import torch

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            embedding = self.model(dict(zip(inputs, tensors, strict=True)))["sentence_embedding"]
            return torch.nn.functional.normalize(embedding, dim=1)

    features = model.preprocess(["one text", "another, a little longer one"])
    with warnings.catch_warnings(), torch.no_grad(), _plain_attention(model):
        warnings.simplefilter("ignore")  # tracing warns at every shape it sees
        torch.onnx.export(
            Graph().eval(),
            tuple(features[name] for name in inputs),
            str(path),
            dynamo=False,
            input_names=list(inputs),
            output_names=["embedding"],
            dynamic_axes={name: {0: "batch", 1: "token"} for name in inputs}
            | {"embedding": {0: "batch"}},
            opset_version=17,
        )


@contextmanager
def _plain_attention(model: SentenceTransformer) -> Iterator[None]:
    """Attention written out, which makes the quicker graph: the fused kind guards against rows
    that are masked altogether, and where there is no such kernel that takes a tenth of the time.
    """
    changed = []
    module: Any
    for module in model.modules():
        kind = getattr(getattr(module, "config", None), "_attn_implementation", None)
        if kind and kind != "eager" and hasattr(module, "set_attn_implementation"):
            with suppress(Exception):  # a model's own code, which may know no other kind
                module.set_attn_implementation("eager")
                changed.append((module, kind))
    try:
        yield
    finally:
        for module, kind in reversed(changed):
            module.set_attn_implementation(kind)


def _without_mask(model: SentenceTransformer, folder: Path, kept: ExportedModel) -> float:
    """Leave the mask out of the graph if the vectors stay right; their largest difference."""
    path = folder / "model.onnx"
    whole = path.read_bytes()
    if graph_edits.leave_out_mask(path):
        difference = _largest_difference(model, OnnxEncoder(folder, kept))
        if difference <= EXPORT_TOLERANCE:
            return difference
        path.write_bytes(whole)
    return _largest_difference(model, OnnxEncoder(folder, kept))


def _largest_difference(model: SentenceTransformer, exported: OnnxEncoder) -> float:
    passages = exported.encode_passages(SAMPLES) - _unit(
        model.encode_document(SAMPLES, show_progress_bar=False)
    )
    theirs = _unit(model.encode_query([SAMPLES[1]], show_progress_bar=False))[0]
    questions = exported.encode_question(SAMPLES[1]) - theirs
    return float(max(np.abs(passages).max(), np.abs(questions).max()))


def main() -> None:
    """Export the model that the command line names."""
    name, folder, fingerprint, output = sys.argv[1:]
    try:
        export_into(models.ModelFiles(name, Path(folder), fingerprint), Path(output))
    except (ModelError, OSError) as error:
        sys.exit(models.first_line(error))


if __name__ == "__main__":
    main()
