"""Text to unit vectors.

sentence-transformers is where models come from: it loads any of them, once, and `qa.torch_model`
writes an ONNX graph (pooling and normalisation inside) into the cache directory. That is done in a
process of its own, so torch never enters this one: onnxruntime runs the graph. Only a model whose
exported vectors are not sentence-transformers' own runs on sentence-transformers itself.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

import filelock

from qa import models
from qa.cache import cache_directory, check_sum
from qa.errors import ModelError
from qa.onnx_model import ExportedModel, OnnxEncoder, Vectors

_EXPORT_VERSION = 3  # part of the cache key: raise it when `qa.torch_model` writes something else

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
