"""The index, opened in the background, so that the page is there at once."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from qa.errors import QAError
from qa.page.examples import examples
from qa.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from qa import Index

Result = TypeVar("Result")
log = logging.getLogger(__name__)
UNEXPECTED = "Something went wrong that should not have; the terminal window says what."


class Opening:
    """An index on its way: its progress, then the index itself or why there is none.

    Parameters
    ----------
    open_index : callable
        Opens the index, reporting to the callback it is given; may raise `QAError`.
    """

    def __init__(self, open_index: Callable[[ProgressCallback], Index]) -> None:
        self.progress = Progress("preparing")
        self.index: Index | None = None
        self.error = ""
        self.examples: tuple[str, ...] = ()
        self.finished = False  # examples and all
        self._settled = threading.Event()
        self._open_index = open_index
        threading.Thread(target=self._run, name="qa-opening", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the index is open or has failed; whether that is so now."""
        return self._settled.wait(seconds)

    def ready(self) -> Index:
        """The index, waiting for it as long as it takes.

        Raises
        ------
        QAError
            When it could not be opened.
        """
        self.wait()
        if self.index is None:
            raise QAError(self.error)
        return self.index

    def _run(self) -> None:
        try:
            self.index = self._open_index(self._report)
        except Exception as error:
            self.error = plainly(error)
        self._settled.set()
        try:
            self.examples = examples(self.index) if self.index else ()
        except Exception:  # the page does without suggestions
            log.exception("no example questions")
        self.finished = True

    def _report(self, progress: Progress) -> None:
        self.progress = progress


def plainly(error: Exception) -> str:
    """An error as one line for the page; one that is not the user's goes to the log too."""
    if isinstance(error, QAError):
        return str(error)
    log.error("unexpected error", exc_info=error)
    return UNEXPECTED


def reported(work: Callable[[ProgressCallback], Result]) -> Iterator[Progress | Result]:
    """Run `work` in a thread; give its progress reports as they come, and its result last.

    Raises
    ------
    Exception
        Whatever the work raises.
    """
    reports: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
    results: list[Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work(reports.put))
        except Exception as error:
            errors.append(error)
        reports.put(None)

    threading.Thread(target=run, name="qa-work", daemon=True).start()
    yield from iter(reports.get, None)
    if errors:
        raise errors[0]
    yield results[0]
