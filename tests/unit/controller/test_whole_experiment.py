"""An experiment through the Reconciler: header, query, record; and what fails on the way."""

import json
from typing import Any

import pytest

from linnet.api.experiment import ExperimentResult
from linnet.controller.reconcile import RECORD_AGAIN_SECONDS
from linnet.core.experiment_data import SCRAPED
from linnet.core.series import Matrix, Series
from linnet.experiment.record import KEY, Record
from linnet.providers.errors import Conflict, Forbidden, Unreachable
from linnet.providers.kubernetes import CONFIGMAPS, HTTPROUTES
from tests.support.builders import SECOND
from tests.support.fake_metrics import FakeMetrics
from tests.support.simulated_cluster import KEY as RELEASE
from tests.support.simulated_cluster import NAMESPACE, SPEC, SimulatedCluster

EXPERIMENT: dict[str, Any] = {
    "name": "tone",
    "duration": "1m",
    "minimumDuration": "20s",
    "metrics": [{"name": "adoption"}],
    "rules": [
        {"name": "harm", "result": "Failure", "when": "AnyTime",
         "conditions": [{"state": "Worse", "atLeast": 1}]},
        {"name": "pays", "result": "Success", "when": "AfterMinimum",
         "conditions": [{"state": "Better"}]},
        {"name": "else", "result": "Conditional"},
    ],
}  # fmt: skip
TRYING = {
    **SPEC,
    "traffic": {"httpRoute": "shop", "sticky": {"header": {"name": "X-User-Bucket"}}},
    "steps": [
        {"weight": 50, "hold": "5s", "experiment": EXPERIMENT},
        {"weight": 100, "hold": "5s"},
    ],
}


class Telling(FakeMetrics):
    """Thousand users of each variant, of whom so many adopt."""

    adopted = (300.0, 450.0)

    async def instant(self, promql: str) -> Matrix:
        self.asked.append(promql)
        if self.down:
            return Matrix(error=self.down)
        at = self.now()
        one = {"pod": "shop-1", "experiment": "tone"}
        told = [({"__name__": "experiment_revision"}, 9.0), ({"of": SCRAPED}, at)]
        for variant, y in zip(("control", "treatment"), self.adopted, strict=True):
            told.append(({"__name__": "experiment_users", "variant": variant}, 1000.0))
            told += [({"__name__": "experiment_sum", "variant": variant, "metric": "adoption",
                       "of": of}, y) for of in ("y", "yy")]  # fmt: skip
        return Matrix(tuple(Series({**one, **labels}, ((at, v),)) for labels, v in told))

    def now(self) -> float:
        raise NotImplementedError


async def trying() -> tuple[SimulatedCluster, Telling]:
    """A release on its way to its experiment."""
    cluster = SimulatedCluster(TRYING)
    metrics = Telling(tables=cluster.metrics.tables)
    metrics.now = lambda: cluster.now.timestamp()  # type: ignore[method-assign]
    cluster.metrics = metrics
    cluster.start_operator()
    await cluster.run("Idle")
    cluster.push("shop:2")
    await cluster.run("Progressing")
    return cluster, metrics


async def begun() -> tuple[SimulatedCluster, Telling]:
    cluster, metrics = await trying()
    for _ in range(20):
        if cluster.status.experiment is not None:
            break
        cluster.pass_time(SECOND)
        await cluster.reconciler.reconcile(RELEASE)
    assert cluster.status.experiment is not None
    return cluster, metrics


def told(cluster: SimulatedCluster) -> bool:
    """Whether the route tells of the experiment."""
    route = cluster.client.see(HTTPROUTES, NAMESPACE, "shop")
    assert cluster.status.experiment is not None
    return cluster.status.experiment.id in json.dumps(route)


def kept(cluster: SimulatedCluster) -> Record:
    revision = cluster.status.canary_revision
    found = cluster.client.see(CONFIGMAPS, NAMESPACE, f"shop-experiment-{revision}")
    assert found is not None
    return Record.from_text(found["data"][KEY])


async def test_from_the_header_to_the_promotion() -> None:
    cluster, metrics = await begun()
    assert cluster.status.experiment is not None
    assert cluster.status.experiment.id == f"tone-{cluster.status.canary_revision}"
    assert told(cluster)
    await cluster.run("Promoted")
    assert not told(cluster)
    assert cluster.as_written()
    record = kept(cluster)
    assert (record.result, record.rule) == (ExperimentResult.SUCCESS, "pays")
    assert record.data.users == (1000, 1000)
    assert len(record.looks) >= 3
    (asked,) = {query for query in metrics.asked if "experiment_revision" in query}
    assert f'namespace="{NAMESPACE}"' in asked
    assert asked.count(cluster.status.experiment.id) == 2


async def test_harm_is_rolled_back_and_the_header_goes_with_the_weight() -> None:
    cluster, metrics = await begun()
    metrics.adopted = (450, 300)
    await cluster.run("RolledBack")
    assert cluster.status.history[-1].reason == "ExperimentFailed"
    assert cluster.as_written()
    assert kept(cluster).result is ExperimentResult.FAILURE


async def test_prometheus_that_is_away_is_told_and_makes_no_result() -> None:
    cluster, metrics = await begun()
    metrics.down = "connection refused"
    for _ in range(30):
        cluster.pass_time(SECOND)
        await cluster.reconciler.reconcile(RELEASE)
    known = cluster.status.experiment
    assert known is not None
    assert (known.result, known.problem) == (ExperimentResult.RUNNING, "connection refused")
    metrics.down = ""
    await cluster.run("Promoted")


async def test_a_record_that_cannot_be_kept_holds_nothing_up_and_is_made_up_for() -> None:
    cluster, _ = await trying()
    refused = Forbidden(403, "Forbidden", "you may not")
    failure = cluster.client.fail(refused, verbs=("create",), resource=CONFIGMAPS, times=10_000)
    await cluster.run("Promoted")
    assert cluster.status.experiment is not None
    assert cluster.status.experiment.recorded_at is None
    assert await cluster.reconciler.reconcile(RELEASE) == RECORD_AGAIN_SECONDS
    failure.times = 0
    assert await cluster.reconciler.reconcile(RELEASE) != RECORD_AGAIN_SECONDS
    record = kept(cluster)
    assert (record.result, record.data.users) == (ExperimentResult.SUCCESS, (0, 0))
    assert cluster.status.experiment.recorded_at is not None


async def test_a_write_of_somebody_else_to_the_record_is_met_again() -> None:
    cluster, _ = await begun()
    cluster.client.fail(Conflict("changed"), verbs=("patch",), resource=CONFIGMAPS, times=3)
    await cluster.run("Promoted")
    assert kept(cluster).result is ExperimentResult.SUCCESS


class Killed(Exception):
    """The process ended here."""


@pytest.mark.thorough
async def test_an_operator_that_is_killed_again_and_again_decides_the_same() -> None:
    cluster, _ = await trying()
    for skip in range(0, 120, 2):
        cluster.client.fail(Killed(), skip=skip)
    kills = 0
    while cluster.status.phase != "Promoted":
        try:
            await cluster.run("Promoted")
        except (Killed, Unreachable, Conflict):
            kills += 1
            assert kills < 200
            cluster.start_operator()
            cluster.pass_time(SECOND)
    assert kills > 5
    record = kept(cluster)
    assert (record.result, record.rule) == (ExperimentResult.SUCCESS, "pays")
    assert cluster.as_written()
