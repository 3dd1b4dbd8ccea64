"""How much of two texts is the same, word for word: shingles, and MinHash to find alike ones fast.

Pure: knows texts, neither documents nor where anything is kept. It needs but a few lines of NumPy;
the library for it, datasketch, brings scipy along, whose import alone takes half a second.

References
----------
Broder, On the resemblance and containment of documents, 1997.
Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3, 2014.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Collection, Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

SHINGLE_WORDS = 5  # what is counted: so many words in a row
SAME = 0.5  # of the shingles of two texts together, that both have
EXCHANGED_FIGURES = 0.01  # for every word, and a form was filled in twice: nothing is told again
BANDS, ROWS = 42, 3  # of a signature; two that have one band in common are looked at
ALIKE = 0.35  # of two signatures; those of the same text differ by chance, but not as much
COMPARED = 4  # pairs a text, at most: a folder of ten thousand forms has fifty million
VERSION = 2  # of signatures; raise it when they are made in another way

_CHUNK = 4096  # shingles, or pairs, that are worked on at once
_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d+")

Numbers = npt.NDArray[np.uint32]
Pairs = npt.NDArray[np.int64]


def shingles(text: str) -> frozenset[str]:
    """What is counted of a text: all its runs of so many words, without case and punctuation."""
    words = _WORD.findall(text.casefold())
    last = max(1, len(words) - SHINGLE_WORDS + 1) if words else 0
    return frozenset(" ".join(words[start : start + SHINGLE_WORDS]) for start in range(last))


def same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two texts are one, told again, by their shingles.

    At least half of all that both have is in both. A form that was filled in twice, an invoice or
    a daily notice, is not told again: figures stand in the place of others, more than one in a
    hundred words.
    """
    common = len(one & other)
    if not common or common < SAME * len(one | other):
        return False
    exchanged = len(_with_figures(one - other) & _with_figures(other - one))
    most = EXCHANGED_FIGURES * SHINGLE_WORDS  # a figure stands in so many shingles
    return exchanged <= most * min(len(one), len(other))


def _with_figures(found: Iterable[str]) -> set[str]:
    """The shingles that have a figure, whichever it is."""
    return {_DIGITS.sub("0", shingle) for shingle in found if _DIGITS.search(shingle)}


def signature(text: str) -> bytes:
    """What is kept of a text: a version, and numbers that are alike as often as shingles are.

    No numbers of a text without words.
    """
    found = shingles(text)
    return bytes([VERSION]) + (_minhash(found).astype("<u4").tobytes() if found else b"")


def _minhash(found: Collection[str]) -> Numbers:
    """Under each of many orders of all hashes, the least that these shingles have."""
    hashes = _mixed(np.fromiter((zlib.crc32(one.encode()) for one in found), np.uint32, len(found)))
    factors, summands = _orders()
    least = np.full(len(factors), np.iinfo(np.uint32).max, np.uint32)
    for start in range(0, len(hashes), _CHUNK):
        some = hashes[start : start + _CHUNK, None]
        least = np.minimum(least, (some * factors + summands).min(axis=0))
    return least


def _mixed(hashes: Numbers) -> Numbers:
    """MurmurHash3's last step: a CRC is linear, and so are the orders."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        hashes = (hashes ^ (hashes >> np.uint32(shift))) * np.uint32(factor)
    return hashes


@cache
def _orders() -> tuple[Numbers, Numbers]:
    """Odd factors, so that no two hashes become one, and summands; the same everywhere, always."""
    drawn = hashlib.shake_256(b"qa.minhash").digest(8 * BANDS * ROWS)
    factors, summands = np.frombuffer(drawn, "<u4").astype(np.uint32).reshape(2, -1)
    return factors | np.uint32(1), summands


def is_signature(kept: bytes) -> bool:
    """Whether `signature` of this version made it."""
    return kept[:1] == bytes([VERSION]) and len(kept) in (1, 1 + 4 * BANDS * ROWS)


def numbers(signatures: Sequence[bytes]) -> Numbers:
    """The numbers of signatures of texts with words: (n, ``BANDS * ROWS``)."""
    joined = b"".join(kept[1:] for kept in signatures)
    return np.frombuffer(joined, "<u4").reshape(len(signatures), BANDS * ROWS)


def alike(signatures: Numbers) -> list[tuple[int, int]]:
    """Pairs of rows that may be the same, those that are most alike first.

    Of each band that several have in common, every one is paired with the first and with the one
    before it, not with all the others: what belongs together hangs together.

    Parameters
    ----------
    signatures : array of shape (n, ``BANDS * ROWS``)
        By `numbers`, the best first.

    Returns
    -------
    list of (int, int)
        The better one first.
    """
    found = _in_one_band(signatures)
    shares = np.concatenate(
        [np.empty(0)]
        + [
            (signatures[some[:, 0]] == signatures[some[:, 1]]).mean(axis=1)
            for some in np.array_split(found, range(_CHUNK, len(found), _CHUNK))
        ]
    )
    order = np.lexsort((found[:, 0], found[:, 1], -shares))
    order = order[shares[order] >= ALIKE]
    return [(first, second) for first, second in _few_each(found[order]).tolist()]


def _in_one_band(signatures: Numbers) -> Pairs:
    """Pairs of rows, ascending, that have a band in common: (m, 2)."""
    n = len(signatures)
    found = [np.empty(0, np.int64)]
    for band in range(BANDS):
        keys = _hashed(signatures[:, band * ROWS : (band + 1) * ROWS])
        order = np.argsort(keys, kind="stable")  # the best of each first
        again = np.flatnonzero(np.diff(keys[order]) == 0) + 1  # not the first of its bucket
        firsts = np.searchsorted(keys[order], keys[order][again])
        found += [order[firsts] * n + order[again], order[again - 1] * n + order[again]]
    return np.stack(np.divmod(np.unique(np.concatenate(found)), max(1, n)), axis=1)


def _hashed(columns: Numbers) -> npt.NDArray[np.uint64]:
    """One number for each row; other rows have others, but for a chance of one in 2 ** 64."""
    keys = np.zeros(len(columns), np.uint64)
    for column in columns.T:
        keys = (keys ^ column) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def _few_each(pairs: Pairs) -> Pairs:
    """The first few pairs of each second row, in order."""
    by_second = np.argsort(pairs[:, 1], kind="stable")
    seconds = pairs[by_second, 1]
    position = np.arange(len(pairs)) - np.searchsorted(seconds, seconds)
    few: Pairs = pairs[np.sort(by_second[position < COMPARED])]
    return few
