"""An alert fires in a real Alertmanager, and the canary's weight is 0 on a real API server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linnet.api.alerts import AlertOutcome
from linnet.api.status import Phase
from tests.support.alertmanager import run_alertmanager, send_alert
from tests.support.fleet import NAMESPACE, Fleet, Operator, run_fleet

TOKEN = "s3cret"
POLICY: dict[str, Any] = {
    "steps": [{"weight": 50, "hold": "1h"}, {"weight": 100, "hold": "1h"}],
    "analysis": {"interval": "5s", "window": "5s", "metrics": [{"use": "errorRate"}]},
    "canary": {"drainPeriod": "1s"},
}
PATIENCE_S = 180


class Place:
    """Two releases under way, an operator that may be killed, and an Alertmanager."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.token = folder / "token"
        self.token.write_text(TOKEN)
        self.operator = self.start()
        self.alertmanager = ""

    def start(self) -> Operator:
        """Start the operator; its port is another one each time."""
        flags = ("--alert-token-file", str(self.token))
        return Operator(self.fleet.server, self.fleet.prometheus.url, *flags)

    def fire(self, name: str, **labels: str) -> None:
        labels = {"alertname": "HighErrors", "severity": "critical", **labels}
        send_alert(self.alertmanager, namespace=NAMESPACE, linnet_release=name, **labels)

    def weights(self, name: str) -> dict[str, int]:
        route = self.fleet.server.get("httproute", name, "-n", NAMESPACE)
        backends = route["spec"]["rules"][0]["backendRefs"]
        return {each["name"]: each.get("weight", 1) for each in backends}

    def wait(self, name: str, phase: Phase) -> None:
        self.fleet.wait_for([name], phase, PATIENCE_S)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="linnet-alerts-"))
    try:
        with run_fleet(folder, POLICY) as fleet:
            found = Place(fleet, folder)
            try:
                fleet.grow(3)
                fleet.guard()
                fleet.push(fleet.names, "app:2")
                fleet.wait_for(fleet.names, Phase.PROGRESSING, PATIENCE_S)
                url = f"http://127.0.0.1:{found.operator.port}/alerts"
                with run_alertmanager(folder, url, found.token) as alertmanager:
                    found.alertmanager = alertmanager
                    yield found
            finally:
                found.operator.stop()
    finally:
        shutil.rmtree(folder)


def test_an_alert_that_fires_takes_the_canarys_traffic_away(place: Place) -> None:
    name = place.fleet.names[0]
    place.fire(name)
    place.wait(name, Phase.ROLLED_BACK)
    assert place.weights(name).get(f"{name}-canary", 0) == 0
    status = place.fleet.statuses()[name]
    ended = [entry for entry in status.history if entry.decision == "RolledBack"]
    assert [entry.reason for entry in ended] == ["AlertFired"]
    assert [alert.outcome for alert in status.alerts] == [AlertOutcome.ROLLED_BACK]


def test_an_alert_about_stable_is_recorded_and_moves_nothing(place: Place) -> None:
    name = place.fleet.names[1]
    place.fire(name, track="stable")
    place.fleet.wait(lambda: bool(place.fleet.statuses()[name].alerts), "recorded", PATIENCE_S)
    status = place.fleet.statuses()[name]
    assert [alert.outcome for alert in status.alerts] == [AlertOutcome.RECORDED]
    assert status.phase is Phase.PROGRESSING
    assert place.weights(name)[f"{name}-canary"] == 50


def test_an_alert_that_fires_while_the_operator_is_away_is_not_lost(place: Place) -> None:
    name, port = place.fleet.names[2], place.operator.port
    place.operator.stop()
    place.fire(name)
    flags = ("--alert-token-file", str(place.token), "--port", str(port))
    place.operator = Operator(place.fleet.server, place.fleet.prometheus.url, *flags)
    place.wait(name, Phase.ROLLED_BACK)
    assert place.fleet.statuses()[name].alerts[-1].outcome is AlertOutcome.ROLLED_BACK
