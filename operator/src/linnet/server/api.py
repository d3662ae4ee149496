"""`/api/v2`: lets in whom the cluster knows, checks what they may do, records what they change."""

import functools
import logging
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from linnet.api.http import PLACE, Act, Named
from linnet.api.http_experiments import Decide
from linnet.api.request import RequestStatus
from linnet.api.types import Model
from linnet.providers.access import Access, Caller
from linnet.providers.errors import ApiError, LeaseLost, ObjectMissing
from linnet.providers.telemetry import counter
from linnet.server import openapi
from linnet.server.call import ROLES, Call, Route, Text, Verb
from linnet.server.desk import Desk, Undecided
from linnet.server.handing import HANDED_ON, hand_on
from linnet.server.live import Streams
from linnet.server.problems import Refused, answer
from linnet.server.rate import Rate
from linnet.server.routes import LIVE, OPENAPI, ROUTES

log = logging.getLogger("linnet.audit")

T = TypeVar("T")

BODY_BYTES = 64 << 10
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""For pages with names that people gave: they run nothing and fetch nothing."""
TOKEN_HEADERS = ("Authorization", "Linnet-Authorization")
"""The second is for callers behind the API server's proxy, which keeps the first to itself."""
UNKNOWN_PER_SECOND, UNKNOWN_BURST = 20.0, 50.0
"""How many tokens that aren't known yet the API server is asked about."""

REQUESTS = counter("linnet_http_requests_total", "Requests to the HTTP API", "path", "code")
CHECKS = counter(
    "rbac_permission_checks_total",
    "Checks of a caller's rights: allowed or denied; the role is what the verb stands for",
    "result",
    "role",
)
APPROVALS = counter(
    "approval_requests_total",
    "Approvals by what became of them: approved, refused, denied or undecided",
    "status",
)
APPROVAL_STATUS = {200: "approved", 403: "denied", 503: "undecided"}


