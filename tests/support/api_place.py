"""The HTTP API over loopback, with a desk of one release and reviews that a test can foresee."""

import json
from collections.abc import Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

import aiohttp

from linnet.api.request import Request, RequestOutcome, RequestStatus
from linnet.api.status import DecisionKind, Verdict
from linnet.providers.access import Access
from linnet.providers.kubernetes import Manifest
from linnet.providers.resources import TOKEN_REVIEWS, Resource
from linnet.server.api import Api
from linnet.server.desk import Seen
from tests.support.builders import START, make_entry, make_metric, make_spec, make_status
from tests.support.fake_kubernetes import FakeKubernetes
from tests.support.fake_records import FakeRecords

EDITOR = "editor"
PLACE = {"namespace": "default", "name": "shop"}
VERBS = {
    "viewer": {"get", "list"},
    "releaser": {"get", "list", "promote", "rollback"},
    "approver": {"get", "list", "approve"},
    "decider": {"get", "list", "decide"},
    "editor": {"get", "list", "patch", "promote", "rollback"},
}


class Reviewing(FakeKubernetes):
    """An API server for which a token is its holder's name, and the name is the role."""

    def __init__(self) -> None:
        super().__init__()
        self.reviews: list[Manifest] = []
        self.error: Exception | None = None

    async def create(self, resource: Resource, manifest: Manifest) -> Manifest:
        self.reviews.append(manifest)
        if self.error is not None:
            raise self.error
        spec = manifest["spec"]
        if resource == TOKEN_REVIEWS:
            known = spec["token"] in VERBS
            return {"status": {"authenticated": known, "user": {"username": spec["token"]}}}
        asked = spec["resourceAttributes"]
        here = asked["namespace"] == "default"
        return {"status": {"allowed": here and asked["verb"] in VERBS[spec["user"]]}}


class Desk:
    """One release; what is asked of it gets the outcome that a test sets."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.suspended: list[bool] = []
        self.outcome = RequestOutcome.DONE
        self.error: Exception | None = None
        metrics = (make_metric(value=0.25), make_metric("memory", Verdict.HOLD, value=90.0))
        history = (make_entry(DecisionKind.STARTED), make_entry(DecisionKind.ADVANCED))
        status = make_status(metrics=metrics, history=history, message="measuring")
        self.records = FakeRecords()
        self.now = lambda: START + timedelta(days=20)
        self.seen: Seen | None = Seen("default", "shop", "7", make_spec(), status)

    def releases(self, namespace: str) -> list[Mapping[str, Any]]:
        status = {"phase": "Progressing", "weight": {"wanted": 5}, "stableRevision": "v1"}
        names = ("tea", "shop")
        found = [{"metadata": {"namespace": "default", "name": name}} for name in names]
        return [found[0], {**found[1], "status": status, "spec": {"suspend": True}}]

    async def release(self, namespace: str, name: str) -> Seen | None:
        if isinstance(self.error, ValueError):
            raise self.error
        return self.seen if (namespace, name) == ("default", "shop") else None

    async def ask(self, namespace: str, name: str, asked: Request, seconds: float) -> RequestStatus:
        if self.error is not None:
            raise self.error
        self.asked.append(asked)
        return RequestStatus(
            id=asked.id,
            action=asked.action,
            by=asked.by,
            reason=asked.reason,
            outcome=self.outcome,
            message="so it was decided",
            answered_at=START,
        )

    async def suspend(self, namespace: str, name: str, *, wanted: bool) -> None:
        if self.error is not None:
            raise self.error
        self.suspended.append(wanted)


class Answer:
    """What came back."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.text = text
        self.body: Any = json.loads(text) if "json" in headers["Content-Type"] else None

    @property
    def problem(self) -> tuple[int, str]:
        assert self.headers["Content-Type"].startswith("application/problem+json")
        assert self.body["status"] == self.status
        return self.status, self.body["detail"]


class Place:
    """An API with a desk, an API server, and a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.kubernetes = Reviewing()
        self.desk = Desk()
        self.api = Api(Access(self.kubernetes, lambda: self.now), lambda: self.now)
        self.api.desk = self.desk
        self.url = ""

    async def call(
        self, path: str, body: Any = None, token: str | None = EDITOR, header: str = ""
    ) -> Answer:
        """Call a path under /api/v2; with a body it is a POST."""
        headers = {header or "Authorization": f"Bearer {token}"} if token is not None else {}
        text = body if isinstance(body, str) else json.dumps(body)
        data = None if body is None else BytesIO(text.encode())
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(
                "GET" if body is None else "POST", f"{self.url}/api/v2/{path}", data=data
            ) as answer,
        ):
            return Answer(answer.status, await answer.text(), answer.headers)
