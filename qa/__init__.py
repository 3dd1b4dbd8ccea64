"""Ask a folder of articles a question; get the passages that answer it, word for word."""

import os

# Before any library reads them: nothing leaves this machine.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from qa.answer import Answer
from qa.documents import Document
from qa.embedding import Encoder
from qa.errors import (
    FolderError,
    IndexBusy,
    ModelError,
    QAError,
    QuestionError,
    StoreError,
    UnreadableFile,
)
from qa.hits import Explanation, Hit
from qa.index import Index
from qa.passages import Passage, Sentence
from qa.progress import Progress, ProgressCallback
from qa.seeds import retrieve
from qa.status import Status
from qa.store import Failure, Outline
from qa.sync import Changes

__all__ = [
    "Answer",
    "Changes",
    "Document",
    "Encoder",
    "Explanation",
    "Failure",
    "FolderError",
    "Hit",
    "Index",
    "IndexBusy",
    "ModelError",
    "Outline",
    "Passage",
    "Progress",
    "ProgressCallback",
    "QAError",
    "QuestionError",
    "Sentence",
    "Status",
    "StoreError",
    "UnreadableFile",
    "retrieve",
]
