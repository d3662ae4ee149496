"""The reports of an experiment, made of the record that the cluster keeps of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hack.cluster.cluster import Cluster
from hack.cluster.run import ClusterError
from hack.demo.releases import NAMESPACE
from hack.experiment.outcome import Outcome
from linnet.experiment.html import html
from linnet.experiment.markdown import markdown
from linnet.experiment.record import KEY, LABEL_EXPERIMENT, Record
from linnet.experiment.report import as_json, of_record


def keep(cluster: Cluster, outcome: Outcome, folder: Path) -> None:
    """Write the report in its three forms.

    Raises:
        ClusterError: the cluster has no record that can be read.
    """
    kept = record(cluster, outcome.experiment)
    told = of_record(kept, kept.ended_at or kept.data.until)
    forms = {
        "html": html(told),
        "md": markdown(told),
        "json": json.dumps(as_json(told), indent=2) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{outcome.trial.name}-*"):
        old.unlink()
    for ending, text in forms.items():
        (folder / f"{outcome.trial.name}-{outcome.result.lower()}.{ending}").write_text(text)


def record(cluster: Cluster, experiment: str) -> Record:
    """What the cluster keeps of an experiment."""
    chosen = ("-n", NAMESPACE, "-l", f"{LABEL_EXPERIMENT}={experiment}", "-o", "json")
    found: list[dict[str, Any]] = json.loads(cluster.kubectl("get", "configmaps", *chosen))["items"]
    if not found:
        raise ClusterError(f"there is no record of experiment {experiment}")
    try:
        return Record.from_json(json.loads(found[0]["data"][KEY]))
    except (ValueError, KeyError) as error:
        raise ClusterError(f"the record of experiment {experiment}: {error}") from error
