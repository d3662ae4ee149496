"""What accepts HTTPRoutes where there is no data plane: a small gateway that moves no request.

`python -m tests.support.gateway` reports on every parent of every route, as a gateway does: its
present generation is accepted, and its references are resolved if all of its Services exist. Run
as a program of its own, so that it takes nothing from the tests. The real Traefik does the same
on such a server (`start_traefik`), but looks at all routes for each change of one: 27 ms of a
core for a change among 20 routes, 33 ms among 300; this takes 1.5 ms among any number.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from hack.ports import free_port
from tests.support.apiserver import ROOT, ApiServer
from tests.support.rig.following import Object, api_session, follow, name_of

CONTROLLER = "linnet.dev/gateway-of-the-tests"
ROUTES = "/apis/gateway.networking.k8s.io/v1"
MERGE = {"Content-Type": "application/merge-patch+json"}

Name = tuple[str, str]


def start_gateway(server: ApiServer, lag_seconds: float = 0.0) -> None:
    """Run the gateway until the server ends.

    lag_seconds: what it takes from a change of a route to the report on it.
    """
    command = (sys.executable, "-m", __name__, server.url, str(server.ca), str(lag_seconds))
    server.run("gateway", command, {"GATEWAY_TOKEN": server.token, "PYTHONPATH": str(ROOT)})


def start_traefik(server: ApiServer) -> None:
    """Run the real Traefik instead, with a Gateway `gateway` in `default`; it listens on loopback.

    It needs no network of the cluster to judge routes. Give each route a hostname of its own.
    """
    port = free_port()
    spec = {
        "gatewayClassName": "traefik",
        "listeners": [
            {
                "name": "http",
                "protocol": "HTTP",
                "port": port,
                "allowedRoutes": {"namespaces": {"from": "All"}},
            }
        ],
    }
    api = "gateway.networking.k8s.io/v1"
    for kind, metadata, body in (
        ("GatewayClass", {}, {"controllerName": "traefik.io/gateway-controller"}),
        ("Gateway", {"namespace": "default"}, spec),
    ):
        name = "traefik" if kind == "GatewayClass" else "gateway"
        manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}}
        server.kubectl("create", "-f", "-", input={**manifest, "spec": body})
    server.start(
        "traefik",
        f"--entrypoints.web.address=127.0.0.1:{port}",
        "--providers.kubernetesgateway=true",
        "--providers.kubernetesgateway.statusaddress.ip=127.0.0.1",
        "--providers.providersThrottleDuration=20ms",
        "--log.level=ERROR",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        environment={"KUBECONFIG": str(server.kubeconfig)},
    )


class Gateway:
    """Knows all routes and the names of all Services, and what it has reported."""

    def __init__(self, report: Callable[[Object, Object], Awaitable[None]]) -> None:
        self._report = report
        self._routes: dict[Name, Object] = {}
        self._services: set[Name] = set()

    async def service(self, kind: str, found: Object) -> None:
        """Take in that a Service is there, or is gone."""
        name = name_of(found)
        if kind == "DELETED":
            self._services.discard(name)
        elif name not in self._services:
            self._services.add(name)
        else:
            return
        for route in list(self._routes.values()):
            if name in backends(route):
                await self._judge(route)

    async def route(self, kind: str, found: Object) -> None:
        """Take in a route, and report on it if that says something new."""
        if kind == "DELETED":
            self._routes.pop(name_of(found), None)
            return
        self._routes[name_of(found)] = found
        await self._judge(found)

    async def _judge(self, route: Object) -> None:
        missing = sorted(backends(route) - self._services)
        report = [
            {
                "parentRef": parent,
                "controllerName": CONTROLLER,
                "conditions": _conditions(route, ", ".join(name for _, name in missing)),
            }
            for parent in route["spec"].get("parentRefs") or ()
        ]
        before = (route.get("status") or {}).get("parents") or []
        if _said(report) != _said(before):
            await self._report(route, {"status": {"parents": report}})


def backends(route: Object) -> set[Name]:
    """The Services that a route sends requests to."""
    namespace = route["metadata"]["namespace"]
    return {
        (ref.get("namespace") or namespace, ref["name"])
        for rule in route["spec"].get("rules") or ()
        for ref in rule.get("backendRefs") or ()
    }


def _conditions(route: Object, missing: str) -> list[Object]:
    resolved = ("False", "BackendNotFound") if missing else ("True", "ResolvedRefs")
    return [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": missing if kind == "ResolvedRefs" else "",
            "observedGeneration": route["metadata"]["generation"],
            "lastTransitionTime": "2030-01-01T00:00:00Z",  # nobody reads it
        }
        for kind, (status, reason) in (
            ("Accepted", ("True", "Accepted")),
            ("ResolvedRefs", resolved),
        )
    ]


def _said(parents: list[Object]) -> list[Any]:
    return [
        [
            (each["type"], each["status"], each.get("observedGeneration"), each["message"])
            for each in parent["conditions"]
        ]
        for parent in parents
    ]


class Reporter:
    """Writes the reports, each a while after it was made; one doesn't wait for the other."""

    def __init__(self, session: aiohttp.ClientSession, url: str, lag_seconds: float) -> None:
        self._session = session
        self._url = url
        self._lag_seconds = lag_seconds
        self._writing: set[asyncio.Task[None]] = set()

    async def __call__(self, route: Object, patch: Object) -> None:
        """Have a route's status written."""
        task = asyncio.create_task(self._write(route, patch))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, route: Object, patch: Object) -> None:
        await asyncio.sleep(self._lag_seconds)
        namespace, name = name_of(route)
        url = f"{self._url}{ROUTES}/namespaces/{namespace}/httproutes/{name}/status"
        async with self._session.patch(url, data=json.dumps(patch), headers=MERGE) as answer:
            await answer.read()  # what is refused is reported again with the next change


async def main(url: str, ca: str, lag_seconds: float) -> None:
    """Be a gateway until killed."""
    async with api_session(Path(ca), os.environ["GATEWAY_TOKEN"], "gateway") as session:
        gateway = Gateway(Reporter(session, url, lag_seconds))
        await asyncio.gather(
            follow(session, f"{url}/api/v1/services", gateway.service),
            follow(session, f"{url}{ROUTES}/httproutes", gateway.route),
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
