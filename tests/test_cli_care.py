"""``qa doctor``, ``qa export`` and ``qa import``, in process, with a stand-in for the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import HashingEncoder
from typer.testing import CliRunner, Result

from qa import cli, embedding

ARTICLE = "The harbour of Westport closes on Monday for repairs, the council said.\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(embedding, "load", lambda name, fast=False: HashingEncoder())
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "harbour.txt").write_text(ARTICLE, "utf-8")
    assert run("index", folder, "--index", tmp_path / "index").exit_code == 0
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def test_a_sound_index_is_said_to_be_sound(folder: Path, tmp_path: Path) -> None:
    result = run("doctor", folder, "--index", tmp_path / "index", "--all")
    assert (result.exit_code, result.stdout) == (0, "The index is sound.\n")


def test_damage_is_told_in_a_line_and_mended_with_fix(folder: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "index" / "derived.json"
    manifest.write_bytes(manifest.read_bytes()[:-9])
    result = run("doctor", folder, "--index", tmp_path / "index")
    assert result.exit_code == 1
    assert result.stdout.startswith("search: ")
    assert "1 fault; `--fix` mends what it can." in result.stdout
    mended = run("doctor", folder, "--index", tmp_path / "index", "--fix")
    assert mended.exit_code == 0
    assert mended.stdout.endswith("The index is sound.\n")
    assert run("doctor", folder, "--index", tmp_path / "index").exit_code == 0


def test_an_exported_index_is_asked_elsewhere_without_its_folder(
    folder: Path, tmp_path: Path
) -> None:
    file, place = tmp_path / "articles.qa", tmp_path / "elsewhere"
    packed = run("export", file, "--folder", folder, "--index", tmp_path / "index")
    assert "1 document, 1 passage packed into" in packed.stdout
    (folder / "harbour.txt").unlink()
    unpacked = run("import", file, "--index", place)
    assert "unpacked into" in unpacked.stdout
    assert f"--imported --index {place}" in unpacked.stdout
    asked = run("ask", "When does the harbour close?", "--imported", "--index", place)
    assert ARTICLE.strip() in asked.stdout
    assert run("doctor", "--imported", "--index", place).exit_code == 0


def test_nothing_is_replaced_unasked(folder: Path, tmp_path: Path) -> None:
    file, place = tmp_path / "articles.qa", tmp_path / "elsewhere"
    export = ("export", file, "--folder", folder, "--index", tmp_path / "index")
    for command in (export, ("import", file, "--index", place)):
        assert run(*command).exit_code == 0
        again = run(*command)
        assert again.exit_code == 1
        assert "--force" in again.stderr
        assert run(*command, "--force").exit_code == 0


def test_what_is_no_exported_index_is_refused_in_a_line(folder: Path, tmp_path: Path) -> None:
    result = run("import", folder / "harbour.txt", "--index", tmp_path / "elsewhere")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "harbour.txt" in result.stderr


def test_asking_an_imported_index_needs_to_know_where_it_is(folder: Path) -> None:
    result = run("ask", "When does the harbour close?", "--imported")
    assert result.exit_code == 1
    assert "--index" in result.stderr
