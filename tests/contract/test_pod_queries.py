"""What is asked about pods, answered by a Prometheus that remembers stable's youth."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from linnet.api.comparison import Comparison
from linnet.api.spec import CanaryReleaseSpec
from linnet.core import looks
from linnet.core.observed import Tally
from linnet.core.pods import Happened
from linnet.providers.metrics.prometheus import Prometheus
from tests.support.builders import make_spec
from tests.support.prometheus_server import run_on_history

STABLE, OTHER, CANARY = "shop-abc12-aaaaa", "shop-abc12-bbbbb", "shop-canary-def34-ccccc"
AGE = 1800.0
BEGUN = {STABLE: 5 * 3600.0, OTHER: 3 * 3600.0, CANARY: AGE}
"""How long ago each pod began, in seconds."""
NOW = round(time.time()) // 60 * 60 - 120.0  # noqa: TID251 - Prometheus goes by the real clock
UNTIL = datetime.fromtimestamp(NOW + 5, UTC)
SINCE = UNTIL - timedelta(seconds=60)
USE = {"memory": "cadvisor", "restarts": "kubeStateMetrics", "oomKills": "cadvisor"}
COMPARISON = {"use": USE}


def spec() -> CanaryReleaseSpec:
    return make_spec(analysis={"interval": "1m", "window": "2m", "comparison": COMPARISON})


def used(pod: str, age: float) -> float:
    """The app's bytes: a thousand a second until an hour is over; the canary's twice that."""
    return (2.0 if pod == CANARY else 1.0) * (1e8 + 1e3 * min(age, 3600.0))


Value = Callable[[str, float], float]


def lines(metric: str, value: Value, *labels: str) -> Iterator[str]:
    """Each pod's samples since it began; value: by pod and age."""
    for pod, ago in BEGUN.items():
        for more in labels:
            for age in range(0, round(ago) + 1, 30):
                where = f'namespace="default",pod="{pod}"{more}'
                yield f"{metric}{{{where}}} {value(pod, age)} {NOW - ago + age:.0f}"


def history() -> list[str]:
    app, proxy = ',container="app",id="/a"', ',container="proxy",id="/b"'
    pod, pause = ',container="",id="/c"', ',container="POD",id="/d"'

    def killed(name: str, age: float) -> float:
        return 3.0 if name == CANARY and age > AGE - 20 else 1.0

    return [
        *lines("container_memory_working_set_bytes", used, app),
        *lines("container_memory_working_set_bytes", lambda _, __: 1e7, proxy),
        *lines("container_memory_working_set_bytes", lambda _, __: 9e9, pod, pause),
        *lines("container_start_time_seconds", lambda pod, _: NOW - BEGUN[pod], app, proxy),
        *lines("kube_pod_container_status_restarts_total", killed, ',container="app"'),
        *lines("container_oom_events_total", killed, app),
    ]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="linnet-prometheus-"))
    try:
        with run_on_history(folder, history()) as found:
            yield found
    finally:
        shutil.rmtree(folder)


async def tally(url: str) -> Tally:
    """As the operator does it."""
    metrics, due, asked = Prometheus(url), (SINCE, UNTIL), Comparison.model_validate(COMPARISON)
    try:
        asking = looks.selectors(spec(), asked, "default", due)
        answers = {about: await metrics.series(query, UNTIL) for about, query in asking.items()}
        past = looks.earlier(spec(), asked, "default", due, answers)
        had = await metrics.series(past, UNTIL)
        return looks.tallied(spec(), asked, "default", due, answers, had)
    finally:
        await metrics.close()


async def test_both_versions_memory_and_stables_at_the_canarys_age(url: str) -> None:
    found = await tally(url)
    assert not found.error
    assert found.arms is not None
    seen = found.arms.pods.memory
    assert seen is not None
    assert seen.age_s == pytest.approx(AGE, abs=10)
    assert seen.canary == {CANARY: used(CANARY, AGE) + 1e7}
    assert seen.now == {pod: used(pod, 3600) + 1e7 for pod in (STABLE, OTHER)}
    # The mean of two minutes, up to half a minute before: the past is asked in such steps.
    young = used(STABLE, AGE - 75) + 1e7
    assert seen.then == {pod: pytest.approx(young, abs=6e4) for pod in (STABLE, OTHER)}


async def test_restarts_and_kills_of_both_by_the_time_between_the_samples(url: str) -> None:
    found = await tally(url)
    assert found.arms is not None
    counted = Happened(stable=(0.0, 120.0), canary=(2.0, 60.0))
    assert (found.arms.pods.restarts, found.arms.pods.oom_kills) == (counted, counted)
