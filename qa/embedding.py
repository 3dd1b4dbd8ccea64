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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

import filelock

from qa import models
from qa.cache import cache_directory, check_sum
from qa.errors import ModelError
from qa.onnx_model import SAMPLES, ExportedModel, OnnxEncoder, Vectors

_EXPORT_VERSION = 4  # part of the cache key: raise it when `qa.torch_model` writes something else
_LEAST_COSINE = 0.97  # of an 8-bit vector with the exact one; all-MiniLM-L6-v2 has .99

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


def load(name: str = models.DEFAULT_MODEL, *, fast: bool = False) -> Encoder:
    """Load an encoder by hub name or folder, exporting it first if that was never done.

    Parameters
    ----------
    name : str
    fast : whether it reckons in 8 bits: another model, with vectors of its own. A model that is
        too far off in 8 bits, or cannot be exported, runs as it would without, and the log says so

    Raises
    ------
    ModelError
        When the model cannot be found or loaded.
    """
    files = models.find(name)
    folder = cache_directory() / "models" / f"{files.fingerprint[:32]}-v{_EXPORT_VERSION}"
    quick = _exported(_quick(folder), files) if fast else None
    if isinstance(quick, OnnxEncoder):
        return quick
    encoder = _made(folder, files, _export_into)
    if isinstance(encoder, OnnxEncoder):
        return encoder if not fast else _quantised(folder, files, encoder)
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


def _quick(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-int8")


def _quantised(folder: Path, files: models.ModelFiles, exact: OnnxEncoder) -> Encoder:
    """The 8-bit encoder; the exact one where that is too far off."""
    encoder = _made(_quick(folder), files, partial(_quantise_into, folder))
    if isinstance(encoder, OnnxEncoder):
        return encoder
    log.warning("%s is not itself in 8 bits: running it in 32", files.name)
    return exact


def _made(
    folder: Path, files: models.ModelFiles, make: Callable[[Path, models.ModelFiles], None]
) -> OnnxEncoder | Literal["inexact"] | None:
    """What is kept in a folder; if nothing sound is, it is made, unless another process does it."""
    if kept := _exported(folder, files):
        return kept
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_suffix(".lock")):
            if not (found := _exported(folder, files)):
                make(folder, files)
                found = _exported(folder, files)
            return found
    except OSError as error:
        raise ModelError(
            f"cannot keep the exported model in '{folder.parent}': {error.strerror or error}; "
            "free some space there, or set QA_CACHE_DIR to another folder"
        ) from error


def _export_into(folder: Path, files: models.ModelFiles) -> None:
    log.info("exporting %s to ONNX, once", files.name)
    with _beside(folder) as part:
        _export_apart(files, part)
        kept = ExportedModel.read(part)
        if kept.problem:
            log.warning("%s cannot be exported to ONNX: %s", files.name, kept.problem)
        else:
            log.info("exported vectors differ by %.1e at most", kept.difference)


def _quantise_into(source: Path, folder: Path, files: models.ModelFiles) -> None:
    log.info("making the 8-bit form of %s, once", files.name)
    kept = replace(ExportedModel.read(source), bits=8)
    with _beside(folder) as part:
        shutil.copyfile(source / "tokenizer.json", part / "tokenizer.json")
        _apart(
            "qa.graph_edits",
            str(source / "model.onnx"),
            str(part / "model.onnx"),
            failed=f"cannot make the 8-bit form of {files.name!r}",
        )
        one, other = (OnnxEncoder(*of) for of in ((source, kept), (part, kept)))
        vectors, ours = (encoder.encode_passages(SAMPLES) for encoder in (one, other))
        cosine = float((vectors * ours).sum(axis=1).min())
        log.info("the cosine of its vectors with the exact ones is %.4f at least", cosine)
        sums = {path.name: check_sum(path) for path in part.iterdir()}
        difference = float(abs(vectors - ours).max())
        kept = replace(kept, check_sums=sums, difference=difference, exact=cosine >= _LEAST_COSINE)
        kept.write(part)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A new folder beside the final place, moved there whole."""
    for abandoned in folder.parent.glob("export-*"):  # by a process that was killed
        shutil.rmtree(abandoned, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix="export-", dir=folder.parent))
    try:
        yield part
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _export_apart(files: models.ModelFiles, part: Path) -> None:
    named = [files.name, str(files.folder), files.fingerprint, str(part)]
    _apart("qa.torch_model", *named, failed=f"cannot export {files.name!r}")


def _apart(module: str, *arguments: str, failed: str) -> None:
    """Run a module in a process of its own: torch takes a gigabyte and keeps it."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        ended = f"{failed}: the process ended with {ran.returncode}"
        raise ModelError(said[-1] if said else ended)
