"""The list of articles: which are searched, what was added, what could not be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from qa.page.evidence import opener
from qa.page.shelf import Shelf, Wanted
from qa.page.welcome import KINDS, progress_line
from qa.page.wording import counted, day, escaped, provenance, title_of, told_apart
from qa.progress import Progress

if TYPE_CHECKING:  # the index brings in the search engines; the page's words need none of them
    from qa import Changes, Failure, Outline

SAME_STORY = 3  # articles named that tell the same story; of the others the number
LISTED = 200  # rows sent at a time; a filter finds the rest
UPLOADS = "uploads/"  # where the ids of uploaded documents begin
ORDERS = {
    "file": "File name",
    "newest": "Newest first",
    "oldest": "Oldest first",
    "title": "Title",
    "source": "Source",
}
DATES = (
    '<span class="dates"><label>From <input type="date" id="article-after"></label>'
    '<label>To <input type="date" id="article-before"></label></span>'
)


def collection() -> str:
    """The panel's frame, which stays: a filter, and places for choices, their sum and the rows."""
    return (
        '<div class="collection"><h2>Articles</h2>'
        '<p class="about">Tick articles to search only those.</p>'
        '<input type="search" id="article-filter" placeholder="Filter by title, source or file" '
        'aria-label="Filter articles" autocomplete="off">'
        '<div class="choices"></div><div class="listed" role="status"></div>'
        '<ul class="rows"></ul><div class="failures"></div></div>'
    )


def choices(shelf: Shelf) -> str:
    """How to sort and to narrow the list; dates and sources only where there are any."""
    if len(shelf.outlines) < 2:
        return ""
    lacking = {"newest", "oldest"} if not shelf.dated else set()
    lacking |= set() if shelf.sources else {"source"}
    orders = "".join(
        f'<option value="{order}">{name}</option>'
        for order, name in ORDERS.items()
        if order not in lacking
    )
    sort = f'<label>Sort by <select id="article-order">{orders}</select></label>'
    return f"{sort}{source_choice(shelf)}{DATES if shelf.dated else ''}"


def source_choice(shelf: Shelf) -> str:
    """The sources to choose from, with their numbers of articles."""
    if not shelf.sources:
        return ""
    options = "".join(
        f'<option value="{escaped(source)}">{escaped(source)} ({number:,})</option>'
        for source, number in shelf.sources
    )
    every = '<option value="">All</option>'
    return f'<label>Source <select id="article-source">{every}{options}</select></label>'


def listed(shelf: Shelf, found: Sequence[Outline], wanted: Wanted) -> str:
    """How many articles are listed, and what can be done with just those."""
    total = len(shelf.outlines)
    if not wanted.narrows or not total:
        return ""
    back = '<button type="button" class="link" data-unfilter>Show all</button>'
    if not found:
        return f"<p>{nothing_matches(wanted)} {back}</p>"
    only = (
        f'<button type="button" class="quiet" data-only>Search only these {len(found):,}</button>'
        if len(found) < total
        else ""
    )
    return f"<p>{len(found):,} of {counted(total, 'article')} {back}</p>{only}"


def nothing_matches(wanted: Wanted) -> str:
    """That there is no such article, in the words that were asked for (HTML)."""
    words = " ".join(wanted.words.split())
    which = f" from “{escaped(wanted.source)}”" if wanted.source else ""
    which += days(wanted)
    if words:
        return f"No article{which} matches “{escaped(words)}”."
    return f"There is no article{which}."


def days(wanted: Wanted) -> str:
    """`` dated 1 May 2016 to 3 May 2016``, as far as days are wanted."""
    if wanted.after and wanted.before:
        return f" dated {day(wanted.after)} to {day(wanted.before)}"
    if wanted.after:
        return f" dated {day(wanted.after)} or later"
    return f" dated {day(wanted.before)} or earlier" if wanted.before else ""


