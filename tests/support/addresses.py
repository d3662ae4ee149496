"""Where a server that chose its own port can be asked."""

import socket

from aiohttp import web


def loopback(runner: web.AppRunner) -> str:
    """The URL of a server on all addresses: each family has another port."""
    (port,) = (address[1] for address in runner.addresses if len(address) == 2)
    return f"http://127.0.0.1:{port}"


def free_port() -> int:
    """A port of the loopback address that nobody listened on a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
