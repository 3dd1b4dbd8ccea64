"""Run a command: its answer, when that came, and the most memory that was taken on the way.

A process of its own, and a small one, because a child's peak memory includes what its parent held
when it was started.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from threading import Timer

from phases import ANSWER

PATIENCE = 3600  # seconds; what takes longer is killed
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes


def main() -> None:
    """Print one JSON object: what the command answered, and what that took."""
    started = time.perf_counter()
    answer, seconds = None, 0.0
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as process:
        limit = Timer(PATIENCE, process.kill)
        limit.start()
        for line in process.stdout or ():
            if line.startswith(ANSWER):
                seconds = time.perf_counter() - started
                answer = json.loads(line.removeprefix(ANSWER))
        process.wait()
        limit.cancel()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * KILOBYTE
    took = {"seconds": seconds, "peak_bytes": peak, "ended_with": process.returncode}
    print(json.dumps({"answer": answer} | took))


if __name__ == "__main__":
    main()
