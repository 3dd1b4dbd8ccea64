"""The cross-encoder that reads, from its wheel, and the heads that look at its hidden states.

``benchmarks/reader.py`` fits the heads.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import tokenizers

from qa import models, prepared
from qa.errors import ModelError
from qa.prepared import Floats, Graph
from qa.reader import Page, Reading, SentenceReading
from qa.sentences import Span

LAYERS = (7, 9, 11)  # whose states the heads look at, from 0
QUESTION_TOKENS = 96  # of a question that are read; what is asked stands in fewer
TITLE_TOKENS = 40
EXACT_TOKENS = 16  # of the exact words, at most
MOST_ABOVE = (
    6.0  # that a head's logit may be above the relevance; of gold sentences, 99 % are below
)
_MAX_TOKENS = 512
_STATES = [f"/bert/encoder/layer.{layer}/output/LayerNorm/Add_1_output_0" for layer in LAYERS]
_HEADS = Path(__file__).with_name("reader_heads.npz")


@dataclass(frozen=True, slots=True)
class Heads:
    """Linear heads on hidden states, m = 3 layers of 384 components each.

    Parameters
    ----------
    says, says_bias : array of shape (m,), float
        On the states of the question's tokens, averaged: whether the passage says what is asked. A
        word of the question that finds no counterpart shows there.
    sentence, sentence_bias : array of shape (m,), float
        On the states of a sentence's tokens, averaged: whether it is what is asked for.
    exact : array of shape (m, 2)
        On a token's states: whether the exact words start there, and whether they end there.
    """

    says: Floats
    says_bias: float
    sentence: Floats
    sentence_bias: float
    exact: Floats

    @classmethod
    def load(cls, path: Path = _HEADS) -> Heads:
        """Read the fitted heads. Raises ModelError when they are damaged."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                return cls(
                    says=kept["says"],
                    says_bias=float(kept["says_bias"]),
                    sentence=kept["sentence"],
                    sentence_bias=float(kept["sentence_bias"]),
                    exact=kept["exact"],
                )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
            raise ModelError(f"cannot read '{path}' ({error}): reinstall qa") from error


@dataclass(frozen=True, slots=True)
class States:
    """What the cross-encoder made of a question and a passage.

    Parameters
    ----------
    relevance : float
        Its own score: a logit.
    question : array of shape (m,)
        The states of the question's tokens, averaged.
    tokens : array of shape (n, m)
        Those of the passage's tokens.
    spans : list of (int, int)
        Where these tokens stand, in characters of the document.
    """

    relevance: float
    question: Floats
    tokens: Floats
    spans: list[Span]


class CrossEncoder:
    """The reader: a question and a passage a run, one run a core."""

    def __init__(self, graph: Graph, tokenizer: tokenizers.Tokenizer, heads: Heads) -> None:
        self._graph = graph
        self._tokenizer = tokenizer
        self._classify = prepared.token_id(tokenizer, "[CLS]")
        self._separate = prepared.token_id(tokenizer, "[SEP]")
        self._heads = heads

    def read(
        self, question: str, pages: Sequence[Page], *, seconds: float = float("inf")
    ) -> list[Reading]:
        """Readings of the first pages: all, or as many as are begun in time, but at least one.

        Returns
        -------
        list of Reading
            In the order of the pages.
        """
        end = time.monotonic() + seconds
        begun = partial(self._read_before, end, question)
        readings: list[Reading] = []
        for reading in prepared.side_by_side(begun, enumerate(pages)):
            if reading is None:
                break
            readings.append(reading)
        return readings

    def _read_before(self, end: float, question: str, item: tuple[int, Page]) -> Reading | None:
        number, page = item
        if number and time.monotonic() >= end:
            return None
        return _reading(self.states(question, page), page, self._heads)

    def states(self, question: str, page: Page) -> States:
        """The hidden states that the heads look at."""
        words = self._ids(question, QUESTION_TOKENS)
        asked = [self._classify, *words, self._separate]
        title = self._ids(page.title, TITLE_TOKENS)
        text = self._tokenizer.encode(page.text, add_special_tokens=False)
        first = len(asked) + len(title)
        read = text.ids[: _MAX_TOKENS - first - 1]
        score, *layers = self._graph.run([*asked, *title, *read, self._separate], len(asked))
        states = np.concatenate([layer[0] for layer in layers], axis=1)  # (first + n + 1, m)
        spans = [(page.start + a, page.start + b) for a, b in text.offsets[: len(read)]]
        return States(
            relevance=float(score[0, 0]),
            question=states[1 : 1 + max(1, len(words))].mean(axis=0),
            tokens=states[first : first + len(read)],
            spans=spans,
        )

    def _ids(self, text: str, most: int) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids[:most]


def _reading(states: States, page: Page, heads: Heads) -> Reading:
    scores = states.tokens @ heads.sentence + heads.sentence_bias  # (n,)
    ends = _log_softmax(states.tokens @ heads.exact)  # (n, 2)
    starts = np.array([start for start, _ in states.spans], np.int64)
    sentences = []
    for first, last in page.sentences:
        inside = np.flatnonzero((starts >= first) & (starts < last))
        if len(inside):
            stretch = slice(int(inside[0]), int(inside[-1]) + 1)
            exact, certainty = _exact(ends[stretch], states.spans[stretch])
            sentences.append(SentenceReading(float(scores[stretch].mean()), exact, certainty))
        else:  # past what the model reads
            sentences.append(SentenceReading(float(min(scores, default=-10.0))))
    says = float(states.question @ heads.says) + heads.says_bias
    return _within_reason(Reading(states.relevance, says, tuple(sentences)))


def _within_reason(reading: Reading) -> Reading:
    """The reading with its heads' logits bound to the relevance, which has seen far more text: to
    heads that were fitted on prose, the cells of a table can look like an answer to anything.
    """
    most = reading.relevance + MOST_ABOVE
    above = max((sentence.score for sentence in reading.sentences), default=most) - most
    return replace(
        reading,
        says=min(reading.says, most),
        sentences=tuple(replace(s, score=s.score - max(above, 0.0)) for s in reading.sentences),
    )


def _exact(ends: Floats, spans: list[Span]) -> tuple[Span, float]:
    """The most likely exact words of a sentence, and how likely they are.

    Parameters
    ----------
    ends : array of shape (n, 2)
        For each token, how likely they start and end there; in logarithms.
    """
    likely = []
    for start in np.argsort(-ends[:, 0])[:5].tolist():
        end = start + int(np.argmax(ends[start : start + EXACT_TOKENS, 1]))
        likely.append((float(ends[start, 0] + ends[end, 1]), start, end))
    certainty, start, end = max(likely)
    return (spans[start][0], spans[end][1]), certainty


def _log_softmax(values: Floats) -> Floats:
    if not len(values):
        return values
    shifted = values - values.max(axis=0)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=0))
    return result


def load() -> CrossEncoder:
    """Load the reader from its wheel.

    Raises
    ------
    ModelError
        When its wheel is not installed or damaged, or the prepared graph cannot be kept.
    """
    return CrossEncoder(*prepared.load_installed(models.READER, _STATES), Heads.load())