def rows(
    total: int,
    found: Sequence[Outline],
    first: Collection[str] = (),
    stories: Mapping[str, Sequence[Outline]] = MappingProxyType({}),
) -> str:
    """The rows, those of `first` first; boxes are ticked by the page's script.

    Parameters
    ----------
    total : int
        How many articles there are.
    found : sequence of Outline
        Those to be listed.
    first : collection of str
        Ids.
    stories : mapping of str to sequence of Outline
        As those of a `Shelf`.
    """
    if not total:
        return '<li class="nothing">There are no articles yet.</li>'
    ordered = sorted(found, key=lambda outline: outline.id not in first) if first else found
    hidden = len(found) - LISTED
    more = f'<li class="nothing">{hidden:,} more: filter to find them.</li>' if hidden > 0 else ""
    listed = (row(outline, stories.get(outline.id, ())) for outline in ordered[:LISTED])
    return "".join(listed) + more


def row(document: Outline, story: Sequence[Outline] = ()) -> str:
    """One article: a tick box, its title as a button that opens it, where it is from.

    Parameters
    ----------
    story : sequence of Outline
        All articles that tell the same story, itself too.
    """
    identity, title = escaped(document.id), escaped(title_of(document))
    return (
        f'<li><input type="checkbox" value="{identity}" aria-label="Search only: {title}">'
        f"<div>{opener(title_of(document), document, style='title')}"
        f'<p class="source">{escaped(provenance(document))}</p>'
        f"{same_story(document, story)}</div>"
        f"{remover(document.id, title_of(document))}</li>"
    )


def same_story(document: Outline, story: Sequence[Outline]) -> str:
    """Which others tell the same story, each a button that opens it; nothing without any."""
    others = [*islice((other for other in story if other.id != document.id), SAME_STORY)]
    if not others:
        return ""
    names = told_apart(document, others)
    links = " ".join(
        opener(name, other, style="link") for name, other in zip(names, others, strict=True)
    )
    left = len(story) - 1 - len(others)
    more = f" <span>and {left:,} more</span>" if left else ""
    return f'<p class="same"><span>Same story as</span> {links}{more}</p>'


def remover(identity: str, name: str) -> str:
    """A button that removes an uploaded file; nothing for a file of the folder."""
    if not identity.startswith(UPLOADS):
        return ""
    return (
        f'<button type="button" class="quiet" data-forget="{escaped(identity)}" '
        f'aria-label="Remove: {escaped(name)}">Remove</button>'
    )


def scope(total: int, chosen: int = 0) -> str:
    """What a question is searched in, with the way back to all (HTML)."""
    if not total:
        return '<span class="scope">No articles yet.</span>'
    if not chosen:
        what = "the one article" if total == 1 else f"all {counted(total, 'article')}"
        return (
            f'<span class="scope">Searching {what}. '
            '<button type="button" class="link" data-choose>Choose</button></span>'
        )
    return (
        f'<span class="scope chosen">Searching {chosen:,} of {counted(total, "article")}. '
        '<button type="button" class="link" data-all>Search all</button></span>'
    )


def lost(number: int, left: int) -> str:
    """That ticked articles are not there any more; how many are ticked still."""
    if left:
        who = "One ticked article is" if number == 1 else f"{number:,} ticked articles are"
        return f"{who} no longer in the folder."
    who = "The ticked article is" if number == 1 else "The ticked articles are"
    return f"{who} no longer in the folder. All articles are searched again."


def unread(failures: Sequence[Failure], *, unfolded: bool = False) -> str:
    """The files that could not be read, by name and reason; to be unfolded, or so already."""
    if not failures:
        return ""
    items = "".join(
        f"<li>{escaped(reason(failure))} {remover(failure.path, failure.path)}</li>"
        for failure in failures[:LISTED]
    )
    return (
        f'<details class="unread"{" open" if unfolded else ""}>'
        f"<summary>{counted(len(failures), 'file')} could not be read</summary>"
        f"<ul>{items}</ul></details>"
    )


def reason(failure: Failure) -> str:
    """The file and why it could not be read, the file named once."""
    named = failure.path in failure.reason
    return failure.reason if named else f"{failure.path}: {failure.reason}"


def invitation() -> str:
    """What can be added, above the place to drop it."""
    return (
        "<h3>Add articles</h3>"
        f'<p class="about">{KINDS} They are copied into the index on this machine, and the folder '
        "is left as it is.</p>"
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
