"""A test collection on disk, as BEIR lays it out: corpus, queries, qrels.

Knows what is in the files and what of it is malformed; neither searches nor measures.

References
----------
Thakur, Reimers, Rücklé, Srivastava and Gurevych, BEIR: A Heterogeneous Benchmark for Zero-shot
Evaluation of Information Retrieval Models, 2021.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Collection as AnyCollection
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qa.documents import Document
from qa.errors import QAError
from qa.evaluation.gold import Query, Span, says
from qa.ingest import only_characters

CORPUS, QUERIES = "corpus.jsonl", "queries.jsonl"
QRELS = ("qrels.tsv", "qrels/test.tsv")  # the first that there is

Half = Literal["tune", "report"]
Qrels = dict[str, dict[str, int]]
"""By query id and document id: how relevant."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collection:
    """What a BEIR folder holds, in the order of its files."""

    folder: Path
    documents: tuple[Document, ...]
    queries: tuple[Query, ...]


def read(folder: Path) -> Collection:
    """Read a BEIR folder.

    ``corpus.jsonl`` has an object with ``_id``, ``title`` and ``text`` a line, ``queries.jsonl``
    one with ``_id`` and ``text``. ``qrels.tsv``, or ``qrels/test.tsv``, says query id, document id
    and relevance, with or without a header, or is in TREC's four columns.

    A query's ``metadata`` may give ``answers`` (a list of texts), ``answer_starts`` (a list of
    ``[text, start]``, in characters of the text of the document ``gold_passage``) and
    ``is_impossible``. Without that last: a query is answerable when a document is relevant; it is
    not when none is, and it has answers, of which none stands in any document.

    Raises
    ------
    QAError
        For what is missing or malformed: the file, the line, and what was expected.
    """
    if not folder.is_dir():
        raise QAError(f"no folder {str(folder)!r}")
    documents = {document.id: document for document in _documents(folder / CORPUS)}
    qrels = _read_qrels(_qrels_file(folder))
    queries = tuple(_queries(folder / QUERIES, qrels, documents))
    _check_qrels(folder, qrels, documents, queries)
    return Collection(folder, tuple(documents.values()), queries)


def sample(
    queries: Sequence[Query], *, limit: int | None = None, half: Half | None = None
) -> list[Query]:
    """A fixed random choice of queries, in their order, whatever the order of the file.

    Parameters
    ----------
    limit : int, optional
        How many, at most; fewer are some of those that more would be.
    half : {"tune", "report"}, optional
        Those whose id's SHA-1 ends in an even byte, or in an odd one.
    """
    chosen = [query for query in queries if half is None or half_of(query.id) == half]
    if limit is not None:
        chosen.sort(key=lambda query: hashlib.sha256(query.id.encode()).digest())
        kept = {query.id for query in chosen[:limit]}
        chosen = [query for query in queries if query.id in kept]
    return chosen


