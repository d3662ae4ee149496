"""The paths of the HTTP API about experiments, and what each does."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from linnet.api import http
from linnet.api import http_experiments as told
from linnet.api.request import RequestAction, RequestStatus
from linnet.api.types import Model
from linnet.experiment.html import html
from linnet.experiment.markdown import markdown
from linnet.experiment.record import Record
from linnet.experiment.report import Report, as_json, of_record
from linnet.server import experiment_views as views
from linnet.server.call import BASE, Call, Route, Text, Verb
from linnet.server.problems import Refused

ALL = f"{BASE}/experiments"
ONE = f"{ALL}/{{namespace}}/{{name}}"
REVISION: dict[str, tuple[str, ...]] = {"revision": ()}
"""Of which version; of the latest experiment's if it is left out."""
FORMS = {"json": "application/json", "html": "text/html", "markdown": "text/markdown"}
WRITERS: dict[str, Callable[[Report], str]] = {
    "json": lambda report: json.dumps(as_json(report)),
    "html": html,
    "markdown": markdown,
}

T = TypeVar("T")


async def _list(call: Call) -> Model:
    return views.summaries(call.desk.releases(call.namespace))


async def _one(call: Call) -> Model:
    found = views.detail(await call.seen())
    if found is None:
        raise Refused(404, f"{call.name} has had no experiment")
    return found


async def _record(call: Call) -> Record:
    """What was kept of the experiment that is asked for.

    Raises:
        Refused: there is none, or it can't be read.
    """
    status = (await call.seen()).status.experiment
    revision = call.query.get("revision") or (status.revision if status else "")
    if not revision:
        raise Refused(404, f"{call.name} has had no experiment")
    try:
        found = await call.desk.records.find(call.namespace, call.name, revision)
    except ValueError as error:
        raise Refused(409, str(error)) from error
    if found is None:
        raise Refused(404, f"no record is kept of an experiment of {call.name} with {revision}")
    return found


async def _judged(call: Call, view: Callable[[Record, datetime], T]) -> T:
    """What a view makes of the record; aside, as it takes a moment."""
    record = await _record(call)
    try:
        return await asyncio.to_thread(view, record, call.desk.now())
    except ValueError as error:
        raise Refused(409, str(error)) from error


def _showing(view: Callable[[Record, datetime], Model]) -> Callable[[Call], Awaitable[Model]]:
    return lambda call: _judged(call, view)


async def _series(call: Call) -> Model:
    return views.series(await _record(call))


async def _report(call: Call) -> Text:
    form = call.query.get("format") or "json"
    write = WRITERS[form]
    text = await _judged(call, lambda record, now: write(of_record(record, now)))
    return Text(text, FORMS[form])


async def _decide(call: Call) -> Model:
    more: dict[str, Any] = {}
    if isinstance(call.body, told.Decide):
        more = {"result": call.body.result, "revision": call.body.revision}
    return await call.ask(RequestAction.DECIDE, **more)


def _see(
    path: str, words: str, answer: type[Model], handle: Callable[[Call], Awaitable[Model]]
) -> Route:
    return Route("GET", f"{ONE}{path}", Verb.GET, words, answer, handle, query=REVISION)


ROUTES: tuple[Route, ...] = (
    Route("GET", ALL, Verb.LIST, "List experiments.", told.ExperimentSummaries, _list),
    Route("GET", ONE, Verb.GET, "Show a release's experiment.", told.ExperimentDetail, _one),
    _see(
        "/results",
        "Say what it shows now.",
        told.ExperimentResults,
        _showing(views.results),
    ),
    _see("/series", "Say how its results came about.", told.Series, _series),
    _see("/segments", "Show it by segment and by day.", told.Segments, _showing(views.segments)),
    Route(
        "GET",
        f"{ONE}/report",
        Verb.GET,
        "Write its report.",
        told.ExperimentReport,
        _report,
        query=REVISION | {"format": tuple(FORMS)},
        forms=tuple(FORMS.values()),
    ),
    Route(
        "POST",
        f"{ALL}/stop",
        Verb.DECIDE,
        "End an experiment now, without a result.",
        RequestStatus,
        lambda call: call.ask(RequestAction.STOP),
        http.Act,
    ),
    Route(
        "POST",
        f"{ALL}/decide",
        Verb.DECIDE,
        "Decide what becomes of an experiment, whatever its rules say.",
        RequestStatus,
        _decide,
        told.Decide,
    ),
)
