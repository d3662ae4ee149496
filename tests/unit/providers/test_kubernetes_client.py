"""The client against a loopback server that answers as told: fence, retries, errors, time-outs."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from linnet.providers.errors import (
    ApiError,
    Conflict,
    Forbidden,
    LeaseLost,
    NotFound,
    ObjectMissing,
    TooManyRequests,
    Unreachable,
)
from linnet.providers.kubernetes import DEPLOYMENTS, HTTPROUTES, PODS, KubernetesClient

Answer = Callable[[web.Request], Awaitable[web.Response]]
MANIFEST = {"metadata": {"name": "shop", "namespace": "ns"}}
VERSIONED = {"metadata": {**MANIFEST["metadata"], "resourceVersion": "7"}}


@dataclass
class Server:
    """Gives its answers in turn, the last one for ever, and keeps what it was asked."""

    answers: list[Answer] = field(default_factory=lambda: [fine])
    seen: list[web.Request] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        self.bodies.append(await request.json() if request.can_read_body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


def given(body: Any = None, *, status: int = 200, text: str = "") -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text or json.dumps(body), status=status)

    return answer


def refusal(status: int, name: str = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        body = {"message": f"refused with {status}", "reason": "Why", "details": {"name": name}}
        return web.json_response(
            body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return answer


fine: Answer = given({"done": True})


async def broken(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[ApiClient]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as running:
        client = ApiClient(Configuration(host=str(running.make_url("")).rstrip("/")))
        yield client
        await client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def client(api: ApiClient) -> KubernetesClient:
    return KubernetesClient(api)


def test_paths() -> None:
    assert DEPLOYMENTS.path("ns", "shop") == "/apis/apps/v1/namespaces/ns/deployments/shop"
    assert PODS.path() == "/api/v1/pods"
    assert PODS.api_version == "v1"
    assert HTTPROUTES.path("ns", "a/b", "status").endswith("/httproutes/a%2Fb/status")


async def test_get_tells_an_absent_object_from_an_unknown_kind(
    server: Server, client: KubernetesClient
) -> None:
    server.answers = [refusal(404, "shop"), refusal(404), fine]
    assert await client.get(HTTPROUTES, "ns", "shop") is None
    with pytest.raises(NotFound, match="is the CRD installed"):
        await client.get(HTTPROUTES, "ns", "shop")
    assert await client.get(HTTPROUTES, "ns", "shop") == {"done": True}


async def test_list_reads_every_page(server: Server, client: KubernetesClient) -> None:
    server.answers = [
        given({"items": [{"n": 1}], "metadata": {"continue": "more"}}),
        given({"items": [{"n": 2}], "metadata": {}}),
    ]
    assert await client.list(PODS, "ns", "app=shop") == [{"n": 1}, {"n": 2}]
    assert server.seen[0].query["labelSelector"] == "app=shop"
    assert server.seen[1].query["continue"] == "more"


async def test_apply_says_who_it_is_and_takes_over(
    server: Server, client: KubernetesClient
) -> None:
    await client.apply(DEPLOYMENTS, MANIFEST, "linnet", subresource="status")
    (request,) = server.seen
    assert request.method == "PATCH"
    assert request.path.endswith("/deployments/shop/status")
    assert dict(request.query) == {"fieldManager": "linnet", "force": "true"}
    assert request.content_type == "application/apply-patch+yaml"
    assert server.bodies == [MANIFEST]


@pytest.mark.parametrize(
    "first",
    [refusal(409), refusal(500), refusal(503), refusal(429, Retry_After="0"), broken],
    ids=["conflict", "error", "unavailable", "too many", "broken connection"],
)
async def test_apply_is_repeated_at_once(
    first: Answer, server: Server, client: KubernetesClient
) -> None:
    server.answers = [first, first, fine]
    assert await client.apply(DEPLOYMENTS, MANIFEST, "linnet") == {"done": True}
    assert len(server.seen) == 3


async def test_apply_is_repeated_no_more_than_three_times(
    server: Server, client: KubernetesClient
) -> None:
    server.answers = [refusal(500)]
    with pytest.raises(ApiError, match="refused with 500"):
        await client.apply(DEPLOYMENTS, MANIFEST, "linnet")
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("answer", "manifest", "error"),
    [
        (refusal(409), VERSIONED, Conflict),
        (refusal(403), MANIFEST, Forbidden),
        (refusal(422), MANIFEST, ApiError),
        (refusal(429, Retry_After="2"), MANIFEST, TooManyRequests),
        (refusal(429), MANIFEST, TooManyRequests),
        (refusal(503, Retry_After="30"), MANIFEST, ApiError),
    ],
)
async def test_apply_is_not_repeated_where_it_promises_nothing(
    answer: Answer,
    manifest: dict[str, Any],
    error: type[ApiError],
    server: Server,
    client: KubernetesClient,
) -> None:
    server.answers = [answer]
    with pytest.raises(error):
        await client.apply(DEPLOYMENTS, manifest, "linnet")
    assert len(server.seen) == 1


async def test_other_writes_are_never_repeated(server: Server, client: KubernetesClient) -> None:
    server.answers = [refusal(500)]
    for write in (
        client.patch(DEPLOYMENTS, "ns", "shop", {}),
        client.create(DEPLOYMENTS, MANIFEST),
        client.delete(DEPLOYMENTS, "ns", "shop"),
    ):
        with pytest.raises(ApiError):
            await write
    assert len(server.seen) == 3


async def test_patches_say_what_they_are(server: Server, client: KubernetesClient) -> None:
    await client.patch(DEPLOYMENTS, "ns", "shop", {"spec": {}}, subresource="status")
    await client.patch(DEPLOYMENTS, "ns", "shop", [{"op": "remove", "path": "/x"}])
    assert [request.content_type for request in server.seen] == [
        "application/merge-patch+json",
        "application/json-patch+json",
    ]
    assert server.seen[0].path.endswith("/shop/status")


async def test_delete_names_the_one_that_was_seen(server: Server, client: KubernetesClient) -> None:
    server.answers = [fine, refusal(404, "shop")]
    assert await client.delete(DEPLOYMENTS, "ns", "shop", uid="u1")
    assert not await client.delete(DEPLOYMENTS, "ns", "shop")
    assert server.bodies[0]["preconditions"] == {"uid": "u1"}


async def test_a_fence_stops_every_write_and_no_read(server: Server, api: ApiClient) -> None:
    def lost() -> None:
        raise LeaseLost

    client = KubernetesClient(api).fenced(lost)
    for write in (
        client.apply(DEPLOYMENTS, MANIFEST, "linnet"),
        client.patch(DEPLOYMENTS, "ns", "shop", {}),
        client.create(DEPLOYMENTS, MANIFEST),
        client.delete(DEPLOYMENTS, "ns", "shop"),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert server.seen == []
    assert await client.get(DEPLOYMENTS, "ns", "shop") == {"done": True}


async def test_the_fence_is_asked_again_before_a_repetition(server: Server, api: ApiClient) -> None:
    server.answers = [refusal(500)]
    asked = 0

    def once() -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        await KubernetesClient(api, once).apply(DEPLOYMENTS, MANIFEST, "linnet")
    assert len(server.seen) == 1


async def test_a_server_that_does_not_answer(server: Server, api: ApiClient) -> None:
    for_ever = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await for_ever.wait()
        return web.Response()

    server.answers = [hang]
    with pytest.raises(Unreachable, match="did not answer in time"):
        await KubernetesClient(api, timeout_seconds=0.05).get(DEPLOYMENTS, "ns", "shop")
    for_ever.set()


@pytest.mark.parametrize("status", [200, 500])
async def test_who_is_stopped_in_a_write_waits_for_its_end(
    server: Server, client: KubernetesClient, status: int
) -> None:
    asked, end = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        asked.set()
        await end.wait()
        return web.json_response({}, status=status)

    server.answers = [slow]
    writing = asyncio.create_task(client.patch(DEPLOYMENTS, "ns", "shop", {}))
    await asked.wait()
    writing.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not writing.done()
    end.set()
    with pytest.raises(asyncio.CancelledError):
        await writing


async def test_nobody_listens() -> None:
    api = ApiClient(Configuration(host="http://127.0.0.1:1"))
    with pytest.raises(Unreachable) as caught:
        await KubernetesClient(api).get(DEPLOYMENTS, "ns", "shop")
    assert caught.value.status == 0
    await api.close()  # type: ignore[no-untyped-call]


async def test_an_answer_that_is_not_of_the_api_server(
    server: Server, client: KubernetesClient
) -> None:
    server.answers = [given(text="<html>"), given(text="<html>", status=502)]
    with pytest.raises(Unreachable, match="not JSON"):
        await client.get(DEPLOYMENTS, "ns", "shop")
    with pytest.raises(ApiError, match="HTTP status 502"):
        await client.get(DEPLOYMENTS, "ns", "shop")


@pytest.mark.parametrize(
    ("managers", "operations"),
    [
        (["kubectl", "linnet"], ["test 1/manager", "remove 1"]),
        (
            ["linnet", "kubectl", "linnet"],
            ["test 0/manager", "test 2/manager", "remove 2", "remove 0"],
        ),
        (["linnet"], ["test 0/manager", "replace "]),
    ],
)
async def test_disown_leaves_other_managers(
    server: Server, client: KubernetesClient, managers: list[str], operations: list[str]
) -> None:
    entries = [{"manager": manager} for manager in managers]
    server.answers = [fine]
    found = {"metadata": {"managedFields": entries}}
    await client.disown(DEPLOYMENTS, "ns", "shop", "linnet", found)
    (sent,) = server.bodies
    root = "/metadata/managedFields"
    assert [
        f"{each['op']} {each['path'].removeprefix(root).removeprefix('/')}" for each in sent
    ] == operations


async def test_disown_finds_others_managers_in_its_place(
    server: Server, client: KubernetesClient
) -> None:
    found = {"metadata": {"managedFields": [{"manager": "linnet"}]}}
    server.answers = [given(found), refusal(422, "shop"), given(found), refusal(500, "shop")]
    with pytest.raises(Conflict):
        await client.disown(DEPLOYMENTS, "ns", "shop", "linnet")
    with pytest.raises(ApiError) as caught:
        await client.disown(DEPLOYMENTS, "ns", "shop", "linnet")
    assert caught.value.status == 500


async def test_disown_writes_nothing_where_there_is_nothing_to_give_up(
    server: Server, client: KubernetesClient
) -> None:
    server.answers = [given({"metadata": {}}), refusal(404, "shop")]
    await client.disown(DEPLOYMENTS, "ns", "shop", "linnet")
    await client.disown(DEPLOYMENTS, "ns", "shop", "linnet")
    assert {request.method for request in server.seen} == {"GET"}


async def test_connect_reads_a_kubeconfig(tmp_path: Any) -> None:
    file = tmp_path / "config"
    file.write_text(
        """
