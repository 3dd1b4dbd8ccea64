"""Before the first question: what this is, how far the indexing is, what to ask."""

from __future__ import annotations

from collections.abc import Sequence

from qa.page.wording import counted, escaped
from qa.progress import Progress

PURPOSE = (
    "Ask a question about these articles. You get the passages that answer it, word for word, "
    "or a plain “the articles do not say”."
)


def heading(folder_name: str) -> str:
    """The page's own heading: what is asked."""
    return f'<h1>Ask the articles <span class="folder">in {escaped(folder_name)}</span></h1>'


def tabs() -> str:
    """The two faces of the side panel."""
    return (
        '<div role="tablist" aria-label="Side panel">'
        '<button type="button" role="tab" id="tab-evidence" aria-selected="false" '
        'aria-controls="qa-panel-evidence" tabindex="-1">Evidence</button>'
        '<button type="button" role="tab" id="tab-articles" aria-selected="true" '
        'aria-controls="qa-panel-articles" tabindex="0">Articles</button></div>'
    )


def welcome(documents: int, examples: Sequence[str], *, looking: bool = False) -> str:
    """The empty state of a page that is ready.

    Parameters
    ----------
    documents : int
        How many articles are loaded.
    examples : sequence of str
        Questions to click.
    looking : bool
        Whether examples are still being looked for.
    """
    buttons = "".join(
        f'<li><button type="button" data-question="{escaped(question)}">{escaped(question)}'
        "</button></li>"
        for question in examples
    )
    offered = f'<h3>For example</h3><ul class="examples">{buttons}</ul>' if buttons else ""
    waiting = '<p class="nothing">Looking for questions to suggest…</p>' if looking else ""
    return (
        f"{purpose()}"
        f'<p class="loaded">{counted(documents, "article")} loaded, on this machine only.</p>'
        f"{offered or waiting}"
    )


def purpose() -> str:
    """One sentence on what this page is for."""
    return f'<h2 class="visually-hidden">Welcome</h2><p class="purpose">{PURPOSE}</p>'


def opening(progress: Progress) -> str:
    """The empty state of a page whose index is not ready yet: a bar, and the figures in words."""
    share = percentage(progress)
    total = progress.documents_total or progress.passages_total
    known = progress.stage != "preparing" and total > 0
    value = f' aria-valuenow="{share}"' if known else ""
    bar = f'<span style="width:{share}%"></span>' if known else '<span class="unknown"></span>'
    return (
        f"{purpose()}"
        '<div class="opening"><div class="track" role="progressbar" aria-label="Indexing" '
        f'aria-valuemin="0" aria-valuemax="100"{value}>{bar}</div>'
        f"<p>{escaped(progress_line(progress))}</p>"
        '<p class="nothing">You can ask already; the answer comes when this is done.</p></div>'
    )


def percentage(progress: Progress) -> int:
    """Documents done, of 100; 0 where nothing is known."""
    if progress.stage == "ready":
        return 100
    if progress.stage == "embedding":
        return round(100 * progress.passages_done / max(progress.passages_total, 1))
    return round(100 * progress.documents_done / max(progress.documents_total, 1))


def progress_line(progress: Progress) -> str:
    """How far it is, in words: ``Indexing: 3 of 5 articles, 17 passages a second, 2 min left``."""
    if progress.stage == "ready":
        return "Ready."
    done, total, things = progress.documents_done, progress.documents_total, "article"
    if progress.stage == "embedding":
        done, total, things = progress.passages_done, progress.passages_total, "passage"
    if progress.stage == "preparing" or not total:
        return (
            "Preparing: looking through the folder and loading the model. The very first "
            "time this takes up to a minute."
        )
    parts = [f"Indexing: {done:,} of {counted(total, things)}"]
    if progress.passages_per_second > 0:
        parts.append(f"{progress.passages_per_second:.0f} passages a second")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return ", ".join(parts) + "."


def duration(seconds: float) -> str:
    """A rough length of time: ``20 s``, ``3 min``, ``1 h 10 min``."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def failed(message: str) -> str:
    """The page of an index that could not be opened: the plain reason, and what to do."""
    return (
        '<div class="failure" role="alert"><h2>The articles could not be opened</h2>'
        f"<p>{escaped(message)}</p>"
        "<p>Put that right and start again; nothing has been lost.</p></div>"
    )
