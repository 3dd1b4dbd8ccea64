"""Processes that export, import or mend, and are killed, or not allowed files beyond some size.

``python care_worker.py`` makes one for every line of settings that it reads, as JSON, and prints
its end and what came of it in one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from fakes import HashingEncoder

import qa
from qa import doctor, portable
from qa.portable import file_format
from qa.store.database import Database

ROOT = Path(__file__).parent.parent
_WRITES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree")


class CareWorker:
    """The process that makes the others, from outside."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def told(self, **settings: Any) -> tuple[bool, Any]:
        """Do it; whether it was killed, and what it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(settings, default=str)}\n")
        self._process.stdin.flush()
        status, said = json.loads(self._process.stdout.readline())
        if status not in (0, -signal.SIGKILL):
            raise AssertionError(f"it ended with {status}")
        return status != 0, said

    def close(self) -> None:
        self._process.communicate()


def _kill_at(write: int) -> None:
    """Be killed at the n-th change on the disk that Python or SQLite is told to make."""
    count = [0]

    def step() -> None:
        count[0] += 1
        if count[0] == write:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE
        if opened or event in _WRITES:
            step()

    def counted(original: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            step()
            result = original(*args, **kwargs)
            step()
            return result

        return call

    sys.addaudithook(audit)
    for name in ("execute", "execute_many", "become"):
        setattr(Database, name, counted(getattr(Database, name)))
    file_format.copied = counted(file_format.copied)


def _work(settings: dict[str, Any]) -> Any:
    place, encoder = Path(settings["place"]), HashingEncoder()
    if settings["work"] == "export":
        return portable.pack(place, Path(settings["file"]), force=True).documents
    if settings["work"] == "import":
        force = settings.get("force", False)
        return portable.unpack(Path(settings["file"]), place, force=force).documents
    folder = Path(settings["folder"])
    found = doctor.check(folder, directory=place, encoder=encoder)
    doctor.mend(found, folder, directory=place, encoder=encoder)
    return [finding.part for finding in found]


def _told(settings: dict[str, Any]) -> Any:
    if "file_bytes" in settings:
        resource.setrlimit(resource.RLIMIT_FSIZE, (settings["file_bytes"], -1))
    if "kill" in settings:
        _kill_at(settings["kill"])
    try:
        return _work(settings)
    except qa.QAError as error:
        return [type(error).__name__, str(error)]


def _in_a_child(settings: dict[str, Any]) -> tuple[int, Any]:
    """Do it in a process that begins as a copy of this one: the libraries are loaded already."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writing, json.dumps(_told(settings)).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, json.loads(said) if said else None


def main() -> None:
    """What the process does."""
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(_in_a_child(json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
