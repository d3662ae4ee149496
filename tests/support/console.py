"""Guides that are run: every command in them, for real, in the order in which they stand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.redis_process import redis_server_binary

WAIT_S = 120
_BLOCK = re.compile(r"```(\w+)( [^\n]*)?\n(.*?)```", re.DOTALL)

# What differs from run to run: times, random ids, and how long things took.
_VOLATILE = (
    (re.compile(r"(?<=date: ).*"), "DATE"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00"), "TIME"),
    (re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]"), "TRACEPARENT"),
    (re.compile(r'(?<=trace": ")[0-9a-f]{32}'), "TRACE"),
    (re.compile(r'(?<=spanId": ")[0-9a-f]{16}'), "SPAN"),
    (re.compile(r"\d+\.\d{6}s"), "SECONDS"),
)


def steady(text: str) -> str:
    """`text` without what differs from run to run."""
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return text


@contextmanager
def programs(folder: Path) -> Iterator[dict[str, str]]:
    """An environment in which redis-server, redis-cli and recochat are there as in a guide."""
    commands = {
        "redis-server": f'exec {redis_server_binary()} "$@"',
        "redis-cli": f'exec {sys.executable} -m tests.support.redis_cli "$@"',
        "recochat": f'exec {sys.executable} -m recochat "$@"',
        "python3": f'exec {sys.executable} "$@"',
    }
    for name, line in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    root = Path(__file__).resolve().parents[2]
    yield os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(root)}


class Console:
    """A terminal in a folder of its own. Commands that end with & go on until it is closed."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], ports: Mapping[int, int]
    ) -> None:
        """`ports`: those that are free here, by those that the guide names."""
        self._folder, self._environment, self._ports = folder, environment, ports
        self._running: list[subprocess.Popen[bytes]] = []

    def follow(self, guide: str) -> str:
        """`guide` with what its commands say now; files that it names are written."""

        def block(match: re.Match[str]) -> str:
            kind, name, body = match.group(1), (match.group(2) or "").strip(), match.group(3)
            if kind != "console":
                if name:
                    (self._folder / name).write_text(self._here(body))
                return match.group(0)
            return f"```console\n{''.join(self._say(each) for each in _commands(body))}```"

        return _BLOCK.sub(block, guide)

    def close(self) -> None:
        """End what goes on, the latest first."""
        for process in reversed(self._running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(WAIT_S)

    def _say(self, command: str) -> str:
        shown = f"$ {command}\n"
        words = self._here(command)
        if words.endswith("&"):
            process = subprocess.Popen(
                ["bash", "-c", f"exec env {words[:-1]}"],
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
            self._running.append(process)
            return shown
        done = subprocess.run(
            ["bash", "-c", words],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WAIT_S,
        )
        said = self._there(done.stdout.replace("\r", ""))
        return shown + (said if said.endswith("\n") or not said else said + "\n")

    def _here(self, text: str) -> str:
        for named, own in self._ports.items():
            text = text.replace(f":{named}", f":{own}").replace(f" {named}", f" {own}")
            text = text.replace(f"={named}", f"={own}")
        return text

    def _there(self, text: str) -> str:
        for named, own in self._ports.items():
            text = text.replace(str(own), str(named))
        return text


def _commands(body: str) -> Iterator[str]:
    """Commands of a block, each with the lines that it goes on for; what they say is left out."""
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = [line[2:]]
            while command[-1].endswith("\\"):
                command.append(next(lines))
            yield "\n".join(command)
