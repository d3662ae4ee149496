"""Reading the world for one decision: Deployment, canary, route, and measurements when due."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from linnet.api.status import Phase
from linnet.controller.release import Release
from linnet.core import experiments, looks
from linnet.core.catalog import contradiction
from linnet.core.decide import analysis_due, decide, measured_after
from linnet.core.experiment_data import Unreadable, data_of, question_about
from linnet.core.observed import Alert, ExperimentObserved, Observed, Sample, Tally
from linnet.core.queries import UnknownVariable, questions
from linnet.core.series import Matrix
from linnet.core.tracking import not_mounted
from linnet.providers.config import ConfigCopies
from linnet.providers.errors import NotFound, Unusable
from linnet.providers.metrics import syntax
from linnet.providers.metrics.shared import SharedMetrics
from linnet.providers.traffic.base import TrafficProvider
from linnet.providers.workloads import Workloads

T = TypeVar("T")
Problem = tuple[str, str]


@dataclass(frozen=True)
class Providers:
    """The outside, as one release sees it.

    scope: the only namespace that Prometheus may be asked about; '' for all.
    """

    workloads: Workloads
    traffic: TrafficProvider
    metrics: SharedMetrics
    config: ConfigCopies
    scope: str = ""


async def observe(
    release: Release,
    providers: Providers,
    now: datetime,
    alerts: tuple[Alert, ...] = (),
    *,
    reviewed: bool = False,
) -> Observed:
    """Read everything at once; what can't be used becomes the observation's `problem`.

    What can be decided without a measurement doesn't wait for one: a canary that has crashed is
    known in milliseconds, a Prometheus that hangs only after its time-out.

    alerts: those that were heard of and aren't decided. reviewed: the request is what this process
    wrote for a caller.

    Raises:
        ApiError: the API server could not be asked.
    """
    # A task, and awaited in any case: a gather that nobody awaits is logged when it is cancelled.
    measuring = asyncio.create_task(_measurements(release, providers, now))
    try:
        observed = replace(await objects(release, providers), alerts=alerts, reviewed=reviewed)
        decision = decide(release.spec, release.status, observed, now)
        if decision.status.phase is not release.status.phase:
            return observed
        samples, tally, experiment = await measuring
        return replace(observed, samples=samples, tally=tally, experiment=experiment)
    finally:
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)


async def _measurements(
    release: Release, providers: Providers, now: datetime
) -> tuple[Mapping[str, Sample], Tally | None, ExperimentObserved | None]:
    return await asyncio.gather(
        _measure(release, providers, now),
        _tally(release, providers, now),
        _users(release, providers, now),
    )


async def objects(release: Release, providers: Providers) -> Observed:
    """Read all but measurements.

    Raises:
        ApiError: the API server could not be asked.
    """
    workloads = providers.workloads
    (stable, no_stable), (canary, no_canary), (route, no_route), config = await asyncio.gather(
        _usable(
            workloads.observe_stable(
                release.target, promoting=release.status.phase is Phase.PROMOTING
            )
        ),
        _usable(workloads.observe_canary(release.target)),
        _usable(providers.traffic.observe(release.split)),
        providers.config.observe(release.target),
    )
    no_route = no_route or (route.problem if route is not None else None)
    problem = no_stable or no_route or no_canary or bad_analysis(release)
    problem = problem or (config and config.problem) or not_mounted(release.spec, stable)
    if problem is None and stable is None:
        name = release.spec.target_ref.name
        problem = ("TargetMissing", f"spec.targetRef: there is no Deployment {name}: create it")
    if problem is None and route is None:
        problem = ("RouteMissing", release.missing_route)
    return Observed(
        generation=release.generation,
        stable=stable,
        canary=canary,
        route=route,
        config=config,
        deleting_since=release.deleting_since,
        problem=problem,
        request=release.request,
        name=release.key.name,
        namespace=release.key.namespace,
    )


def bad_analysis(release: Release) -> Problem | None:
    """What can't be measured or judged: limits that contradict, a query that can't be asked."""
    if limits := contradiction(release.spec.analysis):
        return ("InvalidLimits", f"spec.analysis.metrics: {limits}")
    try:
        asked = questions(release.spec, release.key.namespace, release.key.name)
    except UnknownVariable as error:
        return ("InvalidQuery", f"spec.analysis.metrics: {error}")
    for name, question in asked.items():
        if error_text := syntax.check(question.promql):
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


async def _measure(release: Release, providers: Providers, now: datetime) -> Mapping[str, Sample]:
    spec, status, key = release.spec, release.status, release.key
    if release.deleting_since is not None or not analysis_due(spec, status, now):
        return {}
    try:
        asked = questions(spec, key.namespace, key.name, providers.scope)
    except UnknownVariable as error:
        return {"": Sample(error=str(error))}
    since = measured_after(spec, status, now)
    answers = (providers.metrics.sample(question, since) for question in asked.values())
    return dict(zip(asked, await asyncio.gather(*answers), strict=True))


async def _tally(release: Release, providers: Providers, now: datetime) -> Tally | None:
    spec, namespace = release.spec, release.key.namespace
    asked, due = spec.analysis.comparison, looks.span_due(spec, release.status, now)
    if asked is None or due is None or release.deleting_since is not None:
        return None
    if not analysis_due(spec, release.status, now):
        return None
    asking = looks.selectors(spec, asked, namespace, due)
    series = (providers.metrics.series(promql, due[1]) for promql in asking.values())
    answers = dict(zip(asking, await asyncio.gather(*series), strict=True))
    past = looks.earlier(spec, asked, namespace, due, answers)
    had = await providers.metrics.series(past, due[1]) if past else Matrix()
    return looks.tallied(spec, asked, namespace, due, answers, had)


async def _users(
    release: Release, providers: Providers, now: datetime
) -> ExperimentObserved | None:
    """What users of a running experiment have done, when that is due."""
    spec, status, namespace = release.spec, release.status, release.key.namespace
    step, known = experiments.asked(spec, status), experiments.reading(spec, status)
    due = experiments.next_look(spec, status)
    if step is None or known is None or due is None or now < due:
        return None
    if release.deleting_since is not None:
        return None
    answer = await providers.metrics.instant(question_about(namespace, known.id))
    asked = step.at(known.weight)
    try:
        data = data_of(answer, namespace, known.id, asked, known.started_at, now)
    except Unreadable as error:
        return ExperimentObserved(known.id, error=str(error))
    return ExperimentObserved(known.id, data)
