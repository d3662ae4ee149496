"""Every action becomes one call of the right provider."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from linnet.controller.apply import Actor
from linnet.controller.observe import Providers
from linnet.controller.release import FINALIZER, Key, Release
from linnet.core.actions import (
    Action,
    EnsureCanary,
    HoldStable,
    LetGo,
    ReleaseStable,
    RemoveCanary,
    RemoveCopies,
    RestoreRoute,
    ResumeStable,
    SettleStable,
    SetWeight,
    WriteConfig,
)
from linnet.core.observed import RouteObserved
from linnet.providers.config import ConfigCopies
from linnet.providers.errors import Conflict, LeaseLost, NotFound, Unusable
from linnet.providers.kubernetes import CANARYRELEASES
from linnet.providers.metrics.shared import SharedMetrics
from linnet.providers.traffic.base import Split
from linnet.providers.workloads import Target, Workloads
from tests.support.builders import START
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.fake_metrics import FakeMetrics
from tests.support.releases import MINIMAL, release

KEY = Key("default", "shop")
TARGET = Target("default", "shop", "shop", "shop")
SPLIT = Split("default", "shop", "shop", "shop-canary", target="shop", release="shop")


@dataclass
class Recorder:
    """Writes down each call; raises `error` if there is one."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)
    error: Exception | None = None

    def note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error:
            raise self.error


class RecordedWorkloads(Workloads):
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    async def hold(self, target: Target) -> None:
        self.recorder.note("hold", target)

    async def resume(self, target: Target, revision: str) -> None:
        self.recorder.note("resume", target, revision)

    async def settle(self, target: Target, version: str) -> None:
        self.recorder.note("settle", target, version)

    async def let_go(self, target: Target, resume: str = "") -> None:
        self.recorder.note("let_go", target, resume)

    async def ensure_canary(self, target: Target, revision: str, replicas: int) -> None:
        self.recorder.note("ensure_canary", target, revision, replicas)

    async def remove_canary(self, target: Target) -> None:
        self.recorder.note("remove_canary", target)


class RecordedTraffic:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    async def observe(self, split: Split) -> RouteObserved | None:
        raise NotImplementedError

    async def set_weight(self, split: Split, weight: int, experiment: str = "") -> None:
        self.recorder.note("set_weight", split, weight, experiment)

    async def restore(self, split: Split) -> None:
        self.recorder.note("restore", split)


class RecordedConfig(ConfigCopies):
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    async def keep(self, target: Target, wanted: str) -> None:
        self.recorder.note("keep", target, wanted)

    async def write(self, target: Target, wanted: str) -> None:
        self.recorder.note("write", target, wanted)

    async def remove_copies(self, target: Target, keep: str = "") -> None:
        self.recorder.note("remove_copies", target, keep)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client() -> FakeKubernetes:
    return FakeKubernetes()


@pytest.fixture
def actor(client: FakeKubernetes, recorder: Recorder) -> Actor:
    workloads, traffic = RecordedWorkloads(recorder), RecordedTraffic(recorder)
    metrics = SharedMetrics(FakeMetrics(), lambda: START)
    return Actor(client, Providers(workloads, traffic, metrics, RecordedConfig(recorder)))


def stored(client: FakeKubernetes, *finalizers: str) -> Release:
    manifest = release(MINIMAL)
    manifest["metadata"] |= {"namespace": "default", "finalizers": list(finalizers)}
    return Release.read(KEY, client.add(CANARYRELEASES, manifest))


def finalizers(client: FakeKubernetes) -> list[str]:
    found = client.see(CANARYRELEASES, "default", "shop")
    assert found is not None
    return list(found["metadata"].get("finalizers", []))


