"""recochat as pods: processes that share a Redis, and come and go as in a rolling update."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hack.ports import free_port

WAIT_S = 120


@dataclass
class Pod:
    """One process."""

    url: str
    process: subprocess.Popen[bytes]
    busy: int = 0
    """Requests under way."""


@dataclass
class Service:
    """The pods that are asked, each in turn, as a Service does it."""

    redis_url: str
    folder: Path
    pods: list[Pod] = field(default_factory=list)
    asked: int = 0

    async def start(self, version: str, **settings: str) -> None:
        """Add a pod, once it is ready."""
        port = free_port()
        environment = {
            "RECOCHAT_VERSION": version,
            "RECOCHAT_REDIS_URL": self.redis_url,
            "RECOCHAT_REDIS_TIMEOUT_MS": "10000",  # a busy machine isn't what is tested
            "RECOCHAT_LISTEN_HOST": "127.0.0.1",
            "RECOCHAT_LISTEN_PORT": str(port),
        }
        log = self.folder / f"pod-{port}.log"
        pod = Pod(f"http://127.0.0.1:{port}", _process(environment | settings, log))
        with ExitStack() as stack:
            stack.callback(pod.process.kill)
            await _ready(pod.url)
            stack.pop_all()
        self.pods.append(pod)

    async def stop(self, pod: Pod) -> None:
        """Ask it no more, and end it: requests that had been sent to it are let in before."""
        self.pods.remove(pod)
        while pod.busy:  # noqa: ASYNC110 - the time of the preStop hook
            await asyncio.sleep(0.02)
        pod.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(pod.process.wait, WAIT_S)

    async def post(self, client: httpx.AsyncClient, path: str, body: object) -> httpx.Response:
        """Ask the next pod."""
        self.asked += 1
        pod = self.pods[self.asked % len(self.pods)]
        pod.busy += 1
        try:
            return await client.post(f"{pod.url}{path}", json=body)
        finally:
            pod.busy -= 1

    def close(self) -> None:
        """End all that is left."""
        for pod in self.pods:
            pod.process.kill()
            pod.process.wait(WAIT_S)


def _process(settings: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        command = [sys.executable, "-m", "recochat"]
        return subprocess.Popen(command, stdout=file, stderr=file, env=os.environ | settings)


async def _ready(url: str) -> None:
    deadline = time.monotonic() + WAIT_S
    async with httpx.AsyncClient(timeout=WAIT_S) as client:
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                assert time.monotonic() < deadline, "not ready"
            await asyncio.sleep(0.1)
