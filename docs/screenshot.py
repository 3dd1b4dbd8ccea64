"""Make docs/answer.png, the picture in the README, from the page as it is now.

    .venv/bin/python docs/screenshot.py

Needs Chromium on the PATH, and what `make test` installs.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

import qa

QUESTION = "How many people have been killed in Syria?"
HERE = Path(__file__).parent
SEEDS = HERE.parent / "seeds"


def main() -> None:
    """Serve the seeds, ask by the address, wait until its answer is read, take the picture."""
    qa.Index.open(SEEDS).close()  # with all its vectors, which the page would not wait for
    program = Path(sys.executable).with_name("qa")
    server = subprocess.Popen([program, "serve", SEEDS], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    address = next(word for word in server.stdout.readline().split() if word.startswith("http"))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(address)
            page.locator(".examples").wait_for(timeout=120_000)  # the models are loaded by now
            page.goto(f"{address}/?{urlencode({'q': QUESTION})}")
            page.locator(".turn[aria-busy=false]").wait_for(timeout=120_000)
            page.locator(".card mark").first.wait_for()
            page.screenshot(path=HERE / "answer.png")
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
