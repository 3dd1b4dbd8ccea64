"""How far the work in the background is: one quiet line beside a page that can be asked already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa.page.wording import counted, duration, escaped, percent

if TYPE_CHECKING:  # the index brings in the search engines; the page's words need none of them
    from qa import Status

QUIET_PASSAGES = 32  # so few are embedded in a second or two, which is not worth a line
QUIET_FILES = 8


def standing(status: Status, trouble: str = "") -> str:
    """The line and its thin bar; "" when there is nothing to say.

    Parameters
    ----------
    status : Status
    trouble : str
        What keeps the folder from being followed, else "".
    """
    if status.stage == "stopped" and status.error and status.documents:
        return stopped(status)
    if trouble:
        return f'<p class="trouble" role="alert">{escaped(trouble)}</p>'
    return working(status) if works(status) else ""


def works(status: Status) -> bool:
    """Whether so much is being done that it is worth a line."""
    if status.stage == "reading":
        return status.files_total > QUIET_FILES
    left = status.passages - status.embedded
    return status.stage == "embedding" and left > QUIET_PASSAGES


def working(status: Status) -> str:
    """What is being done, how quickly, how long still, and what can be had meanwhile."""
    if status.stage == "reading":
        done, total = status.files_done, max(status.files_total, 1)
        said = f"Read {done:,} of {counted(total, 'file')}"
        share, meanwhile = percent(done / total), "What has been read can be asked"
    else:
        share = percent(status.coverage)
        said = f'Semantic search covers {share} %<span class="aside"> of the passages so far</span>'
        meanwhile = "Words are searched in full"
    figures = "".join(f" · {figure}" for figure in speed(status))
    return (
        f'<p><span>{said}{figures}.</span> <span class="aside">{meanwhile}.</span></p>'
        f"{bar(share, status.stage)}"
    )


def speed(status: Status) -> Sequence[str]:
    """Passages a second, and the time left, as far as they are known."""
    found = []
    if status.passages_per_second >= 1:
        what = "passages " if status.stage == "reading" else ""
        found.append(f"{status.passages_per_second:,.0f} {what}a second")
    if status.seconds_left is not None:
        found.append(f"{duration(status.seconds_left)} left")
    return found


def bar(share: int, stage: str) -> str:
    """A thin bar, with its share for screen readers that ask for it."""
    name = "Reading" if stage == "reading" else "Semantic search"
    return (
        f'<div class="track" role="progressbar" aria-label="{name}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{share}"><span style="width:{share}%"></span></div>'
    )


def stopped(status: Status) -> str:
    """That the work stopped before all was done, why, what there is, and a way to go on."""
    if status.coverage < 1:
        what = f"Semantic search stopped at {percent(status.coverage)} % of the passages"
        meanwhile = "Words are searched in full."
    else:
        what, meanwhile = "Reading the folder stopped", "What was read before can be asked."
    return (
        f'<div class="trouble" role="alert"><p>{what}: {escaped(status.error)} {meanwhile}</p>'
        '<button type="button" class="quiet" data-retry>Try again</button></div>'
    )


def announcement(status: Status, trouble: str = "") -> str:
    """What a screen reader is told, once, when it changes (HTML)."""
    if trouble or (status.stage == "stopped" and status.error):
        return ""  # an alert, which is told anyway
    if not status.documents:
        return "There is nothing to ask yet."
    if works(status):
        return "Questions can be asked. Semantic search is still being prepared."
    return "Ready: all passages are searched by words and by meaning."
