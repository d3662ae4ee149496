"""The process as a pod runs it: it ends when told to, and not before its answers are given."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from hack.ports import free_port

WAIT_S = 120


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A process whose answers take a second, and where it listens."""
    port = free_port()
    settings = {
        "RECOCHAT_LISTEN_HOST": "127.0.0.1",
        "RECOCHAT_LISTEN_PORT": str(port),
        "RECOCHAT_DEMO_ENABLED": "true",
        "RECOCHAT_FAULT_LATENCY_MS": "1000",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "recochat"], stdout=log, stderr=log, env=os.environ | settings
        )
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait(WAIT_S)


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=WAIT_S).status_code == 200:
                return
        assert time.monotonic() < deadline, "not ready"
        time.sleep(0.1)


def test_an_answer_under_way_is_given_in_full_before_the_end(
    service: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, process = service
    wait_until_ready(url)
    body = b'{"message":"recommend something"}'
    head = (
        "POST /api/v2/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Accept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as raw:
        raw.sendall(head.encode() + body)
        # Taken in by now: connections are served in the order in which they came.
        wait_until_ready(url)
        process.send_signal(signal.SIGTERM)
        answer = b""
        while chunk := raw.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"event: answer" in answer
    assert answer.endswith(b"0\r\n\r\n")
    # By the signal that it was sent, once everything is closed: what a pod calls 143.
    assert process.wait(WAIT_S) == -signal.SIGTERM
