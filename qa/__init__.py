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
from qa.index import Changes, Failure, Index, Status, retrieve
from qa.passages import Passage, Sentence
from qa.progress import Progress, ProgressCallback
from qa.retrieval import Explanation, Hit
