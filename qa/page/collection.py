"""The list of articles: which are searched, what was added, what could not be read."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from qa.documents import Document
from qa.page.evidence import opener
from qa.page.welcome import progress_line
from qa.page.wording import counted, escaped, provenance, title_of
from qa.progress import Progress

if TYPE_CHECKING:  # the index brings in the search engines; the page's words need none of them
    from qa import Changes, Failure

LISTED = 200  # rows sent at a time; a filter finds the rest
UPLOADS = "uploads/"  # where the ids of uploaded documents begin


def collection(
    documents: Sequence[Document], chosen: Collection[str] = (), failures: Sequence[Failure] = ()
) -> str:
    """The panel of articles: a filter, the rows, and the files that could not be read.

    Parameters
    ----------
    documents : sequence of Document
    chosen : collection of str
        Ids of the documents that are searched; none means all of them.
    failures : sequence of Failure
        Files of the folder that could not be read, each with its reason.
    """
    return (
        f'<div class="collection" data-total="{len(documents)}" '
        f'data-chosen="{escaped(json.dumps(list(chosen)))}"><h2>Articles</h2>'
        '<p class="about">Tick articles to search only those.</p>'
        '<input type="search" id="article-filter" placeholder="Filter by title, source or file" '
        'aria-label="Filter articles" autocomplete="off">'
        f'<ul class="rows">{rows(documents, chosen)}</ul></div>{unread(failures)}'
    )


def rows(documents: Sequence[Document], chosen: Collection[str] = (), filter_text: str = "") -> str:
    """The rows whose title, source or file contains every word of the filter."""
    if not documents:
        return '<li class="nothing">None yet.</li>'
    found = matching(documents, filter_text)
    ticked_first = sorted(found, key=lambda document: document.id not in chosen)
    listed = "".join(row(document, document.id in chosen) for document in ticked_first[:LISTED])
    if not found:
        return '<li class="nothing">No article matches.</li>'
    hidden = len(found) - LISTED
    more = f'<li class="nothing">{hidden:,} more: filter to find them.</li>' if hidden > 0 else ""
    return listed + more


def matching(documents: Sequence[Document], filter_text: str) -> list[Document]:
    """The documents whose title, source or id contains every word, whatever the case."""
    words = filter_text.casefold().split()
    return [
        document
        for document in documents
        if all(word in f"{document.title} {provenance(document)}".casefold() for word in words)
    ]


def row(document: Document, ticked: bool) -> str:
    """One article: a tick box, its title as a button that opens it, where it is from."""
    identity, title = escaped(document.id), escaped(title_of(document))
    return (
        f'<li><input type="checkbox" value="{identity}" aria-label="Search only: {title}"'
        f"{' checked' if ticked else ''}>"
        f"<div>{opener(title_of(document), document, style='title')}"
        f'<p class="source">{escaped(provenance(document))}</p></div>'
        f"{remover(document.id, title_of(document))}</li>"
    )


def remover(identity: str, name: str) -> str:
    """A button that removes an uploaded file; nothing for a file of the folder."""
    if not identity.startswith(UPLOADS):
        return ""
    return (
        f'<button type="button" class="quiet" data-forget="{escaped(identity)}" '
        f'aria-label="Remove: {escaped(name)}">Remove</button>'
    )


def scope(documents: Sequence[Document], chosen: Collection[str] = ()) -> str:
    """What a question is searched in, with the way back to all (HTML)."""
    total = len(documents)
    if not chosen:
        what = "the one article" if total == 1 else f"all {counted(total, 'article')}"
        return (
            f'<span class="scope">Searching {what}. '
            '<button type="button" class="link" data-choose>Choose</button></span>'
        )
    return (
        f'<span class="scope chosen">Searching {len(chosen):,} of {counted(total, "article")}. '
        '<button type="button" class="link" data-all>Search all</button></span>'
    )


def unread(failures: Sequence[Failure]) -> str:
    """The files that could not be read, by name and reason."""
    if not failures:
        return ""
    items = "".join(
        f"<li>{escaped(reason(failure))} {remover(failure.path, failure.path)}</li>"
        for failure in failures[:LISTED]
    )
    return (
        f'<details class="unread"><summary>{counted(len(failures), "file")} could not be read'
        f"</summary><ul>{items}</ul></details>"
    )


def reason(failure: Failure) -> str:
    """The file and why it could not be read, the file named once."""
    named = failure.path in failure.reason
    return failure.reason if named else f"{failure.path}: {failure.reason}"


def invitation() -> str:
    """What can be added, above the place to drop it."""
    return (
        "<h3>Add articles</h3>"
        '<p class="about">Text, Markdown, HTML, PDF or Word files. They are copied into the index '
        "on this machine, and the folder is left as it is.</p>"
    )


def adding(progress: Progress) -> str:
    """How far the indexing of uploaded files is."""
    line = (
        progress_line(progress)
        if progress.stage in ("reading", "embedding")
        else "Reading the files…"
    )
    return f'<p role="status">{escaped(line)}</p>'


def removed(identity: str) -> str:
    """That an uploaded article was removed."""
    return f'<p role="status">Removed {escaped(identity.removeprefix(UPLOADS))}.</p>'


def refused(reason: str) -> str:
    """Why adding or removing did not work."""
    return f'<p role="alert" class="failed">{escaped(reason)}</p>'


def added(changes: Changes) -> str:
    """What an upload did: the articles that can now be asked, and the files that failed."""
    names = [*changes.added, *changes.changed]
    done = (
        f"<p>Added {counted(len(names), 'article')}: "
        f"{', '.join(escaped(name.removeprefix(UPLOADS)) for name in names)}.</p>"
        if names
        else ""
    )
    failed = "".join(
        f'<p class="failed">{escaped(reason(failure))}</p>' for failure in changes.failed
    )
    nothing = "" if done or failed else "<p>Nothing new: these files were here already.</p>"
    return f'<div role="status">{done}{failed}{nothing}</div>'
