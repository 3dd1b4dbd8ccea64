"""Before the first question: what this is, how far the indexing is, what to ask."""

from __future__ import annotations

from collections.abc import Sequence

from qa.page.wording import counted, duration, escaped
from qa.progress import Progress

PURPOSE = (
    "Ask a question about these articles. You get the passages that answer it, word for word, "
    "or a plain “the articles do not say”."
)


KINDS = (
    "Text and Markdown, web pages (saved ones too), PDF, Word, e-books, mail and mailboxes, "
    "tables and JSON, or zip files of any of these."
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


def welcome(
    documents: int, examples: Sequence[str], *, looking: bool = False, reading: bool = False
) -> str:
    """The empty state of a page that is ready.

    Parameters
    ----------
    documents : int
        How many articles are loaded.
    examples : sequence of str
        Questions to click.
    looking : bool
        Whether examples are still being looked for.
    reading : bool
        Whether more articles are being read.
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
        f'<p class="loaded">{counted(documents, "article")} loaded{" so far" if reading else ""}, '
        "on this machine only.</p>"
        f"{offered or waiting}"
    )


def empty(unread: int = 0) -> str:
    """The empty state of a page over a folder in which there is nothing to read yet.

    Parameters
    ----------
    unread : int
        How many files could not be read.
    """
    named = f"{counted(unread, 'file')} could not be read: “Articles” says why." if unread else ""
    return (
        f'{purpose()}<div class="empty"><h3>There is nothing to read in this folder yet</h3>'
        "<p>Put articles into it, or add them under “Articles”: they appear here by themselves. "
        f"{KINDS}</p>{nothing(named)}</div>"
    )


def missing(reason: str) -> str:
    """The empty state of a page whose folder cannot be used now, but may be in a moment."""
    return (
        f'{purpose()}<div class="empty"><h3>There is nothing to read in this folder now</h3>'
        f"{nothing(reason)}<p>As soon as there are articles in it, they can be asked.</p></div>"
    )


def nothing(said: str) -> str:
    """A quiet line (HTML); nothing of nothing."""
    return f'<p class="nothing">{escaped(said)}</p>' if said else ""


def purpose() -> str:
    """One sentence on what this page is for."""
    return f'<h2 class="visually-hidden">Welcome</h2><p class="purpose">{PURPOSE}</p>'


def opening(progress: Progress) -> str:
    """The empty state of a page whose index is not ready yet: a bar, and the figures in words."""
    share = percentage(progress)
    known = progress.stage != "preparing" and total_of(progress) > 0
    value = f' aria-valuenow="{share}"' if known else ""
    bar = f'<span style="width:{share}%"></span>' if known else '<span class="unknown"></span>'
    return (
        f"{purpose()}"
        '<div class="opening"><div class="track" role="progressbar" aria-label="Indexing" '
        f'aria-valuemin="0" aria-valuemax="100"{value}>{bar}</div>'
        f"<p>{escaped(progress_line(progress))}</p>"
        '<p class="nothing">You can ask already; the answer comes as soon as there is something to '
        "search.</p></div>"
    )


def total_of(progress: Progress) -> int:
    """Of how many things its stage is: passages or files."""
    embedding = progress.stage == "embedding"
    return progress.passages_total if embedding else progress.documents_total


def percentage(progress: Progress) -> int:
    """What is done of a stage, of 100; 0 where nothing is known."""
    if progress.stage == "ready":
        return 100
    embedding = progress.stage == "embedding"
    done = progress.passages_done if embedding else progress.documents_done
    return round(100 * done / max(total_of(progress), 1))


def progress_line(progress: Progress) -> str:
    """How far it is, in words: ``Reading: 3 of 5 files, 40 passages, 900 a second, 2 s left.``"""
    if progress.stage == "ready":
        return "Ready."
    if progress.stage == "reading" and progress.documents_total:
        files = f"{progress.documents_done:,} of {counted(progress.documents_total, 'file')}"
        return figures(f"Reading: {files}", counted(progress.passages_done, "passage"), progress)
    if progress.stage == "embedding" and progress.passages_total:
        passages = counted(progress.passages_total, "passage")
        return figures(f"Embedding: {progress.passages_done:,} of {passages}", "", progress)
    return (
        "Preparing: looking through the folder and loading the model. The very first "
        "time this takes up to a minute."
    )


def figures(done: str, more: str, progress: Progress) -> str:
    """One line of what is done, how quickly, and how long it still takes."""
    speed = f"{progress.passages_per_second:,.0f} {'' if more else 'passages '}a second"
    left = progress.seconds_left
    known = [
        done,
        more,
        speed if progress.passages_per_second >= 1 else "",
        f"{duration(left)} left" if left is not None else "",
    ]
    return ", ".join(filter(None, known)) + "."


def failed(message: str) -> str:
    """The page of an index that could not be opened: the plain reason, and what to do."""
    return (
        '<div class="failure" role="alert"><h2>The articles could not be opened</h2>'
        f"<p>{escaped(message)}</p>"
        "<p>Put that right and start again; nothing has been lost.</p></div>"
    )
