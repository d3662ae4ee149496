"""Why a request was not carried out, as problem details (RFC 9457)."""

from http import HTTPStatus

from aiohttp import web

from linnet.api.http import Problem

PAGE = "https://linnet.dev/docs/api.md#what-is-refused"
CONTENT_TYPE = "application/problem+json"
UNAUTHORIZED, UNAVAILABLE = 401, 503


class Refused(Exception):
    """A request that isn't carried out. detail: what is wrong, and what helps."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def answer(refused: Refused) -> web.Response:
    """The response that says so."""
    title = HTTPStatus(refused.status).phrase
    problem = Problem(type=PAGE, title=title, status=refused.status, detail=refused.detail)
    headers = {}
    if refused.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="linnet"'
    if refused.status == UNAVAILABLE:
        # On a connection that is kept, another try would reach the same replica.
        headers |= {"Connection": "close", "Retry-After": "1"}
    return web.Response(
        status=refused.status,
        text=problem.model_dump_json(by_alias=True),
        content_type=CONTENT_TYPE,
        headers=headers,
    )