apiVersion: v1
kind: Config
current-context: one
contexts: [{name: one, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {token: t}}]
"""
    )
    client = await KubernetesClient.connect(kubeconfig=str(file), timeout_seconds=1)
    with pytest.raises(Unreachable):
        await client.get(DEPLOYMENTS, "ns", "shop")
    await client.close()


async def test_every_answer_tells_the_time_of_the_server(server: Server, api: ApiClient) -> None:
    dates: list[str] = []
    server.answers = [given({}), refusal(409)]
    client = KubernetesClient(api, asking=lambda: dates.append).fenced(lambda: None)
    await client.get(DEPLOYMENTS, "ns", "shop")
    with pytest.raises(Conflict):
        await client.patch(DEPLOYMENTS, "ns", "shop", {})
    assert [parsedate_to_datetime(date).tzinfo for date in dates] == [UTC, UTC]


async def test_what_is_behind_the_proxy_is_asked_with_headers_of_its_own(
    server: Server, client: KubernetesClient
) -> None:
    answer = await client.send("/proxy/approve", {"name": "shop"}, {"Linnet-Authorization": "me"})
    assert answer == {"done": True}
    (asked,) = server.seen
    assert (asked.method, asked.path) == ("POST", "/proxy/approve")
    assert asked.headers["Linnet-Authorization"] == "me"
    assert server.bodies == [{"name": "shop"}]


@pytest.mark.parametrize(("status", "error"), [(409, Conflict), (404, ObjectMissing)])
async def test_problem_details_behind_the_proxy_are_told_in_their_words(
    server: Server, client: KubernetesClient, status: int, error: type[ApiError]
) -> None:
    server.answers = [given({"title": "No", "detail": "not now", "status": status}, status=status)]
    with pytest.raises(error, match=r"^not now$"):
        await client.send("/proxy/approve", {}, {})


async def test_the_token_is_the_one_that_requests_carry(api: ApiClient) -> None:
    client = KubernetesClient(api)
    assert await client.token() == ""
    api.configuration.api_key["BearerToken"] = "Bearer t0ken"
    assert await client.token() == "t0ken"
