"""Text to unit vectors.

sentence-transformers is where models come from: it loads any of them, once, and `qa.torch_model`
writes an ONNX graph (pooling and normalisation inside) into the cache directory. That is done in a
process of its own, so torch never enters this one: onnxruntime runs the graph. Only a model whose
exported vectors are not sentence-transformers' own runs on sentence-transformers itself.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import filelock
import numpy as np
import numpy.typing as npt
import onnxruntime
import tokenizers

from qa import models
from qa.cache import cache_directory
from qa.errors import ModelError

Vectors = npt.NDArray[np.float32]

_EXPORT_VERSION = 3  # part of the cache key: raise it when `qa.torch_model` writes something else

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
    difference : float or None
        The largest of any component from sentence-transformers' vectors; None if there is no graph.
    problem : str
        Why there is no graph.
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
    difference: float | None = None
    problem: str = ""
    check_sums: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write ``model.json``."""
        data = json.dumps(asdict(self))
        sealed = json.dumps({"check_sum": zlib.crc32(data.encode()), "model": data})
        (folder / "model.json").write_text(sealed, "utf-8")

    @classmethod
    def read(cls, folder: Path) -> ExportedModel:
        """Read ``model.json``. Raises ValueError when it is damaged, else OSError."""
        sealed = json.loads((folder / "model.json").read_bytes())
        if zlib.crc32(sealed["model"].encode()) != sealed["check_sum"]:
            raise ValueError("model.json is not as it was written")
        return cls(**json.loads(sealed["model"]))


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
    from qa.torch_model import TorchEncoder  # only now: it brings torch

    log.warning("%s cannot be exported exactly: running it on sentence-transformers", files.name)
    return TorchEncoder(files)


def _exported(folder: Path, files: models.ModelFiles) -> OnnxEncoder | Literal["inexact"] | None:
    """The exported model, or that it cannot be exported exactly; None when it must be made."""
    try:
        kept = ExportedModel.read(folder)
        if not kept.exact:
            return "inexact"
        for name, expected in kept.check_sums.items():
            if check_sum(folder / name) != expected:
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


def _export_into(folder: Path, files: models.ModelFiles) -> None:
    """Export beside the final place, and move it there whole."""
    log.info("exporting %s to ONNX, once", files.name)
    for abandoned in folder.parent.glob("export-*"):  # by a process that was killed
        shutil.rmtree(abandoned, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix="export-", dir=folder.parent))
    try:
        _export_apart(files, part)
        kept = ExportedModel.read(part)
        if kept.problem:
            log.warning("%s cannot be exported to ONNX: %s", files.name, kept.problem)
        else:
            log.info("exported vectors differ by %.1e at most", kept.difference)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _export_apart(files: models.ModelFiles, part: Path) -> None:
    """Run `qa.torch_model` in a process of its own: torch takes a gigabyte and keeps it."""
    code = [sys.executable, "-m", "qa.torch_model"]
    named = [files.name, str(files.folder), files.fingerprint, str(part)]
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ran = subprocess.run(
        [*code, *named], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        ended = f"cannot export {files.name!r}: the process ended with {ran.returncode}"
        raise ModelError(said[-1] if said else ended)


def check_sum(path: Path) -> int:
    """CRC-32 of a file."""
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
