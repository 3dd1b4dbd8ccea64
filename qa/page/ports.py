"""Which port to listen on, and plain words when there is none."""

from __future__ import annotations

import errno
import socket

from qa.errors import QAError

PORT = 7860
PORTS_TRIED = 20


def free_port(host: str, port: int | None = None) -> int:
    """The port asked for, or else the first free one from 7860 on.

    Raises
    ------
    QAError
        When it is taken, or the host is not one of this machine's.
    """
    wanted = range(PORT, PORT + PORTS_TRIED) if port is None else [port]
    for candidate in wanted:
        if is_free(host, candidate):
            return candidate
    taken = f"port {port} is" if port is not None else f"ports {PORT} to {wanted[-1]} are"
    raise QAError(f"{taken} in use on {host}: stop what runs there, or name another port")


def is_free(host: str, port: int) -> bool:
    """Whether nothing listens there yet."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as listener:
            # A port that a server left a moment ago counts as free, as it does for the server.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except (OSError, OverflowError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            return False
        raise QAError(f"cannot serve on {host!r}, port {port}: {error}") from error
    return True
