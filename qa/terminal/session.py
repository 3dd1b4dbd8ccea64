"""Around a command: a user's mistakes in one line, Ctrl+C in good order, an index with its bar."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import qa
from qa.seeds import default_folder
from qa.terminal import indexes
from qa.terminal.printing import say

INTERRUPTED = 130


@contextmanager
def plain_errors(*silent: str) -> Iterator[None]:
    """Say a user's mistake in one line, and exit 1; log warnings, but not those of `silent`."""
    try:
        with _logged_to_terminal(silent), _one_interrupt():
            yield
    except qa.QAError as error:
        say(f"qa: {error}", "red", stderr=True)
        raise SystemExit(1) from error
    except KeyboardInterrupt as error:
        raise SystemExit(INTERRUPTED) from error
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nothing is left to say


@contextmanager
def _one_interrupt() -> Iterator[None]:
    """The first Ctrl+C ends in good order; one more ends at once, which an index survives."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # somebody else's business
        return

    def first(*_: object) -> None:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _logged_to_terminal(silent: Collection[str]) -> Iterator[None]:
    """Warnings of this package, one plain line each, beside the answer and not in it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: record.name not in silent)
    handler.setFormatter(logging.Formatter("qa: %(message)s"))
    logger = logging.getLogger("qa")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def opened_index(
    folder: Path | None,
    directory: Path | None,
    model: str,
    fast: bool,
    wait: bool | float = True,
    *,
    imported: bool = False,
) -> Iterator[tuple[qa.Index, indexes.Bar]]:
    """An index and the bar of its progress; Ctrl+C says what was kept."""
    with indexes.progress_bar() as bar:
        try:
            if imported:
                index = _imported(directory, model, fast, bar)
            else:
                index = qa.Index.open(
                    default_folder(folder),
                    directory=directory,
                    model=model,
                    fast=fast,
                    progress=bar,
                    wait=wait,
                )
            with index:
                yield index, bar
        except KeyboardInterrupt:
            bar.stop()
            say(indexes.kept(bar.last), stderr=True)
            raise


def _imported(
    directory: Path | None, model: str, fast: bool, progress: qa.ProgressCallback
) -> qa.Index:
    if directory is None:
        raise qa.QAError("--imported needs --index DIR: where `qa import` put it")
    return qa.Index.open_imported(directory, model=model, fast=fast, progress=progress)
