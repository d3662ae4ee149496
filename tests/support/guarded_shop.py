"""A shop whose version 2 is released, and people with roles who see to it, by their tokens."""

import json
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.apiserver import ApiServer
from tests.support.helm import ACCOUNT, helm, install
from tests.support.operator_process import OperatorProcess, run_operator
from tests.support.prometheus_server import run_prometheus
from tests.support.releases import release
from tests.support.workload_manifests import deployment, http_route, service

Object = dict[str, Any]

PATIENCE_SECONDS = 60.0
ROLES = {
    "vera": "view",
    "anna": "linnet-operator-approver",
    "rolf": "linnet-operator-releaser",
    "dora": "linnet-operator-decider",
    "edda": "edit",
    "nora": "",
}
"""Who holds which role in the shop's namespace."""
SPEC: Object = {
    "targetRef": {"name": "shop"},
    "traffic": {"httpRoute": "shop"},
    "steps": [
        {"weight": 10, "hold": "0s", "approvals": {"required": 1}},
        {"weight": 50, "hold": "1h"},
        {"weight": 100, "hold": "1h"},
    ],
    "analysis": {
        "interval": "1s",
        "window": "1s",
        "minSamples": 1,
        "metrics": [
            {
                "name": "failures",
                "query": "vector(0.25)",
                "advance": {"atMost": 0.5},
                "rollback": {"above": 1},
            }
        ],
    },
    "canary": {"drainPeriod": "0s"},
}


@dataclass(frozen=True)
class Answer:
    """What the HTTP API has answered."""

    status: int
    body: Any

    @property
    def detail(self) -> str:
        """What a refusal says."""
        assert self.body["status"] == self.status
        return str(self.body["detail"])


@dataclass(frozen=True)
class Shop:
    """A namespace with a Deployment, its route, its CanaryRelease and accounts for `ROLES`."""

    server: ApiServer
    namespace: str

    @classmethod
    def open(cls, server: ApiServer) -> "Shop":
        """Version 1 in a new namespace, not guarded yet."""
        shop = cls(server, f"shop-{secrets.token_hex(4)}")
        server.kubectl("create", "namespace", shop.namespace)
        for name, role in ROLES.items():
            shop.kubectl("create", "serviceaccount", name)
            if role:
                whom = f"--serviceaccount={shop.namespace}:{name}"
                shop.kubectl("create", "rolebinding", name, f"--clusterrole={role}", whom)
        for manifest in (service(), http_route(), deployment("shop:1"), release(SPEC)):
            shop.apply(manifest)
        return shop

    def kubectl(self, *words: str, **more: Any) -> str:
        """Run kubectl in the namespace."""
        return self.server.kubectl("-n", self.namespace, *words, **more)

    def apply(self, manifest: Object) -> None:
        """Apply a manifest in the namespace."""
        manifest["metadata"]["namespace"] = self.namespace
        self.kubectl("apply", "-f", "-", input=manifest)

    def release(self, image: str) -> None:
        """Have another version released, and wait until it takes its first step's traffic."""
        self.wait(lambda status: status.get("phase") in ("Idle", "Promoted", "RolledBack"))
        self.apply(deployment(image))
        self.wait(lambda status: (status.get("phase"), weight(status)) == ("Progressing", 10))

    def status(self) -> Object:
        """The status of the release."""
        found: Object = self.server.get("canaryrelease/shop", "-n", self.namespace)
        return dict(found.get("status", {}))

    def wait(self, reached: Callable[[Object], bool]) -> Object:
        """Wait for a status, and give it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached(status := self.status()):
            assert time.monotonic() < deadline, status.get("message")
            time.sleep(0.2)
        return status

    def user(self, name: str) -> str:
        """Whom the API server knows somebody as."""
        return f"system:serviceaccount:{self.namespace}:{name}"

    def token(self, name: str) -> str:
        """A token of somebody."""
        return self.server.token_of(name, self.namespace)

    def ask(self, operator: OperatorProcess, token: str, path: str, **body: Any) -> Answer:
        """Ask for something that is done with the shop: `POST /api/v2/canary/PATH`."""
        place = {"namespace": self.namespace, "name": "shop"}
        return call(operator, token, f"canary/{path}", place | body)

    def see(self, operator: OperatorProcess, token: str, path: str = "") -> Answer:
        """Read something of the shop: `GET /api/v2/releases/…`."""
        return call(operator, token, f"releases/{self.namespace}/shop{path}")


@contextmanager
def run_with_api(server: ApiServer, folder: Path) -> Iterator[OperatorProcess]:
    """Run the operator with HTTP API and console, with the rights that the chart gives it.

    The chart's roles are on the server until the block ends.
    """
    system = f"linnet-{secrets.token_hex(4)}"
    server.kubectl("create", "namespace", system)
    install(server, system, "replicas=1", "api.enabled=true")
    try:
        with (
            run_prometheus(folder, "up 1") as prometheus,
            run_operator(
                folder,
                server.kubeconfig_of(ACCOUNT, system),
                prometheus=prometheus,
                lease_namespace=system,
                api=True,
            ) as operator,
        ):
            yield operator
    finally:
        helm(server, system, "uninstall", "linnet")


def weight(status: Object) -> int:
    """The share of traffic that the canary has in this status, as the route has it, in percent."""
    return int(status.get("weight", {}).get("seen", 0))


def call(operator: OperatorProcess, token: str, path: str, body: Object | None = None) -> Answer:
    """Call a path below `/api/v2`, as whom a token belongs to; by POST if there is a body."""
    request = urllib.request.Request(f"{operator.url}/api/v2/{path}")  # noqa: S310 - loopback
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data, timeout=20) as answer:  # noqa: S310
            return Answer(answer.status, json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, json.load(error))


def signed_anew(server: ApiServer, token: str, older_by: int = 0) -> str:
    """A token with the same claims, signed by the server's own key.

    older_by: how many seconds earlier it was issued, and ended.
    """
    header, claims, _ = token.split(".")
    told = json.loads(urlsafe_b64decode(claims + "=="))
    told |= {name: told[name] - older_by for name in ("exp", "iat", "nbf")}
    text = f"{header}.{_base64(json.dumps(told).encode())}"
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", str(server.folder / "sa.key")],
        input=text.encode(),
        check=True,
        capture_output=True,
        timeout=30,
    ).stdout
    return f"{text}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
