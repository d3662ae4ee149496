"""A real Alertmanager on loopback that sends what names a release to an operator."""

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from hack.cluster.tools import tool
from hack.ports import free_port
from tests.support.apiserver import ROOT, Process

ROUTES = ROOT / "charts" / "linnet-operator" / "files" / "alerts" / "alertmanager.yaml"

START_DEADLINE = 120.0
SEEN = 'mount --bind "$0/share" /usr/share && exec "$@"'


@contextmanager
def run_alertmanager(folder: Path, receiver: str, token_file: Path) -> Iterator[str]:
    """Run one with the shipped routing tree, but this receiver and token; give its URL."""
    config = yaml.safe_load(ROUTES.read_text())
    (webhook,) = next(
        each["webhook_configs"] for each in config["receivers"] if each["name"] == "linnet"
    )
    webhook["url"] = receiver
    webhook["http_config"]["authorization"]["credentials_file"] = str(token_file)
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(config))
    port = free_port()
    program = tool("alertmanager")
    command = (
        # Debian's has its templates at a fixed place: in its own eyes they are there.
        *("unshare", "--map-root-user", "--mount", "--", "sh", "-c", SEEN, f"{program.parents[1]}"),
        str(program),
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    process = Process("alertmanager", folder, command, {})
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/-/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def send_alert(url: str, **labels: str) -> None:
    """Tell an Alertmanager that an alert fires, as Prometheus does."""
    body = json.dumps([{"labels": labels, "annotations": {"summary": "too many errors"}}])
    asked = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/api/v2/alerts",
        data=body.encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200
