"""Sums as Prometheus metrics: names and labels are a contract."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from recochat.experiments.base import Outcome, Record, Subject
from recochat.experiments.exposition import ExperimentCollector
from recochat.experiments.memory import MemoryOutcomes
from recochat.experiments.metrics import Metric

METRICS = (
    Metric("spend", "mean", "spend"),
    Metric("slow", "quantile", per="requests", edges={"0.1": "over"}),
)
CONTRACT = (Path(__file__).resolve().parents[3] / "docs/experiment-metrics.md").read_text()
NOON = 1_800_014_400.0  # 2027-01-15


async def exported(day_s: float = 86400) -> dict[str, list[tuple[dict[str, str], float]]]:
    store, collector = MemoryOutcomes(METRICS, day_s), ExperimentCollector(METRICS, day_s)
    registry = CollectorRegistry()
    registry.register(collector)
    for variant in ("treatment", "control"):
        subject = Subject("ada", "tone", variant, ("plan:pro",))
        outcome = Outcome(variant, NOON, {"spend": 1.5, "requests": 3, "over": 2})
        await store.record([Record(subject, [outcome])], NOON)
    collector.show(await store.totals())
    text = generate_latest(registry).decode()
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)
    }


async def test_each_sum_has_its_name_and_labels() -> None:
    found = await exported()
    who = {"experiment": "tone", "variant": "treatment"}
    assert found["experiment_users"] == [(who, 1)]
    assert found["experiment_users_crossed"] == [(who, 1)]
    assert found["experiment_revision"] == [({"experiment": "tone"}, 2)]
    assert found["experiment_segment_users"] == [({**who, "segment": "plan:pro"}, 1)]
    assert found["experiment_day_users"] == [({**who, "day": "2027-01-15"}, 1)]
    info = [(labels["metric"], labels["kind"]) for labels, _ in found["experiment_metric_info"]]
    assert info == [("spend", "mean"), ("slow", "quantile")]
    sums = {(s["metric"], s["edge"], s["of"]): n for s, n in found["experiment_sum"]}
    assert sums == {
        ("spend", "", "y"): 3,
        ("spend", "", "yy"): 9,
        ("slow", "0.1", "y"): 4,
        ("slow", "0.1", "d"): 6,
        ("slow", "0.1", "yy"): 16,
        ("slow", "0.1", "yd"): 24,
        ("slow", "0.1", "dd"): 36,
    }
    parts = [{"metric": "spend", "of": of} for of in ("y", "yy")]
    assert [s for s, _ in found["experiment_segment_sum"]] == [
        {**who, "segment": "plan:pro", **part} for part in parts
    ]
    assert [s for s, _ in found["experiment_day_sum"]] == [
        {**who, "day": "2027-01-15", **part} for part in parts
    ]


async def test_short_days_are_named_by_their_start() -> None:
    ((labels, _),) = (await exported(day_s=3600))["experiment_day_users"]
    assert labels["day"] == "2027-01-15T12:00:00Z"


async def test_the_contract_names_what_is_exported() -> None:
    table = CONTRACT.partition("## The metrics")[2]
    named = set(re.findall(r"^\| `(experiment_\w+)` \|", table, re.MULTILINE))
    assert named == set(await exported())


def test_nothing_is_exported_before_it_is_shown() -> None:
    families = ExperimentCollector(METRICS).collect()
    assert [sample for family in families for sample in family.samples] == []
