"""`linnet lint` as a person uses it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from linnet.cli.app import app

RELEASE = """
apiVersion: linnet.dev/v1alpha1
kind: CanaryRelease
metadata: {name: shop}
spec:
  targetRef: {name: shop}
  traffic: {httpRoute: shop}
  analysis:
    metrics:
      - use: errorRate
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      containers:
        - {name: shop, envFrom: [{configMapRef: {name: settings}}]}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["lint", *map(str, arguments)])


@pytest.fixture
def release(tmp_path: Path) -> Path:
    file = tmp_path / "release.yaml"
    file.write_text(RELEASE)
    return file


def test_findings_are_told_with_the_field_and_the_remedy(release: Path) -> None:
    result = run("-f", release, "-r", 2)
    assert result.exit_code == 1
    for words in ("spec.trackedConfig", "ConfigMap settings", "spec.steps[0].weight"):
        assert words in result.stdout


def test_advice_alone_is_well(release: Path) -> None:
    release.write_text(RELEASE.partition("---")[0])
    result = run("-f", release, "-r", 2000, "-o", "json")
    assert result.exit_code == 0
    assert {each["severity"] for each in json.loads(result.stdout)} == {"advice"}


def test_a_query_that_is_no_promql(release: Path) -> None:
    own = "- {name: own, query: 'sum(', rollback: {above: 1}}"
    release.write_text(RELEASE.replace("- use: errorRate", own))
    found = json.loads(run("-f", release, "-o", "json").stdout)
    assert found[0]["rule"] == "invalidQuery"
    assert found[0]["field"] == "spec.analysis.metrics[own].query"


def test_a_prometheus_that_cant_be_reached(release: Path) -> None:
    result = run("-f", release, "--prometheus", "http://127.0.0.1:9", "-o", "json")
    assert result.exit_code == 1
    (told,) = [each for each in json.loads(result.stdout) if each["rule"] == "matchesNothing"]
    assert "can't be reached" in told["message"]


def test_an_interval_that_is_none(release: Path) -> None:
    result = run("-f", release, "--scrape-interval", "often")
    assert result.exit_code == 2
    assert "--scrape-interval: 'often' is not a duration" in result.stderr
