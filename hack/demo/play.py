"""The story: install, adopt, release one version after the other, all of it under load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from hack.cluster.cluster import Cluster
from hack.cluster.run import ClusterError
from hack.demo import install, measure
from hack.demo.detection import visible_since
from hack.demo.measure import Result
from hack.demo.progress import UNFINISHED, Progress
from hack.demo.releases import HOST, NAME, NAMESPACE, PATH, REQUEST, Release, values
from hack.demo.scene import Show, Stage
from hack.demo.screen import Screen
from hack.demo.watch import Watcher
from hack.load import Plan, now
from hack.load_process import LoadProcess
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase

SETTLE_S = 5
REST_S = 8
"""Between releases: time to read the outcome, and for the last canary to leave the queries."""
RELEASE_DEADLINE_S = 600


class Story:
    """One run of the demonstration on a cluster that is up."""

    def __init__(self, cluster: Cluster, show: Show, screen: Screen, rate: float) -> None:
        self.results: list[Result] = []
        self._cluster = cluster
        self._show = show
        self._screen = screen
        self._rate = rate
        self._image = ""
        self._changed = threading.Condition()
        self._status: CanaryReleaseStatus | None = None
        self._load: LoadProcess | None = None

    def play(self, images: dict[str, str]) -> int:
        """Play it to its end; the result is the number of failures that nothing excuses.

        Raises:
            ClusterError: something of the installation did not work out.
            LoadFailed: the load ended.
        """
        self._image = images["recochat"]
        with self._stage("operator"):
            install.install_operator(self._cluster, images["operator"])
        with self._stage("clean namespace"):
            install.clean(self._cluster)
        with install.gateway_on_loopback(self._cluster) as gateway:
            with self._stage("v1 serves"):
                self._upgrade("v1", guarded=False)
                install.wait_for_version(gateway, "v1")
            plan = Plan(gateway + PATH, REQUEST, {"Host": HOST}, rate=self._rate)
            with LoadProcess(plan) as self._load:
                self._show.answers = self._load.answers
                self._adopt()
                for release in self._show.releases:
                    self._release(release)
                time.sleep(SETTLE_S)
        known = [*self._show.done, *([self._show.progress] if self._show.progress else [])]
        return len(measure.unexcused(self._show.answers, known))

    def _adopt(self) -> None:
        time.sleep(SETTLE_S)
        before = install.pods(self._cluster)
        watcher = Watcher(self._cluster.kubeconfig, self._on_release, self._on_pod)
        watcher.start()
        with self._stage("adopted") as stage:
            self._upgrade("v1", guarded=True)
            self._wait("v1 is adopted", lambda: _phase(self._status) is Phase.IDLE, 60)
            time.sleep(SETTLE_S)
            if install.pods(self._cluster) != before:
                raise ClusterError("a pod was started or restarted when Linnet adopted v1")
            failed = len(self._show.answers.failures(0, now()))
            stage.note = "without a restart" if not failed else f"{failed} requests failed"

    def _release(self, release: Release) -> None:
        """Release one version and follow it until it rests."""
        show = self._show
        self._screen.say(f"{release.name}: {release.summary}")
        progress = Progress(release, started=now())
        show.progress = progress
        self._upgrade(release.name, guarded=True, release=release)
        try:
            self._wait(
                f"{release.name} comes to an end",
                lambda: progress.ended is not None,
                RELEASE_DEADLINE_S,
            )
        finally:
            self.results.append(self._result(progress))
        self._screen.say(_outcome(self.results[-1]))
        for step in self.results[-1].steps:
            self._screen.say(
                f"  asked {step.weight} %: {step.measured_share:.2f} % "
                f"of {step.requests:,} requests measured"
            )
        time.sleep(REST_S)
        show.done.append(progress)
        show.progress = None

    def _result(self, progress: Progress) -> Result:
        visible = None
        if self._show.spec is not None:
            try:
                visible = visible_since(progress, self._show.spec, self._cluster.prometheus)
            except httpx.HTTPError as error:
                self._screen.say(f"Prometheus did not say when the fault was visible: {error}")
        return measure.result(progress, self._show.answers, visible)

    def _upgrade(self, version: str, *, guarded: bool, release: Release | None = None) -> None:
        chosen = values(
            version,
            self._image,
            self._rate,
            guarded=guarded,
            faults=release.faults if release is not None else None,
        )
        # With a canary under way, helm would wait for a Deployment that is paused on purpose.
        install.helm(self._cluster, NAME, NAMESPACE, chosen, wait=not guarded)

    def _on_release(self, found: dict[str, Any], at: float) -> None:
        status = CanaryReleaseStatus.model_validate(found.get("status") or {})
        with self._changed:
            self._show.spec = CanaryReleaseSpec.model_validate(found["spec"])
            before, self._status = self._status, status
            progress = self._show.progress
            fresh = progress.take(status, at) if progress is not None else []
            self._changed.notify_all()
        for entry in fresh:
            self._screen.say(f"  {entry.decision}: {entry.message}")
        if (seen := status.weight.seen) is not None and before and before.weight.seen != seen:
            self._screen.say(f"  The route reports {seen} % on the canary")

    def _on_pod(self, pod: dict[str, Any], at: float) -> None:
        progress = self._show.progress
        if progress is not None:
            progress.take_pod(pod, at)

    def _wait(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not ready():
                if time.monotonic() > deadline:
                    raise ClusterError(f"{what}: still not so after {seconds:.0f} s")
                self._changed.wait(timeout=1)
                if self._load is not None:
                    self._load.check()

    @contextmanager
    def _stage(self, name: str) -> Iterator[Stage]:
        stage = Stage(name, now())
        self._show.stages.append(stage)
        yield stage
        stage.ended = now()
        note = f", {stage.note}" if stage.note else ""
        self._screen.say(f"{name} after {stage.ended - stage.began:.1f} s{note}")


def _phase(status: CanaryReleaseStatus | None) -> Phase | None:
    return status.phase if status is not None else None


def _outcome(result: Result) -> str:
    if result.outcome == UNFINISHED:
        return f"{result.name}: unfinished"
    requests, failed = sum(result.requests.values()), result.client_failures
    why = f" ({result.reason})" if result.reason != result.outcome else ""
    kinds = ", ".join(f"{count} × {kind}" for kind, count in result.outside_kinds.items())
    beyond = f", of them not by a canary on trial: {kinds}" if kinds else ""
    return (
        f"{result.name}: {result.outcome}{why} after {result.seconds:.0f} s; "
        f"{failed:,} of {requests:,} requests failed{beyond}"
    )
