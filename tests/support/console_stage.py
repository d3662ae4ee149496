"""The console over loopback, in front of a release that is told of in full."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from linnet.api.status import DecisionKind, Verdict
from linnet.server.alerts import AlertReceiver
from linnet.server.desk import Seen
from linnet.server.http import serve
from tests.support.addresses import loopback
from tests.support.api_place import Desk, Place
from tests.support.builders import START, make_entry, make_metric, make_spec, make_status
from tests.support.experiments import kept, tried

STABLE, CANARY = "6d5f9c7b84", "7e8a1bd2f0"
AT = {"wanted": 10, "seen": 10}


def released() -> Seen:
    """A release that waits for approval at 10 %, with a check between its limits."""
    spec = make_spec()
    steps = [step.model_copy() for step in spec.steps]
    asking = make_spec(steps=[{"weight": 10, "approvals": {"required": 2}}]).steps[0]
    steps[1] = asking
    metrics = (
        make_metric(value=0.24, passes=4, message="0.24 % is at most 0.5 %"),
        make_metric("latencyP95", Verdict.HOLD, value=263.0, message="263 ms is above 200 ms"),
        make_metric("memory", value=41.5, passes=4),
        make_metric("cpu", Verdict.NO_DATA, message="the query gave no number"),
    )
    status = make_status(
        weight=AT,
        step=2,
        progress="2/4",
        stable_revision=STABLE,
        canary_revision=CANARY,
        metrics=metrics,
        history=history(),
        message="At 10 %, 1 of 2 approvals are there, by jane",
    )
    return Seen("default", "shop", "7", spec.model_copy(update={"steps": tuple(steps)}), status)


def history() -> tuple[Any, ...]:
    """What was decided up to there."""
    told = (
        (DecisionKind.STARTED, "NewTemplate", f"{CANARY} is released beside {STABLE}", 0, None),
        (DecisionKind.ADVANCED, "CanaryReady", "The canary's pods are ready: on to 5 %", 0, 1),
        (
            DecisionKind.ADVANCED,
            "ChecksPassed",
            "All checks passed at 5 %: on to 10 %",
            5,
            1,
        ),
        (DecisionKind.HELD, "LatencyP95Held", "263 ms is above 200 ms and at most 500 ms", 10, 2),
        (
            DecisionKind.REQUESTED,
            "Approve",
            "jane approved 10 %: prices are right (1 of 2 approvals are there, by jane)",
            10,
            2,
        ),
    )
    return tuple(
        make_entry(
            decision,
            reason,
            message=message,
            weight=weight,
            step=step,
            at=START + number * timedelta(minutes=4),
            revision=CANARY,
        )
        for number, (decision, reason, message, weight, step) in enumerate(told)
    )


class Told(Desk):
    """A desk whose list has the release as it is, and another one."""

    def releases(self, namespace: str) -> list[Mapping[str, Any]]:
        tea = super().releases(namespace)[0]
        if self.seen is None:
            return [tea]
        metadata = {"namespace": self.seen.namespace, "name": self.seen.name}
        status = self.seen.status.model_dump(mode="json", by_alias=True)
        return [tea, {"metadata": metadata, "status": status}]


def changed(place: Place, **changes: Any) -> None:
    """Have the release told of anew with another status."""
    seen = place.desk.seen
    assert seen is not None
    status = type(seen.status).model_validate({**dict(seen.status), **changes})
    place.desk.seen = replace(seen, version=f"{int(seen.version) + 1}", status=status)


def experimenting(place: Place, **changes: Any) -> None:
    """Have the release's step be an experiment, of which a record is kept."""
    seen = place.desk.seen
    assert seen is not None
    asking = {"weight": 10, "experiment": {"name": "tone"}}
    sticky = {"httpRoute": "shop", "sticky": {"header": {"name": "X-User-Bucket"}}}
    spec = make_spec(steps=[{"weight": 5}, asking, {"weight": 100}], traffic=sticky)
    place.desk.seen = replace(seen, spec=spec)
    place.desk.records.keep(replace(kept(), revision=CANARY))
    changed(place, experiment=tried(revision=CANARY, weight=10, **changes))


@asynccontextmanager
async def console() -> AsyncIterator[Place]:
    """Serve API and console; each role's name is its token."""
    place = Place()
    place.api.desk = place.desk = Told()
    place.desk.seen = released()
    runner = await serve(
        0, lambda: True, AlertReceiver("", lambda: 0.0), place.api, with_console=True
    )
    place.url = loopback(runner)
    try:
        yield place
    finally:
        place.desk.seen = None  # which ends its streams
        await runner.cleanup()
