"""A replica that doesn't lead passes a call of the HTTP API on to the one that does."""

import aiohttp
from aiohttp import web

from linnet.server.problems import Refused

HANDED_ON = "X-Linnet-Handed-On"
ANSWER_SECONDS = 10.0
"""How long the other replica may be silent; a stream of it speaks more often."""
SENT = ("Authorization", "Linnet-Authorization", "Content-Type", "Accept")
RETURNED = ("Content-Type", "WWW-Authenticate", "Retry-After", "Cache-Control")


async def hand_on(request: web.Request, leader: str) -> web.StreamResponse:
    """Ask the replica that leads, once, and pass on what it answers as it comes.

    leader: HOST:PORT, '' if none is known, or if it was handed on already.

    Raises:
        Refused: it could not be asked.
    """
    if not leader:
        raise Refused(503, "this replica doesn't lead, and another one does or will: try again")
    headers = {name: request.headers[name] for name in SENT if name in request.headers}
    limit = aiohttp.ClientTimeout(total=None, sock_read=3 * ANSWER_SECONDS, connect=ANSWER_SECONDS)
    passed = web.StreamResponse()
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers={**headers, HANDED_ON: "1"}) as session,
            session.request(
                request.method, f"http://{leader}{request.path_qs}", data=await request.read()
            ) as found,
        ):
            passed.set_status(found.status)
            for name in RETURNED:
                if name in found.headers:
                    passed.headers[name] = found.headers[name]
            await passed.prepare(request)
            async for chunk in found.content.iter_any():
                await passed.write(chunk)
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        if passed.prepared:
            return passed  # it was cut off in the middle: the caller sees that, too
        why = str(error) or type(error).__name__
        raise Refused(503, f"the replica that leads, {leader}: {why}") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(413, "the body is too large") from error
    await passed.write_eof()
    return passed
