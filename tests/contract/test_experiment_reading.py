"""The sums of an experiment, read from a real Prometheus into the data that are judged."""

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from linnet.api.experiment import DEFAULT_METRICS, Experiment, MetricKind
from linnet.core.experiment_data import Unreadable, data_of, question_about
from linnet.experiment.data import Both, Data
from linnet.providers.metrics.prometheus import Prometheus
from linnet.stats.experiment.sums import Sums
from tests.support.prometheus_server import run_prometheus

SPEC = Experiment()
NOW = datetime.fromtimestamp(int(time.time()), UTC)  # noqa: TID251 - Prometheus goes by it
STARTED = NOW - timedelta(days=14)
DAYS = tuple(f"2026-11-{day:02}" for day in range(1, 15))
SEGMENTS = ("plan:free", "plan:pro", "country:de", "country:fr")
OF = {"y": 0.3, "yy": 0.5, "d": 1.0, "dd": 2.0, "yd": 0.5, "x": 0.2, "xx": 0.3, "xy": 0.1}


def exported(experiment: str, users: int, pod: str, revision: int, share: float = 0.3) -> list[str]:
    """What a target exports of so many users in each variant, all metrics by day and segment."""
    place = f'namespace="shop",pod="{pod}",experiment="{experiment}"'
    lines = [f"experiment_revision{{{place}}} {revision}"]
    for metric in SPEC.metrics:
        kind = metric.kind.lower()
        info = f'{place},metric="{metric.name}",kind="{kind}"'
        lines.append(f"experiment_metric_info{{{info}}} 1")
    for variant in ("control", "treatment"):
        at = f'{place},variant="{variant}"'
        lines.append(f"experiment_users{{{at}}} {users}")
        lines.append(f"experiment_users_crossed{{{at}}} 2")
        for metric in SPEC.metrics:
            lines += sums(at, metric.name, metric.kind, users, share)
        for family, label, parts in (("day", "day", DAYS), ("segment", "segment", SEGMENTS)):
            for part in parts:
                here = f'{at},{label}="{part}"'
                lines.append(f"experiment_{family}_users{{{here}}} {users // 2}")
                lines += [
                    f'experiment_{family}_sum{{{here},metric="adoption",of="{of}"}} {users // 10}'
                    for of in ("y", "yy")
                ]
    return lines


def sums(at: str, metric: str, kind: MetricKind, users: int, share: float) -> list[str]:
    edges = ("0.1", "0.05") if kind is MetricKind.QUANTILE else ("",)
    told = []
    for edge in edges:
        for of, per_user in OF.items():
            value = share if of == "y" else per_user
            told.append(
                f'experiment_sum{{{at},metric="{metric}",edge="{edge}",of="{of}"}} {value * users}'
            )
    return told


SAMPLES = "\n".join(
    [
        *exported("small", 1_000, "shop-1", 5),
        *exported("small", 900, "shop-2", 4, share=0.1),
        *exported("small", 5_000, "shop-3", 99, share=0.2)[1:],
        *exported("large", 50_000_000, "shop-1", 5),
        'experiment_revision{namespace="other",pod="a",experiment="small"} 1000',
        'experiment_users{namespace="other",pod="a",experiment="small",variant="control"} 7',
    ]
)
"""The third target of `small` doesn't tell its revision; another namespace has the same name."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="linnet-prometheus-"))
    try:
        with run_prometheus(folder, SAMPLES) as found:
            yield found
    finally:
        shutil.rmtree(folder)


@pytest.fixture
async def prometheus(url: str) -> AsyncIterator[Prometheus]:
    provider = Prometheus(url)
    yield provider
    await provider.close()


async def read(prometheus: Prometheus, name: str) -> Data:
    answer = await prometheus.instant(question_about("shop", name))
    now = datetime.now(UTC)  # noqa: TID251 - Prometheus goes by it
    return data_of(answer, "shop", name, SPEC, STARTED, now)


async def test_the_target_that_is_furthest_is_read_whole(prometheus: Prometheus) -> None:
    found = await read(prometheus, "small")
    assert found.users == (1000, 1000)
    assert found.crossed == (2, 2)
    assert set(found.metrics) == {metric.name for metric in DEFAULT_METRICS}
    adoption = found.metrics["adoption"]
    arm = Sums(1000, **{of: each * 1000 for of, each in OF.items()})
    assert adoption.whole == Both(arm, arm)
    assert len(adoption.days) == len(DAYS)
    assert set(adoption.segments) == {"plan", "country"}
    assert list(found.metrics["slow_requests"].edges) == [0.05, 0.1]


async def test_data_are_as_old_as_their_scrape(prometheus: Prometheus) -> None:
    found = await read(prometheus, "small")
    now = datetime.now(UTC)  # noqa: TID251 - Prometheus goes by it
    assert timedelta(seconds=20) < now - found.until < timedelta(minutes=5)


async def test_fifty_million_users_are_as_many_series_as_a_thousand(
    prometheus: Prometheus,
) -> None:
    answers = [await prometheus.instant(question_about("shop", n)) for n in ("small", "large")]
    small = [each for each in answers[0].series if each.labels["pod"] == "shop-1"]
    assert len(answers[1].series) == len(small)
    assert sum(answer.error != "" for answer in answers) == 0
    found = await read(prometheus, "large")
    assert found.users == (50_000_000, 50_000_000)
    assert found.metrics["adoption"].whole.control.y == 15_000_000


async def test_none_is_told_with_what_is_missing(prometheus: Prometheus) -> None:
    with pytest.raises(Unreadable, match=r'no experiment_revision\{namespace="shop",exper'):
        await read(prometheus, "none")


async def test_one_that_is_away_is_an_error() -> None:
    provider = Prometheus("http://127.0.0.1:9")
    with pytest.raises(Unreadable, match="can't be reached"):
        await read(provider, "small")
    await provider.close()
