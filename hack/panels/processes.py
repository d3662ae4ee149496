"""recochat's processes, one for each version and track, and where Prometheus finds them."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from hack.ports import free_port
from hack.processes import end

STABLE, CANARY = "stable", "canary"
_START_S = 120
_STOP_S = 30
_SCRAPE = {"scrape_interval": "2s", "scrape_timeout": "2s"}


class NotReady(Exception):
    """A process did not answer in time."""


class Processes:
    """Runs at most one stable and one canary process; ends them at the end of its block.

    redis_url: where both keep sessions. operator: HOST:PORT of the operator's metrics.
    """

    def __init__(self, folder: Path, redis_url: str, operator: str) -> None:
        self._folder, self._redis_url, self._operator = folder, redis_url, operator
        self._running: dict[str, tuple[subprocess.Popen[bytes], int, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for track in list(self._running):
            self.stop(track)

    def url(self, track: str) -> str:
        """Where a track answers; '' if there is none."""
        found = self._running.get(track)
        return f"http://127.0.0.1:{found[1]}" if found else ""

    def start(self, version: str, track: str, faults: dict[str, str]) -> None:
        """Start a version, in place of the one that its track had, and wait until it is ready.

        Raises:
            NotReady: it wasn't ready in two minutes.
        """
        port = free_port()
        settings = {
            "RECOCHAT_VERSION": version,
            "RECOCHAT_TRACK": track,
            "RECOCHAT_REDIS_URL": self._redis_url,
            "RECOCHAT_LISTEN_HOST": "127.0.0.1",
            "RECOCHAT_LISTEN_PORT": str(port),
            "RECOCHAT_LOG_LEVEL": "ERROR",
            **({"RECOCHAT_DEMO_ENABLED": "true"} if faults else {}),
            **{f"RECOCHAT_FAULT_{name}": value for name, value in faults.items()},
        }
        with (self._folder / f"{track}-{version}.log").open("wb") as log:
            words = [sys.executable, "-m", "recochat"]
            process = subprocess.Popen(words, stdout=log, stderr=log, env=os.environ | settings)
        try:
            _wait_ready(f"http://127.0.0.1:{port}/readyz")
        except NotReady:
            process.kill()
            process.wait(_STOP_S)
            raise
        before = self._running.get(track)
        self._running[track] = (process, port, version)
        if before is not None:
            end(before[0], _STOP_S)

    def stop(self, track: str) -> None:
        """End the process of a track, if there is one."""
        if (found := self._running.pop(track, None)) is not None:
            end(found[0], _STOP_S)

    def scrape_config(self) -> str:
        """Prometheus' configuration for what runs now, with the labels that a cluster's has."""
        recochat = [
            {
                "targets": [f"127.0.0.1:{port}"],
                "labels": {"namespace": "default", "pod": f"shop-{track}-{version}"},
            }
            for track, (_, port, version) in self._running.items()
        ]
        operator = {
            "targets": [self._operator],
            "labels": {"namespace": "linnet-system", "pod": "linnet-operator-0"},
        }
        jobs = [
            {"job_name": "recochat", "honor_labels": True, "static_configs": recochat},
            {"job_name": "linnet", "honor_labels": True, "static_configs": [operator]},
        ]
        # JSON is YAML, too.
        return json.dumps({"global": _SCRAPE, "scrape_configs": jobs})


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise NotReady(f"not ready after {_START_S} s: {url}")
