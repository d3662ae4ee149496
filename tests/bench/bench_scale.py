"""A hundred and a thousand releases on a real API server with simulated pods: what they cost.

The route is the real object, reported on by a small gateway; requests are counted in the API
server's audit log, whoever makes them. Nominal is the time that one release takes alone, in the
same run.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from linnet.api.status import Phase
from tests.support.fleet import (
    NAMESPACE,
    OPERATOR,
    Fleet,
    Operator,
    about_fleet,
    by_agent,
    requests,
    run_fleet,
)
from tests.support.shop import decided

MANY, SOME = (int(text) for text in os.environ.get("LINNET_SCALE", "1000,100").split(","))
IDLE_S = float(os.environ.get("LINNET_SCALE_IDLE_S", "600"))
POLICY: dict[str, Any] = {
    "steps": [{"weight": weight, "hold": "10s"} for weight in (5, 10, 50, 100)],
    "analysis": {
        "interval": "5s",
        "window": "5s",
        "minSamples": 1,
        "metrics": [{"use": "errorRate"}, {"use": "latencyP95"}],
    },
    "canary": {"drainPeriod": "1s"},
}
OURS = ("kubectl",)
"""Programs of the benchmark itself."""


def main() -> dict[str, Any]:
    """Measure; requests and CPU are those of one release on average."""
    figures: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a report's date
        "some": SOME,
        "many": MANY,
    }
    with _running() as (fleet, operator):
        fleet.grow(SOME)
        fleet.guard()
        figures["one_alone"] = _release(fleet, operator, fleet.names[:1], "app:alone")
        figures["some_at_once"] = _release(fleet, operator, fleet.names, "app:some")
        nominal = figures["one_alone"]["seconds"]
        figures["some_over_nominal"] = round(figures["some_at_once"]["seconds"] / nominal, 2)
        fleet.grow(MANY)
        fleet.guard()
        figures["idle"] = _idle(fleet, operator)
        figures["many_at_once"] = _release(fleet, operator, fleet.names, "app:many")
        figures["many_over_nominal"] = round(figures["many_at_once"]["seconds"] / nominal, 2)
        figures["breach_among_many"] = _breach(fleet, operator)
    return figures


@contextmanager
def _running() -> Iterator[tuple[Fleet, Operator]]:
    folder = Path(tempfile.mkdtemp(prefix="linnet-scale-"))
    try:
        with run_fleet(folder, POLICY) as fleet:
            operator = Operator(fleet.server, fleet.prometheus.url)
            fleet.operators.append(operator)
            try:
                yield fleet, operator
            finally:
                operator.stop()
    finally:
        shutil.rmtree(folder)


def _release(fleet: Fleet, operator: Operator, names: list[str], image: str) -> dict[str, Any]:
    """Change these templates at once, and count until all are promoted."""
    time.sleep(2)
    began, cpu, asked = _now(), operator.cpu_s, fleet.prometheus.asked
    fleet.release(names, image, 1200)
    time.sleep(2)
    statuses = fleet.statuses()
    ended = max(decided(statuses[name], "Promoted").at.timestamp() for name in names)
    made = by_agent(
        each for each in requests(fleet.server.audit_log, began, _now()) if about_fleet(each)
    )
    for program in OURS:
        made.pop(program, None)
    count = len(names)
    figures = {
        "releases": count,
        "seconds": round(ended - began, 1),
        "requests": round(sum(made.values()) / count, 1),
        "requests_of_the_operator": round(made[OPERATOR] / count, 1),
        "requests_by_program": {name: round(each / count, 1) for name, each in made.most_common()},
        "cpu_ms": round(1000 * (operator.cpu_s - cpu) / count, 1),
        "queries": round((fleet.prometheus.asked - asked) / count, 2),
        "resident_mib": round(operator.resident_mib, 1),
    }
    _say(
        f"{count} released in {figures['seconds']} s; each: {figures['requests']} requests "
        f"({figures['requests_of_the_operator']} the operator's), {figures['cpu_ms']} ms of CPU, "
        f"{figures['queries']} queries; {figures['resident_mib']} MiB resident"
    )
    return figures


def _idle(fleet: Fleet, operator: Operator) -> dict[str, Any]:
    """Count what is asked while nothing happens."""
    time.sleep(20)
    began, cpu = _now(), operator.cpu_s
    time.sleep(IDLE_S)
    ended = _now()
    asked = [
        each
        for each in requests(fleet.server.audit_log, began, ended)
        if each["user"]["username"] == OPERATOR
    ]
    leases = [each for each in asked if (each.get("objectRef") or {}).get("resource") == "leases"]
    watches = [each for each in asked if each["verb"] == "watch"]
    figures = {
        "releases": len(fleet.names),
        "seconds": round(ended - began),
        "watches": len(watches),
        "lease": len(leases),
        "other_requests": len(asked) - len(watches) - len(leases),
        "cpu_percent": round(100 * (operator.cpu_s - cpu) / (ended - began), 2),
        "resident_mib": round(operator.resident_mib, 1),
    }
    _say(
        f"{figures['releases']} idle for {figures['seconds']} s: {figures['other_requests']} "
        f"requests beside {figures['watches']} watches and {figures['lease']} for the lease; "
        f"{figures['cpu_percent']} % of a core, {figures['resident_mib']} MiB resident"
    )
    return figures


def _breach(fleet: Fleet, operator: Operator) -> dict[str, Any]:
    """Let one canary fail while all releases are under way."""
    bad = fleet.names[len(fleet.names) // 2]
    began = _now()
    fleet.push(fleet.names, "app:breach")
    fleet.wait_for([bad], Phase.PROGRESSING, 300)
    fleet.prometheus.failing = {(NAMESPACE, f"{bad}-canary")}
    fleet.wait_for([bad], Phase.ROLLED_BACK, 600)
    under_way = sum(status.phase is Phase.PROGRESSING for status in fleet.statuses().values())
    decision = decided(fleet.statuses()[bad], "RolledBack")
    written = next(
        each
        for each in requests(fleet.server.audit_log, began, _now())
        if each["user"]["username"] == OPERATOR
        and (each.get("objectRef") or {}).get("resource") == "httproutes"
        and each["objectRef"]["name"] == bad
        and datetime.fromisoformat(each["stageTimestamp"]) >= decision.at
        and each["responseStatus"]["code"] == 200
    )
    weight_zero = datetime.fromisoformat(written["stageTimestamp"])
    figures = {
        "releases": len(fleet.names),
        "under_way_afterwards": under_way,
        "reason": decision.reason,
        "decision_to_weight_0_s": round((weight_zero - decision.at).total_seconds(), 3),
        "resident_mib": round(operator.resident_mib, 1),
    }
    _say(
        f"a breach among {figures['releases']}: weight 0 written "
        f"{figures['decision_to_weight_0_s']} s after the decision ({decision.reason})"
    )
    return figures


def _now() -> float:
    return time.time()  # noqa: TID251 - to be compared with the audit log


def _say(text: str) -> None:
    sys.stdout.write(f"  {text}\n")
    sys.stdout.flush()
