"""A virtual environment for each of the peers that `peers.py` measures, made once and kept.

Each ``peers/with_*.py`` names what it needs, to the version, as inline script metadata (PEP 723).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
TORCH = "torch==2.13.0"  # a newer one brings gigabytes of GPU packages
MADE = "made.json"  # inside an environment: what it was made of

_METADATA = re.compile(r"^# /// script$\n(?P<lines>(?:^#(?: .*)?$\n)+?)^# ///$", re.MULTILINE)


class NotInstalled(Exception):
    """An environment could not be made; says why, in one line."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a peer runs.

    Parameters
    ----------
    python : str
        Its interpreter.
    packages : tuple of str
        What was asked for, to the version; the rest came with it.
    constrained_by : str
        "constraints.txt", or what alone was held where that cannot be.
    """

    python: str
    packages: tuple[str, ...]
    constrained_by: str


def needed(script: Path) -> tuple[str, ...]:
    """The packages that a script names; none where it runs beside qa."""
    found = _METADATA.search(script.read_text("utf-8"))
    if not found:
        return ()
    lines = (line.removeprefix("#").removeprefix(" ") for line in found["lines"].splitlines())
    return tuple(tomllib.loads("\n".join(lines))["dependencies"])


def environment(script: Path, folder: Path) -> Environment:
    """The environment of a script, made in a folder unless it is there already.

    Raises
    ------
    NotInstalled
        When pip cannot install what it needs.
    """
    packages = needed(script)
    if not packages:
        return Environment(sys.executable, (), CONSTRAINTS.name)
    place = folder / script.stem.removeprefix("with_")
    python = place / "bin" / "python"
    constrained_by = _made(place, packages) or _make(place, python, packages)
    return Environment(str(python), packages, constrained_by)


def _made(place: Path, packages: tuple[str, ...]) -> str | None:
    """What an environment of just these packages was constrained by; None if there is none."""
    try:
        made = json.loads((place / MADE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return made["constrained_by"] if tuple(made["packages"]) == packages else None


def _make(place: Path, python: Path, packages: tuple[str, ...]) -> str:
    print(f"making the environment {place.name}", file=sys.stderr, flush=True)
    (place / MADE).unlink(missing_ok=True)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
    alone = place / "torch.txt"
    alone.write_text(f"{TORCH}\n", "utf-8")
    for constraints, name in ((CONSTRAINTS, CONSTRAINTS.name), (alone, TORCH)):
        pip = [str(python), "-m", "pip", "install", "--quiet", "-c", str(constraints)]
        said = subprocess.run([*pip, *packages], capture_output=True, text=True, check=False)
        if said.returncode == 0:
            made = {"packages": packages, "constrained_by": name}
            (place / MADE).write_text(json.dumps(made), "utf-8")
            return name
    raise NotInstalled(f"cannot be installed: {_reason(said.stderr)}")


def _reason(said: str) -> str:
    """Pip's first line that names an error, without the list of all versions that it adds."""
    errors = [line for line in said.splitlines() if line.startswith("ERROR: ")]
    first = (errors or said.strip().splitlines() or ["pip said nothing"])[0]
    return first.removeprefix("ERROR: ").partition(" (from versions:")[0]
