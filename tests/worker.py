"""A process of its own that opens an index: `python worker.py FOLDER PLACE [SETTINGS as JSON]`.

Prints "started", then, for every line on its standard input ("sync", "wait", "status" or "hits"),
what came of it as one line of JSON. For the tests that kill it and for those of two processes.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fakes import HashingEncoder

import qa
from qa import live

ROOT = Path(__file__).parent.parent


class SlowEncoder(HashingEncoder):
    """Takes its time for every batch, or waits at a `Gate`."""

    def __init__(self, seconds: float, gate: Gate | None = None) -> None:
        super().__init__()
        self.seconds = seconds
        self.gate = gate

    def encode_passages(self, texts: Sequence[str]) -> Any:
        time.sleep(self.seconds)
        if self.gate:
            self.gate.pass_through()
        return super().encode_passages(texts)


class Gate:
    """Where another process waits to be let on: two files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._reached = folder / "reached"
        self._opened = folder / "opened"

    def pass_through(self) -> None:
        self._reached.touch()
        _until(self._opened.exists)

    def wait_for_somebody(self) -> None:
        _until(self._reached.exists)

    def open(self) -> None:
        self._opened.touch()


def _until(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(0.01)


class Worker:
    """The process, from outside."""

    def __init__(self, folder: Path, place: Path, **settings: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder), str(place), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self.answer() == "started"

    def answer(self) -> Any:
        """The next line; None when the process is dead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def ask(self, command: str) -> Any:
        self.tell(command)
        return self.answer()

    def kill(self) -> int:
        """Kill it, now; its exit status."""
        self._process.kill()
        return self.end()

    def end(self) -> int:
        """Wait for its end; its exit status."""
        self._process.communicate()
        return self._process.returncode

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()


def remove_index(place: Path) -> None:
    """Delete an index; one of Tantivy's threads may just be making a lock in it."""
    while place.exists():
        shutil.rmtree(place, ignore_errors=True)


def hits(index: qa.Index, questions: Sequence[str], k: int = 10) -> list[Any]:
    """Everything a hit says, for comparison."""
    return [
        [
            [hit.score, hit.document.id, hit.passage.start, hit.passage.text, len(hit.also_in)]
            for hit in index.retrieve(question, k)
        ]
        for question in questions
    ]


def _kill_when(name: str, call: int, after: bool) -> None:
    """Let this process be killed before or after the n-th call of a function of qa."""
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, last = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original, calls = getattr(owner, last), [0]

    def dying(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if calls[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, last, dying)


def _say(result: Any) -> None:
    sys.stdout.write(f"{json.dumps(result)}\n")
    sys.stdout.flush()


def _told(index: qa.Index, encoder: SlowEncoder, command: str, questions: Sequence[str]) -> Any:
    try:
        if command == "wait":
            return [index.wait(), encoder.embedded]
        if command == "status":
            status = index.status
            return [status.stage, status.embedded, status.passages]
        if command == "sync":
            return len(index.sync().changed)
        return hits(index, questions)
    except qa.QAError as error:
        return [type(error).__name__, str(error)]


def main(folder: str, place: str, settings: dict[str, Any]) -> None:
    """What the process does."""
    if "kill" in settings:
        _kill_when(**settings["kill"])
    if "log_bytes" in settings:
        live.LOG_BYTES = (settings["log_bytes"], settings["log_bytes"])
    if "file_bytes" in settings:
        resource.setrlimit(resource.RLIMIT_FSIZE, (settings["file_bytes"], -1))
    gate = Gate(Path(settings["gate"])) if "gate" in settings else None
    encoder = SlowEncoder(settings.get("seconds", 0.0), gate)
    _say("started")
    try:
        wait = settings.get("wait", True)
        index = qa.Index.open(folder, directory=place, encoder=encoder, wait=wait)
    except qa.QAError as error:
        _say([type(error).__name__, str(error)])
        return
    with index:
        _say(["open", encoder.embedded, index.status.documents])
        for line in sys.stdin:
            _say(_told(index, encoder, line.strip(), settings.get("questions", [])))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
