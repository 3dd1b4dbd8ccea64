"""How soon one can ask: a new folder of thousands of articles, and a question in the terminal.

    .venv/bin/python benchmarks/starting.py --data ../shared/data/scifact_train

Of the BEIR folder `--data`, every document becomes a text file. The folder is opened with
``wait=False`` in a new process, which asks as soon as it can, and until all can be found by their
words. Then ``qa ask`` is run on the seeds, whose index is there, with reading and without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEEDS = Path(__file__).parents[1] / "seeds"
NEW = """
import json, sys, time
started = float(sys.argv[3])
import qa
index = qa.Index.open(sys.argv[1], directory=sys.argv[2], wait=False)
index.retrieve("Does aspirin reduce the risk of cancer?", rerank=False)
found = {"first answer": time.time() - started, "of documents": index.status.documents}
while index.status.documents < int(sys.argv[4]):
    time.sleep(0.05)
index.retrieve("Does aspirin reduce the risk of cancer?", rerank=False)
found |= {"all searchable": time.time() - started, "passages": index.status.passages}
index.close()
print(json.dumps(found))
"""


def main() -> None:
    """Measure both and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "documents"
        documents = written(arguments.data, folder, arguments.documents)
        for turn in range(arguments.rounds):
            index = Path(name) / f"index {turn}"
            print(opened(folder, index, documents), flush=True)
        asked(["--index", str(Path(name) / "seeds")])  # makes the index
        for kind in ([], ["--no-rerank"]):
            times = [
                asked([*kind, "--index", str(Path(name) / "seeds")])
                for _ in range(2 * arguments.rounds + 1)
            ]
            print(
                f"qa ask {' '.join(kind)}: {statistics.median(times):.2f} s at the median of "
                f"{len(times)}, {min(times):.2f} to {max(times):.2f}"
            )


def written(data: Path, folder: Path, most: int) -> int:
    """Write documents of a BEIR folder as text files; how many."""
    folder.mkdir()
    with (data / "corpus.jsonl").open() as lines:
        entries = [json.loads(line) for line, _ in zip(lines, range(most), strict=False)]
    for entry in entries:
        text = f"{entry.get('title', '')}\n\n{entry['text']}\n"
        (folder / f"{entry['_id']}.txt").write_text(text, "utf-8")
    return len(entries)


def opened(folder: Path, index: Path, documents: int) -> str:
    """Open a new folder in a process of its own; what it measured, in seconds from its start."""
    arguments = [str(folder), str(index), str(time.time()), str(documents)]
    run = subprocess.run(
        [sys.executable, "-c", NEW, *arguments], check=True, capture_output=True, text=True
    )
    found = json.loads(run.stdout)
    return ", ".join(f"{name} {value:.4g}" for name, value in found.items())


def asked(options: list[str]) -> float:
    """Seconds from start to end of a process that asks the seeds."""
    command = [str(Path(sys.executable).with_name("qa")), "ask", "Who refused a truce?"]
    started = time.perf_counter()
    subprocess.run(
        [*command, "--folder", str(SEEDS), *options], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
