"""From an e-book to its chapters, each a document: who quotes a book names the chapter.

Chapters are what the table of contents names; a file in the book that it does not name goes on
where the one before it ended.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import unquote

from qa.errors import UnreadableFile
from qa.formats import archive, hypertext
from qa.formats.content import (
    Content,
    as_date,
    check_length,
    clean,
    one_line,
    value_or,
    wrapping,
)
from qa.formats.encoding import decode
from qa.formats.parts import Inner, Part, Unread

FILE_BYTES = 20_000_000
"""One file of a book beyond this is no chapter, however well it is compressed."""

BOOK_BYTES = 200_000_000
"""The chapters of a book together; pictures do not count."""

_DECLARED = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w.-]{2,20})[\"']")
_TEXTUAL = ("application/xhtml+xml", "text/html", "application/html+xml", "text/x-oeb1-document")


@dataclass(frozen=True, slots=True)
class _Book:
    """What the package file says."""

    title: str
    source: str
    content: Content
    files: list[str]  # in reading order
    contents: dict[str, list[tuple[str, str]]]  # by file: anchor and label


@dataclass(slots=True)
class _Chapter:
    key: str
    label: str
    texts: list[str]
    markdown: bool


def read(stream: BinaryIO, name: str) -> Iterator[Part]:
    """The chapters of a book in order, titled with the book's title and their own."""
    with wrapping(name, "book"):
        archive.check_directory(stream, name)
        with zipfile.ZipFile(stream) as package:
            book = _opened(package, name)
            _check(package, book, name)
            yield from _read(package, book, name)


def _check(package: zipfile.ZipFile, book: _Book, name: str) -> None:
    locked = _locked(package)
    if any(file in locked for file in book.files):
        raise UnreadableFile(f"cannot read {name!r}: it is protected against copying (DRM)")
    unpacked = sum(package.getinfo(file).file_size for file in book.files)
    if unpacked > BOOK_BYTES:
        raise UnreadableFile(
            f"cannot read {name!r}: it unfolds to {unpacked / 1e6:,.0f} MB, the limit is "
            f"{BOOK_BYTES / 1e6:,.0f} MB"
        )


def _read(package: zipfile.ZipFile, book: _Book, name: str) -> Iterator[Part]:
    total = 0
    unread: list[Unread] = []
    for chapter in _chapters(package, book, unread):
        total += sum(map(len, chapter.texts))
        check_length(total, name)
        yield Inner(chapter.key, _content(book, chapter))
    yield from unread


def _content(book: _Book, chapter: _Chapter) -> Content:
    title = ": ".join(filter(None, dict.fromkeys((book.title, chapter.label))))
    return Content(
        "\n\n".join(chapter.texts),
        title=title,
        date=book.content.date,
        source=book.source,
        format="markdown" if chapter.markdown else "text",
    )


# --- chapters ----------------------------------------------------------------------------


def _chapters(package: zipfile.ZipFile, book: _Book, unread: list[Unread]) -> Iterator[_Chapter]:
    """The sections of all files in order, those joined that belong to one chapter."""
    open_chapter: _Chapter | None = None
    for file in book.files:
        try:
            found = list(_sections(package, book, file))
        except Exception as error:  # of zipfile, zlib or lxml: one file, not the book
            unread.append(Unread(file, f"the chapter is damaged: {type(error).__name__}"))
            continue
        for chapter in found:
            if open_chapter and book.contents and not chapter.label:
                open_chapter.texts.extend(chapter.texts)
                open_chapter.markdown |= chapter.markdown
                continue
            if open_chapter:
                yield open_chapter
            open_chapter = chapter
    if open_chapter:
        yield open_chapter


def _sections(package: zipfile.ZipFile, book: _Book, file: str) -> Iterator[_Chapter]:
    labels = dict(book.contents.get(file, ()))
    tree = hypertext.tree_of(_text(package, file))
    for section in hypertext.sections(tree, [anchor for anchor in labels if anchor]):
        text = section.text
        label = labels.get(section.anchor, "")
        if not book.contents:
            label = section.heading
        if text.strip():
            key = f"{file}#{section.anchor}" if section.anchor else file
            yield _Chapter(key, label, [text], section.is_markdown)


def _text(package: zipfile.ZipFile, file: str) -> str:
    data = _bytes(package, file)
    declared = _DECLARED.search(data[:200])
    text, encoding = decode(data)
    if declared and encoding not in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        return value_or(text, lambda: data.decode(declared[1].decode("ascii")))
    return text


def _bytes(package: zipfile.ZipFile, file: str) -> bytes:
    member = package.getinfo(file)
    if member.file_size > FILE_BYTES:
        raise ValueError("too large")
    return package.read(member)


