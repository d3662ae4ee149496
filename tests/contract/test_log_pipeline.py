"""Logs in one place: what the documented stages make of each line, from the gateway to a decision.

The lines are real: Traefik with the access log of the cluster's manifest, recochat as a process
that fails every request, and the operator's own words about a rollback. Loki itself isn't run.
"""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import httpx
import pytest
import yaml

from hack.cluster import paths
from hack.cluster.tools import tool
from hack.demo.releases import PATH, REQUEST
from hack.ports import free_ports
from hack.processes import end
from linnet.api.status import Phase
from linnet.controller.logs import JsonFormatter
from tests.support.log_stages import Entry, shipped
from tests.support.simulated_cluster import KEY, NAMESPACE, SimulatedCluster

CONFIG = paths.REPO / "docs/examples/promtail.yaml"
PATIENCE_S = 120
ID = "order-17"
TRAEFIK = {"app": "traefik", "namespace": "traefik"}
RECOCHAT = {"app": "recochat-canary", "namespace": NAMESPACE}
OPERATOR = {"app": "linnet-operator", "namespace": "linnet-system"}


def access_log() -> list[str]:
    """The flags of the cluster's Traefik that are about its access log."""
    text = (paths.MANIFESTS / "20-traefik.yaml").read_text()
    (found,) = (each for each in yaml.safe_load_all(text) if each["kind"] == "Deployment")
    (container,) = found["spec"]["template"]["spec"]["containers"]
    return [each for each in container["args"] if each.startswith(("--accesslog", "--log."))]


@contextmanager
def running(log: Path, words: list[str], url: str, **settings: str) -> Iterator[None]:
    """A program that logs to a file, from when it answers at a URL until the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, env=os.environ | settings)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        end(process, 30)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def requests_fail(folder: Path) -> tuple[str, str]:
    """The logs of the gateway and of recochat; one request has an id, one gets it from recochat."""
    web, service = free_ports(2)
    backend = f"http://127.0.0.1:{service}"
    routed = {
        "routers": {"shop": {"rule": "PathPrefix(`/`)", "service": "shop-canary"}},
        "services": {"shop-canary": {"loadBalancer": {"servers": [{"url": backend}]}}},
    }
    (folder / "routes.yaml").write_text(yaml.safe_dump({"http": routed}))
    settings = {
        "RECOCHAT_LISTEN_HOST": "127.0.0.1",
        "RECOCHAT_LISTEN_PORT": str(service),
        "RECOCHAT_VERSION": "v2",
        "RECOCHAT_TRACK": "canary",
        "RECOCHAT_DEMO_ENABLED": "true",
        "RECOCHAT_FAULT_ERROR_SHARE": "1",
    }
    words = [
        str(tool("traefik")),
        f"--entrypoints.web.address=127.0.0.1:{web}",
        f"--providers.file.filename={folder / 'routes.yaml'}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        *access_log(),
    ]
    gateway, logs = f"http://127.0.0.1:{web}", [folder / "traefik.log", folder / "recochat.log"]
    with ExitStack() as stack:
        python = [sys.executable, "-m", "recochat"]
        stack.enter_context(running(logs[1], python, f"{backend}/readyz", **settings))
        stack.enter_context(running(logs[0], words, f"{gateway}/readyz"))
        for headers in ({"X-Correlation-Id": ID}, {}):
            answer = httpx.post(
                gateway + PATH, json=REQUEST, headers=headers, timeout=30, trust_env=False
            )
            assert answer.status_code == 500
    return logs[0].read_text(), logs[1].read_text()


def a_release_is_rolled_back() -> str:
    """The operator's log of it."""

    async def play() -> None:
        cluster = SimulatedCluster()
        await cluster.run(Phase.IDLE)
        cluster.push("app:2")
        await cluster.run(Phase.PROGRESSING)
        cluster.measure(errorRate=7.0)
        await cluster.run(Phase.ROLLED_BACK)

    said = StringIO()
    handler, log = logging.StreamHandler(said), logging.getLogger("linnet")
    handler.setFormatter(JsonFormatter())
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        asyncio.run(play())
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    return said.getvalue()


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """All that is shipped, by the documented stages."""
    (job,) = yaml.safe_load(CONFIG.read_text())["scrape_configs"]
    gateway, service = requests_fail(tmp_path_factory.mktemp("logs"))
    texts = ((TRAEFIK, gateway), (RECOCHAT, service), (OPERATOR, a_release_is_rolled_back()))
    now = datetime.now(UTC).isoformat()  # noqa: TID251 - as the container runtime would
    return [
        shipped(job["pipeline_stages"], labels, f"{now} stdout F {line}")
        for labels, text in texts
        for line in text.splitlines()
    ]


def of(entries: list[Entry], labels: dict[str, str]) -> list[Entry]:
    return [each for each in entries if labels.items() <= each.labels.items()]


@pytest.mark.parametrize("labels", [TRAEFIK, RECOCHAT, OPERATOR], ids=lambda each: each["app"])
def test_each_line_is_read_and_has_a_time_and_a_severity(
    entries: list[Entry], labels: dict[str, str]
) -> None:
    found = of(entries, labels)
    assert found
    assert [each.line for each in found if not each.labels.get("severity")] == []
    assert all(each.moment.tzinfo for each in found)


def test_a_correlation_id_leads_from_the_gateway_to_the_log_and_to_the_decision(
    entries: list[Entry],
) -> None:
    named = [each for each in entries if each.metadata.get("correlation_id") == ID]
    assert [each.labels["app"] for each in named] == ["traefik", "recochat-canary"]
    failed = named[1]
    assert (failed.labels["track"], failed.metadata["version"]) == ("canary", "v2")
    assert '"injected-fault"' in failed.line
    [decision] = [
        each
        for each in of(entries, OPERATOR)
        if each.metadata.get("release_namespace") == failed.labels["namespace"]
        and each.metadata.get("decision") == "RolledBack"
    ]
    assert decision.metadata["release"] == KEY.name
    assert decision.moment > failed.moment
    assert "errorRate: 7 % is above 1 %" in decision.line


def test_an_id_that_the_service_made_is_in_the_gateway_s_log_too(entries: list[Entry]) -> None:
    made = {each.metadata.get("correlation_id") for each in of(entries, RECOCHAT)} - {ID, None}
    [own] = made
    assert [
        each.labels["app"] for each in entries if each.metadata.get("correlation_id") == own
    ] == ["traefik", "recochat-canary"]


def test_labels_are_few_and_ids_are_none_of_them(entries: list[Entry]) -> None:
    assert {name for each in entries for name in each.labels} == {
        *("app", "namespace", "severity", "track")
    }
