"""From a canary that fails to its last request, where an alert rolls it back: a real cluster.

Prometheus with the shipped rules, Alertmanager with the shipped routing tree, the operator as its
chart installs it, recochat behind Traefik, and a client that sends whether answers come or not.
Linnet's own measurements come too late to decide anything. LINNET_ALERTINGS sets the number of
rollbacks. The way of each is drawn to out/bench/alerting.svg.
"""

import os
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hack.answers import Answers
from hack.cluster.cluster import load
from hack.cluster.images import project_images
from hack.cluster.up import up
from hack.load import now
from linnet.api.alerts import AlertOutcome
from linnet.api.status import Phase
from tests.support import alerted_cluster
from tests.support.alert_picture import MEDIAN_BAR, WORST_BAR, picture
from tests.support.alert_way import PARTS, Way
from tests.support.api_proxy import api_proxy
from tests.support.shop import NAME, Shop, decided
from tests.support.stories import Street

CLUSTER = os.environ.get("LINNET_TEST_CLUSTER", "linnet-bench")
ROLLBACKS = int(os.environ.get("LINNET_ALERTINGS", "20"))
AT_ONCE = 5
"""Shops that are opened at a time; one after the other has its release."""
RATE = 100.0
WEIGHT = 50
QUIET_S = 2.0
PICTURE = Path("out/bench/alerting.svg")
POLICY: dict[str, Any] = {
    "steps": [{"weight": WEIGHT, "hold": "10m"}, {"weight": 100, "hold": "10m"}],
    "analysis": {"interval": "10m", "window": "5s", "metrics": [{"use": "errorRate"}]},
    "canary": {"drainPeriod": "3s"},
}


def main() -> dict[str, Any]:
    """Measure; the figures are in seconds."""
    up(CLUSTER)
    project_images(load(CLUSTER))
    cluster = load(CLUSTER)
    alerted_cluster.install(cluster)
    ways: list[Way] = []
    with api_proxy(cluster) as api:
        street = Street(cluster, api)
        while len(ways) < ROLLBACKS:
            with street.opened(min(AT_ONCE, ROLLBACKS - len(ways))) as shops:
                _guard(shops)
                for shop in shops:
                    ways.append(_rolled_back(shop))
                    _say(f"  {len(ways)}/{ROLLBACKS}: {_line(ways[-1])}")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture(ways))
    return _figures(ways)


def _guard(shops: Sequence[Shop]) -> None:
    for shop in shops:
        shop.deploy("v1", spec=POLICY)
    for shop in shops:
        shop.wait_for(Phase.IDLE)


def _rolled_back(shop: Shop) -> Way:
    """Release a version that fails half of its requests, and find out how it ended.

    Raises:
        AssertionError: it wasn't the alert that ended it.
    """
    with shop.load(RATE) as client:
        began = now()
        shop.deploy("bad", {"errorShare": 0.5}, spec=POLICY)
        status = shop.wait_for(Phase.ROLLED_BACK)
        time.sleep(QUIET_S)
    entry = decided(status, "RolledBack")
    assert entry.reason == "AlertFired", entry
    (alert,) = (each for each in status.alerts if each.outcome is AlertOutcome.ROLLED_BACK)
    fired, at = alert.starts_at.timestamp(), entry.at.timestamp()
    sampled = alerted_cluster.first_bad_sample(shop.cluster, shop.namespace, at)
    told = alerted_cluster.notified(shop.cluster, shop.namespace, NAME)
    last = _last_on_canary(client.answers, at)
    return Way(
        failed=_first_failure(client.answers, began),
        sampled=sampled,
        held=alerted_cluster.held_since(shop.cluster, shop.namespace, sampled, fired),
        fired=fired,
        notified=told,
        decided=at,
        last=last,
        following=_next_request(client.answers, last),
    )


def _first_failure(answers: Answers, since: float) -> float:
    failed = (a for a in answers.failures(since, float("inf")) if a.track == "canary")
    return min(answer.sent for answer in failed)


def _last_on_canary(answers: Answers, since: float) -> float:
    """When the last request was sent that the canary answered; `since` if none was after that."""
    last = answers.last_on("canary", since)
    return since if last is None else last.sent


def _next_request(answers: Answers, last: float) -> float:
    return min(answer.sent for answer in answers.sent(last, float("inf")) if answer.sent > last)


def _figures(ways: Sequence[Way]) -> dict[str, Any]:
    webhook = _summary([way.from_webhook for way in ways])
    figures: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a report's date
        "webhook_to_last_request_s": webhook,
        "first_bad_sample_to_last_request_s": _summary([w.from_first_bad_sample for w in ways]),
        "parts_s": {name: _summary([way.parts[name] for way in ways]) for name, _ in PARTS},
        "within_bars": webhook["median"] <= MEDIAN_BAR and webhook["worst"] <= WORST_BAR,
        "webhook_to_next_request_s": _summary([way.from_webhook_at_most for way in ways]),
    }
    for name, ends in PARTS:
        _say(f"  {name:14} {_told(figures['parts_s'][name])}  {ends}")
    _say(f"from the first bad sample: {_told(figures['first_bad_sample_to_last_request_s'])}")
    bars = f"(bars {MEDIAN_BAR} s and {WORST_BAR} s)"
    _say(f"webhook -> last request on the canary: {_told(webhook)}, n={webhook['n']} {bars}")
    _say(f"webhook -> the next one, on stable: {_told(figures['webhook_to_next_request_s'])}")
    _say(f"drawn: {PICTURE}")
    return figures


def _told(summary: dict[str, Any]) -> str:
    return f"median {summary['median']:7.3f} s, worst {summary['worst']:7.3f} s"


def _line(way: Way) -> str:
    return ", ".join(f"{name} {seconds:.3f} s" for name, seconds in way.parts.items())


def _summary(seconds: Sequence[float]) -> dict[str, Any]:
    return {
        "n": len(seconds),
        "median": round(statistics.median(seconds), 4),
        "worst": round(max(seconds), 4),
        "all": [round(value, 4) for value in seconds],
    }


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
