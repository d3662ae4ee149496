"""`/console`: one page over the HTTP API. Its files hold no secret, so any replica serves them.

What a caller may see or do is decided by the API; the page has no way of its own.
"""

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files

from aiohttp import web

PATH = "/console"
PAGE = "index.html"
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HEADERS = {
    # Nothing but what this server sends is run, shown or asked; no markup is made of text.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Asked for again each time, so that page and API are of one version.
    "Cache-Control": "no-cache",
}


def routes() -> list[web.RouteDef]:
    """What the server is to serve."""
    found = [web.get(PATH, _to_the_page)]
    for file in files(__name__).iterdir():
        kind = TYPES.get(file.name[file.name.rfind(".") :])
        if kind is not None:
            name = "" if file.name == PAGE else file.name
            found.append(web.get(f"{PATH}/{name}", _serving(file.read_bytes(), kind)))
    return found


async def _to_the_page(request: web.Request) -> web.Response:
    # Relative, as a proxy may have another path in front.
    return web.Response(status=308, headers={"Location": "console/"})


def _serving(content: bytes, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    mark = hashlib.sha256(content).hexdigest()[:32]

    async def serve(request: web.Request) -> web.Response:
        known = any(each.value == mark for each in request.if_none_match or ())
        response = web.Response(status=304) if known else web.Response(body=content)
        if not known:
            response.content_type, response.charset = kind, "utf-8"
        response.headers.update(HEADERS)
        response.etag = mark
        return response

    return serve
