"""What a load test reports: the verdict, the figures, the plots, and the record of runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hack.loadtest import report
from hack.loadtest.__main__ import asked, load
from hack.loadtest.watch import Sample, Watch, cpu_s

TREND = {"avg": 10.0, "med": 8.0, "p(95)": 50.0, "p(99)": 90.0, "max": 120.0}


def summary(kept: bool = True, dropped: int = 0) -> dict[str, Any]:
    """What k6 writes, as far as it is read."""
    limit = {"p(95)<100": {"ok": kept}}
    return {
        "metrics": {
            "answered": {"values": {"count": 5000}},
            "failures": {"values": {"rate": 0.0004, "passes": 2, "fails": 4998}},
            "dropped_iterations": {"values": {"count": dropped}},
            "http_req_duration{part:steady}": {"values": TREND, "thresholds": limit},
            "http_req_duration{expected_response:true}": {"values": TREND},
        }
    }


def run(found: dict[str, Any]) -> report.Run:
    known: dict[str, Any] = {
        "rate": 100,
        "duration": "20s",
        "cores": {"k6": 0.5},
        "per_core": 900.4,
    }
    return report.read(found, started="2026-01-01", environment={"cores": "2"}, **known)


def test_a_run_that_kept_its_promises_passes() -> None:
    passed = run(summary())
    assert (passed.passed, passed.requests, passed.failures, passed.dropped) == (True, 5000, 2, 0)
    assert passed.trends == {"part:steady": TREND}


def test_a_missed_promise_fails_the_run() -> None:
    failed = run(summary(kept=False))
    assert failed.passed is False
    assert "| http_req_duration{part:steady} | p(95)<100 | **no** |" in report.markdown(failed, [])


def test_a_load_that_was_not_made_proves_nothing() -> None:
    assert run(summary(dropped=5)).passed is True
    assert run(summary(dropped=6)).passed is False


def test_the_report_comes_in_three_forms(tmp_path: Path) -> None:
    report.write(run(summary()), {"rps": [(0.0, 1.0), (2.0, 3.0)]}, [], tmp_path)
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["requests"] == 5000
    assert figures["series"]["rps"] == [[0.0, 1.0], [2.0, 3.0]]
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# recochat under load: pass")
    assert "One core of recochat answered 900 requests a second." in text
    page = (tmp_path / "report.html").read_text()
    assert "<polyline points=" in page
    assert "5000 requests" in page


def test_earlier_runs_are_on_record(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    assert report.record(run(summary(kept=False)), file) == []
    [earlier] = report.record(run(summary()), file)
    assert earlier["passed"] is False
    assert len(file.read_text().splitlines()) == 2
    assert "| 2026-01-01 | 5000 | 2 | FAIL |" in report.markdown(run(summary()), [earlier])


def test_a_series_without_points_is_no_plot() -> None:
    assert report.svg("nothing", []) == ""


def look(at: float, requests: float, cpu: float) -> Sample:
    """Nine in ten requests took up to 10 ms, all up to 100 ms."""
    buckets = {0.01: 0.9 * requests, 0.1: requests, float("inf"): requests}
    return Sample(at, requests, buckets, 64.0, {"recochat": cpu})


def test_rates_percentiles_and_cores_come_from_differences() -> None:
    watch = Watch(("http://unused",), {"recochat": 1, "never seen": 2})
    assert watch.per_core() == 0
    watch.samples += [look(10, 100, 5.0), look(12, 300, 6.0), look(14, 300, 6.0)]
    series = watch.series()
    assert series["requests a second"] == [(2, 100.0), (4, 0.0)]
    assert series["p95, ms (at the server)"] == [(2, 100.0)]
    assert series["memory, MB"] == [(2, 64.0), (4, 64.0)]
    assert watch.cores() == {"recochat": 0.25}
    assert watch.per_core() == 200


def test_the_processor_time_of_a_process() -> None:
    assert cpu_s(os.getpid()) > 0
    assert cpu_s(2**22 + 1) == -1


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ("", {"RATE": "100", "DURATION": "20s", "SPIKE": "3"}),
        ("--rate 500 --requests 111686 --spike 0 --warmup 30s",
         {"RATE": "500", "DURATION": "224s", "SPIKE": "0", "WARMUP": "30s"}),
    ],
)  # fmt: skip
def test_a_load_is_asked_for_by_time_or_by_number(words: str, settings: dict[str, str]) -> None:
    assert load(asked(words.split())) == settings
