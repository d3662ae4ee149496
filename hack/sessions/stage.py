"""A cluster in memory with two apps, an operator that works, and somebody who types."""

import asyncio
import getpass
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

from typer.testing import CliRunner

from hack.sessions import limited
from hack.sessions.desk import PlayedApi
from hack.sessions.wire import Wire
from hack.version import version
from linnet.api.crd import custom_resource_definition
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.cli.app import app
from linnet.cli.cluster import connection
from linnet.cli.probe import command as probe
from linnet.controller import clock
from linnet.controller.release import write_status
from linnet.core.observed import Table
from linnet.core.queries import questions
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    DEPLOYMENTS,
    HTTPROUTES,
    LEASES,
    SERVICES,
    KubernetesClient,
    Manifest,
)
from linnet.providers.resources import CRDS
from tests.support.experiments import tried
from tests.support.simulated_cluster import KEY, NAMESPACE, ROW, SimulatedCluster
from tests.support.workload_manifests import http_route

WIDTH = 110
LAPTOP = "laptop"
PERSON = "jane"
SPEC: Manifest = {"targetRef": {"name": "shop"}, "traffic": {"httpRoute": "shop"}}
GOOD = {"errorRate": 0.312, "latencyP95": 164.2, "memory": 41.7, "cpu": 22.4}
TERMINAL = {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color", "TZ": "UTC"}
SYSTEM = "linnet-system"
LABELS = {"app.kubernetes.io/part-of": "linnet", "app.kubernetes.io/component": "operator"}
STEP = timedelta(seconds=5)
"""Time that passes at least while a command waits."""


class Stage(SimulatedCluster):
    """Time passes only where the story says so, or while a command waits."""

    def __init__(self) -> None:
        logging.getLogger("linnet").addHandler(logging.NullHandler())
        super().__init__(SPEC)
        self._install()

    def measure(self, **values: float) -> None:
        """What Prometheus answers, by the check's name; the rest is as in a good version."""
        known = {**GOOD, **values}
        known["availability"] = 100 - known["errorRate"]
        asked = questions(CanaryReleaseSpec.model_validate(self.spec), NAMESPACE, "shop")
        self.metrics.tables = {
            asked[name].promql: Table({ROW: value}) for name, value in known.items()
        }

    async def until(self, phase: Phase, weight: int = 0) -> None:
        """Let time pass until a phase is reached, and a weight."""
        for _ in range(2000):
            if self.status.phase == phase and self.status.weight.wanted >= weight:
                return
            await self.passes(STEP)
        raise AssertionError(f"{phase} was not reached: {self.status.phase}")

    def asks_for_approval(self, weight: int, people: int) -> None:
        """From now on the step at this weight waits for so many people."""
        steps = [{"weight": each} for each in (5, 10, 50, 100)]
        needs = {"approvals": {"required": people}}
        told = [each | (needs if each["weight"] == weight else {}) for each in steps]
        self.client.edit(CANARYRELEASES, NAMESPACE, "shop", {"spec": {"steps": told}})

    async def passes(self, span: timedelta) -> None:
        """Let time pass, by looks of the operator's."""
        end = self.now + span
        while self.now < end:
            self.pass_time(min(STEP, end - self.now))
            await self.reconciler.reconcile(KEY)

    def types(self, *words: str) -> str:
        """What a command prints, in colour, to both of its outputs."""
        with self._connected():
            result = CliRunner().invoke(app, list(words), env=TERMINAL)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.output

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Commands reach this cluster, at its time; what they wait for comes to pass."""
        begun = self.now

        async def connect(**_: Any) -> KubernetesClient:
            for stream in (sys.stdout, sys.stderr):
                stream.reconfigure(write_through=True)  # type: ignore[union-attr]
            api = PlayedApi(self, PERSON)
            wire: Any = Wire(self.client, lambda: self.now, PERSON, self._scraped, api.answer)
            return KubernetesClient(wire)

        async def sleep(seconds: float) -> None:
            await self.passes(max(STEP, timedelta(seconds=seconds)))

        own = partial(clock.SharedClock, lambda: self.now)
        with ExitStack() as stack:
            stack.enter_context(patch.object(KubernetesClient, "connect", connect))
            stack.enter_context(patch.object(connection, "namespace_of", lambda *_: NAMESPACE))
            stack.enter_context(patch.object(connection, "SharedClock", own))
            stack.enter_context(patch.object(clock, "now", lambda: self.now))
            seconds = lambda: (self.now - begun).total_seconds()  # noqa: E731
            stack.enter_context(patch.object(clock, "monotonic", seconds))
            stack.enter_context(patch.object(asyncio, "sleep", sleep))
            stack.enter_context(patch.object(probe, "send", limited.send))
            stack.enter_context(patch.object(socket, "gethostname", lambda: LAPTOP))
            stack.enter_context(patch.object(getpass, "getuser", lambda: PERSON))
            yield

    def experiment(self) -> None:
        """A release whose step is an experiment, in its fourth day."""
        named = {"name": "search", "namespace": NAMESPACE}
        sticky = {"header": {"name": "X-User-Bucket"}}
        steps = [{"weight": 50, "experiment": {"name": "tone"}}, {"weight": 100}]
        traffic = {"httpRoute": "search", "sticky": sticky}
        spec = {"targetRef": {"name": "search"}, "traffic": traffic, "steps": steps}
        found = self._release(spec)
        found["metadata"] = named
        under_way = CanaryReleaseStatus(
            phase=Phase.PROGRESSING,
            phase_since=self.now - timedelta(days=3, hours=5),
            stable_revision="3c41d9e0a7",
            canary_revision="8f20b6c415",
            message="At 50 %, the experiment runs",
            observed_generation=1,
            experiment=tried(
                id="tone-8f20b6c415",
                revision="8f20b6c415",
                started_at=self.now - timedelta(days=3, hours=5),
                read_at=self.now - timedelta(seconds=40),
                metrics=[each for each in tried().metrics if each.name != "error_rate"],
            ),
        )
        self.client.add(CANARYRELEASES, found | {"status": write_status(under_way)})

    def _scraped(self, query: str) -> float:
        """How many pods Prometheus scrapes: those of stable, and one that it is asked about."""
        return 0.0 if "canary" in query else 2.0

    def _install(self) -> None:
        """Another release, which rests, and what the chart installs."""
        named = {"name": "cart", "namespace": NAMESPACE}
        route = http_route({"name": "cart", "port": 80}) | {"metadata": named}
        fine = {"status": "True", "observedGeneration": 1, "reason": "Told"}
        accepted = [fine | {"type": kind} for kind in ("Accepted", "ResolvedRefs")]
        parents = [{"parentRef": {"name": "gateway"}, "conditions": accepted}]
        self.client.add(HTTPROUTES, route | {"status": {"parents": parents}})
        cart = self._release({"targetRef": {"name": "cart"}, "traffic": {"httpRoute": "cart"}})
        cart["metadata"] = named
        rests = CanaryReleaseStatus(
            phase=Phase.PROMOTED,
            phase_since=self.now - timedelta(days=2, hours=4),
            stable_revision="9d20c1aa51",
            message="Stable runs 9d20c1aa51",
            observed_generation=1,
        )
        self.client.add(CANARYRELEASES, cart | {"status": write_status(rests)})
        self.client.add(CRDS, custom_resource_definition())
        self.client.add(DEPLOYMENTS, operator())
        metadata = {"name": "linnet-operator", "namespace": SYSTEM, "labels": LABELS}
        self.client.add(SERVICES, {"metadata": metadata, "spec": {}})
        lease = {"holderIdentity": "linnet-operator-6c9d7", "renewTime": "2999-01-01T00:00:00Z"}
        metadata = {"name": "linnet-operator", "namespace": SYSTEM}
        self.client.add(LEASES, {"metadata": metadata, "spec": lease})

    def _written(self, image: str) -> Manifest:
        """The Deployment, with limits: memory and CPU are measured against them."""
        manifest = super()._written(image)
        [container] = manifest["spec"]["template"]["spec"]["containers"]
        container["resources"] = {"limits": {"cpu": "500m", "memory": "256Mi"}}
        return manifest


def operator() -> Manifest:
    """The operator's Deployment, as far as commands look at it."""
    labels = {**LABELS, "app.kubernetes.io/version": version()}
    url = {"name": "LINNET_PROMETHEUS_URL", "value": "http://prometheus.monitoring:9090"}
    container = {"name": "operator", "image": f"linnet/operator:{version()}", "env": [url]}
    pod = {"serviceAccountName": "linnet-operator", "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "linnet-operator", "namespace": SYSTEM, "labels": labels},
        "spec": {"replicas": 2, "template": {"spec": pod}},
        "status": {"availableReplicas": 2},
    }
