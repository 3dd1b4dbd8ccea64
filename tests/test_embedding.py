from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from qa import documents, embedding, models, passages, torch_model
from qa.cache import cache_directory
from qa.embedding import Encoder
from qa.errors import ModelError
from qa.onnx_model import ExportedModel, OnnxEncoder, Vectors
from qa.torch_model import TorchEncoder

pytestmark = pytest.mark.model

SEEDS = sorted((Path(__file__).parent.parent / "seeds").glob("*.txt"))
ODD = [
    "",
    " \n\t",
    "a",
    "word " * 10_000,
    "😀👨‍👩‍👧‍👦🇺🇳",
    "他来了。她走了！" * 200,
    "각" * 300,
    "x" * 5000,
    "\x00\u200b\ufeff",
    "[CLS] [SEP] [MASK] [PAD]",
    "Ünïcödé — “quoted” ﬁnely",
]
LOAD = "from qa import embedding; e = embedding.load(); e.encode_question('Who?')"


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return embedding.load()


@pytest.fixture(scope="session")
def quick(encoder: Encoder) -> Encoder:
    return embedding.load(fast=True)


@pytest.fixture(scope="session")
def torch_encoder() -> TorchEncoder:
    return TorchEncoder(models.find())


@pytest.fixture
def kept(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The exported model's folder in a cache of this test's own."""
    shutil.copytree(cache_directory(), tmp_path / "cache", ignore=lambda *_: ["indexes"])
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    version = embedding._EXPORT_VERSION  # a cache that was there before may hold others
    return next((tmp_path / "cache" / "models").glob(f"*-v{version}/model.json")).parent


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("exported again")

    monkeypatch.setattr(embedding, "_export_into", refuse)


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch, kept: Path) -> list[str]:
    """Names of the models exported, by copying the sound one: exporting takes ten seconds."""
    sound = {path.name: path.read_bytes() for path in kept.iterdir()}
    made: list[str] = []

    def copy(folder: Path, files: models.ModelFiles) -> None:
        made.append(files.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, data in sound.items():
            (folder / name).write_bytes(data)

    monkeypatch.setattr(embedding, "_export_into", copy)
    return made


def seed_passages(encoder: Encoder) -> list[str]:
    found = [documents.read(path, id=path.name) for path in SEEDS]
    return [p.text for d in found for p in passages.cut(d, encoder.count_tokens)]


def largest(difference: Vectors) -> float:
    return float(np.abs(difference).max())


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_default_model_runs_exported(encoder: Encoder) -> None:
    assert isinstance(encoder, OnnxEncoder)
    assert (encoder.dimensions, encoder.max_tokens) == (384, 256)
    assert encoder.name.startswith(models.DEFAULT_MODEL + "@")


@pytest.mark.parametrize("name", ["seeds", "odd"])
def test_vectors_are_those_of_sentence_transformers(
    encoder: Encoder, torch_encoder: TorchEncoder, name: str
) -> None:
    texts = ODD if name == "odd" else seed_passages(encoder)
    ours, theirs = encoder.encode_passages(texts), torch_encoder.encode_passages(texts)
    assert ours.shape == theirs.shape == (len(texts), 384)
    assert largest(ours - theirs) < 1e-3
    for text in texts[:5]:
        question = encoder.encode_question(text) - torch_encoder.encode_question(text)
        assert largest(question) < 1e-3


def test_vectors_are_float32_with_unit_rows(encoder: Encoder) -> None:
    vectors = encoder.encode_passages(ODD)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_token_counts_are_those_of_sentence_transformers(
    encoder: Encoder, torch_encoder: TorchEncoder
) -> None:
    texts = [*ODD, *(path.read_text("utf-8", "replace") for path in SEEDS)]
    assert encoder.count_tokens(texts) == torch_encoder.count_tokens(texts)
    assert encoder.count_tokens(["a cease-fire"]) == [4]


def test_passages_of_the_seeds_fit_the_encoder_with_their_titles(encoder: Encoder) -> None:
    found = [documents.read(path, id=path.name) for path in SEEDS]
    texts = [f"{d.title}\n{p.text}" for d in found for p in passages.cut(d, encoder.count_tokens)]
    assert max(encoder.count_tokens(texts)) + 2 <= encoder.max_tokens


@pytest.mark.parametrize("which", ["encoder", "torch_encoder"])
def test_no_texts_have_no_vectors(which: str, request: pytest.FixtureRequest) -> None:
    vectors = request.getfixturevalue(which).encode_passages([])
    assert vectors.shape == (0, 384)
    assert request.getfixturevalue(which).count_tokens([]) == []


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    texts = [*seed_passages(encoder)[:4], *ODD]
    together = encoder.encode_passages(texts)
    alone = np.stack([encoder.encode_passages([text])[0] for text in texts])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("which", ["encoder", "torch_encoder"])
def test_questions_from_several_threads_get_their_own_vectors(
    which: str, request: pytest.FixtureRequest
) -> None:
    encoder = request.getfixturevalue(which)
    questions = [f"What happened on day {n} of the {'long ' * n}siege?" for n in range(40)]
    expected = [encoder.encode_question(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(encoder.encode_question, questions))
    assert largest(np.stack(found) - np.stack(expected)) < 1e-6


def test_the_second_load_imports_neither_torch_nor_transformers(encoder: Encoder) -> None:
    loaded = f"import sys; {LOAD}; print(sorted({{m.partition('.')[0] for m in sys.modules}}))"
    assert "onnxruntime" in (modules := run(loaded))
    assert "'torch'" not in modules
    assert "'transformers'" not in modules
    assert "'sentence_transformers'" not in modules


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_a_damaged_export_is_made_again(
    kept: Path, exports: list[str], encoder: Encoder, name: str, damage: str
) -> None:
    data = (kept / name).read_bytes()
    if damage == "gone":
        (kept / name).unlink()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]
        changed = {"flip": flipped, "cut": data[:middle], "empty": b""}[damage]
        (kept / name).write_bytes(changed)
    mended = embedding.load()
    assert largest(mended.encode_question("Who?") - encoder.encode_question("Who?")) == 0
    if (name, damage) != ("model.json", "flip"):  # where it may hit what does not matter
        assert exports == [models.DEFAULT_MODEL]


def test_a_sound_export_is_not_made_again(kept: Path, no_export: None) -> None:
    assert isinstance(embedding.load(), OnnxEncoder)


def test_a_local_folder_is_a_model_with_a_name_of_its_own(
    kept: Path, no_export: None, encoder: Encoder, tmp_path: Path
) -> None:
    folder = tmp_path / "my-model"
    shutil.copytree(models.find().folder, folder)
    local = embedding.load(str(folder))  # the same files: nothing is exported again
    assert local.name != encoder.name
    assert local.name.startswith(str(folder))
    assert largest(local.encode_question("Who?") - encoder.encode_question("Who?")) == 0


def test_a_folder_that_holds_no_model_is_one_line(kept: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot load the model") as error:
        embedding.load(str(folder))
    assert "\n" not in str(error.value)


def test_a_model_whose_export_differs_runs_on_sentence_transformers(
    encoder: Encoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(embedding, "_export_apart", torch_model.export_into)
    monkeypatch.setattr(torch_model, "EXPORT_TOLERANCE", 0.0)
    with caplog.at_level(logging.WARNING):
        other = embedding.load()
    assert isinstance(other, TorchEncoder)
    assert "running it on sentence-transformers" in caplog.text
    texts = seed_passages(encoder)[:4]
    assert largest(other.encode_passages(texts) - encoder.encode_passages(texts)) < 1e-3
    assert (other.dimensions, other.max_tokens) == (encoder.dimensions, encoder.max_tokens)
    assert other.name == encoder.name  # the same vectors: an index made with one serves the other


def test_a_model_that_cannot_be_exported_runs_on_sentence_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(embedding, "_export_apart", torch_model.export_into)
    monkeypatch.setattr(torch_model, "_export_graph", fail)
    assert isinstance(embedding.load(), TorchEncoder)
    assert "cannot be exported to ONNX: no such operator" in caplog.text
    monkeypatch.setattr(embedding, "_export_into", None)  # it is not tried a second time
    assert isinstance(embedding.load(), TorchEncoder)


def test_a_cache_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set QA_CACHE_DIR") as error:
        embedding.load()
    assert "\n" not in str(error.value)


def test_two_processes_that_export_at_once_both_get_the_model(tmp_path: Path) -> None:
    code = f"import logging; logging.basicConfig(level='INFO'); {LOAD}; print(e.name)"
    command: Sequence[str] = [sys.executable, "-c", code]
    environment = {**os.environ, "QA_CACHE_DIR": str(tmp_path)}
    both = [
        subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    results = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    names = {out.strip() for out, _ in results}
    assert len(names) == 1
    assert sum("exporting" in log for _, log in results) == 1
    assert ExportedModel.read(next(tmp_path.glob("models/*/model.json")).parent).exact
    assert not list(tmp_path.glob("models/export-*"))


def test_the_quick_form_is_a_model_of_its_own_near_the_exact_one(
    quick: Encoder, encoder: Encoder
) -> None:
    assert isinstance(quick, OnnxEncoder)
    assert quick.name == encoder.name.replace("@", "-int8@")
    assert (quick.dimensions, quick.max_tokens) == (encoder.dimensions, encoder.max_tokens)
    assert quick.count_tokens(ODD) == encoder.count_tokens(ODD)
    texts = seed_passages(encoder)
    vectors = quick.encode_passages(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = (vectors * encoder.encode_passages(texts)).sum(axis=1)
    assert 0.98 < cosines.min() < 0.9999


def test_a_sound_quick_form_is_not_made_again(
    quick: Encoder, kept: Path, no_export: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "_apart", None)
    again = embedding.load(fast=True)
    assert largest(again.encode_question("Who?") - quick.encode_question("Who?")) == 0


def test_a_damaged_quick_form_is_made_again(quick: Encoder, kept: Path, no_export: None) -> None:
    folder = kept.with_name(f"{kept.name}-int8")
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-9])
    mended = embedding.load(fast=True)
    assert mended.name == quick.name
    assert largest(mended.encode_question("Who?") - quick.encode_question("Who?")) == 0


def test_a_model_that_is_not_itself_in_8_bits_runs_in_32(
    encoder: Encoder,
    kept: Path,
    no_export: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.rmtree(kept.with_name(f"{kept.name}-int8"), ignore_errors=True)
    monkeypatch.setattr(embedding, "_LEAST_COSINE", 1.0)
    assert embedding.load(fast=True).name == encoder.name
    assert "running it in 32" in caplog.text
    monkeypatch.setattr(embedding, "_apart", None)  # it is not tried a second time
    assert embedding.load(fast=True).name == encoder.name


def test_a_quick_form_that_cannot_be_made_is_one_line(
    quick: Encoder, kept: Path, no_export: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(kept.with_name(f"{kept.name}-int8"))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ModelError, match=r"cannot make the 8-bit form of .* ended with 1") as error:
        embedding.load(fast=True)
    assert "\n" not in str(error.value)
    assert not list(kept.parent.glob("export-*"))


def test_a_graph_whose_mask_was_needed_keeps_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, torch_encoder: TorchEncoder
) -> None:
    monkeypatch.setattr(torch_model.graph_edits, "leave_out_mask", spoil)
    kept = torch_model.export(torch_model.load_model(models.find()), models.find(), tmp_path)
    assert kept.exact
    question = OnnxEncoder(tmp_path, kept).encode_question("Who?")
    assert largest(question - torch_encoder.encode_question("Who?")) < 1e-3


def spoil(path: Path) -> bool:
    """As if something that matters had been left out."""
    model = onnx.load(str(path))
    weights = next(i for i in model.graph.initializer if len(i.dims) == 2 and i.dims[0] == 384)
    weights.raw_data = bytes(len(weights.raw_data))
    onnx.save(model, str(path))
    return True
