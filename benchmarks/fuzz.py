"""Edit the bytes of an index at random, many thousand times, and see how each edit ends.

    python benchmarks/fuzz.py [--edits 20000] [--jobs 2] [--scratch /dev/shm] [--json FILE]

Each edit (flipped bits, other bytes, zeros, a page of zeros, cut, deleted, inserted, copied,
another letter in the text) changes one or two files of an index: the store and its write-ahead log
most often, the manifests, FAISS's and Tantivy's files. Then the index is opened, with its folder or
without it, and asked. Right is the answer of the undamaged index, to the last digit and word for
word; so is one clear line (`qa.QAError`). All else is wrong: another answer, any other error, a
process that crashes or hangs. The index and the edits are those of `tests/damaging.py`; the encoder
is a stand-in. A seed and a number that are printed make an edit again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import damaging

BATCH = 400  # edits a process
SECONDS = 3_600.0  # for a batch: more is a hang


def main() -> int:
    """Run it; 1 when anything was wrong."""
    arguments = _arguments()
    root = Path(tempfile.mkdtemp(prefix="qa-fuzz-", dir=arguments.scratch))
    try:
        for log in (False, True):
            damaging.make(root / f"folder-{log}", root / f"index-{log}", log=log)
        return _run(root, arguments)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _run(root: Path, arguments: argparse.Namespace) -> int:
    started, ends, wrong = time.monotonic(), Counter[str](), list[str]()

    def batch(number: int) -> dict[str, object]:
        log = number % 2 == 1
        seed = arguments.seed + number
        original = root / f"index-{log}"
        count = min(BATCH, arguments.edits - number * BATCH)
        scratch = root / f"copy-{number}"
        folder = root / f"folder-{log}"
        found = damaging.in_a_process(folder, original, scratch, seed, count, seconds=SECONDS)
        shutil.rmtree(scratch, ignore_errors=True)
        return found

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for found in pool.map(batch, range(-(-arguments.edits // BATCH))):
            ends.update(found["ends"])
            wrong += found["wrong"]
            done = sum(ends.values())
            print(f"{done:,} edits, {time.monotonic() - started:.0f} s: {dict(ends)}", flush=True)
            for line in found["wrong"]:
                print(f"  {line:.1000}", flush=True)
    report = {"edits": sum(ends.values()), **ends, "seed": arguments.seed, "failures": wrong}
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20160213)
    parser.add_argument("--scratch", type=Path, help="a folder to work in, best in memory")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
