"""Reading the world: what is asked, and the words for what can't be used."""

import asyncio
import gc
from typing import Any

import pytest

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.controller.observe import Providers, observe
from linnet.controller.release import Key, Release, write_status
from linnet.core.observed import Observed, Sample, Tally
from linnet.core.sources import Arms
from linnet.providers.config import ConfigCopies
from linnet.providers.errors import Unreachable
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    CONFIGMAPS,
    DEPLOYMENTS,
    HTTPROUTES,
    PODS,
    SERVICES,
    Resource,
)
from linnet.providers.metrics.shared import SharedMetrics
from linnet.providers.traffic.gateway_api import GatewayApiTraffic
from linnet.providers.workloads import Target, Workloads
from tests.support.builders import MINUTE, SECOND, START, make_status
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.fake_metrics import FakeMetrics
from tests.support.releases import MINIMAL
from tests.support.workload_manifests import config_map, deployment, http_route, service

QUERY = {"name": "orders", "query": "sum(orders)", "rollback": {"above": 1}}


class World:
    def __init__(self) -> None:
        self.client = FakeKubernetes()
        self.metrics = FakeMetrics()
        self.tracked: list[dict[str, str]] = []
        self.comparison: dict[str, Any] | None = None
        self.client.add(DEPLOYMENTS, deployment())
        self.client.add(SERVICES, service())
        self.client.add(HTTPROUTES, http_route())

    async def observe(
        self,
        *metrics: dict[str, Any],
        status: CanaryReleaseStatus | None = None,
        **metadata: Any,
    ) -> Observed:
        manifest = {
            "apiVersion": CANARYRELEASES.api_version,
            "kind": CANARYRELEASES.kind,
            "metadata": {"name": "shop", "namespace": "default", "generation": 4, **metadata},
            "spec": {
                **MINIMAL,
                "analysis": {"metrics": list(metrics)}
                | ({} if self.comparison is None else {"comparison": self.comparison}),
                "trackedConfig": list(self.tracked),
            },
            "status": write_status(status or CanaryReleaseStatus()),
        }
        client = self.client
        shared = SharedMetrics(self.metrics, lambda: START + MINUTE)
        config = ConfigCopies(client, ["ConfigMap"])
        providers = Providers(Workloads(client), GatewayApiTraffic(client), shared, config)
        release = Release.read(Key("default", "shop"), manifest)
        return await observe(release, providers, START + MINUTE)

    async def release(self) -> CanaryReleaseStatus:
        """A canary that is ready, and the status of a release that goes well."""
        workloads, target = Workloads(self.client), Target("default", "shop", "shop", "shop")
        stable = await workloads.observe_stable(target)
        assert stable is not None
        await workloads.ensure_canary(target, stable.template_revision, 1)
        ready = {"status": {"replicas": 1, "readyReplicas": 1}}
        await self.client.patch(DEPLOYMENTS, "default", "shop-canary", ready, "status")
        return make_status().model_copy(update={"canary_revision": stable.template_revision})

    def remove(self, kind: Any) -> None:
        self.client.cluster.remove((kind, "default", "shop"))


@pytest.fixture
def world() -> World:
    return World()


async def test_a_usable_world_has_no_problem(world: World) -> None:
    observed = await world.observe()
    assert observed.problem is None
    assert observed.generation == 4
    assert observed.stable is not None
    assert observed.route is not None
    assert observed.canary is None
    assert observed.deleting_since is None


async def test_no_deployment(world: World) -> None:
    world.remove(DEPLOYMENTS)
    observed = await world.observe()
    assert observed.problem == (
        "TargetMissing",
        "spec.targetRef: there is no Deployment shop: create it",
    )
    assert observed.stable is None
    assert observed.route is not None


async def test_tracked_config_is_read_and_its_problems_are_told(world: World) -> None:
    world.tracked = [{"name": "settings", "mountedAs": "settings-live"}]
    observed = await world.observe()
    assert observed.problem is not None
    assert observed.problem[0] == "ConfigMissing"
    world.client.add(CONFIGMAPS, config_map())
    observed = await world.observe()
    assert observed.config is not None
    assert observed.config.problem is None
    assert observed.problem == (
        "ConfigNotMounted",
        "spec.trackedConfig[0].mountedAs: the template of Deployment shop does not read ConfigMap "
        "settings-live: name it there instead of settings, or remove the entry",
    )
    container = {"name": "app", "envFrom": [{"configMapRef": {"name": "settings-live"}}]}
    template = {"spec": {"containers": [container]}}
    world.client.edit(DEPLOYMENTS, "default", "shop", {"spec": {"template": template}})
    assert (await world.observe()).problem is None


async def test_a_secret_that_may_not_be_read_is_told(world: World) -> None:
    world.tracked = [{"kind": "Secret", "name": "keys", "mountedAs": "keys-live"}]
    observed = await world.observe()
    assert observed.problem is not None
    assert observed.problem[0] == "KindNotTracked"


async def test_no_route(world: World) -> None:
    world.remove(HTTPROUTES)
    observed = await world.observe()
    assert observed.problem == (
        "RouteMissing",
        "spec.traffic.httpRoute: there is no HTTPRoute shop: create it",
    )


async def test_no_gateway_api(world: World) -> None:
    world.client.cluster.unknown.add(HTTPROUTES)
    observed = await world.observe()
    assert observed.problem is not None
    reason, message = observed.problem
    assert reason == "KindMissing"
    assert "httproutes" in message
    assert observed.stable is not None, "what can be read is read"


async def test_no_service(world: World) -> None:
    world.remove(SERVICES)
    observed = await world.observe()
    assert observed.problem is not None
    assert observed.problem[0] == "ServiceMissing"


