"""The sums of an experiment as they are exported, from a process or as Prometheus has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from hack.experiment.truth import Place

PATIENCE_S = 10.0

Sample = tuple[str, Mapping[str, str], float]


def from_process(url: str, experiment: str) -> dict[Place, float]:
    """What the process at this URL exports.

    Raises:
        httpx.HTTPError: it doesn't answer.
    """
    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
        text = client.get(f"{url}/metrics").raise_for_status().text
    samples = [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    return of_experiment(samples, experiment)


def from_prometheus(url: str, namespace: str, experiment: str) -> dict[Place, float]:
    """What Prometheus last heard of that target of a namespace that has counted most.

    Raises:
        httpx.HTTPError: it doesn't answer.
    """
    where = f'namespace="{namespace}",experiment="{experiment}"'
    query = f'{{__name__=~"experiment_.+",{where}}}'
    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
        answer = client.get(f"{url}/api/v1/query", params={"query": query}).raise_for_status()
    samples: list[Sample] = [
        (found["metric"]["__name__"], found["metric"], float(found["value"][1]))
        for found in answer.json()["data"]["result"]
    ]
    return of_experiment(samples, experiment)


def of_experiment(samples: Iterable[Sample], experiment: str) -> dict[Place, float]:
    """The sums over all users, of the target with the highest revision."""
    by_target: dict[str, list[Sample]] = {}
    revisions: dict[str, float] = {}
    for sample in samples:
        name, labels, value = sample
        if labels.get("experiment") != experiment:
            continue
        target = labels.get("instance", "")
        by_target.setdefault(target, []).append(sample)
        if name == "experiment_revision":
            revisions[target] = value
    if not revisions:
        return {}
    latest = max(revisions, key=lambda target: revisions[target])
    return dict(filter(None, map(_sum, by_target[latest])))


def _sum(sample: Sample) -> tuple[Place, float] | None:
    name, labels, value = sample
    variant = labels.get("variant", "")
    match name:
        case "experiment_users":
            return (variant, "", "", "users"), value
        case "experiment_users_crossed":
            return (variant, "", "", "crossed"), value
        case "experiment_sum":
            return (variant, labels["metric"], labels.get("edge", ""), labels["of"]), value
    return None
