"""Search by words: which terms a text has, BM25 over them, and its files."""

from qa.lexical.bm25 import Entry, LexicalIndex
from qa.lexical.segments import Indexed
from qa.lexical.terms import VERSION, content_terms, terms

__all__ = ["VERSION", "Entry", "Indexed", "LexicalIndex", "content_terms", "terms"]
