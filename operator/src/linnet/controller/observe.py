"""Reading the world for one decision: Deployment, canary, route, and measurements when due."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from linnet.controller.release import Release
from linnet.core.catalog import contradiction
from linnet.core.decide import analysis_due, decide
from linnet.core.observed import Observed, Sample
from linnet.core.queries import UnknownVariable, queries
from linnet.providers.errors import NotFound, Unusable
from linnet.providers.metrics import syntax
from linnet.providers.metrics.base import MetricsProvider
from linnet.providers.traffic.base import TrafficProvider
from linnet.providers.workloads import Workloads

T = TypeVar("T")
Problem = tuple[str, str]


@dataclass(frozen=True)
class Providers:
    """The outside, as one release sees it."""

    workloads: Workloads
    traffic: TrafficProvider
    metrics: MetricsProvider


async def observe(release: Release, providers: Providers, now: datetime) -> Observed:
    """Read everything at once; what can't be used becomes the observation's `problem`.

    What can be decided without a measurement doesn't wait for one: a canary that has crashed is
    known in milliseconds, a Prometheus that hangs only after its time-out.

    Raises:
        ApiError: the API server could not be asked.
    """
    measuring = asyncio.create_task(_measure(release, providers.metrics, now))
    try:
        observed = await _objects(release, providers)
        decision = decide(release.spec, release.status, observed, now)
        if decision.status.phase is not release.status.phase:
            return observed
        return replace(observed, samples=await measuring)
    finally:
        measuring.cancel()


async def _objects(release: Release, providers: Providers) -> Observed:
    workloads = providers.workloads
    (stable, no_stable), (canary, no_canary), (route, no_route) = await asyncio.gather(
        _usable(workloads.observe_stable(release.target)),
        _usable(workloads.observe_canary(release.target)),
        _usable(providers.traffic.observe(release.split)),
    )
    problem = no_stable or no_route or no_canary or bad_analysis(release)
    if problem is None and stable is None:
        name = release.spec.target_ref.name
        problem = ("TargetMissing", f"spec.targetRef: there is no Deployment {name}: create it")
    if problem is None and route is None:
        name = release.spec.traffic.http_route
        problem = (
            "RouteMissing",
            f"spec.traffic.httpRoute: there is no HTTPRoute {name}: create it",
        )
    return Observed(
        generation=release.generation,
        stable=stable,
        canary=canary,
        route=route,
        deleting_since=release.deleting_since,
        problem=problem,
    )


def bad_analysis(release: Release) -> Problem | None:
    """What can't be measured or judged: limits that contradict, a query that can't be asked."""
    if limits := contradiction(release.spec.analysis):
        return ("InvalidLimits", f"spec.analysis.metrics: {limits}")
    try:
        asked = queries(release.spec, release.key.namespace, release.key.name)
    except UnknownVariable as error:
        return ("InvalidQuery", f"spec.analysis.metrics: {error}")
    for name, promql in asked.items():
        if error_text := syntax.check(promql):
            return ("InvalidQuery", f"spec.analysis.metrics[{name}].query: {error_text}")
    return None


async def _usable(reading: Awaitable[T | None]) -> tuple[T | None, Problem | None]:
    try:
        return await reading, None
    except Unusable as error:
        return None, (error.reason, error.message)
    except NotFound as error:
        # The cluster doesn't know the kind, e.g. Gateway API is not installed.
        return None, ("KindMissing", str(error))


async def _measure(
    release: Release, metrics: MetricsProvider, now: datetime
) -> Mapping[str, Sample]:
    if release.deleting_since is not None or not analysis_due(release.spec, release.status, now):
        return {}
    try:
        asked = queries(release.spec, release.key.namespace, release.key.name)
    except UnknownVariable as error:
        return {"": Sample(error=str(error))}
    samples = await asyncio.gather(*(metrics.query(promql) for promql in asked.values()))
    return dict(zip(asked, samples, strict=True))
