"""How anything is printed in the terminal: one line, a number of things."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text


def console(*, stderr: bool = False) -> Console:
    """Made when used, so that it writes where sys.stdout points now."""
    return Console(stderr=stderr, highlight=False)


def count(number: int, thing: str) -> str:
    """A number of things in words: "1 document", "2 documents"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def say(text: str, style: str = "", *, stderr: bool = False) -> None:
    """One line, as it is."""
    console(stderr=stderr).print(Text(text, style), soft_wrap=True)
