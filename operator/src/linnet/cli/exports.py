"""A service's past: from Prometheus, or from a file that was exported from it."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from linnet.api.comparison import Comparison
from linnet.api.types import format_duration
from linnet.cli.files import Policy
from linnet.cli.output import BadInput
from linnet.core.looks import BUCKETS, REQUESTS, selectors
from linnet.core.series import Series
from linnet.core.sources import SOURCES, Source
from linnet.providers.metrics.prometheus import Prometheus
from linnet.review.history import History, NoHistory, from_counters, from_increases

STEP = timedelta(minutes=1)
CHUNK = timedelta(hours=6)
AT_ONCE = 4
"""Queries under way at the same time."""


def source_of(policy: Policy) -> tuple[Source, Comparison]:
    """Where the policy's service counts its requests: as its comparison says, or by itself."""
    asked = policy.spec.analysis.comparison or Comparison()
    return SOURCES[asked.use.http], asked


def from_file(policy: Policy, file: Path) -> History:
    """The past out of answers of Prometheus' /api/v1/query_range, one or a list of them.

    Raises:
        BadInput: it isn't one.
    """
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(f"{file}: can't be read: {error}") from error
    answers = content if isinstance(content, list) else [content]
    source, _ = source_of(policy)
    try:
        series = [each for answer in answers for each in _series(answer)]
        return from_counters(series, STEP.total_seconds(), source.edge_s)
    except NoHistory as error:
        raise BadInput(f"{file}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"{file}: is no answer of /api/v1/query_range with a matrix: see docs/rehearse.md"
        ) from error


def _series(answer: Any) -> Iterator[Series]:
    data = answer.get("data", answer)
    for each in data["result"]:
        points = tuple((float(moment), float(value)) for moment, value in each["values"])
        yield Series(dict(each["metric"]), points)


def from_prometheus(policy: Policy, url: str, days: float, until: datetime) -> History:
    """The past out of a Prometheus, by what `increase` gives for each minute.

    Raises:
        BadInput: it doesn't answer, or has nothing.
    """
    source, _ = source_of(policy)
    try:
        series = asyncio.run(_ask(policy, url, timedelta(days=days), until))
        return from_increases(series, STEP.total_seconds(), source.edge_s)
    except NoHistory as error:
        raise BadInput(f"--prometheus {url}: {error}") from error


def queries(policy: Policy, until: datetime) -> tuple[str, str]:
    """PromQL for each minute's requests by status, and for its requests up to each edge."""
    source, asked = source_of(policy)
    minute = (until - STEP, until)
    found = selectors(policy.spec, asked, policy.namespace, minute)
    both = [found[what].rpartition("[")[0] for what in (REQUESTS, BUCKETS)]
    step, kinds = format_duration(STEP), ", ".join(source.status)
    chunk = f"[{format_duration(CHUNK)}:{step}]"
    return (
        f"sum by ({kinds}) (increase({both[0]}[{step}])){chunk}",
        f"sum by (le) (increase({both[1]}[{step}])){chunk}",
    )


async def _ask(policy: Policy, url: str, span: timedelta, until: datetime) -> list[Series]:
    client, turn = Prometheus(url, timeout_seconds=30.0), asyncio.Semaphore(AT_ONCE)
    ends = [until - k * CHUNK for k in range(max(1, round(span / CHUNK)))]

    async def one(promql: str, at: datetime) -> tuple[Series, ...]:
        async with turn:
            answer = await client.series(promql, at)
        if answer.error:
            raise BadInput(f"--prometheus: {answer.error}")
        return answer.series

    try:
        asked = [one(promql, end) for end in ends for promql in queries(policy, until)]
        return [series for found in await asyncio.gather(*asked) for series in found]
    finally:
        await client.close()
