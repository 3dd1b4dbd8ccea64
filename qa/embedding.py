"""Text to unit vectors.

sentence-transformers is where models come from: it loads any of them, once, and `export` writes
an ONNX graph (pooling and normalisation inside) into the cache directory. From then on onnxruntime
runs it, and torch is never imported. A model whose exported vectors are not sentence-transformers'
own runs on sentence-transformers itself.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import filelock
import numpy as np
import numpy.typing as npt
import onnxruntime
import tokenizers

from qa import models
from qa.cache import cache_directory
from qa.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

EXPORT_TOLERANCE = 1e-3  # largest difference, in any component, from sentence-transformers' vectors
_EXPORT_VERSION = 2  # part of the cache key: raise it when `export` writes something else

_CHUNK_BYTES = 1 << 20

log = logging.getLogger(__name__)


class Encoder(Protocol):
    """Whatever turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """What the vectors are kept under: encoders with one name give the same vectors."""

    @property
    def dimensions(self) -> int:
        """Components of a vector."""

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials included; the rest would be cut off."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without specials."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dimensions), float32, unit rows."""

    def encode_question(self, text: str) -> Vectors:
        """One vector of shape (dimensions,), float32, unit length."""


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What is kept beside an exported graph, as ``model.json``.

    Parameters
    ----------
    model, fingerprint : str
        See `qa.models.ModelFiles`.
    dimensions, max_tokens : int
        See `Encoder`.
    inputs : sequence of str
        The names of the graph's inputs.
    passage_prompt, question_prompt : str
        What the model wants before a text.
    exact : bool
        Whether its vectors are sentence-transformers' own; if not, the graph is not used.
    check_sums : dict
        CRC-32 of the files beside it, by name.
    """

    model: str
    fingerprint: str
    dimensions: int
    max_tokens: int
    inputs: Sequence[str]
    passage_prompt: str
    question_prompt: str
    exact: bool
    check_sums: dict[str, int] = field(default_factory=dict)


def load(name: str = models.DEFAULT_MODEL) -> Encoder:
    """Load an encoder by hub name or folder, exporting it first if that was never done.

    Raises
    ------
    ModelError
        When the model cannot be found or loaded.
    """
    files = models.find(name)
    folder = cache_directory() / "models" / f"{files.fingerprint[:32]}-v{_EXPORT_VERSION}"
    encoder = _exported(folder, files) or _export_anew(folder, files)
    if isinstance(encoder, OnnxEncoder):
        return encoder
    log.warning("%s cannot be exported exactly: running it on sentence-transformers", files.name)
    return TorchEncoder(files)


def _exported(folder: Path, files: models.ModelFiles) -> OnnxEncoder | Literal["inexact"] | None:
    """The exported model, or that it cannot be exported exactly; None when it must be made."""
    try:
        kept = ExportedModel(**json.loads((folder / "model.json").read_bytes()))
        if not kept.exact:
            return "inexact"
        for name, check_sum in kept.check_sums.items():
            if _check_sum(folder / name) != check_sum:
                raise ValueError(f"{name} is not as it was written")
        return OnnxEncoder(folder, replace(kept, model=files.name))
    except FileNotFoundError:
        return None
    except Exception as error:  # onnxruntime raises its own classes for a damaged graph
        log.warning("the exported model in %s is damaged (%s): exporting it again", folder, error)
        return None


def _export_anew(folder: Path, files: models.ModelFiles) -> OnnxEncoder | Literal["inexact"] | None:
    """Export, unless another process has just done it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_suffix(".lock")):
            if not (found := _exported(folder, files)):
                _export_into(folder, files)
                found = _exported(folder, files)
            return found
    except OSError as error:
        raise ModelError(
            f"cannot keep the exported model in '{folder.parent}': {error.strerror or error}; "
            "free some space there, or set QA_CACHE_DIR to another folder"
        ) from error


def _check_sum(path: Path) -> int:
    total = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            total = zlib.crc32(chunk, total)
    return total


class OnnxEncoder:
    """An exported model on onnxruntime."""

    def __init__(self, folder: Path, kept: ExportedModel) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # texts run side by side: 1.2 times one text on all cores
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(kept.max_tokens)
        self._counter = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._counter.no_padding()
        self._counter.no_truncation()
        self._kept = kept
        self._threads = _cores()

    @property
    def name(self) -> str:
        return f"{self._kept.model}@{self._kept.fingerprint[:12]}"

    @property
    def dimensions(self) -> int:
        return self._kept.dimensions

    @property
    def max_tokens(self) -> int:
        return self._kept.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        encodings = self._counter.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode([self._kept.passage_prompt + text for text in texts])

    def encode_question(self, text: str) -> Vectors:
        vector: Vectors = self._encode([self._kept.question_prompt + text])[0]
        return vector

    def _encode(self, texts: list[str]) -> Vectors:
        """One text a run, one run a core: nothing is padded, and a text's vector does not depend
        on its neighbours.
        """
        encodings = self._tokenizer.encode_batch_fast([text.strip() for text in texts])
        vectors = np.empty((len(texts), self.dimensions), np.float32)  # (n, d)
        ids = [encoding.ids for encoding in encodings]
        for row, vector in enumerate(map(self._run, ids) if len(ids) == 1 else self._map(ids)):
            vectors[row] = vector
        return vectors

    def _map(self, ids: list[list[int]]) -> Iterator[Vectors]:
        with ThreadPoolExecutor(self._threads) as pool:
            yield from pool.map(self._run, ids)

    def _run(self, ids: list[int]) -> Vectors:
        tokens = np.array([ids], np.int64)  # (1, tokens)
        values = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        feed = {name: values[name] for name in self._kept.inputs}
        vector: Vectors = self._session.run(None, feed)[0][0]
        return vector


class TorchEncoder:
    """A model on sentence-transformers itself, for those that cannot be exported exactly."""

    def __init__(self, files: models.ModelFiles) -> None:
        self._model = _load_torch(files)
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _load_torch(files: models.ModelFiles) -> SentenceTransformer:
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


def _export_into(folder: Path, files: models.ModelFiles) -> None:
    """Export beside the final place, compare, and move it there whole."""
    log.info("exporting %s to ONNX, once", files.name)
    part = Path(tempfile.mkdtemp(prefix="export-", dir=folder.parent))
    try:
        kept = export(_load_torch(files), files, part)
        (part / "model.json").write_text(json.dumps(asdict(kept)), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


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
        difference = _largest_difference(model, OnnxEncoder(folder, kept))
    except Exception as error:  # tracing runs the model's own code: anything can come out
        log.warning("%s cannot be exported to ONNX: %s", files.name, error)
        difference = float("inf")
    log.info("exported vectors differ by %.1e at most", difference)
    if not difference <= EXPORT_TOLERANCE:  # so that not-a-number is no match
        return replace(kept, exact=False)
    return replace(kept, check_sums={path.name: _check_sum(path) for path in folder.iterdir()})


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
    with warnings.catch_warnings(), torch.no_grad():
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


def _largest_difference(model: SentenceTransformer, exported: OnnxEncoder) -> float:
    sentence = "The talks were suspended until February 25, the envoy said. "
    texts = ["truce", sentence, sentence * 4, sentence * 40, "Größe, 他来了, naïve — “quoted”"]
    passages = exported.encode_passages(texts) - _unit(
        model.encode_document(texts, show_progress_bar=False)
    )
    theirs = _unit(model.encode_query([texts[1]], show_progress_bar=False))[0]
    questions = exported.encode_question(texts[1]) - theirs
    return float(max(np.abs(passages).max(), np.abs(questions).max()))
