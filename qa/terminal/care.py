"""What the terminal shows of an index's health, and of an index as one file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qa.terminal.printing import count, say

if TYPE_CHECKING:  # needed by three commands alone
    from qa.doctor import Finding
    from qa.portable import Manifest


def print_findings(findings: Sequence[Finding]) -> None:
    """A line each: what is wrong, what it means, what mends it."""
    for finding in findings:
        say(str(finding), "dim" if finding.harmless else "yellow")


def print_verdict(findings: Sequence[Finding]) -> None:
    """Whether all is well."""
    wrong = [finding for finding in findings if not finding.harmless]
    if not wrong:
        say("The index is sound.", "green")
        return
    mendable = any(finding.remedy for finding in wrong)
    say(f"{count(len(wrong), 'fault')}{'; `--fix` mends what it can' if mendable else ''}.", "red")


def print_manifest(done: str, place: Path, manifest: Manifest) -> None:
    """What was packed or unpacked, and where."""
    say(
        f"{count(manifest.documents, 'document')}, {count(manifest.passages, 'passage')} "
        f"{done} {place}"
    )


def how_to_ask(place: Path) -> str:
    """The command that asks an imported index."""
    return f'Ask it with: qa ask "..." --imported --index {shlex.quote(str(place))}'