def half_of(query_id: str) -> Half:
    """Which half a query belongs to: what is fitted on one is reported on the other."""
    return "report" if hashlib.sha1(query_id.encode()).digest()[-1] % 2 else "tune"


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a text file that are not empty, each with words for where it stands.

    Raises
    ------
    QAError
        When the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield f"{str(path)!r}, line {number}", line
    except FileNotFoundError as error:
        raise QAError(f"no file {str(path)!r}") from error
    except OSError as error:
        raise QAError(f"cannot read {str(path)!r} ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise QAError(f"{str(path)!r} is not UTF-8: {error.reason}") from error


def _entries(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file of JSON lines; an ``_id`` that is given twice is an error."""
    seen: set[str] = set()
    for where, line in lines(path):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise QAError(f"{where}: expected a JSON object, found {line.strip():.40}") from error
        if not isinstance(entry, dict):
            raise QAError(f"{where}: expected a JSON object, found {line.strip():.40}")
        id = _text(entry, "_id", where).strip()
        if not id or only_characters(id) != id:
            raise QAError(f'{where}: expected an "_id" of characters, found {id!r}')
        if id in seen:
            raise QAError(f"{where}: the id {id!r} was there before")
        seen.add(id)
        yield where, entry | {"_id": id}
    if not seen:
        raise QAError(f"{str(path)!r} is empty: expected a JSON object a line")


def _text(entry: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str):
        found = f"found {value!r:.40}" if key in entry else "found none"
        raise QAError(f'{where}: expected a string as "{key}", {found}')
    return value


def _documents(path: Path) -> Iterator[Document]:
    for where, entry in _entries(path):
        title = _text(entry, "title", where, "")
        yield Document(entry["_id"], _text(entry, "text", where) or title, title)


def _queries(path: Path, qrels: Qrels, documents: Mapping[str, Document]) -> Iterator[Query]:
    for where, entry in _entries(path):
        id, text = entry["_id"], _text(entry, "text", where)
        if not text.strip():
            raise QAError(f'{where}: expected a question as "text", found none')
        metadata = entry.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise QAError(f'{where}: expected an object as "metadata", found {metadata!r:.40}')
        relevant = {document: grade for document, grade in qrels.get(id, {}).items() if grade > 0}
        answers = _answers(metadata, where)
        spans = _spans(metadata, relevant, documents, where)
        answerable = _answerable(metadata, relevant, answers, documents.values())
        yield Query(id, text, relevant, answers, spans, answerable)


def _answers(metadata: Mapping[str, Any], where: str) -> tuple[str, ...]:
    answers = metadata.get("answers", [])
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise QAError(f'{where}: expected a list of strings as "answers", found {answers!r:.40}')
    return tuple(dict.fromkeys(answers))


def _spans(
    metadata: Mapping[str, Any],
    relevant: AnyCollection[str],
    documents: Mapping[str, Document],
    where: str,
) -> tuple[Span, ...]:
    found = metadata.get("answer_starts") or []
    only = next(iter(relevant)) if len(relevant) == 1 else ""
    gold = documents.get(str(metadata.get("gold_passage", only)))
    spans = set()
    for span in found if isinstance(found, list) else [found]:
        match span:
            case [str(text), int(start)] if gold and text and _stands(text, gold.text, start):
                spans.add(Span(gold.id, start, start + len(text)))
            case _:
                raise QAError(
                    f'{where}: expected "answer_starts" of [text, start] that stand in the '
                    f'document "gold_passage", found {span!r:.60}'
                )
    return tuple(sorted(spans, key=lambda span: (span.start, span.end)))


def _stands(text: str, within: str, start: int) -> bool:
    return start >= 0 and within.startswith(text, start)


def _answerable(
    metadata: Mapping[str, Any],
    relevant: AnyCollection[str],
    answers: Sequence[str],
    documents: Iterable[Document],
) -> bool | None:
    if "is_impossible" in metadata:
        return not metadata["is_impossible"]
    if relevant:
        return True
    if not answers or any(says(document.text, answers) for document in documents):
        return None
    return False


def _qrels_file(folder: Path) -> Path:
    for name in QRELS:
        if (folder / name).is_file():
            return folder / name
    raise QAError(f"no qrels in {str(folder)!r}: looked for {' and '.join(QRELS)}")


def _read_qrels(path: Path) -> Qrels:
    qrels: Qrels = {}
    for number, (where, line) in enumerate(lines(path)):
        columns = [c.strip() for c in line.strip().split("\t")] if "\t" in line else line.split()
        if len(columns) == 4:
            del columns[1]  # TREC's, which says nothing
        if len(columns) != 3:
            raise QAError(
                f"{where}: expected query id, document id and relevance, tabs between them, "
                f"found {len(columns)} columns"
            )
        query, document, relevance = columns
        if re.fullmatch(r"[+-]?\d+", relevance):
            qrels.setdefault(query, {})[document] = int(relevance)
        elif number:  # else it is the header
            raise QAError(f"{where}: expected a whole number as relevance, found {relevance!r}")
    return qrels


def _check_qrels(
    folder: Path, qrels: Qrels, documents: Mapping[str, Document], queries: Sequence[Query]
) -> None:
    if not any(query.relevant for query in queries):
        raise QAError(f"no query of {str(folder / QUERIES)!r} has a relevant document in the qrels")
    unknown = {id for relevant in qrels.values() for id in relevant} - documents.keys()
    if unknown:
        log.warning(
            "the qrels name %d documents that are not in the corpus, the first %r: "
            "they count as not found",
            len(unknown),
            min(unknown),
        )
    strangers = qrels.keys() - {query.id for query in queries}
    if strangers:
        log.warning(
            "the qrels name %d queries that are not in %s, the first %r: they are left out",
            len(strangers),
            QUERIES,
            min(strangers),
        )
