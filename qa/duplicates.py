"""The same story again: which documents of a store are nearly the same, word for word.

Compared is what passages are cut of, without the headline and the furniture of a page: neither
another title nor another site's menus make a difference. Every document's signature is kept in the
store, made once when its file was read; pairs whose signatures are alike are then compared word for
word. A story that is told anew in other words is another one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache

from qa import minhash
from qa.store import Outline, Store

_BATCH = 200  # documents in memory, texts and all

Groups = tuple[tuple[str, ...], ...]


def sign(store: Store, after_each: Callable[[], None] | None = None) -> None:
    """Give every document a signature that has none yet.

    The caller holds the index for writing.

    Parameters
    ----------
    after_each : callable, optional
        Called after some hundred documents. What it raises ends the work; the next call goes on.

    Raises
    ------
    StoreError
        When the store cannot be written.
    """
    unsigned = store.unsigned()
    for start in range(0, len(unsigned), _BATCH):
        store.put_signatures(_signed(store, unsigned[start : start + _BATCH]))
        if after_each:
            after_each()


def _signed(store: Store, ids: Collection[str]) -> dict[str, bytes]:
    return {id: minhash.signature(text) for id, text in _bodies(store, ids).items()}


def _bodies(store: Store, ids: Collection[str]) -> dict[str, str]:
    """The texts of documents, without headlines and furniture: all their passages."""
    parts: dict[str, list[tuple[int, str]]] = {id: [] for id in ids}
    for document, passage in store.passages(store.passage_ids(ids)).values():
        parts[document.id].append((passage.start, passage.text))
    return {id: " ".join(text for _, text in sorted(found)) for id, found in parts.items()}


class Duplicates:
    """Which documents of an index are the same story. For any thread.

    Worked out when it is first asked for, and again when the documents have changed; what was
    compared before is not compared again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = ""
        self._groups: Groups = ()
        self._group_of: dict[str, tuple[str, ...]] = {}
        self._compared: dict[tuple[object, ...], bool] = {}

    def groups(self, store: Store, kept: Store | None = None) -> Groups:
        """Ids of documents that are the same story, all groups of two or more, the best first.

        That is the oldest, those without a date last; of these the longest.

        Parameters
        ----------
        store : Store
            One state of it.
        kept : Store, optional
            The same, later, where signatures may be that were not there yet. Those that are
            missing in it are made, not kept.

        Raises
        ------
        DamagedStore
        """
        with self._lock:
            self._work_out(store, kept or store)
            return self._groups

    def others(self, id: str, store: Store, kept: Store | None = None) -> tuple[str, ...]:
        """The other documents that are the same story as this one, the best first."""
        with self._lock:
            self._work_out(store, kept or store)
            return tuple(other for other in self._group_of.get(id, ()) if other != id)

    def _work_out(self, store: Store, kept: Store) -> None:
        if (version := store.version()) == self._version:
            return
        ids = [outline.id for outline in sorted(store.outlines(), key=_best_first)]
        signatures = _complete(store, ids, kept.signatures())
        groups = _Groups(ids)
        self._compared = self._join(store, groups, signatures)
        self._groups = groups.found()
        self._group_of = {id: group for group in self._groups for id in group}
        self._version = version

    def _join(
        self, store: Store, groups: _Groups, signatures: Mapping[str, bytes]
    ) -> dict[tuple[object, ...], bool]:
        """Put together what is the same; what was compared for it."""
        shingles = lru_cache(_BATCH)(lambda id: minhash.shingles(_bodies(store, [id])[id]))
        ids = [id for id in groups.ids if len(signatures[id]) > 1]  # the others have no words
        compared: dict[tuple[object, ...], bool] = {}
        for first, second in minhash.alike(minhash.numbers([signatures[id] for id in ids])):
            one, other = ids[first], ids[second]
            if groups.of[one] is groups.of[other]:
                continue
            key = (one, other, hash(signatures[one]), hash(signatures[other]))
            known = self._compared.get(key)
            same = minhash.same(shingles(one), shingles(other)) if known is None else known
            compared[key] = same
            if same:
                groups.join(one, other)
        return compared


class _Groups:
    """Documents, the best first, put together one by one."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = list(ids)
        self.of = {id: [id] for id in self.ids}  # from each to the group that it is in

    def join(self, one: str, other: str) -> None:
        larger, smaller = sorted((self.of[one], self.of[other]), key=len, reverse=True)
        larger += smaller
        self.of |= dict.fromkeys(smaller, larger)

    def found(self) -> Groups:
        """Those of two or more, by their best; the best of each first."""
        place = {id: number for number, id in enumerate(self.ids)}
        groups = {id(group): group for group in self.of.values() if len(group) > 1}
        ordered = (tuple(sorted(group, key=place.__getitem__)) for group in groups.values())
        return tuple(sorted(ordered, key=lambda group: place[group[0]]))


def _best_first(outline: Outline) -> tuple[object, ...]:
    date = outline.date
    return (date is None, date and date.toordinal(), -outline.characters, outline.id)


def _complete(
    store: Store, ids: Collection[str], signatures: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The signatures of these documents; those that are not there are made."""
    usable = {id: signatures[id] for id in ids if minhash.is_signature(signatures.get(id, b""))}
    missing = [id for id in ids if id not in usable]
    for start in range(0, len(missing), _BATCH):
        usable |= _signed(store, missing[start : start + _BATCH])
    return usable
