"""`POST /alerts`: Alertmanager's notifications come in, and are answered once they are decided.

Alertmanager repeats a notification that was answered with 5xx, and drops one answered with 4xx. So
what another try may help gets 503: a replica that doesn't lead, a decision that isn't stored yet,
too many at a time.
"""

import asyncio
import hmac
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import aiohttp
from aiohttp import web
from pydantic import ValidationError

from linnet.api.alertmanager import Notification, SentAlert
from linnet.providers.telemetry import FAST, counter, histogram
from linnet.server.rate import Rate

log = logging.getLogger("linnet.alerts")

BODY_BYTES = 1 << 20
HANDED_ON = "X-Linnet-Handed-On"
DECISION_SECONDS = 5.0
"""How long a decision may take. It is stored in a fraction of that unless something is wrong."""
PER_SECOND, BURST = 50.0, 100.0
REFUSALS_PER_SECOND, REFUSALS_BURST = 1.0, 10.0
"""How many refusals are logged; all are counted."""

REQUESTS = counter("linnet_alert_requests_total", "Notifications of Alertmanager by answer", "code")
ALERTS = counter(
    "linnet_alerts_total",
    "Alerts by what became of them: decided, repeated, unrelated, undecided or truncated",
    "outcome",
)
SECONDS = histogram(
    "linnet_alert_decision_duration_seconds",
    "From a notification to its decisions in status",
    buckets=FAST,
)


class Desk(Protocol):
    """Decides alerts, in the replica that leads."""

    async def decide(self, alerts: Sequence[SentAlert], seconds: float) -> Counter[str]:
        """Have each alert decided, and count by outcome; `undecided` is what took longer."""
        ...


class AlertReceiver:
    """Takes notifications in and hands them to the desk, where this replica has one.

    token_file: holds the bearer token; read anew for each notification, so it may be rotated.
    clock: seconds that only grow. leader: where the replica that leads is reached, HOST:PORT;
    '' if it isn't known. A replica that doesn't lead hands notifications on to it.
    """

    def __init__(
        self,
        token_file: str,
        clock: Callable[[], float],
        leader: Callable[[], str] = lambda: "",
    ) -> None:
        self._leader = leader
        self._token_file = token_file
        self._rate = Rate(clock, PER_SECOND, BURST)
        self._logged = Rate(clock, REFUSALS_PER_SECOND, REFUSALS_BURST)
        self.desk: Desk | None = None

    async def post(self, request: web.Request) -> web.Response:
        """Answer one notification."""
        try:
            answer = await self._answer(request)
        except web.HTTPRequestEntityTooLarge:
            answer = self._refuse(413, "user", f"the body has more than {BODY_BYTES} bytes")
        REQUESTS.labels(answer.status).inc()
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        token = await asyncio.to_thread(self._token)
        if not token:
            return self._refuse(404, "system", "alerts are off: give the operator a token file")
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return self._refuse(401, "user", "the bearer token is wrong")
        if not self._rate.take():
            return self._refuse(503, "user", "too many notifications: it may be tried again")
        if self.desk is None:
            return await self._hand_on(request)
        try:
            found = Notification.model_validate_json(await request.read())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            return self._refuse(400, "user", f"{place or 'the body'}: {first['msg']}")
        return await self._decide(self.desk, found)

    async def _hand_on(self, request: web.Request) -> web.Response:
        """Ask the replica that leads, once: it must not hand it on for its part."""
        leader = self._leader()
        if not leader or HANDED_ON in request.headers:
            return self._refuse(503, "system", "this replica doesn't lead: another one decides")
        headers = {HANDED_ON: "1", "Authorization": request.headers["Authorization"]}
        limit = aiohttp.ClientTimeout(DECISION_SECONDS + 1)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, headers=headers) as session,
                session.post(f"http://{leader}/alerts", data=await request.read()) as answer,
            ):
                return _response(answer.status, await answer.text())
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or type(error).__name__
            return self._refuse(503, "system", f"the replica that leads, {leader}: {why}")

    async def _decide(self, desk: Desk, found: Notification) -> web.Response:
        with SECONDS.time():
            outcomes = await desk.decide(found.alerts, DECISION_SECONDS)
        outcomes["truncated"] += found.truncated_alerts
        for outcome, count in outcomes.items():
            ALERTS.labels(outcome).inc(count)
        if found.truncated_alerts:
            self._refusal("user", f"{found.truncated_alerts} alerts were left out: max_alerts")
        if outcomes["undecided"]:
            return self._refuse(503, "system", f"{outcomes['undecided']} alerts are not decided")
        return web.json_response({name: count for name, count in outcomes.items() if count})

    def _refuse(self, status: int, error_class: str, text: str) -> web.Response:
        self._refusal(error_class, text, status)
        return _response(status, f"{text}\n")

    def _refusal(self, error_class: str, text: str, status: int = 200) -> None:
        if self._logged.take():
            about = {"error_class": error_class, "status": status}
            log.warning("A notification: %s", text, extra=about)

    def _token(self) -> str:
        if not self._token_file:
            return ""
        try:
            return Path(self._token_file).read_text().strip()
        except OSError as error:
            log.error("The token file: %s", error, extra={"error_class": "system"})
            return ""


def _response(status: int, text: str) -> web.Response:
    # On a connection that is kept, another try would reach the same replica.
    headers = {"Connection": "close"} if status == 503 else {}
    return web.Response(status=status, text=text, headers=headers)
