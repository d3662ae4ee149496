"""Flags, their environment variables, and which command does what."""

import argparse
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from linnet.__main__ import main
from linnet.controller.check import check
from linnet.controller.settings import Settings, add_arguments, from_arguments
from linnet.providers.kubernetes import CANARYRELEASES
from linnet.server.alerts import AlertReceiver
from linnet.server.http import serve
from tests.support.addresses import loopback
from tests.support.fake_kubernetes import FakeKubernetes


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for field in Settings.__dataclass_fields__:
        monkeypatch.delenv(f"LINNET_{field.upper()}", raising=False)
    monkeypatch.delenv("POD_NAME", raising=False)
    return monkeypatch


def parse(*flags: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_arguments(parser.parse_args(flags))


def test_defaults() -> None:
    settings = parse()
    assert settings.prometheus_url == "http://prometheus.monitoring:9090"
    assert (settings.namespace, settings.port, settings.workers) == ("", 8080, 8)
    assert settings.identity


def test_receivers_come_as_json() -> None:
    assert parse().receivers == ()
    text = '[{"name": "ops", "format": "Slack", "urlFile": "/etc/linnet/url", "on": ["Held"]}]'
    [receiver] = parse("--receivers", text).receivers
    assert (receiver.name, receiver.format, receiver.url_file) == (
        "ops",
        "Slack",
        "/etc/linnet/url",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "Invalid JSON"),
        ('[{"name": "ops"}]', "needs one of url and urlFile"),
        ('[{"name": "a", "url": "http://a"}, {"name": "a", "url": "http://b"}]', "the same name"),
    ],
)
def test_receivers_that_can_not_be_are_refused(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse("--receivers", text)
    assert said in capsys.readouterr().err


def test_a_flag_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LINNET_NAMESPACE", "shops")
    environment.setenv("LINNET_PORT", "9090")
    assert (parse().namespace, parse().port) == ("shops", 9090)
    assert parse("--namespace", "teas", "--port=1").namespace == "teas"


def test_a_pod_goes_by_its_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("POD_NAME", "linnet-operator-5d9-x7")
    assert parse().identity == "linnet-operator-5d9-x7"
    environment.setenv("LINNET_IDENTITY", "one")
    assert parse().identity == "one"


@pytest.mark.parametrize(
    "flags",
    [
        ("--port", "http"),
        ("--workers", "0"),
        ("--workers", "x"),
        ("--log-level", "loud"),
        ("--tracked-kinds", "ConfigMap,Pod"),
    ],
)
def test_a_flag_that_makes_no_sense(
    flags: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(*flags)
    assert f"argument {flags[0]}: " in capsys.readouterr().err


def test_a_variable_that_makes_no_sense(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LINNET_PORT", "tcp://10.43.0.7:8080")
    with pytest.raises(SystemExit):
        parse()
    assert "argument --port: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("", ()), ("ConfigMap", ("ConfigMap",)), ("ConfigMap,Secret", ("ConfigMap", "Secret"))],
)
def test_the_kinds_that_may_be_tracked(
    environment: pytest.MonkeyPatch, text: str, kinds: tuple[str, ...]
) -> None:
    assert parse().tracked_kinds == ("ConfigMap",)
    environment.setenv("LINNET_TRACKED_KINDS", text)
    assert parse().tracked_kinds == kinds


def test_the_level_may_be_in_lower_case() -> None:
    assert parse("--log-level", "debug").log_level == "DEBUG"


def test_every_flag_says_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for field in Settings.__dataclass_fields__:
        assert f"LINNET_{field.upper()}" in told


@pytest.mark.parametrize("arguments", [[], ["dance"], ["check"], ["run", "--dance"]])
def test_what_it_does_not_know_is_an_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: linnet" in capsys.readouterr().err


class Operator:
    """An operator's server on loopback, and a cluster."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ready = True
        self.client = FakeKubernetes()

    async def connect(self) -> FakeKubernetes:
        return self.client

    async def check(self, timeout_seconds: float = 5.0, namespace: str = "") -> int:
        return await check(self.url, timeout_seconds, namespace, self.connect)


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    found = Operator("")
    runner = await serve(0, lambda: found.ready, AlertReceiver("", lambda: 0.0))
    found.url = loopback(runner)
    yield found
    await runner.cleanup()


async def test_a_good_installation(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    assert await operator.check() == 0
    assert sorted(capsys.readouterr().out.splitlines()) == [
        "ok   CanaryRelease is known to the API server",
        "ok   The operator is ready",
    ]
    assert operator.client.closed


async def test_only_the_namespace_that_it_may_look_at_is_looked_at(operator: Operator) -> None:
    assert await operator.check(namespace="shops") == 0
    (call,) = operator.client.cluster.calls
    assert (call.verb, call.namespace) == ("list", "shops")


async def test_without_the_crd(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    operator.client.cluster.unknown.add(CANARYRELEASES)
    assert await operator.check() == 1
    assert "FAIL CanaryRelease: the API server doesn't know" in capsys.readouterr().out
    assert operator.client.closed


async def test_an_operator_that_is_not_ready(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.ready = False
    assert await operator.check(0.2) == 1
    said = "FAIL The operator is not ready: the API server has not been reached yet"
    assert said in capsys.readouterr().out


async def test_an_operator_that_is_not_there(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    async with TestServer(web.Application()) as gone:
        operator.url = str(gone.make_url("")).rstrip("/")
    assert await operator.check(0.2) == 1
    assert "FAIL The operator is not ready: Cannot connect" in capsys.readouterr().out
