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

from tests.support.addresses import free_port
from tests.support.redis_process import redis_server_binary

_START_S = 180


@dataclass(frozen=True)
class Service:
    """Where it answers, and the ids of its processes by name."""

    url: str
    processes: dict[str, int]


@contextmanager
def local(out: Path) -> Iterator[Service]:
    """One process of recochat with a Redis of its own; their logs go to `out`."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="load"))
        port = free_port()
        redis = [str(redis_server_binary()), "--port", "0", "--unixsocket", f"{folder}/s",
                 "--save", "", "--dir", folder]  # fmt: skip
        settings = {
            "RECOCHAT_REDIS_URL": f"unix://{folder}/s",
            "RECOCHAT_LISTEN_HOST": "127.0.0.1",
            "RECOCHAT_LISTEN_PORT": str(port),
            "RECOCHAT_VERSION": "load-test",
        }
        processes = {
            "redis": _start(stack, redis, out / "redis.log", {}),
            "recochat": _start(
                stack, [sys.executable, "-m", "recochat"], out / "recochat.log", settings
            ),
        }
        url = f"http://127.0.0.1:{port}"
        _wait(url, out / "recochat.log")
        yield Service(url, processes)


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
