"""Where commands call the operator's API, with whose token, and how they tell of a refusal."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from linnet.cli.cluster.calling import Refused, by_proxy, directly, read_token
from linnet.cli.cluster.connection import Cluster
from linnet.cli.output import BadInput
from linnet.providers.errors import Conflict, Forbidden, ObjectMissing, Unreachable
from linnet.providers.kubernetes import SERVICES, Manifest
from tests.support.addresses import loopback
from tests.support.builders import START
from tests.support.fake_kubernetes import FakeKubernetes

PATH = "/api/v2/canary/approve"
BODY = {"namespace": "default", "name": "shop"}


class Proxying(FakeKubernetes):
    """An API server with operators behind its proxy."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.answers: dict[str, Manifest | Exception] = {}
        self.sent: list[tuple[str, Manifest, dict[str, str]]] = []
        labels = {"app.kubernetes.io/part-of": "linnet", "app.kubernetes.io/component": "operator"}
        for name in names:
            metadata = {"namespace": "linnet-system", "name": name, "labels": labels}
            self.add(SERVICES, {"metadata": metadata, "spec": {}})

    async def send(self, path: str, body: Any, headers: dict[str, str]) -> Manifest:
        self.sent.append((path, body, headers))
        answer = self.answers[path.split("/")[6].partition(":")[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer


def cluster(client: FakeKubernetes) -> Cluster:
    return Cluster(client, "default", lambda: START)


async def test_it_goes_through_the_proxy_with_the_token_in_a_header_of_its_own() -> None:
    client = Proxying("linnet")
    client.answers["linnet"] = {"outcome": "Done"}
    assert await by_proxy(cluster(client), PATH, "t0ken", BODY) == {"outcome": "Done"}
    path = "/api/v1/namespaces/linnet-system/services/linnet:http/proxy/api/v2/canary/approve"
    assert client.sent == [(path, BODY, {"Linnet-Authorization": "Bearer t0ken"})]


async def test_of_several_operators_the_one_that_has_the_release_is_found() -> None:
    client = Proxying("east", "west")
    client.answers = {"east": ObjectMissing("no such release"), "west": {"outcome": "Done"}}
    assert (await by_proxy(cluster(client), PATH, "t", BODY))["outcome"] == "Done"
    client.answers["west"] = ObjectMissing("no such release")
    with pytest.raises(BadInput, match=r"api\.enabled=true"):
        await by_proxy(cluster(client), PATH, "t", BODY)


async def test_a_refusal_is_told_in_the_operators_words() -> None:
    client = Proxying("linnet")
    client.answers["linnet"] = Conflict("the step at 5 % needs no approval")
    with pytest.raises(Refused, match="the step at 5 % needs no approval"):
        await by_proxy(cluster(client), PATH, "t", BODY)


@pytest.mark.parametrize(
    ("status", "error"), [(200, None), (409, Refused), (403, Forbidden), (404, ObjectMissing)]
)
async def test_it_goes_straight_to_an_address_that_is_named(
    status: int, error: type[Exception] | None
) -> None:
    seen = []

    async def serve(request: web.Request) -> web.Response:
        seen.append((request.headers["Authorization"], await request.json()))
        return web.json_response({"outcome": "Done", "detail": "in its words"}, status=status)

    app = web.Application()
    app.add_routes([web.post("/api/v2/canary/approve", serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        if error is None:
            assert (await directly(loopback(runner), PATH, "t", BODY))["outcome"] == "Done"
        else:
            with pytest.raises(error, match="in its words"):
                await directly(f"{loopback(runner)}/", PATH, "t", BODY)
    finally:
        await runner.cleanup()
    assert seen == [("Bearer t", json.loads(json.dumps(BODY)))]


async def test_an_address_where_nobody_is_can_not_be_asked() -> None:
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1"):
        await directly("http://127.0.0.1:1", PATH, "t", BODY)


def test_a_token_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("t0ken\n")
    assert read_token(str(file)) == "t0ken"
    assert read_token("") == ""
    file.write_text("\n")
    with pytest.raises(BadInput, match="is empty"):
        read_token(str(file))
    with pytest.raises(BadInput, match="No such file"):
        read_token(str(tmp_path / "none"))
