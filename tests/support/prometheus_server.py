"""A real Prometheus on loopback, with samples of a moment ago."""

import contextlib
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from hack.cluster.tools import tool
from hack.ports import free_port

START_DEADLINE = 120.0


@contextlib.contextmanager
def run_prometheus(folder: Path, samples: str) -> Iterator[str]:
    """Run a server whose storage has these samples, `name{labels} value` a line; give its URL.

    Raises:
        TimeoutError: it wasn't ready in time.
    """
    now = time.time()  # noqa: TID251 - Prometheus goes by the real clock
    with run_on_history(folder, [f"{line} {now - 30:.0f}" for line in samples.splitlines()]) as url:
        yield url


@contextlib.contextmanager
def run_on_history(folder: Path, lines: list[str]) -> Iterator[str]:
    """Run a server whose storage has these, `name{labels} value seconds` a line; give its URL.

    lines: those of one series in the order of time.

    Raises:
        TimeoutError: it wasn't ready in time.
    """
    _import(folder, folder / "data", lines)
    with serve(folder, "{}\n") as url:
        yield url


@contextlib.contextmanager
def serve(folder: Path, config: str) -> Iterator[str]:
    """Run a server with this configuration on what `folder/data` has, if anything; give its URL.

    Raises:
        TimeoutError: it wasn't ready in time.
    """
    (folder / "prometheus.yml").write_text(config)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                tool("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.enable-lifecycle",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        _wait_ready(f"{url}/-/ready")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def reconfigure(url: str, folder: Path, config: str) -> None:
    """Have a server that runs in this folder go by another configuration."""
    (folder / "prometheus.yml").write_text(config)
    request = urllib.request.Request(f"{url}/-/reload", method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        answer.read()


def _import(folder: Path, data: Path, lines: list[str]) -> None:
    (folder / "samples.txt").write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        [
            tool("promtool"),
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            folder / "samples.txt",
            data,
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - loopback
                answer.read()
                return
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready in time: {url}")
        time.sleep(0.1)