@pytest.mark.parametrize(
    ("kind", "taken"), [(DEPLOYMENTS, deployment()), (SERVICES, service())], ids=["pods", "access"]
)
async def test_a_canary_that_is_somebody_elses(
    world: World, kind: Resource, taken: dict[str, Any]
) -> None:
    taken["metadata"]["name"] = "shop-canary"
    world.client.add(kind, taken)
    observed = await world.observe()
    assert observed.problem is not None
    assert observed.problem[0] == "NameTaken"


async def test_an_unknown_variable(world: World) -> None:
    observed = await world.observe({**QUERY, "query": "sum(orders{a='{{podz}}'})"})
    assert observed.problem is not None
    reason, message = observed.problem
    assert reason == "InvalidQuery"
    assert message.startswith("spec.analysis.metrics: {{podz}} is not a variable")


async def test_a_syntax_error(world: World) -> None:
    observed = await world.observe({**QUERY, "query": "sum(orders"})
    assert observed.problem is not None
    reason, message = observed.problem
    assert reason == "InvalidQuery"
    assert message.startswith("spec.analysis.metrics[orders].query: ")


async def test_limits_that_contradict(world: World) -> None:
    observed = await world.observe({"use": "errorRate", "advance": {"atMost": 50}})
    assert observed.problem is not None
    assert observed.problem[0] == "InvalidLimits"


async def test_the_first_problem_is_the_deployments(world: World) -> None:
    world.remove(SERVICES)
    world.client.cluster.unknown.add(HTTPROUTES)
    observed = await world.observe({**QUERY, "query": "sum(orders"})
    assert observed.problem is not None
    assert observed.problem[0] == "ServiceMissing"


async def test_a_due_analysis_is_measured(world: World) -> None:
    world.metrics.samples = {"sum(orders)": Sample(7.0)}
    observed = await world.observe(QUERY, status=await world.release())
    assert observed.samples == {"orders": Sample(7.0)}


async def test_a_comparison_is_asked_for_with_the_measurement(world: World) -> None:
    world.comparison = {"use": {"http": "traefik"}}
    observed = await world.observe(status=await world.release())
    assert observed.tally == Tally(START, START + MINUTE, Arms(None, None))
    assert sum("traefik_service_request" in asked for asked in world.metrics.asked) == 2
    world.metrics.down = "connection refused"
    observed = await world.observe(status=await world.release())
    assert observed.tally == Tally(START, START + MINUTE, error="connection refused")


@pytest.mark.parametrize("change", ["analysed", "not asked for", "leaving"])
async def test_a_comparison_that_is_not_due(world: World, change: str) -> None:
    status = await world.release()
    world.comparison = {} if change != "not asked for" else None
    if change == "analysed":
        status = status.model_copy(update={"analysed_at": START + 50 * SECOND})
    leaving = {"deletionTimestamp": "2030-01-01T12:00:30Z"} if change == "leaving" else {}
    assert (await world.observe(status=status, **leaving)).tally is None


async def test_what_is_decided_already_does_not_wait_for_a_measurement(world: World) -> None:
    observed = await world.observe(QUERY, status=make_status())
    assert observed.canary is None
    assert observed.samples == {}


class Hanging(FakeMetrics):
    """A Prometheus that never answers."""

    async def query(self, promql: str) -> Sample:
        self.asked.append(promql)
        await asyncio.get_running_loop().create_future()
        return Sample()


@pytest.mark.parametrize("slow", [True, False], ids=["hangs", "answers"])
async def test_a_measurement_that_nobody_waits_for_leaves_no_error(
    world: World, slow: bool
) -> None:
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: logged.append(what))
    world.metrics = Hanging() if slow else FakeMetrics()
    world.comparison = {}
    status = make_status(canary_revision="gone")
    observed = await world.observe(QUERY, status=status)
    assert observed.samples == {}
    for _ in range(20):
        await asyncio.sleep(0)
    gc.collect()
    assert logged == []


async def test_an_unknown_variable_in_mid_release_is_an_error_of_the_measurement(
    world: World,
) -> None:
    observed = await world.observe({**QUERY, "query": "{{podz}}"}, status=await world.release())
    assert [bool(sample.error) for sample in observed.samples.values()] == [True]
    assert world.metrics.asked == []


@pytest.mark.parametrize(
    "status",
    [
        CanaryReleaseStatus(),
        make_status(Phase.PROMOTING),
        make_status(analysed_at=START + MINUTE - 14 * SECOND),
    ],
    ids=["pending", "promoting", "measured just now"],
)
async def test_nothing_is_asked_when_no_analysis_is_due(
    world: World, status: CanaryReleaseStatus
) -> None:
    observed = await world.observe(status=status)
    assert observed.samples == {}
    assert world.metrics.asked == []


async def test_nothing_is_asked_when_the_resource_is_being_deleted(world: World) -> None:
    observed = await world.observe(status=make_status(), deletionTimestamp="2030-01-01T12:00:30Z")
    assert observed.deleting_since == START + 30 * SECOND
    assert world.metrics.asked == []


@pytest.mark.parametrize("kind", [DEPLOYMENTS, HTTPROUTES, SERVICES])
async def test_an_api_server_that_does_not_answer_is_no_observation(
    world: World, kind: Any
) -> None:
    world.client.fail(Unreachable("down"), verbs=("get",), resource=kind)
    with pytest.raises(Unreachable):
        await world.observe()


async def test_pods_are_read_only_where_there_is_a_canary(world: World) -> None:
    await world.observe()
    assert not [call for call in world.client.cluster.calls if call.resource == PODS]
