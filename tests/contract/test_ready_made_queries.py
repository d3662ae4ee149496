"""The ready-made queries, evaluated by Prometheus itself on series that a test makes up."""

import subprocess
from pathlib import Path

import yaml

from hack.cluster.tools import tool
from linnet.api.analysis import ReadyMade
from linnet.core.queries import questions
from tests.support.builders import make_spec

PODS = {
    ("default", "shop-canary-7d9f8c6b5d-x2k9z"): {"failed": 6, "ok": 54, "slow": 30, "load": 60},
    ("default", "shop-canary-7d9f8c6b5d-b7k2c"): {"failed": 0, "ok": 60, "slow": 0, "load": 30},
    ("default", "shop-7d9f8c6b5d-x2k9z"): {"failed": 60, "ok": 60, "slow": 120, "load": 300},
    ("prod", "tea-canary-5c4d6-aaaaa"): {"failed": 0, "ok": 60, "slow": 0, "load": 15},
}
"""Namespace and pod: requests a minute by outcome, slow ones among them, CPU seconds a minute."""
EXPECTED = {
    # 6 of 120 requests failed, all in one of the two pods.
    ReadyMade.ERROR_RATE: {("default", "shop-canary"): 5.0, ("prod", "tea-canary"): 0.0},
    ReadyMade.AVAILABILITY: {("default", "shop-canary"): 95.0, ("prod", "tea-canary"): 100.0},
    # 90 of 120 took at most 0.1 s, so the 114th lies at 0.1 + 0.9 * (24 / 30).
    ReadyMade.LATENCY_P95: {("default", "shop-canary"): 820.0, ("prod", "tea-canary"): 95.0},
    # Of 100 MB each, 80 in the worst pod.
    ReadyMade.MEMORY: {("default", "shop-canary"): 80.0, ("prod", "tea-canary"): 20.0},
    # Two CPUs allowed, one used by the worst pod.
    ReadyMade.CPU: {("default", "shop-canary"): 50.0, ("prod", "tea-canary"): 12.5},
}


def series(
    name: str, namespace: str, pod: str, each_minute: float, **labels: str
) -> dict[str, str]:
    named = {"namespace": namespace, "pod": pod, **labels}
    text = ",".join(f'{key}="{value}"' for key, value in named.items())
    return {"series": f"{name}{{{text}}}", "values": f"0+{each_minute}x5"}


def constant(name: str, namespace: str, pod: str, value: float) -> dict[str, str]:
    found = series(name, namespace, pod, 0, container="app")
    return {**found, "values": f"{value}x5"}


def inputs() -> list[dict[str, str]]:
    found = []
    for (namespace, pod), rate in PODS.items():
        where = (namespace, pod)
        total = rate["failed"] + rate["ok"]
        if rate["failed"]:
            found.append(series("http_requests_total", *where, rate["failed"], status="503"))
        found.append(series("http_requests_total", *where, rate["ok"], status="200"))
        buckets = {"0.1": total - rate["slow"], "1": total, "+Inf": total}
        for le, count in buckets.items():
            name = "http_request_duration_seconds_bucket"
            found.append(series(name, *where, count, le=le))
        used = 80 if pod.endswith("x2k9z") else 20
        found.append(constant("container_memory_working_set_bytes", *where, used * 1e6))
        found.append(constant("container_spec_memory_limit_bytes", *where, 100e6))
        cpu = "container_cpu_usage_seconds_total"
        found.append(series(cpu, *where, rate["load"], container="app"))
        found.append(constant("container_spec_cpu_quota", *where, 200_000))
        found.append(constant("container_spec_cpu_period", *where, 100_000))
        # The pod as a whole has no container's name.
        found.append(series(cpu, *where, 10 * rate["load"], container=""))
    return found


def test_each_ready_made_query_has_a_row_for_each_canary(tmp_path: Path) -> None:
    asked = questions(make_spec(analysis={"window": "2m"}), "default", "shop")
    tests = [
        {
            "expr": asked[check].promql,
            "eval_time": "5m",
            "exp_samples": [
                {"labels": f'{{namespace="{namespace}",workload="{workload}"}}', "value": value}
                for (namespace, workload), value in rows.items()
            ],
        }
        for check, rows in EXPECTED.items()
    ]
    whole = {"tests": [{"interval": "1m", "input_series": inputs(), "promql_expr_test": tests}]}
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"fuzzy_compare": True, **whole}))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
