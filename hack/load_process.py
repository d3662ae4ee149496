"""A load in a process of its own, so that whoever watches it doesn't slow it down."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from hack.answers import Answers
from hack.load import Plan, read_batch

ROOT = Path(__file__).resolve().parent.parent


class LoadFailed(Exception):
    """The load ended by itself."""


class LoadProcess:
    """Runs a plan beside this process, from `with` to the end of its block.

    answers: what came back so far. late: requests that couldn't leave on time.
    """

    def __init__(self, plan: Plan) -> None:
        self.answers = Answers()
        self.late = 0
        self.in_flight = 0
        self._plan = plan
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, name="load", daemon=True)

    def __enter__(self) -> Self:
        plan = self._plan
        words = [
            sys.executable, "-m", "hack.load", plan.url, "--stream", f"--rate={plan.rate}",
            f"--seconds={plan.seconds}", f"--in-flight={plan.in_flight}",
            f"--warm-up={plan.warm_up}", f"--headers={json.dumps(dict(plan.headers))}",
        ]  # fmt: skip
        if plan.body is not None:
            words.append(f"--body={json.dumps(plan.body)}")
        # A session of its own: Ctrl-C reaches us, and we end the load when we are ready to.
        self._process = subprocess.Popen(
            words,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send nothing more, and wait until the open requests have their answers."""
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join(timeout=5)
        if process.stdout is not None:
            process.stdout.close()

    def check(self) -> None:
        """Raise LoadFailed if the load has ended though nobody stopped it."""
        if self._process is not None and self._process.poll() is not None:
            raise LoadFailed(f"the load ended by itself (code {self._process.returncode})")

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            batch = read_batch(line)
            self.answers.add(batch.answers)
            self.late += batch.late
            self.in_flight = batch.in_flight
