"""A process of its own that edits the bytes of an index and opens it, again and again.

``python damaging.py FOLDER ORIGINAL SCRATCH SEED COUNT`` prints, as one line of JSON, how the edits
ended: with the answers of the undamaged index, word for word and to the last digit; with one clear
line; or otherwise, which is a failure, told with what was edited. A process of its own, because a
library in C or Rust that meets damage could take the process with it.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fakes import HashingEncoder
from worker import hits, remove_index

import qa
from qa.directory import STORE

ROOT = Path(__file__).parent.parent
WORDS = re.findall(
    r"\w+",
    "truce envoy harbour baker comet observatory orchestra hangar ferry ledger clerk miner valley "
    "doctor student camera flour island rehearsal bridge senator archive glacier lantern orchard "
    "parliament quarry rudder saddle tunnel violin warehouse yeast zeppelin ambush barley",
)
QUESTIONS = [
    "Who met the senator at the bridge?",
    "When did the envoy reach the glacier?",
    'a "ferry" for the miner',
]


def _article(number: int) -> str:
    choice = random.Random(number)
    return "\n\n".join(
        f"The {' and the '.join(choice.sample(WORDS, 5))} came in {choice.randrange(1900, 2000)}."
        for _ in range(20)
    )


ARTICLES = {f"report-{number}.txt": _article(number) for number in range(5)}
MOST_BYTES = 64  # that one edit changes at once


def make(folder: Path, place: Path, *, log: bool) -> None:
    """An index; with `log` as a killed process leaves it: changes in the write-ahead log alone.

    Beside it, as ``PLACE-before``, stands its state before those.
    """
    folder.mkdir(parents=True, exist_ok=True)
    then = time.time() - 1_000
    for name, text in {**ARTICLES, "gone.txt": "This goes again."}.items():
        (folder / name).write_text(text)
        os.utime(folder / name, (then, then))
    whole, before = (place.with_name(f"{place.name}-{word}") for word in ("whole", "before"))
    qa.Index.open(folder, directory=whole, encoder=HashingEncoder()).close()
    shutil.copytree(whole, before)
    (folder / "gone.txt").unlink()
    with qa.Index.open(folder, directory=whole, encoder=HashingEncoder()):
        if log:
            shutil.copytree(whole, place)
    if not log:
        shutil.copytree(whole, place)
    remove_index(whole)


def files_of(place: Path) -> list[Path]:
    """What may be damaged: everything, but locks."""
    found = (path for path in sorted(place.rglob("*")) if path.is_file())
    return [path for path in found if not path.name.endswith(".lock")]


def edit(path: Path, choice: random.Random) -> str:
    """Change a file in one of many ways; which."""
    data = bytearray(path.read_bytes())
    kind = choice.choice(KINDS)
    at = choice.randrange(len(data) + 1)
    length = min(choice.randrange(1, MOST_BYTES), len(data) - at)
    if kind == "bits":
        for _ in range(choice.randrange(1, 9)):
            if data:
                data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
    elif kind == "bytes":
        data[at : at + length] = choice.randbytes(length)
    elif kind == "zeros":
        data[at : at + length] = bytes(length)
    elif kind == "page of zeros":
        first = at // 4096 * 4096
        data[first : first + 4096] = bytes(len(data[first : first + 4096]))
    elif kind == "cut":
        del data[at:]
    elif kind == "deleted":
        del data[at : at + length]
    elif kind == "inserted":
        data[at:at] = choice.randbytes(length)
    elif kind == "copied":
        other = choice.randrange(len(data) + 1)
        data[at : at + length] = data[other : other + length]
    elif kind == "text":
        data = bytearray(_with_another_letter(bytes(data), choice))
    path.write_bytes(data)
    return f"{kind} at {at} of {len(data)}"


def _with_another_letter(data: bytes, choice: random.Random) -> bytes:
    """Another letter in the middle of prose or of a title: what would be quoted."""
    word = choice.choice([b"envoy", b"senator", b"comet", b"19", b"ferry", b"miner", b"report"])
    places = [at for at in range(len(data)) if data.startswith(word, at)]
    if not places:
        return data
    at = choice.choice(places) + choice.randrange(len(word))
    return data[:at] + bytes([choice.choice(b"aeiou0123456789")]) + data[at + 1 :]


KINDS = [
    *("bits", "bits", "bytes", "zeros", "page of zeros", "cut", "deleted", "inserted"),
    *("copied", "text", "text"),
]


def answered(folder: Path | None, place: Path) -> list[Any]:
    """All that an index says: hits, answers, documents."""
    encoder = HashingEncoder()
    with (
        qa.Index.open(folder, directory=place, encoder=encoder)
        if folder
        else qa.Index.open_imported(place, encoder=encoder)
    ) as index:
        answer = index.ask(QUESTIONS[0], rerank=False)
        return [
            hits(index, QUESTIONS, 5),
            [answer.status, [sentence.text for sentence in answer.sentences]],
            [[document.id, document.text, document.title] for document in index.documents],
        ]


def outcome(folder: Path | None, place: Path, expected: list[list[Any]]) -> str:
    """ "right", "told", or what went wrong."""
    try:
        found = answered(folder, place)
    except qa.QAError as error:
        return "told" if "\n" not in str(error) else f"several lines: {error!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if found not in expected:
        return f"a wrong answer: {found!r:.2000}"
    return "right"


def run(folder: Path, original: Path, scratch: Path, seed: int, count: int) -> dict[str, Any]:
    """Make so many edits, of an index with its folder and of one without in turn.

    Without its folder, the state before what a damaged log tells of is right too: it is whole, and
    nothing is there that could tell more.
    """
    choice, now = random.Random(seed), answered(folder, _copied(original, scratch))
    before = answered(None, _copied(original.with_name(f"{original.name}-before"), scratch))
    ends: Counter[str] = Counter()
    wrong = []
    for number in range(count):
        place = _copied(original, scratch)
        path = _chosen(place, choice)
        what = f"{path.name}: {edit(path, choice)}"
        if choice.random() < 0.2:  # two files at once
            path = _chosen(place, choice)
            what += f"; {path.name}: {edit(path, choice)}"
        following = number % 2 == 0
        expected = [now] if following else [now, before]
        end = outcome(folder if following else None, place, expected)
        ends["right" if end == "right" else "told" if end == "told" else "wrong"] += 1
        if end not in ("right", "told"):
            wrong.append(f"seed {seed}, edit {number}, {what}, {following}: {end}")
    return {"ends": ends, "wrong": wrong}


def _chosen(place: Path, choice: random.Random) -> Path:
    """A file to damage: the store, from which all else is made, most often."""
    found = files_of(place)
    stores = [path for path in found if path.name.startswith(STORE)]
    return choice.choice(stores if choice.random() < 0.5 else found)


def _copied(original: Path, scratch: Path) -> Path:
    remove_index(scratch)
    shutil.copytree(original, scratch)
    return scratch


def in_a_process(
    folder: Path, original: Path, scratch: Path, seed: int, count: int, *, seconds: float
) -> dict[str, Any]:
    """Do that in a process of its own; its end other than by itself is a failure too."""
    arguments = [folder, original, scratch, seed, count]
    try:
        ran = subprocess.run(
            [sys.executable, __file__, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"ends": {}, "wrong": [f"seed {seed}: it did not end in {seconds:.0f} s"]}
    if ran.returncode:
        said = ran.stderr.decode(errors="replace")[-2_000:]
        return {"ends": {}, "wrong": [f"seed {seed}: ended with {ran.returncode}: {said}"]}
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    logging.disable()
    result = run(*map(Path, sys.argv[1:4]), *map(int, sys.argv[4:6]))
    sys.stdout.write(f"\n{json.dumps(result)}\n")
