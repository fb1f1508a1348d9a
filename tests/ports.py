"""A port for a server that a test starts."""

import socket


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
