"""`qa eval`: measures against values computed by hand, runs, comparisons, and the command."""

from __future__ import annotations

from pathlib import Path

from fakes import HashingEncoder

import qa

DOCUMENTS = [
    qa.Document("truce", "The envoy refused a truce in the northern hills on Monday.", "Hills"),
    qa.Document("bread", "Bakers raised the price of bread by four coins.", "Harbour"),
    qa.Document("comet", "A comet was seen above the observatory on Tuesday.", "Sky"),
]


def kept(place: Path, documents: list[qa.Document], encoder: HashingEncoder) -> qa.Index:
    return qa.Index.from_documents(documents, directory=place, encoder=encoder)


def test_documents_kept_in_a_directory_are_embedded_once(tmp_path: Path) -> None:
    first, second = HashingEncoder(), HashingEncoder()
    with kept(tmp_path, DOCUMENTS, first) as index:
        before = index.retrieve("Who refused a truce?")
    with kept(tmp_path, DOCUMENTS, second) as index:
        assert index.directory == tmp_path
        assert index.retrieve("Who refused a truce?") == before
    # The hits' sentences are embedded at each question, the passages at the first making only.
    assert first.embedded - second.embedded == len(DOCUMENTS)


def test_documents_that_changed_or_are_gone_are_followed(tmp_path: Path) -> None:
    kept(tmp_path, DOCUMENTS, HashingEncoder()).close()
    changed = qa.Document("bread", "Bakers lowered the price of bread.", "Harbour")
    encoder = HashingEncoder()
    with kept(tmp_path, [DOCUMENTS[0], changed], encoder) as index:
        assert {document.id for document in index.documents} == {"truce", "bread"}
        assert index.document("bread").text == changed.text
        assert encoder.embedded == 1


def test_the_making_of_an_index_of_documents_is_reported(tmp_path: Path) -> None:
    told: list[qa.Progress] = []
    qa.Index.from_documents(DOCUMENTS, encoder=HashingEncoder(), progress=told.append)
    assert told[0].documents_total == 3
    assert (told[-1].stage, told[-1].documents_done, told[-1].passages_done) == ("ready", 3, 3)
