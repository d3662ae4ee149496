"""Many guarded Deployments on a cluster of simulated pods, and the operator beside them.

What it costs is told by others than the operator: by the API server's audit log, by the process
table, and by the Prometheus that is asked.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hack.ports import free_port
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.controller.release import read_status
from tests.support.apiserver import ROOT, ApiServer, Process
from tests.support.gateway import start_gateway
from tests.support.prometheus_stub import PrometheusStub, run_prometheus_stub
from tests.support.simulated_nodes import run_with_nodes
from tests.support.workload_manifests import deployment, http_route, service

Object = dict[str, Any]

NAMESPACE = "fleet"
OPERATOR = "linnet"
LOOKED_AT_PER_S = 100
"""Releases: whoever waits for many asks less often, to leave the machine to what is measured."""
AT_ONCE = 250
"""Objects that one kubectl takes."""
KIB = 1024


@dataclass(frozen=True)
class Cost:
    """What something took: seconds of CPU and MiB of the operator, queries of Prometheus."""

    cpu_s: float
    resident_mib: float
    queries: int


class Operator:
    """The operator as a process of its own, under a user of its own."""

    def __init__(self, server: ApiServer, prometheus: str, *flags: str) -> None:
        self.port = free_port()
        config = server.kubeconfig_for(OPERATOR)
        command = (
            *(sys.executable, "-m", "linnet", "run", "--prometheus-url", prometheus),
            *("--port", str(self.port), "--identity", "one", "--log-level", "WARNING", *flags),
        )
        environment = {"KUBECONFIG": str(config), "PYTHONPATH": str(ROOT)}
        self._process = Process("operator", server.folder, command, environment)

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU since its start."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / KIB**2

    def check(self) -> None:
        """See that it still runs.

        Raises:
            ServerError: it has ended.
        """
        self._process.check()

    def stop(self) -> None:
        """End it."""
        self._process.stop()


class Fleet:
    """So many Deployments with Service, route and CanaryRelease, all with one policy."""

    def __init__(
        self, server: ApiServer, prometheus: PrometheusStub, spec: Mapping[str, Any]
    ) -> None:
        self.server = server
        self.prometheus = prometheus
        self._spec = spec
        self.names: list[str] = []
        self.operators: list[Operator] = []
        server.kubectl("create", "namespace", NAMESPACE)

    def grow(self, count: int, replicas: int = 1) -> None:
        """Have so many, with ready pods."""
        fresh = [f"app-{number:04}" for number in range(len(self.names), count)]
        self._apply([each for name in fresh for each in self._workload(name, replicas)])
        self.names += fresh
        self.prometheus.measure((NAMESPACE, f"{name}-canary") for name in self.names)
        self.wait(lambda: self._ready() >= len(self.names), "pods ready", 300)

    def guard(self) -> None:
        """Put those under guard that aren't, and wait until they are."""
        known = self.statuses()
        fresh = [name for name in self.names if name not in known]
        self._apply([self._release(name) for name in fresh])
        self.wait_for(fresh, Phase.IDLE, 900)

    def push(self, names: Sequence[str], image: str) -> None:
        """Change the templates at once, or as near as kubectl gets to that."""
        manifests = [self._workload(name, 1, image)[0] for name in names]
        for each in manifests:
            del each["spec"]["replicas"]
        self._apply(manifests)

    def statuses(self) -> dict[str, CanaryReleaseStatus]:
        """Each release's status."""
        found = self.server.get("crel", "-n", NAMESPACE)["items"]
        return {each["metadata"]["name"]: read_status(each) for each in found}

    def wait_for(self, names: Iterable[str], phase: Phase, seconds: float) -> None:
        """Wait until these are in a phase."""
        wanted = set(names)

        def reached() -> bool:
            statuses = self.statuses()
            return all(name in statuses and statuses[name].phase is phase for name in wanted)

        self.wait(reached, f"{len(wanted)} {phase}", seconds)

    def release(self, names: Sequence[str], image: str, seconds: float) -> None:
        """Change these templates at once, and wait until the new versions are promoted."""
        before = {name: status.stable_revision for name, status in self.statuses().items()}
        self.push(names, image)

        def reached() -> bool:
            statuses = self.statuses()
            return all(
                statuses[name].phase is Phase.PROMOTED
                and statuses[name].stable_revision != before[name]
                for name in names
            )

        self.wait(reached, f"{len(names)} promoted", seconds)

    def wait(self, reached: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: it isn't so in time.
            ServerError: an operator has ended, as it does when it loses its lease.
        """
        deadline = time.monotonic() + seconds
        while not reached():
            for operator in self.operators:
                operator.check()
            if time.monotonic() > deadline:
                found = Counter((each.phase, each.message) for each in self.statuses().values())
                told = "\n".join(f"{n} {phase}: {text}" for (phase, text), n in found.items())
                raise AssertionError(f"not {what} after {seconds:g} s:\n{told[:2000]}")
            time.sleep(max(2.0, len(self.names) / LOOKED_AT_PER_S))

    def _ready(self) -> int:
        found = self.server.get("deployments", "-n", NAMESPACE)["items"]
        return sum(bool((each.get("status") or {}).get("readyReplicas")) for each in found)

    def _apply(self, manifests: Sequence[Object]) -> None:
        for start in range(0, len(manifests), AT_ONCE):
            items = manifests[start : start + AT_ONCE]
            whole = {"apiVersion": "v1", "kind": "List", "items": items}
            self.server.kubectl(
                "apply", "--server-side", "--force-conflicts", "-f", "-", input=whole
            )

    def _workload(self, name: str, replicas: int, image: str = "app:1") -> list[Object]:
        app = deployment(image, replicas)
        labels = {"app": name}
        app["spec"]["selector"]["matchLabels"] = labels
        app["spec"]["template"]["metadata"]["labels"] = labels
        access = service()
        access["spec"]["selector"] = labels
        route = http_route({"name": name, "port": 80})
        route["spec"]["hostnames"] = [f"{name}.example"]
        return [{**each, "metadata": self._metadata(name)} for each in (app, access, route)]

    def _release(self, name: str) -> Object:
        spec = {"targetRef": {"name": name}, "traffic": {"httpRoute": name}, **self._spec}
        head = {"apiVersion": "linnet.dev/v1alpha1", "kind": "CanaryRelease"}
        return {**head, "metadata": self._metadata(name), "spec": spec}

    def _metadata(self, name: str) -> Object:
        return {"name": name, "namespace": NAMESPACE}


@contextmanager
def run_fleet(folder: Path, spec: Mapping[str, Any]) -> Iterator[Fleet]:
    """An empty fleet on a cluster of its own, without an operator yet."""
    with run_with_nodes(folder, users=(OPERATOR,)) as server, run_prometheus_stub() as prometheus:
        start_gateway(server)
        yield Fleet(server, prometheus, spec)


def requests(log: Path, since: float, until: float) -> Iterator[Object]:
    """The audit log's requests of a span, each once; a watch when it begins."""
    with log.open() as lines:
        for line in lines:
            found = json.loads(line)
            watch = found["verb"] == "watch"
            if found["stage"] != ("ResponseStarted" if watch else "ResponseComplete"):
                continue
            if since <= _moment(found["requestReceivedTimestamp"]) < until:
                yield found


def by_agent(found: Iterable[Object]) -> Counter[str]:
    """Requests by the program that made them; `linnet` for the operator."""
    return Counter(
        OPERATOR if each["user"]["username"] == OPERATOR else _program(each) for each in found
    )


def about_fleet(request: Object) -> bool:
    """Whether a request is about the fleet's objects, and not about nodes or leases."""
    place: Object = request.get("objectRef") or {}
    return place.get("namespace") == NAMESPACE


def _program(request: Object) -> str:
    return str(request.get("userAgent", "")).partition("/")[0]


def _moment(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
