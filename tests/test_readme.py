"""What the README says is so."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from qa import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


# The order of what is not read in time is another: a busy machine would show another answer.
NO_TIME_LIMIT = "from qa.rerank import shared; shared().seconds = 600"


@pytest.mark.model
def test_the_python_lines_print_what_the_readme_shows() -> None:
    (code,) = blocks("python")
    shown = [line.removeprefix("# ") for line in code.splitlines() if line.startswith("# ")]
    code = f"{NO_TIME_LIMIT}\n{code}"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown
    assert ran.stdout.splitlines() == shown


def test_every_command_of_the_terminal_is_in_the_readme() -> None:
    names = [c.name or c.callback.__name__ for c in cli.app.registered_commands if c.callback]
    assert names
    for name in names:
        assert f"qa {name}" in README


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines() if line]
    targets = [command[1] for command in commands if command[0] == "make"]
    assert {"app", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_module_and_folder_of_the_package_is_named() -> None:
    parts = [path for path in (ROOT / "qa").iterdir() if not path.name.startswith("__")]
    assert parts
    for path in parts:
        assert f"qa/{path.name}" in README, path.name


def test_every_link_to_a_file_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
