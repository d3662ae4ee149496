"""The operator as a process that may be killed, frozen and started again."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hack.ports import free_port
from hack.processes import end


@dataclass
class KillableOperator:
    """`python -m linnet run` with its settings; `start` may be called again after its end.

    identity: its name in the Lease. flags: further ones of the command line. environment: further
    variables.
    """

    folder: Path
    identity: str
    kubeconfig: Path
    prometheus_url: str
    flags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    starts: int = 0
    _popen: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What all of its runs have printed: one JSON object a line, mostly."""
        return self.folder / f"operator-{self.identity}.log"

    def start(self) -> None:
        """Run it."""
        command = (
            *(sys.executable, "-m", "linnet", "run", "--identity", self.identity),
            *("--prometheus-url", self.prometheus_url, "--port", str(self.port)),
            *self.flags,
        )
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), **self.environment}
        self.starts += 1
        with self.log.open("ab") as log:
            log.write(f"--- start {self.starts}\n".encode())
            log.flush()
            self._popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    @property
    def runs(self) -> bool:
        """Whether it runs, or is frozen."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._popen is not None
        return self._popen.pid

    def is_ready(self) -> bool:
        """Whether it says that it leads, or waits to."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self._popen is None:
            return
        end(self._popen, 20)

    def kill(self) -> None:
        """End it at once, without a chance to do anything."""
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait(10)

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)
