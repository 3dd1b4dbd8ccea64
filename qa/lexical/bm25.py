"""BM25 over passages, by Tantivy. Knows passage ids, not passages.

Words have positions, so that a quoted phrase is found without reading every passage. Statistics are
those of the passages that are there: none is taken out of an index, because Tantivy keeps counting
deleted ones until it merges, and answers would depend on an index's history (see
`qa.lexical.segments`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tantivy
from tantivy import Occur, Query

from qa.lexical.terms import analyzer, content_terms, phrase_runs, terms, with_joined_forms

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]

TITLE_WEIGHT = 0.5  # of a match in the title, where 1 is a match in the passage
_HEAP_BYTES = 64_000_000  # of Tantivy's writer
_DECIMALS = 4  # of a score; what follows depends on the order in which Tantivy adds up


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage as it goes into the index."""

    id: int
    document: str
    title: str
    text: str


class LexicalIndex:
    """A BM25 index (k1 = 1.2, b = 0.75) with one field for passages and one for titles."""

    def __init__(self, index: tantivy.Index) -> None:
        index.register_tokenizer("words", analyzer())
        index.config_reader(reload_policy="manual")
        index.reload()
        self._schema = index.schema
        self._searcher = index.searcher()

    @classmethod
    def build(cls, entries: Iterable[Entry], folder: Path | None = None) -> LexicalIndex:
        """Index passages, into an empty folder or in memory."""
        if folder is not None:
            folder.mkdir(parents=True)
        return cls(_with(tantivy.Index(_schema(), path=str(folder) if folder else None), entries))

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Open what `build` wrote. Raises ValueError (Tantivy's own) when it is damaged."""
        return cls(tantivy.Index.open(str(folder)))

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def passages_with(self, term: str) -> int:
        """In how many passages, titles left aside, a term stands."""
        return int(self._searcher.doc_freq("text", term))

    def with_phrases(self, phrases: Iterable[str]) -> Ids:
        """Ids of the passages that may have all these phrases, each in its text or its title.

        None is left out that has them word for word. Others are among them: stems match here, and
        a word that is not indexed is passed over.
        """
        query = Query.boolean_query([(Occur.Must, self._phrase(phrase)) for phrase in phrases])
        return self._found(query, max(1, len(self)))[0]

    def _phrase(self, phrase: str) -> Query:
        runs = phrase_runs(phrase)
        fields = [
            Query.boolean_query([(Occur.Must, self._run(field, run)) for run in runs])
            for field in ("text", "title")
        ]
        return Query.disjunction_max_query(fields) if runs else Query.all_query()

    def _run(self, field: str, run: list[list[str]]) -> Query:
        if len(run) > 1:
            return Query.regex_phrase_query(self._schema, field, ["|".join(w) for w in run])
        terms = [Query.term_query(self._schema, field, term, "basic") for term in run[0]]
        return Query.disjunction_max_query(terms)

    def search(
        self,
        question: str,
        n: int,
        *,
        documents: Collection[str] | None = None,
        among: Collection[int] | None = None,
    ) -> tuple[Ids, Scores]:
        """The n passages with the highest BM25 score, best first.

        Parameters
        ----------
        question : str
            Function words count only when there is nothing else in it.
        n : int
        documents : ids of the documents to search in; None for all
        among : ids of the passages to search in; None for all

        Returns
        -------
        ids : array of shape (m,), m <= n
        scores : array of shape (m,), descending, > 0
        """
        words = content_terms(question) or list(dict.fromkeys(terms(question)))
        if not words or not len(self):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        query = self._query(words, documents, among)
        return self._found(query, n)

    def _found(self, query: Query, n: int) -> tuple[Ids, Scores]:
        """The n best. Ids break ties, so it makes no difference in which order passages came."""
        most = n
        while True:
            most = min(2 * most, len(self) + 1)
            hits = self._searcher.search(query, most, count=False).hits
            scores = np.array([score for score, _ in hits], np.float32).round(_DECIMALS)
            if len(hits) < most or scores[-1] < scores[n - 1]:
                break  # all that tie with the last of the n are there
        ids = self._searcher.fast_field_values("id", [address for _, address in hits])
        found = np.array(ids, np.int64)
        order = np.lexsort((found, -scores))[:n]
        return found[order], scores[order]

    def _query(
        self, words: list[str], documents: Collection[str] | None, among: Collection[int] | None
    ) -> Query:
        either = []
        for word in words:
            in_text = Query.term_query(self._schema, "text", word, "freq")
            in_title = Query.term_query(self._schema, "title", word, "freq")
            either.append((Occur.Should, in_text))
            either.append((Occur.Should, Query.boost_query(in_title, TITLE_WEIGHT)))
        chosen = [
            Query.const_score_query(Query.term_set_query(self._schema, field, list(values)), 0.0)
            for field, values in (("document", documents), ("id", among))
            if values is not None
        ]
        matches = Query.boolean_query(either)
        return Query.boolean_query([(Occur.Must, query) for query in (matches, *chosen)])


def _with(index: tantivy.Index, entries: Iterable[Entry]) -> tantivy.Index:
    index.register_tokenizer("words", analyzer())
    writer = index.writer(_HEAP_BYTES, 1)
    for entry in entries:
        writer.add_document(_tantivy_document(entry))
    writer.commit()
    writer.wait_merging_threads()
    return index


@cache
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", stored=False, indexed=True, fast=True)
    builder.add_text_field("document", stored=False, tokenizer_name="raw", index_option="basic")
    for name in ("title", "text"):
        builder.add_text_field(name, stored=False, tokenizer_name="words", index_option="position")
    return builder.build()


def _tantivy_document(entry: Entry) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("id", entry.id)
    document.add_text("document", entry.document)
    document.add_text("title", with_joined_forms(entry.title))
    document.add_text("text", with_joined_forms(entry.text))
    return document
