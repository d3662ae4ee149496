"""At least 500 whole releases with a fault on every tenth call: which rules are broken.

`LINNET_SEED` has a run again. It ends after `TIME_S` whatever has been done by then.
"""

import os
import secrets
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.support.rig.random_run import Plan, Report, run

SHOPS, RELEASES, TIME_S = 40, 520, 1800.0


def main() -> dict[str, Any]:
    """Run, print what came of it, and return the figures."""
    seed = int(os.environ.get("LINNET_SEED") or secrets.randbelow(1_000_000))
    folder = Path(tempfile.mkdtemp(prefix="linnet-faults-"))
    plan = Plan(seed, SHOPS, RELEASES, lease_losses=10, time_s=TIME_S)
    report = run(plan, folder)
    print(report)
    if report.failed or report.broken:
        print(f"logs: {folder}")
    else:
        shutil.rmtree(folder)
    return figures(report)


def figures(report: Report) -> dict[str, Any]:
    """What a run comes to, as JSON."""
    requests = report.faults.total()
    return {
        "plan": asdict(report.plan) | {"time_s": TIME_S},
        "seconds": round(report.seconds),
        "releases": report.ended.total(),
        "by_kind": dict(sorted(report.ended.items())),
        "ended_otherwise": report.failed,
        "rules_broken": [f"{each.release}: {each.check}: {each.what}" for each in report.broken],
        "requests": requests,
        "fault_rate": round(1 - report.faults["passed"] / requests, 3),
        "faults": dict(report.faults.most_common()),
        "operator_starts": report.starts,
        "troubles": len(report.told),
    }
