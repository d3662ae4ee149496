"""The story: install, adopt, and release one version after the other to users."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import httpx

from hack.cluster.cluster import Cluster
from hack.cluster.run import ClusterError
from hack.demo import install
from hack.demo.releases import HOST, NAME, NAMESPACE
from hack.demo.screen import Screen
from hack.demo.watch import Watcher
from hack.experiment.crowd import User, crowd
from hack.experiment.exported import from_prometheus
from hack.experiment.outcome import Outcome, of
from hack.experiment.releases import (
    BASE,
    BUCKET_HEADER,
    DAY_S,
    OPEN_S,
    SALT,
    USERS,
    WEIGHT,
    Trial,
    policy,
    values,
)
from hack.experiment.truth import Comparison, compare, people, sums
from hack.experiment.visits import Visits, visiting
from hack.load import Plan, now
from hack.load_process import LoadProcess
from linnet.api.experiment import ExperimentResult
from linnet.api.experiment_step import ExperimentStatus
from linnet.api.request import ANNOTATION
from linnet.api.status import CanaryReleaseStatus, Phase

SETTLE_S = 5
NOBODYS = "/api/v2/personas"
"""What is asked in nobody's name, so that a step is judged also while no users are there."""
NOBODYS_PER_S = 6
BEGIN_S, DECIDE_S, END_S, EXPORT_S = 180, 240, 240, 30
ENDED = (Phase.PROMOTED, Phase.ROLLED_BACK)


class Story:
    """One run of the demonstration on a cluster that is up. outcomes: what came of each version."""

    def __init__(self, cluster: Cluster, screen: Screen, keep: Callable[[Outcome], None]) -> None:
        """keep: called with each outcome, while the cluster still has its record."""
        self.outcomes: list[Outcome] = []
        self._cluster, self._screen, self._keep = cluster, screen, keep
        self._image = self._redis = self._gateway = ""
        self._changed = threading.Condition()
        self._status = CanaryReleaseStatus()

    def play(self, images: Mapping[str, str], trials: tuple[Trial, ...]) -> None:
        """Play it to its end.

        Raises:
            ClusterError: something of the installation did not work out.
            LoadFailed: the load ended.
        """
        self._image, self._redis = images["recochat"], redis_image(self._cluster)
        install.install_operator(self._cluster, images["operator"])
        install.clean(self._cluster)
        with ExitStack() as stack:
            self._gateway = stack.enter_context(install.gateway_on_loopback(self._cluster))
            self._release("v1", None)
            install.wait_for_version(self._gateway, "v1")
            for plan in nobody(self._gateway, HOST):
                stack.enter_context(LoadProcess(plan))
            watcher = Watcher(self._cluster.kubeconfig, self._on_release, lambda *_: None)
            watcher.start()
            stack.callback(watcher.stop)
            self._release("v1", policy())
            self._wait("v1 is adopted", lambda: self._status.phase is Phase.IDLE, BEGIN_S)
            for trial in trials:
                self._try(trial)

    def _try(self, trial: Trial) -> None:
        """Release one version to users, and see what becomes of it."""
        self._screen.say(f"{trial.name}: {trial.summary}")
        time.sleep(SETTLE_S)
        before = self._status.experiment.id if self._status.experiment is not None else ""
        self._release(trial.name, policy(trial.summary))
        begun = self._wait_for_experiment(before)
        self._screen.say(f"  experiment {begun.id} runs")
        visits = Visits(self._users(trial), lambda _: self._gateway, DAY_S, {"Host": HOST})
        with visiting(visits):
            self._wait("the experiment ends", self._has_result, DECIDE_S)
        ended = self._experiment()
        self._screen.say(f"  {ended.result}: {ended.message}")
        if ended.result in (ExperimentResult.CONDITIONAL, ExperimentResult.STOPPED):
            time.sleep(SETTLE_S)
            self._screen.say("  a person decides: back")
            self._ask_for_rollback()
        self._wait("the release ends", lambda: self._status.phase in ENDED, END_S)
        found = self._compare(visits, begun.id)
        promoted = self._status.phase is Phase.PROMOTED
        self.outcomes.append(of(trial, ended, visits.seen, found, promoted=promoted))
        for line in self.outcomes[-1].lines():
            self._screen.say(f"  {line}")
        self._keep(self.outcomes[-1])

    def _users(self, trial: Trial) -> tuple[User, ...]:
        salt = f"{SALT}-{trial.name}"
        return crowd(salt, USERS, OPEN_S, WEIGHT, BASE, trial.behaviour)

    def _compare(self, visits: Visits, experiment: str) -> Comparison:
        """The counts in Prometheus against what users saw, once it has heard of all of them."""
        must = sums(people(visits.seen, experiment, DAY_S).values())
        deadline = time.monotonic() + EXPORT_S
        while True:
            try:
                told = from_prometheus(self._cluster.prometheus, NAMESPACE, experiment)
                found = compare(must, told)
            except httpx.HTTPError as error:
                raise ClusterError(f"Prometheus doesn't answer: {error}") from error
            if found.right or time.monotonic() > deadline:
                return found
            time.sleep(1)

    def _ask_for_rollback(self) -> None:
        asked = {"id": f"demo-{now():.0f}", "action": "Rollback", "reason": "not enough"}
        words = (f"{ANNOTATION}={json.dumps(asked)}", "--overwrite")
        self._cluster.kubectl("annotate", "crel", NAME, "-n", NAMESPACE, *words)

    def _release(self, version: str, spec: Mapping[str, Any] | None) -> None:
        chosen = values(version, self._image, self._redis, spec)
        # With a canary under way, helm would wait for a Deployment that is paused on purpose.
        install.helm(self._cluster, NAME, NAMESPACE, chosen, wait=spec is None)

    def _experiment(self) -> ExperimentStatus:
        found = self._status.experiment
        if found is None:
            raise ClusterError("the release has no experiment in its status")
        return found

    def _wait_for_experiment(self, before: str) -> ExperimentStatus:
        def begun() -> bool:
            found = self._status.experiment
            return found is not None and found.id != before

        self._wait("the experiment begins", begun, BEGIN_S)
        return self._experiment()

    def _has_result(self) -> bool:
        return self._experiment().result is not ExperimentResult.RUNNING

    def _on_release(self, found: dict[str, Any], _: float) -> None:
        with self._changed:
            self._status = CanaryReleaseStatus.model_validate(found.get("status") or {})
            self._changed.notify_all()

    def _wait(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not ready():
                if time.monotonic() > deadline:
                    told = self._status.message
                    raise ClusterError(f"{what}: still not so after {seconds:.0f} s ({told})")
                self._changed.wait(timeout=1)


def nobody(gateway: str, host: str) -> list[Plan]:
    """Requests in nobody's name to the canary, and to stable: an experiment doesn't count them."""
    return [
        Plan(gateway + NOBODYS, headers={"Host": host, BUCKET_HEADER: bucket}, rate=NOBODYS_PER_S)
        for bucket in ("0", "99")
    ]


def redis_image(cluster: Cluster) -> str:
    """The Redis that the cluster has, for one of the shop's own."""
    where = "jsonpath={.spec.template.spec.containers[0].image}"
    return cluster.kubectl("get", "deployment", "redis", "-n", "redis", "-o", where)
