"""The paths of the HTTP API, and what each does."""

from collections.abc import Awaitable, Callable

from linnet.api import http
from linnet.api.request import RequestAction, RequestStatus
from linnet.api.types import Model
from linnet.server import experiment_routes, views
from linnet.server.call import BASE, Call, Route, Verb
from linnet.server.desk import Seen

ONE = f"{BASE}/releases/{{namespace}}/{{name}}"
LIVE = f"{ONE}/live"
OPENAPI = "/api/openapi.json"


def _asking(action: RequestAction) -> Callable[[Call], Awaitable[Model]]:
    return lambda call: call.ask(action)


async def _enable(call: Call) -> Model:
    weight = call.body.traffic_percentage if isinstance(call.body, http.Enable) else None
    return await call.ask(RequestAction.PROMOTE, weight=weight)


async def _promote(call: Call) -> Model:
    full = isinstance(call.body, http.Promote) and call.body.full
    return await call.ask(RequestAction.PROMOTE_FULLY if full else RequestAction.PROMOTE)


async def _approve(call: Call) -> Model:
    revision = call.body.revision if isinstance(call.body, http.Approve) else ""
    return await call.ask(RequestAction.APPROVE, revision=revision)


def _suspending(*, wanted: bool) -> Callable[[Call], Awaitable[Model]]:
    async def suspend(call: Call) -> Model:
        await call.seen()
        await call.desk.suspend(call.namespace, call.name, wanted=wanted)
        return http.Suspended(namespace=call.namespace, name=call.name, suspend=wanted)

    return suspend


def _showing(view: Callable[[Seen], Model]) -> Callable[[Call], Awaitable[Model]]:
    async def show(call: Call) -> Model:
        return view(await call.seen())

    return show


async def _rights(call: Call) -> Model:
    """Counted nowhere: nothing was tried."""
    await call.seen()
    held = [verb for verb in Verb if verb is not Verb.LIST and await call.may(verb)]
    return http.Rights(user=call.caller.name, verbs=tuple(held))


async def _list(call: Call) -> Model:
    return views.summaries(call.desk.releases(call.namespace))


def _act(
    name: str,
    verb: Verb,
    told: str,
    handle: Callable[[Call], Awaitable[Model]],
    body: type[http.Named] = http.Act,
    answer: type[Model] = RequestStatus,
) -> Route:
    return Route("POST", f"{BASE}/canary/{name}", verb, told, answer, handle, body)


def _see(path: str, told: str, answer: type[Model], view: Callable[[Seen], Model]) -> Route:
    return Route("GET", path, Verb.GET, told, answer, _showing(view))


ROUTES: tuple[Route, ...] = (
    _act("enable", Verb.PROMOTE, "Go on to the step with this weight now.", _enable, http.Enable),
    _act("promote", Verb.PROMOTE, "Go on to the next step now.", _promote, http.Promote),
    _act(
        "rollback",
        Verb.ROLLBACK,
        "Give all traffic back to stable, at once.",
        _asking(RequestAction.ROLLBACK),
    ),
    _act(
        "retry",
        Verb.PROMOTE,
        "Release the version again that was rolled back.",
        _asking(RequestAction.RETRY),
    ),
    _act("approve", Verb.APPROVE, "Approve the present step.", _approve, http.Approve),
    _act(
        "pause",
        Verb.PATCH,
        "Freeze a release; rollback stays armed.",
        _suspending(wanted=True),
        answer=http.Suspended,
    ),
    _act(
        "resume",
        Verb.PATCH,
        "Let a frozen release go on.",
        _suspending(wanted=False),
        answer=http.Suspended,
    ),
    _act(
        "metrics",
        Verb.GET,
        "Read out what was measured, against its limits.",
        _showing(views.readings),
        http.Named,
        http.Readings,
    ),
    Route("GET", f"{BASE}/releases", Verb.LIST, "List releases.", http.Summaries, _list),
    _see(ONE, "Show a release.", http.Detail, views.detail),
    _see(f"{ONE}/samples", "Show what was measured.", http.Readings, views.readings),
    _see(f"{ONE}/decisions", "Show the last decisions.", http.Decisions, views.decisions),
    _see(f"{ONE}/health", "Say whether anything is wrong.", http.Health, views.health),
    _see(f"{ONE}/sla", "Say how the limits are kept.", http.Sla, views.sla),
    Route("GET", f"{ONE}/rights", Verb.GET, "Say what you may do.", http.Rights, _rights),
    _see(LIVE, "Stream a release, now and at each change.", http.Summary, views.summary),
    *experiment_routes.ROUTES,
)
