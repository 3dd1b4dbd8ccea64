"""An index made by the first released version, opened by this one.

`data/index-v1/store.sqlite3` was written by qa 0.1.0 (schema 1) with its default model:
``qa.Index.open("/home/somebody/articles", directory=...)`` over the files that lie in
`data/index-v1-articles`, last written on 1 May 2024; then checkpointed (``PRAGMA
wal_checkpoint(TRUNCATE)``) and vacuumed. The search indexes derived from it are left out. It is
never made again: it is what people have on their disks.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import qa

DATA = Path(__file__).parent / "data"
ANSWERS = {  # as it answered when it was made: document, start of the passage, score
    "Who keeps sheep and lost none?": [
        ("wolves.txt", 70, 1.0),
        ("notes/harvest.md", 18, 0.013817146),
        ("bridge.txt", 76, 0.0),
    ],
    "How long is the bridge over the Arnsund?": [
        ("bridge.txt", 76, 1.0),
        ("wolves.txt", 70, 0.064018788),
        ("notes/harvest.md", 18, 0.0),
    ],
    "When were the pears picked?": [
        ("notes/harvest.md", 18, 1.0),
        ("wolves.txt", 70, 0.015954943),
        ("bridge.txt", 76, 0.0),
    ],
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The old index, where it may be changed."""
    shutil.copytree(DATA / "index-v1", tmp_path / "index")
    return tmp_path / "index"


@pytest.mark.model
def test_an_index_of_the_first_version_answers_as_it_did(place: Path) -> None:
    with qa.Index.open(DATA / "index-v1-articles", directory=place) as index:
        for question, expected in ANSWERS.items():
            hits = index.retrieve(question, 3, rerank=False)
            assert [(hit.document.id, hit.passage.start) for hit in hits] == [
                (id, start) for id, start, _ in expected
            ]
            assert [hit.score for hit in hits] == pytest.approx([s for *_, s in expected], abs=1e-4)
