"""`linnet backtest` as a person uses it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from linnet.cli import exports
from linnet.cli.app import app
from linnet.cli.files import policy
from linnet.providers.metrics import syntax

RELEASE = """
kind: CanaryRelease
metadata: {name: shop, namespace: shops}
spec:
  targetRef: {name: shop}
  traffic: {httpRoute: shop}
  steps: [{weight: 20, hold: 2m}, {weight: 100, hold: 2m}]
  analysis: {metrics: [{use: errorRate}]}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["backtest", *map(str, arguments), "--workers", "1"])


@pytest.fixture
def release(tmp_path: Path) -> Path:
    file = tmp_path / "release.yaml"
    file.write_text(RELEASE)
    return file


def export(folder: Path, failed: int) -> Path:
    """Two hours of 100 requests a second, so many of each thousand failed."""
    values = {
        status: [[1e9 + 30 * i, str(3 * i * each)] for i in range(240)]
        for status, each in (("200", 1000 - failed), ("500", failed))
    }
    result = [{"metric": {"status": s, "pod": "p"}, "values": v} for s, v in values.items()]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    file = folder / "export.json"
    file.write_text(json.dumps([answer]))
    return file


@pytest.mark.thorough
def test_a_good_past_is_well(release: Path, tmp_path: Path) -> None:
    arguments = ("-f", release, "--export", export(tmp_path, 1), "--releases", 3, "--errors", 20)
    result = run(*arguments)
    assert result.exit_code == 0
    for words in ("0.1 days, 99.6 requests/s", "rolled back 0 %", "20 % more errors", "errorRate"):
        assert words in result.stdout
    found = json.loads(run(*arguments, "-o", "json").stdout)
    assert found["falseRollbacks"]["value"] == 0
    assert found["detections"][0]["found"]["value"] == 1


def test_a_policy_that_rolls_good_versions_back_is_not_well(release: Path, tmp_path: Path) -> None:
    result = run("-f", release, "--export", export(tmp_path, 30), "--releases", 2, "--errors", 20)
    assert result.exit_code == 1
    assert "ErrorRateBreached" in result.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "can't be read"),
        ("[1]", "is no answer of /api/v1/query_range"),
        ('{"data": {"result": []}}', "no counter of requests"),
    ],
)
def test_an_export_that_cant_be_used(
    release: Path, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "export.json").write_text(content)
    result = run("-f", release, "--export", tmp_path / "export.json")
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_past_must_come_from_somewhere(release: Path) -> None:
    result = run("-f", release)
    assert result.exit_code == 2
    assert "either --export or --prometheus" in result.stderr


def test_a_past_that_is_too_short(release: Path, tmp_path: Path) -> None:
    release.write_text(RELEASE.replace("hold: 2m", "hold: 24h"))
    result = run("-f", release, "--export", export(tmp_path, 1))
    assert result.exit_code == 2
    assert "export more" in result.stderr


def test_a_prometheus_that_cant_be_reached(release: Path) -> None:
    result = run("-f", release, "--prometheus", "http://127.0.0.1:9", "--days", 1)
    assert result.exit_code == 2
    assert "can't be reached" in result.stderr


def test_prometheus_is_asked_for_each_minute(release: Path) -> None:
    asked = exports.queries(policy(str(release)), datetime(2030, 1, 1, tzinfo=UTC))
    for promql in asked:
        assert promql.endswith("[6h:1m]")
        assert 'namespace="shops"' in promql
        assert syntax.check(promql.rpartition("[")[0]) == ""
    assert asked[0].startswith("sum by (status, code) (increase(http_requests_total{")
    assert asked[1].startswith("sum by (le) (increase(http_request_duration_seconds_bucket{")