# --- the package -------------------------------------------------------------------------


def _xml(package: zipfile.ZipFile, file: str) -> Any:
    return hypertext.xml(_bytes(package, file))


def _all(tree: Any, name: str) -> list[Any]:
    """The elements of that name, whatever their namespace."""
    return list(tree.iter(f"{{*}}{name}")) if tree is not None else []


def _opened(opened: zipfile.ZipFile, name: str) -> _Book:
    roots = _all(_xml(opened, "META-INF/container.xml"), "rootfile")
    package_file = next((root.get("full-path") for root in roots if root.get("full-path")), "")
    if not package_file:
        raise UnreadableFile(f"cannot read {name!r}: it does not say where the book is in it")
    package = _xml(opened, package_file)
    folder = posixpath.dirname(package_file)
    items = {item.get("id"): item for item in _all(package, "item")}
    spine = [items.get(reference.get("idref")) for reference in _all(package, "itemref")]
    there = set(opened.namelist())
    files = [
        file
        for item in spine
        if item is not None
        and item.get("media-type") in _TEXTUAL
        and "nav" not in (item.get("properties") or "").split()
        and (file := _path(folder, item.get("href") or "")[0]) in there
    ]
    nothing: dict[str, list[tuple[str, str]]] = {}
    return _Book(
        title=_metadata(package, "title"),
        source=_metadata(package, "creator") or _metadata(package, "publisher"),
        content=Content("", date=value_or(None, lambda: _published(package))),
        files=list(dict.fromkeys(files)),
        contents=value_or(nothing, lambda: _contents(opened, items.values(), folder)),
    )


def _path(folder: str, href: str) -> tuple[str, str]:
    """The file in the archive that a link names, and the place in it."""
    file, _, anchor = href.partition("#")
    return posixpath.normpath(posixpath.join(folder, unquote(file))), unquote(anchor)


def _metadata(package: Any, name: str) -> str:
    values = [one_line("".join(element.itertext())) for element in _all(package, name)]
    found = list(dict.fromkeys(filter(None, values)))
    return clean(", ".join(found[:3]) if name == "creator" else next(iter(found), ""))


def _published(package: Any) -> Any:
    """The day of publication, where the book gives one in full; not when it was converted."""
    for element in _all(package, "date"):
        event = next((value for key, value in element.items() if key.endswith("event")), "")
        if event.lower() in ("", "publication", "original-publication"):
            return as_date("".join(element.itertext()).strip())
    return None


def _contents(
    package: zipfile.ZipFile, items: Any, folder: str
) -> dict[str, list[tuple[str, str]]]:
    """The table of contents: of EPUB 3 if there is one, else of EPUB 2."""
    found: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        if "nav" in (item.get("properties") or "").split():
            file = _path(folder, item.get("href") or "")[0]
            links = _nav_links(hypertext.tree_of(_text(package, file)))
            return _by_file(links, posixpath.dirname(file))
    for item in items:
        if item.get("media-type") == "application/x-dtbncx+xml":
            file = _path(folder, item.get("href") or "")[0]
            return _by_file(_ncx_links(_xml(package, file)), posixpath.dirname(file))
    return found


def _nav_links(tree: Any) -> Iterator[tuple[str, str]]:
    navs = [element for element in tree.iter() if _local(element) == "nav"]
    tables = [nav for nav in navs if any("toc" in value for value in nav.attrib.values())]
    for element in (tables or navs or [tree])[0].iter():
        if _local(element) == "a" and element.get("href"):
            yield element.get("href"), one_line("".join(element.itertext()))


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _ncx_links(tree: Any) -> Iterator[tuple[str, str]]:
    for point in _all(tree, "navPoint"):
        source = next((child.get("src") for child in point if _local(child) == "content"), None)
        label = next((child for child in point if _local(child) == "navlabel"), None)
        if source and label is not None:
            yield source, one_line("".join(label.itertext()))


def _by_file(links: Iterator[tuple[str, str]], folder: str) -> dict[str, list[tuple[str, str]]]:
    """The places by file; of several names for one place the first, which is the outermost."""
    found: dict[str, list[tuple[str, str]]] = {}
    for href, label in links:
        file, anchor = _path(folder, href)
        places = found.setdefault(file, [])
        if label and anchor not in dict(places):
            places.append((anchor, clean(label)))
    return found


def _locked(package: zipfile.ZipFile) -> set[str]:
    """The encrypted files: fonts may be, in a book that can be read."""
    if "META-INF/encryption.xml" not in package.namelist():
        return set()
    references = _all(_xml(package, "META-INF/encryption.xml"), "CipherReference")
    return {unquote(reference.get("URI") or "") for reference in references}
