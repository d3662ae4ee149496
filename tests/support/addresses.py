"""Where a server that chose its own port can be asked."""

from aiohttp import web


def loopback(runner: web.AppRunner) -> str:
    """The URL of a server on all addresses: each family has another port."""
    (port,) = (address[1] for address in runner.addresses if len(address) == 2)
    return f"http://127.0.0.1:{port}"
