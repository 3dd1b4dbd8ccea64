"""The browser face: a chat on the left, its evidence on the right. No retrieval logic.

Builds the page of `qa.page` over a folder, and serves it with Gradio.
"""

from __future__ import annotations

import os

# Before Gradio is imported: it reads these then, and would otherwise call its makers.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import atexit
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

import qa
from qa.models import DEFAULT_MODEL
from qa.page.blocks import Page
from qa.page.guard import LOOPBACK, Guard
from qa.page.opening import Opening
from qa.page.ports import PORT, free_port

LARGEST_UPLOAD = "100mb"
ASSETS = files("qa.page")

OpenIndex = Callable[[qa.ProgressCallback], qa.Index]


def build(
    folder: str | Path,
    *,
    directory: Path | None = None,
    model: str = DEFAULT_MODEL,
    fast: bool = False,
    open_index: OpenIndex | None = None,
) -> gr.Blocks:
    """The page over a folder; the index is opened in the background from now on, and follows it.

    Parameters
    ----------
    folder : str or Path
        The articles.
    directory : Path, optional
        Where the index lies; by default in the user's cache directory.
    model, fast
        As for `qa.Index.open`.
    open_index : callable, optional
        Opens the index in another way: it is given a progress callback, and `directory`, `model`
        and `fast` are not used.
    """
    _keep_uploads_private()
    root = Path(folder).expanduser().resolve()
    opening = Opening(open_index or partial(_open, root, directory, model, fast), root)
    name = root.name
    title = f"Ask the articles in {name}"
    blocks: gr.Blocks = gr.Blocks(title=title, fill_width=True, analytics_enabled=False)
    with blocks:
        Page(name, opening)
    return blocks


def _open(
    folder: Path, directory: Path | None, model: str, fast: bool, progress: qa.ProgressCallback
) -> qa.Index:
    return qa.Index.open(
        folder,
        directory=directory,
        model=model,
        fast=fast,
        progress=progress,
        wait=False,
        allow_empty=True,  # articles can be put into it, or uploaded
    )


def start(blocks: gr.Blocks, *, host: str = "127.0.0.1", port: int | None = None) -> str:
    """Serve a page made by `build`, in the background; its address.

    Parameters
    ----------
    blocks : gr.Blocks
    host : str
        The interface to listen on.
    port : int, optional
        By default 7860, or the next free one.

    Raises
    ------
    qa.QAError
        When the port is taken, or the host is not one of this machine's.
    """
    local = host in LOOPBACK
    blocks.launch(
        server_name=host,
        server_port=free_port(host, port),
        app_kwargs={"middleware": [Middleware(Guard, local_only=local)], "openapi_url": None},
        theme=_theme(),
        head=_head(),
        favicon_path=str(ASSETS / "favicon.svg"),
        footer_links=[],
        max_file_size=LARGEST_UPLOAD,
        show_error=True,
        quiet=True,
        prevent_thread_lock=True,
        share=False,
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        inbrowser=False,
    )
    return f"http://{host}:{blocks.server_port}"


def serve(
    folder: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    directory: Path | None = None,
    model: str = DEFAULT_MODEL,
    fast: bool = False,
) -> None:
    """Serve the page over a folder and print its address, until Ctrl+C.

    Parameters
    ----------
    folder : str or Path
        The articles.
    host, port
        As in `start`.
    directory, model, fast
        As in `build`.

    Raises
    ------
    qa.QAError
        When there is no such folder, the port is taken, or the host is not one of this machine's.
    """
    if not Path(folder).expanduser().is_dir():
        raise qa.FolderError(f"no such folder: {str(folder)!r}; name one that holds articles")
    blocks = build(folder, directory=directory, model=model, fast=fast)
    address = start(blocks, host=host, port=port)
    moved = f"Port {PORT} is in use. " if port is None and blocks.server_port != PORT else ""
    print(f"{moved}Ask at {address} (Ctrl+C stops)", flush=True)  # what the user waits for
    blocks.block_thread()


@cache
def _keep_uploads_private() -> None:
    """Let Gradio put what is uploaded where only this user can read, and only until the end."""
    if "GRADIO_TEMP_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="qa-")
        os.environ["GRADIO_TEMP_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _head() -> str:
    """The page's own script and style. Not as `css`: Gradio's rewriting of that breaks `:is`."""
    script, style = ((ASSETS / name).read_text("utf-8") for name in ("script.js", "style.css"))
    return f"<script>{script}</script><style>{style}</style>"


def _theme() -> gr.themes.Base:
    """Gradio's plainest theme in the system's own fonts; nothing is fetched for it."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.sky,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


def main() -> int:
    """``python app.py [folder]``: serve a folder, by default ``seeds``."""
    try:
        serve(sys.argv[1] if len(sys.argv) > 1 else "seeds")
    except qa.QAError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
