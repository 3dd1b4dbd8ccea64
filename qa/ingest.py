"""Documents to passages to vectors to the store.

Texts are embedded a window at a time, and vectors are kept as soon as they are made, so a killed
process loses a window's work at most; documents enter the store one transaction each, whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from qa import documents, passages
from qa.documents import Document
from qa.embedding import Encoder
from qa.store import FileState, Store, StoredPassage, vector_key

WINDOW_PASSAGES = 32  # about two seconds of embedding
TITLE_TOKENS = 40  # of a title that a passage is embedded with; longer ones are cut
_SPECIAL_TOKENS = 8  # the encoder's own, and what joins title and passage
_FEWEST_TOKENS = 16

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def passage_tokens(encoder: Encoder) -> int:
    """The most tokens of a passage for this encoder: with its title it fits."""
    room = encoder.max_tokens - TITLE_TOKENS - _SPECIAL_TOKENS
    return max(min(passages.PASSAGE_TOKENS, room), _FEWEST_TOKENS)


def recipe(encoder: Encoder) -> str:
    """Names how files are read, cut and embedded; indexes of another recipe are made anew."""
    read, cut = documents.VERSION, passages.VERSION
    return f"{encoder.name} read-{read} cut-{cut} {passage_tokens(encoder)} tokens"


@dataclass(frozen=True, slots=True)
class _Prepared:
    document: Document
    state: FileState
    passages: tuple[StoredPassage, ...]
    texts: dict[bytes, str]  # what is embedded, by key


class Ingester:
    """Takes documents one by one; `flush` puts the rest into the store."""

    def __init__(
        self, store: Store, encoder: Encoder, embedded: Callable[[int], None] | None = None
    ) -> None:
        """
        Parameters
        ----------
        embedded : callable, optional
            Told, window by window, how many passages were embedded.
        """
        self._store = store
        self._encoder = encoder
        self._embedded = embedded or (lambda _: None)
        self._waiting: list[_Prepared] = []

    def add(self, document: Document, state: FileState) -> None:
        """Take a document in; it may wait for others before it is embedded and stored."""
        self._waiting.append(self._prepare(_in_characters(document), state))
        passages = sum(len(prepared.passages) for prepared in self._waiting)
        if max(passages, len(self._waiting)) >= WINDOW_PASSAGES:
            self.flush()

    def flush(self) -> None:
        """Embed and store what waits."""
        texts: dict[bytes, str] = {}
        for prepared in self._waiting:
            texts |= prepared.texts
        self._embed(texts)
        for prepared in self._waiting:
            self._store.put(prepared.document, prepared.state, prepared.passages)
        self._waiting = []

    def _prepare(self, document: Document, state: FileState) -> _Prepared:
        count = self._encoder.count_tokens
        title = _shortened(document.title, self._encoder)
        stored, texts = [], {}
        for passage in passages.cut(document, count, max_tokens=passage_tokens(self._encoder)):
            text = f"{title}\n{passage.text}" if title else passage.text
            key = vector_key(text)
            texts[key] = text
            stored.append(StoredPassage(passage, key))
        return _Prepared(document, state, tuple(stored), texts)

    def _embed(self, texts: dict[bytes, str]) -> None:
        kept = self._store.kept_keys(self._encoder.name, texts.keys())
        missing = [key for key in texts if key not in kept]
        for first in range(0, len(missing), WINDOW_PASSAGES):
            keys = missing[first : first + WINDOW_PASSAGES]
            vectors = self._encoder.encode_passages([texts[key] for key in keys])
            self._store.put_vectors(self._encoder.name, dict(zip(keys, vectors, strict=True)))
            self._embedded(len(keys))


def only_characters(text: str) -> str:
    """The text with U+FFFD for every lone surrogate: half a character, which nothing can encode.

    As long as before, so offsets hold.
    """
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _in_characters(document: Document) -> Document:
    return replace(
        document,
        text=only_characters(document.text),
        title=only_characters(document.title),
        source=only_characters(document.source),
    )


def _shortened(title: str, encoder: Encoder) -> str:
    words = title.split()
    used = 0
    for position, tokens in enumerate(encoder.count_tokens(words) if words else []):
        used += tokens
        if used > TITLE_TOKENS:
            return " ".join(words[:position])
    return " ".join(words)
