"""What can go wrong that a user can mend, and the words for it.

    QAError                     anything below; the faces print its text as it is
    ├── FolderError             no such folder, or nothing in it that can be read
    ├── UnreadableFile          one file cannot be read; the rest of the folder goes on
    ├── QuestionError           an empty or over-long question, k below 1 (also a ValueError)
    ├── ModelError              weights are missing, damaged or not usable
    ├── StoreError              the index on disk cannot be read or written (a full disk)
    └── IndexBusy               another process is writing this index

A message says what happened, with the value, and what to do about it.
"""


class QAError(Exception):
    """A situation the user can mend; its text is one plain line."""


class FolderError(QAError):
    """The folder does not exist, is not a folder, or holds no readable document."""


class UnreadableFile(QAError):
    """One file cannot be read as a document; the message names it and says why."""


class QuestionError(QAError, ValueError):
    """The question or k cannot be used."""


class ModelError(QAError):
    """Model weights are missing, damaged, or not of a usable kind."""


class StoreError(QAError):
    """The index on disk cannot be read or written."""


class IndexBusy(QAError):
    """Another process holds the index for writing, and did not let go in time."""