EXPECTED: list[tuple[Action, tuple[Any, ...]]] = [
    (SetWeight(5), ("set_weight", SPLIT, 5, "")),
    (SetWeight(50, "tone-7e8a1b"), ("set_weight", SPLIT, 50, "tone-7e8a1b")),
    (RestoreRoute(), ("restore", SPLIT)),
    (HoldStable(), ("hold", TARGET)),
    (ResumeStable("v2"), ("resume", TARGET, "v2")),
    (SettleStable("v2"), ("settle", TARGET, "v2")),
    (EnsureCanary("v2", 3), ("ensure_canary", TARGET, "v2", 3)),
    (RemoveCanary(), ("remove_canary", TARGET)),
    (ReleaseStable("v2"), ("let_go", TARGET, "v2")),
    (ReleaseStable(), ("let_go", TARGET, "")),
    (WriteConfig("c2"), ("write", TARGET, "c2")),
    (RemoveCopies("c2"), ("remove_copies", TARGET, "c2")),
]


@pytest.mark.parametrize(("action", "call"), EXPECTED, ids=str)
async def test_one_action_is_one_call(
    actor: Actor,
    client: FakeKubernetes,
    recorder: Recorder,
    action: Action,
    call: tuple[Any, ...],
) -> None:
    await actor.apply(stored(client), action)
    assert recorder.calls == [call]
    assert client.writes == []


async def test_a_canary_with_config_gets_its_copies_first(
    actor: Actor, client: FakeKubernetes, recorder: Recorder
) -> None:
    await actor.apply(stored(client), EnsureCanary("v2-c2", 3))
    assert recorder.calls == [
        ("keep", TARGET, "c2"),
        ("ensure_canary", TARGET, "v2-c2", 3),
    ]


@pytest.mark.parametrize("action", [action for action, _ in EXPECTED], ids=str)
async def test_what_is_gone_needs_nothing(
    actor: Actor, client: FakeKubernetes, recorder: Recorder, action: Action
) -> None:
    recorder.error = NotFound("gone")
    await actor.apply(stored(client), action)
    assert len(recorder.calls) == 1


@pytest.mark.parametrize("error", [Conflict("x"), Unusable("X", "x"), LeaseLost()], ids=repr)
async def test_other_errors_are_the_callers(
    actor: Actor, client: FakeKubernetes, recorder: Recorder, error: Exception
) -> None:
    recorder.error = error
    with pytest.raises(type(error)):
        await actor.apply(stored(client), HoldStable())


async def test_the_finalizer_is_put_beside_others(actor: Actor, client: FakeKubernetes) -> None:
    await actor.guard(stored(client, "a.example/x"))
    assert finalizers(client) == ["a.example/x", FINALIZER]


async def test_the_finalizer_is_put_once(actor: Actor, client: FakeKubernetes) -> None:
    await actor.guard(stored(client, FINALIZER))
    assert finalizers(client) == [FINALIZER]


async def test_letting_go_leaves_the_finalizers_of_others(
    actor: Actor, client: FakeKubernetes
) -> None:
    await actor.apply(stored(client, "a.example/x", FINALIZER, "b.example/y"), LetGo())
    assert finalizers(client) == ["a.example/x", "b.example/y"]


@pytest.mark.parametrize("present", [(), (FINALIZER,)])
async def test_finalizers_that_others_changed_meanwhile_are_not_overwritten(
    actor: Actor, client: FakeKubernetes, present: tuple[str, ...]
) -> None:
    old = stored(client, *present)
    newer = {"metadata": {"finalizers": [*present, "a.example/x"]}}
    client.edit(CANARYRELEASES, "default", "shop", newer)
    with pytest.raises(Conflict):
        await actor.guard(old)
    with pytest.raises(Conflict):
        await actor.apply(old, LetGo())
    assert finalizers(client) == [*present, "a.example/x"]


async def test_a_resource_that_is_gone_is_let_go(actor: Actor, client: FakeKubernetes) -> None:
    old = stored(client, FINALIZER)
    client.cluster.remove((CANARYRELEASES, "default", "shop"))
    await actor.apply(old, LetGo())
