"""BM25 over passages, by Tantivy. Knows passage ids, not passages.

A passage is indexed with the stems of its words; beside them stand joined forms, so that
"cease-fire" is found by "ceasefire" and "U.S." by "US". Words have positions, so that a quoted
phrase is found without reading every passage. Statistics are those of the passages that
are there: passages can join an index, but none is taken out, because Tantivy keeps counting deleted
ones until it merges, and answers would depend on an index's history.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tantivy
from tantivy import Filter, Occur, Query, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from qa import quotation

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]

VERSION = 2  # raise it when the same text gives other terms: search indexes are then made anew
TITLE_WEIGHT = 0.5  # of a match in the title, where 1 is a match in the passage
LONGEST_WORD = 60  # characters; longer ones are data, not words
_HEAP_BYTES = 64_000_000  # of Tantivy's writer
_DECIMALS = 4  # of a score; what follows depends on the order in which Tantivy adds up

_NAME = "name"  # before a name that is spelled like a function word

_ACRONYM = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
_COMPOUND = re.compile(r"\b\w+(?:[-\u2010\u2011]\w+)+")
_GROUPED = re.compile(r"\b\d+(?:[.,]\d+)+")
_CONTRACTED = re.compile(r"\b\w+n't\b", re.IGNORECASE)  # "won't" is not "won"
_POSSESSIVE = re.compile(r"'s\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage as it goes into the index."""

    id: int
    document: str
    title: str
    text: str


def terms(text: str) -> list[str]:
    """The index terms of a text, in order, repeats kept: lower-case stems and joined forms."""
    tokens: list[str] = _analyzer().analyze(_with_joined_forms(text))
    return tokens


def content_terms(text: str) -> list[str]:
    """The terms of a text without function words ("who", "did", "the"), each once, in order."""
    kept = (
        term
        for term in terms(text)
        if (len(term) > 1 or not term.isascii() or term.isdigit()) and term not in _function_terms()
    )
    return list(dict.fromkeys(kept))


class LexicalIndex:
    """A BM25 index (k1 = 1.2, b = 0.75) with one field for passages and one for titles."""

    def __init__(self, index: tantivy.Index) -> None:
        index.register_tokenizer("words", _analyzer())
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
    def extend(cls, folder: Path, entries: Iterable[Entry]) -> LexicalIndex:
        """Add passages to what `build` wrote. Raises ValueError (Tantivy's own) where it cannot."""
        return cls(_with(tantivy.Index.open(str(folder)), entries))

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
        runs = _runs(phrase)
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
    index.register_tokenizer("words", _analyzer())
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
    document.add_text("title", _with_joined_forms(entry.title))
    document.add_text("text", _with_joined_forms(entry.text))
    return document


@cache
def _analyzer() -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST_WORD))
    folded = builder.filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return folded.filter(Filter.stemmer("english")).build()


def _with_joined_forms(text: str) -> str:
    """The text without possessive endings, and behind it "US" for "U.S.", "ceasefire" for
    "cease-fire" and "245000" for "245,000".

    A function word in capitals ("US", "IS", "WHO") is a name, and a term apart from the word,
    unless all of several words are in capitals.
    """
    text = _without_endings(text)
    joints = " ".join(word for word in text.split() if not word.isalnum())  # few, and all there are
    acronyms = [found.replace(".", "") for found in _ACRONYM.findall(joints)]
    parts = [*_COMPOUND.findall(joints), *_GROUPED.findall(joints)]
    compounds = [re.sub(r"\W", "", found) for found in parts]
    joined = " ".join([text, *acronyms, *compounds])
    shouted = text.isupper() and len(text.split()) > 1
    return joined if shouted else _CAPITALS.sub(_name, joined)


def _without_endings(text: str) -> str:
    text = quotation.plain(text)
    return _CONTRACTED.sub("not", _POSSESSIVE.sub("", text)) if "'" in text else text


def _runs(phrase: str) -> list[list[list[str]]]:
    """The phrase's words as runs of neighbours that are indexed, each word as the terms that it
    may be: a function word can stand in the text as a name.
    """
    runs: list[list[list[str]]] = [[]]
    for word in _splitter().analyze(_without_endings(phrase)):
        spelled = [word, f"{_NAME}{word}"] if word.lower() in _function_words() else [word]
        found = [term for form in spelled for term in _analyzer().analyze(form)]
        if found and not quotation.UNSPACED.search(word):
            runs[-1].append(found)
        else:
            runs.append([])
    return [run for run in runs if run]


@cache
def _splitter() -> TextAnalyzer:
    return TextAnalyzerBuilder(Tokenizer.simple()).build()


def _name(found: re.Match[str]) -> str:
    return f"{_NAME}{found[0]}" if found[0].lower() in _function_words() else found[0]


@cache
def _function_words() -> frozenset[str]:
    return frozenset(_FUNCTION_WORDS.split())


@cache
def _function_terms() -> frozenset[str]:
    return frozenset(term for word in _function_words() for term in _analyzer().analyze(word))


# Closed classes only (articles, pronouns, prepositions, conjunctions, auxiliaries, question
# words) and what a question is wrapped in ("tell me about"): none of them is what is asked for.
_FUNCTION_WORDS = """
a an the this that these those such some any each every both either neither no not nor
i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her
hers herself it its itself they them their theirs themselves one
who whom whose which what when where why how whether
and or but if then else than so because as while until though although since unless
of at by for with about against between among into through during before after above below to from
up down in out on off over under again further upon within without toward towards per via
am is are was were be been being have has had having do does did doing done can could will would
shall should may might must ought
there here just only also too very more most much many
ll ve re
please tell say says said according
"""