class Api:
    """Answers for a desk, where this replica has one; else hands on to the replica that leads.

    clock: seconds that only grow. leader: where that replica is reached, HOST:PORT; '' if it isn't
    known.
    """

    def __init__(
        self, access: Access, clock: Callable[[], float], leader: Callable[[], str] = lambda: ""
    ) -> None:
        self._access = access
        self._leader = leader
        self._unknown = Rate(clock, UNKNOWN_PER_SECOND, UNKNOWN_BURST)
        self._streams = Streams(clock)
        self._document = openapi.document()
        self.desk: Desk | None = None

    def routes(self) -> list[web.RouteDef]:
        """What the server is to serve."""
        found = [web.route(each.method, each.path, self._serving(each)) for each in ROUTES]
        return [*found, web.get(OPENAPI, self._described)]

    async def _described(self, _: web.Request) -> web.Response:
        return web.json_response(self._document)

    def _serving(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                found = await self._answer(route, request)
            except Refused as refused:
                found = answer(refused)
            REQUESTS.labels(route.path, found.status).inc()
            return found

        return serve

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        if self.desk is None:
            return await hand_on(request, "" if HANDED_ON in request.headers else self._leader())
        caller = await _asking_api_server(self._caller(request))
        body = await _body(route, request)
        place = (body.namespace, body.name) if body is not None else _place(request)
        may = functools.partial(self._right, caller, place)
        call = Call(self.desk, caller, *place, may, body, _query(route, request))
        try:
            await self._check(call, route.verb)
            if route.path == LIVE:
                return await self._streams.serve(request, call, self._may_still_see(request))
            found = await _carried_out(route, call)
        except Refused as refused:
            _record(route, call, refused.detail, refused.status)
            raise
        _record(route, call, found.outcome if isinstance(found, RequestStatus) else "Done")
        if isinstance(found, Text):
            return web.Response(text=found.text, content_type=found.content_type, headers=SAFE)
        text = found.model_dump_json(by_alias=True, exclude_none=True)
        return web.Response(text=text, content_type="application/json")

    async def _caller(self, request: web.Request) -> Caller:
        given = (request.headers.get(name, "") for name in TOKEN_HEADERS)
        kind, _, token = next((text for text in given if text), "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise Refused(401, "a bearer token is needed: kubectl create token gives one")
        token = token.strip()
        if not self._access.remembers(token) and not self._unknown.take():
            raise Refused(429, "too many unknown tokens at a time: try again in a moment")
        found = await self._access.caller(token)
        if found is None:
            raise Refused(401, "the cluster doesn't know this token, or it has expired")
        return found

    async def _check(self, call: Call, verb: Verb) -> None:
        allowed = await call.may(verb)
        CHECKS.labels("allowed" if allowed else "denied", ROLES[verb]).inc()
        if not allowed:
            what = f"canaryreleases.linnet.dev {call.name}".strip()
            where = f"namespace {call.namespace}" if call.namespace else "all namespaces"
            raise Refused(
                403,
                f"{call.caller.name} may not {verb} {what} in {where}: ask for a role with the "
                f"verb {verb}",
            )

    async def _right(self, caller: Caller, place: tuple[str, str], verb: Verb) -> bool:
        return await _asking_api_server(self._access.may(caller, verb, *place))

    def _may_still_see(self, request: web.Request) -> Callable[[Call], Awaitable[bool]]:
        async def check(call: Call) -> bool:
            try:
                caller = await _asking_api_server(self._caller(request))
                if caller.name != call.caller.name:
                    return False
                await self._check(call, Verb.GET)
            except Refused:
                return False
            return True

        return check


def _place(request: web.Request) -> tuple[str, str]:
    """Namespace and name as the path says, or the query; '' where neither does."""
    namespace = request.match_info.get("namespace") or request.query.get("namespace", "")
    name = request.match_info.get("name", "")
    for text in (namespace, name):
        if text and not re.fullmatch(PLACE, text):
            raise Refused(400, f"{text} is no name in Kubernetes")
    return namespace, name


def _query(route: Route, request: web.Request) -> dict[str, str]:
    """What the query says, of what the route knows."""
    found = {}
    for name, values in route.query.items():
        text = request.query.get(name, "")
        if text and values and text not in values:
            raise Refused(400, f"{name}: must be one of {', '.join(values)}")
        if text and not re.fullmatch(PLACE, text):
            raise Refused(400, f"{name}: {text} is no name in Kubernetes")
        found[name] = text
    return found


async def _asking_api_server(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except (ApiError, LeaseLost) as error:
        raise Refused(503, f"who calls can't be found out: {error}") from error


async def _body(route: Route, request: web.Request) -> Named | None:
    if route.body is None:
        return None
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        data = bytes(BODY_BYTES + 1)
    if len(data) > BODY_BYTES:
        raise Refused(413, f"the body has more than {BODY_BYTES} bytes")
    try:
        return route.body.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Refused(400, f"{place or 'the body'}: {first['msg']}") from error


async def _carried_out(route: Route, call: Call) -> Model | Text:
    try:
        return await route.handle(call)
    except ObjectMissing as error:
        raise Refused(404, str(error)) from error
    except (ApiError, LeaseLost, Undecided) as error:
        raise Refused(503, str(error)) from error


def _record(route: Route, call: Call, outcome: str, status: int = 200) -> None:
    """Count an approval, and log a change or the attempt: who, what, why, and what became of it."""
    if route.verb is Verb.APPROVE:
        APPROVALS.labels(APPROVAL_STATUS.get(status, "refused")).inc()
    if not route.changes:
        return
    action = route.path.rpartition("/")[2]
    log.log(
        logging.INFO if status == 200 else logging.WARNING,
        "%s: %s %s/%s: %s",
        call.caller.name,
        action,
        call.namespace,
        call.name,
        outcome,
        extra={
            "user": call.caller.name,
            "action": action,
            "namespace": call.namespace,
            "release": call.name,
            "reason": call.body.reason if isinstance(call.body, Act) else "",
            "outcome": outcome,
            "status": status,
            **({"result": call.body.result} if isinstance(call.body, Decide) else {}),
        },
    )
