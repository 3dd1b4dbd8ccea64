"""What the server refuses, whatever Gradio offers: files by path, strange hosts, other sites."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# Gradio's routes that hand out, fetch or take files and are of no use to this page.
REFUSED = tuple(
    f"{prefix}/{route}"
    for prefix in ("", "/gradio_api")
    for route in ("file=", "file/", "proxy=", "stream/", "process_recording", "deep_link",
                  "custom_component", "vibe", "undo-vibe", "runs", "run-history", "dev/")
)  # fmt: skip
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Gradio's own scripts need inline code and eval; what matters is that nothing but this server
# can be asked for anything, whatever a document has in it.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class Guard:
    """ASGI middleware around the whole server.

    Parameters
    ----------
    app : ASGI application
    local_only : bool
        Answer only requests made to a loopback name. Without this a site elsewhere could have
        its own name point at this machine and read the articles through the visitor's browser.
    """

    def __init__(self, app: Application, *, local_only: bool = True) -> None:
        self.app = app
        self.local_only = local_only

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer 404 or 403 to what is refused; pass the rest on, with the page's policy."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self.local_only and not is_loopback(scope):
            await refuse(send, 403, b"This server answers on this machine only.")
        elif scope["path"].startswith(REFUSED):
            await refuse(send, 404, b"Not found.")
        else:
            await self.app(scope, receive, with_headers(send))


def is_loopback(scope: Message) -> bool:
    """Whether the request names this machine by a loopback name."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return all(without_port(host) in LOOPBACK for host in hosts)


def without_port(host: str) -> str:
    """``[::1]:7860`` gives ``[::1]``."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()


def with_headers(send: Send) -> Send:
    """The same `send`, with `HEADERS` on every response."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await send(message)

    return sending


async def refuse(send: Send, status: int, body: bytes) -> None:
    """A short plain answer."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
