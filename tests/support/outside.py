"""Operators outside the cluster, with the rights of the one inside: of a shard, or as a standby.

So one of them may have a Prometheus of its own, or a clock that goes wrong.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import yaml

from hack.cluster import debian
from hack.cluster.cache import Artifact, digest
from hack.cluster.cluster import Cluster
from hack.demo.install import OPERATOR, OPERATOR_NAMESPACE
from tests.support.operator_process import OperatorError
from tests.support.rig.process import KillableOperator
from tests.support.rules.judge import LEASE

ACCOUNT = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR}"
"""Who such an operator is for the API server, and by its own word in the Lease."""
START_S = 180.0
"""Generous: an operator takes seconds to start on a machine with nothing else to do."""


@dataclass(frozen=True)
class Outside:
    """What is another one than that of the operator inside.

    shard: of the CanaryReleases to work on, '' for those without one. lease: another one for
    each shard. environment: for the process.
    """

    lease: str = LEASE
    shard: str = ""
    prometheus: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def run_outside(cluster: Cluster, folder: Path, way: Outside) -> Iterator[KillableOperator]:
    """Run an operator until the block ends; it may still wait for the Lease.

    Raises:
        OperatorError: it didn't come up.
    """
    flags = ["--lease-namespace", OPERATOR_NAMESPACE, "--lease-name", way.lease]
    flags += ["--shard", way.shard]
    operator = KillableOperator(
        folder,
        ACCOUNT,
        _kubeconfig(cluster, folder),
        way.prometheus or cluster.prometheus,
        tuple(flags),
        environment=way.environment,
    )
    with _may_use(cluster, way.lease), _kept_running(operator):
        try:
            _wait_until_it_is_in_touch(operator)
            yield operator
        except AssertionError as error:
            error.add_note(operator.log.read_text(errors="replace")[-3000:])
            raise


@contextmanager
def _kept_running(operator: KillableOperator) -> Iterator[None]:
    """Start it, and again when it has ended, as kubelet does: it ends when it loses the Lease."""
    enough = Event()

    def keep() -> None:
        while not enough.wait(1):
            if not operator.runs:
                operator.start()

    operator.start()
    keeper = Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        enough.set()
        keeper.join()
        operator.stop()


@contextmanager
def _may_use(cluster: Cluster, lease: str) -> Iterator[None]:
    """Grant a Lease of an operator's own, as a second installation of the chart would."""
    if lease == LEASE:
        yield
        return
    here = ("-n", OPERATOR_NAMESPACE)
    verbs = ("--verb=get,create,patch", "--resource=leases")
    account = f"--serviceaccount={OPERATOR_NAMESPACE}:{OPERATOR}"
    cluster.kubectl("create", "role", lease, *here, *verbs)
    try:
        cluster.kubectl("create", "rolebinding", lease, *here, f"--role={lease}", account)
        yield
    finally:
        cluster.kubectl("delete", "role,rolebinding,lease", lease, *here, "--ignore-not-found")


def _kubeconfig(cluster: Cluster, folder: Path) -> Path:
    """The cluster's, with the operator's account instead of the administrator's."""
    words = ("create", "token", OPERATOR, "-n", OPERATOR_NAMESPACE, "--duration=3h")
    config = yaml.safe_load(Path(cluster.kubeconfig).read_text())
    for each in config["users"]:
        each["user"] = {"token": cluster.kubectl(*words).strip()}
    file = folder / "kubeconfig"
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(config))
    return file


def _wait_until_it_is_in_touch(operator: KillableOperator) -> None:
    deadline = time.monotonic() + START_S
    while not operator.is_ready():
        if time.monotonic() > deadline:
            raise OperatorError(operator.log.read_text(errors="replace")[-3000:])
        time.sleep(0.2)


def clock_off(seconds: int) -> dict[str, str]:
    """The environment of a process whose wall clock is off: ahead, or behind if less than 0.

    Debian's libfaketime stands between the process and the C library. The monotonic clock stays
    right, as on a machine whose clock was set wrong.

    Raises:
        ClusterError: Debian's package can't be had here, e.g. without root.
    """
    package = "libfaketime"
    folder = Artifact(package, digest(package)).ensure(
        lambda target: debian.unpack([package], target)
    )
    (library,) = folder.glob("usr/lib/*/faketime/libfaketimeMT.so.1")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{seconds:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
