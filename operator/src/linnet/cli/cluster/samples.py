"""What Prometheus still has of a release: each check's values while it was under way."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, isfinite

from linnet.api.types import format_duration
from linnet.cli.cluster import operators
from linnet.cli.cluster.connection import Cluster
from linnet.cli.cluster.doctor import url_of
from linnet.cli.cluster.health import service_of
from linnet.controller.release import Release
from linnet.core.catalog import BY, checks
from linnet.core.queries import Question, UnknownVariable, questions
from linnet.core.series import Point, Series
from linnet.providers.errors import ApiError, Forbidden
from linnet.providers.metrics.prometheus import Prometheus

MOST = 240
"""Samples of each check; of a long release the time between them is longer than its interval."""
GIVE = "give its address by --prometheus"

Ask = Callable[[str, datetime], Awaitable[tuple[Series, ...]]]
"""Gives the series of a range of PromQL that ends at a moment; raises ApiError."""


@dataclass(frozen=True)
class Sampled:
    """What was asked for, by the check's name. problems: why something isn't known."""

    samples: Mapping[str, tuple[Point, ...]]
    problems: tuple[str, ...] = ()


async def sampled(
    cluster: Cluster, release: Release, url: str, since: datetime, until: datetime
) -> Sampled:
    """Each check's values from Prometheus. url: of it; '' is where the operator asks it."""
    try:
        url = url or url_of(await operators.deployments(cluster))
    except Forbidden:
        return Sampled({}, (f"The samples: you may not see where Prometheus is: {GIVE}.",))
    if not url:
        return Sampled({}, (f"The samples: no operator says where Prometheus is: {GIVE}.",))
    namespace, name = release.key.namespace, release.key.name
    try:
        asked = questions(release.spec, namespace, name, scope=namespace)
    except UnknownVariable as error:
        return Sampled({}, (f"The samples: {error}.",))
    if (service := service_of(url)) is not None:
        return await _each(release, asked, by_proxy(cluster, *service), since, until)
    client = Prometheus(url)
    try:
        return await _each(release, asked, directly(client), since, until)
    finally:
        await client.close()


async def _each(
    release: Release,
    asked: Mapping[str, Question],
    ask: Ask,
    since: datetime,
    until: datetime,
) -> Sampled:
    async def one(question: Question) -> tuple[Point, ...] | str:
        promql = ranged(question.promql, until - since, release.spec.analysis.interval)
        try:
            points = meant(await ask(promql, until), question.row)
        except ApiError as error:
            return str(error)
        return points or "Prometheus has none of that time"

    names = [check.name for check in checks(release.spec.analysis)]
    answers = await asyncio.gather(*(one(asked[name]) for name in names))
    found: dict[str, tuple[Point, ...]] = {}
    without: dict[str, list[str]] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, str):
            without.setdefault(answer, []).append(name)
        else:
            found[name] = answer
    problems = (f"The samples of {', '.join(those)}: {why}." for why, those in without.items())
    return Sampled(found, tuple(problems))


def ranged(promql: str, span: timedelta, interval: timedelta) -> str:
    """A query's values over a span that ends now, an interval apart, and not too many."""
    seconds = max(1, ceil(span.total_seconds()))
    step = max(1, ceil(interval.total_seconds()), ceil(seconds / MOST))
    long, apart = (format_duration(timedelta(seconds=each)) for each in (seconds, step))
    return f"({promql})[{long}:{apart}]"


def meant(series: Iterable[Series], row: tuple[str, ...] | None) -> tuple[Point, ...]:
    """The numbers of the series that is meant: the row of a shared query, or its only series.

    Raises:
        ApiError: there are several.
    """
    found = [
        each
        for each in series
        if row is None or tuple(each.labels.get(label, "") for label in BY) == row
    ]
    if len(found) > 1:
        raise ApiError(0, "Several", f"the query gave {len(found)} series")
    return tuple(point for each in found for point in each.points if isfinite(point[1]))


def directly(client: Prometheus) -> Ask:
    """Asks Prometheus itself."""

    async def ask(promql: str, at: datetime) -> tuple[Series, ...]:
        answer = await client.series(promql, at)
        if answer.error:
            raise ApiError(0, "Prometheus", answer.error)
        return answer.series

    return ask


def by_proxy(cluster: Cluster, namespace: str, service: str, path: str) -> Ask:
    """Asks a Service through the API server's proxy."""
    place = f"/api/v1/namespaces/{namespace}/services/{service}/proxy{path}/api/v1/query"

    async def ask(promql: str, at: datetime) -> tuple[Series, ...]:
        query = {"query": promql, "time": str(at.timestamp())}
        answer = await cluster.client.read(place, query)
        try:
            return tuple(
                Series(each["metric"], tuple((float(t), float(v)) for t, v in each["values"]))
                for each in answer["data"]["result"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError(0, "Prometheus", "gave an answer of an unknown form") from error

    return ask
