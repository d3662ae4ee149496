"""recochat and its Redis on this machine, for as long as a load test takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.ports import free_port
from tests.support.redis_process import redis_server_binary

_START_S = 180


@dataclass(frozen=True)
class Service:
    """Where it answers, and the ids of its processes by name."""

    urls: tuple[str, ...]
    """Of each pod."""
    processes: dict[str, int]

    @property
    def url(self) -> str:
        """Of the first pod."""
        return self.urls[0]


@contextmanager
def local(out: Path, pods: int = 1) -> Iterator[Service]:
    """Processes of recochat with a Redis of their own; their logs go to `out`."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="load"))
        redis = [str(redis_server_binary()), "--port", "0", "--unixsocket", f"{folder}/s",
                 "--save", "", "--dir", folder]  # fmt: skip
        processes, urls = {"redis": _start(stack, redis, out / "redis.log", {})}, []
        for name in ("recochat", *(f"recochat {n}" for n in range(2, pods + 1))):
            port, log = free_port(), out / f"{name.replace(' ', '-')}.log"
            settings = {
                "RECOCHAT_REDIS_URL": f"unix://{folder}/s",
                "RECOCHAT_LISTEN_HOST": "127.0.0.1",
                "RECOCHAT_LISTEN_PORT": str(port),
                "RECOCHAT_VERSION": "load-test",
            }
            command = [sys.executable, "-m", "recochat"]
            processes[name] = _start(stack, command, log, settings)
            urls.append(f"http://127.0.0.1:{port}")
            _wait(urls[-1], log)
        yield Service(tuple(urls), processes)


def _start(stack: ExitStack, command: list[str], log: Path, settings: dict[str, str]) -> int:
    file = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(command, stdout=file, stderr=file, env=os.environ | settings)
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    return process.pid


def _wait(url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"recochat wasn't ready after {_START_S} s; see {log}")
