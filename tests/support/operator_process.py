"""The operator as a process of its own, as `linnet run` starts it in a pod."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hack.ports import free_port
from hack.processes import end

START_DEADLINE = 120.0
NO_PROMETHEUS = "http://127.0.0.1:9"
"""Nothing listens there."""


class OperatorError(Exception):
    """The operator ended, or wasn't there in time; the end of its log is in the message."""


@dataclass(frozen=True)
class OperatorProcess:
    """A running operator."""

    url: str
    log: Path

    def metric(self, name: str) -> float:
        """The value of a metric, whose labels if any stand behind its name as Prometheus has them.

        Raises:
            KeyError: there is none yet.
        """
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        raise KeyError(name)


@contextlib.contextmanager
def run_operator(
    folder: Path,
    kubeconfig: Path,
    *,
    prometheus: str = NO_PROMETHEUS,
    namespace: str = "",
    lease_namespace: str = "default",
    workers: int = 8,
    tracked_kinds: str = "ConfigMap",
    api: bool = False,
) -> Iterator[OperatorProcess]:
    """Run the operator until the block ends, and wait until it leads.

    kubeconfig: whose rights it has. namespace: the only one to guard, '' for all. api: whether it
    serves the HTTP API and the console.

    Raises:
        OperatorError: it ended, or doesn't lead in time.
    """
    port = free_port()
    words = ["--prometheus-url", prometheus, "--namespace", namespace, "--port", str(port)]
    words += ["--lease-namespace", lease_namespace, "--workers", str(workers)]
    words += ["--tracked-kinds", tracked_kinds, "--api", "on" if api else "off"]
    operator = OperatorProcess(f"http://127.0.0.1:{port}", folder / "operator.log")
    outside = {
        name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
    }
    with operator.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "linnet", "run", *words],
            env={**outside, "KUBECONFIG": str(kubeconfig)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        _wait_until_it_leads(operator, process)
        yield operator
    finally:
        end(process, 15)


def _wait_until_it_leads(operator: OperatorProcess, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_DEADLINE
    while True:
        with contextlib.suppress(OSError, KeyError):
            if operator.metric("linnet_leader") == 1:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise OperatorError(operator.log.read_text(errors="replace")[-3000:])
        time.sleep(0.1)
