"""From a webhook to weight 0 on the route, and a storm of alerts of which few are news.

The API server's audit log tells when the route was written. Then a thousand alerts come in a
minute, nine tenths of them repeated or about no release: none may be lost, and none act twice.
LINNET_ALERTS and LINNET_ALERTS_S set the storm's size and length.
"""

import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hack.load import now
from linnet.api.alerts import AlertOutcome
from linnet.api.status import Phase
from tests.support.fleet import NAMESPACE, OPERATOR, Fleet, Operator, requests, run_fleet
from tests.support.notifications import Body, notification, sent_alert

RELEASES, IN_STORM = 30, 10
STORM = int(os.environ.get("LINNET_ALERTS", "1000"))
STORM_S = float(os.environ.get("LINNET_ALERTS_S", "60"))
NEWS = STORM // 10
TOKEN = "s3cret"
POLICY: dict[str, Any] = {
    "steps": [{"weight": 50, "hold": "24h"}, {"weight": 100, "hold": "24h"}],
    "analysis": {
        "interval": "30s",
        "window": "5s",
        "metrics": [{"use": "errorRate"}],
        "holdDeadline": "24h",
    },
    "canary": {"drainPeriod": "1s"},
}


def main() -> dict[str, Any]:
    """Measure; the figures are in seconds.

    Raises:
        AssertionError: an alert was lost, or acted twice.
    """
    with _running() as (fleet, operator):
        url = f"http://127.0.0.1:{operator.port}/alerts"
        singles, stormed = fleet.names[:-IN_STORM], fleet.names[-IN_STORM:]
        rollbacks = [_roll_back(fleet, url, name) for name in singles]
        stormy = _storm(fleet, url, stormed)
    weights = [each["weight_0"] for each in rollbacks]
    figures: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a report's date
        "webhook_to_weight_0_s": _summary(weights),
        "webhook_to_answer_s": _summary([each["answer"] for each in rollbacks]),
        "storm": stormy,
    }
    for name in ("webhook_to_weight_0_s", "webhook_to_answer_s"):
        seen = figures[name]
        sys.stdout.write(
            f"{name}: median {seen['median']:.3f}, worst {seen['worst']:.3f}, n={seen['n']}\n"
        )
    sys.stdout.write(f"storm: {stormy}\n")
    return figures


@contextmanager
def _running() -> Iterator[tuple[Fleet, Operator]]:
    folder = Path(tempfile.mkdtemp(prefix="linnet-bench-"))
    try:
        (folder / "token").write_text(TOKEN)
        with run_fleet(folder, POLICY) as fleet:
            flags = ("--alert-token-file", str(folder / "token"))
            operator = Operator(fleet.server, fleet.prometheus.url, *flags)
            fleet.operators.append(operator)
            try:
                fleet.grow(RELEASES)
                fleet.guard()
                fleet.push(fleet.names, "app:2")
                fleet.wait_for(fleet.names, Phase.PROGRESSING, 600)
                yield fleet, operator
            finally:
                operator.stop()
    finally:
        shutil.rmtree(folder)


def _roll_back(fleet: Fleet, url: str, name: str) -> dict[str, float]:
    began = now()
    assert _post(url, _alert(name)) == 200
    answered = now() - began
    time.sleep(0.5)
    written = [
        datetime.fromisoformat(each["stageTimestamp"]).timestamp()
        for each in requests(fleet.server.audit_log, began - 0.001, now())
        if each["user"]["username"] == OPERATOR
        and each["verb"] == "patch"
        and each["objectRef"]["resource"] == "httproutes"
        and each["objectRef"]["name"] == name
    ]
    return {"weight_0": min(written) - began, "answer": answered}


def _storm(fleet: Fleet, url: str, names: list[str]) -> dict[str, Any]:
    """Alerts about a few releases; most about others, or told again."""
    chance = random.Random(7)  # noqa: S311 - a storm, not a secret
    news = [_alert(names[number % len(names)], f"Storm{number}") for number in range(NEWS)]
    noise = [_alert("no-release", f"Other{number}") for number in range((STORM - NEWS) // 2)]
    repeated = [chance.choice(news) for _ in range(STORM - NEWS - len(noise))]
    chance.shuffle(sent := [*news, *noise, *repeated])
    began = now()
    with ThreadPoolExecutor(16) as senders:
        answers = []
        for number, alert in enumerate(sent):
            time.sleep(max(0.0, began + STORM_S * number / STORM - now()))
            answers.append(senders.submit(_post, url, alert))
        codes = Counter(answer.result() for answer in answers)
    statuses = fleet.statuses()
    acted = {
        name: sum(entry.reason == "AlertFired" for entry in statuses[name].history)
        for name in names
    }
    assert set(acted.values()) == {1}, acted
    known = [alert for name in names for alert in statuses[name].alerts]
    once = {(alert.fingerprint, alert.starts_at) for alert in known}
    assert len(once) == len(known) == NEWS, (len(once), len(known))
    assert set(codes) == {200}, codes
    return {
        "alerts": STORM,
        "seconds": round(now() - began, 1),
        "news": NEWS,
        "rolled_back": sum(acted.values()),
        "recorded": sum(each.outcome is AlertOutcome.RECORDED for each in known),
        "lost": 0,
        "acted_twice": 0,
    }


def _alert(name: str, alert: str = "HighErrors") -> Body:
    at = datetime.now(UTC)  # noqa: TID251 - when an alert of the benchmark begins
    return sent_alert(alert, at=at, namespace=NAMESPACE, linnet_release=name, severity="critical")


def _post(url: str, alert: Body) -> int:
    """Send a notification, again while it is answered with 503 as Alertmanager does."""
    while True:
        asked = urllib.request.Request(  # noqa: S310 - loopback
            url,
            data=json.dumps(notification(alert)).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                return int(error.code)
        time.sleep(0.5)


def _summary(seconds: list[float]) -> dict[str, Any]:
    return {
        "n": len(seconds),
        "median": round(statistics.median(seconds), 4),
        "worst": round(max(seconds), 4),
    }
