"""A language model that answers, and one that fails in every way: the conversation goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from recochat import context
from recochat.app import create_app
from recochat.chat import choose
from recochat.chat.engine import EmbeddedAnswerer, Question, Say
from recochat.chat.language_model import (
    HttpLanguageModel,
    LanguageModelError,
    Message,
    MetadataToken,
    vertex_url,
)
from recochat.chat.phrased import PhrasedAnswerer
from recochat.metrics import Metrics
from recochat.recommender.current import CurrentModel
from recochat.resilience import CircuitBreaker, RetryBudget
from recochat.sessions.base import Turn
from recochat.settings import Settings
from tests.support.clock import Clock

Calling = Callable[[FastAPI], httpx.AsyncClient]
ENGINE = EmbeddedAnswerer(CurrentModel(None))
ASKED = [Message("user", "hi")]


@dataclass
class ScriptedModel:
    """Answers with one of a list after the other; errors are raised. The last one stays."""

    script: list[str | Exception]
    asked: list[Sequence[Message]] = field(default_factory=list)

    async def complete(self, messages: Sequence[Message], say: Say | None = None) -> str:
        self.asked.append(messages)
        what = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(what, Exception):
            raise what
        if what == "never":
            await asyncio.Event().wait()
        return what

    async def close(self) -> None: ...


@dataclass
class Stand:
    """An answerer with a scripted model, and what it observed."""

    model: ScriptedModel
    clock: Clock = field(default_factory=Clock)
    outcomes: list[str] = field(default_factory=list)
    budget: RetryBudget = field(default_factory=RetryBudget)
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        self.answerer = PhrasedAnswerer(
            ENGINE,
            self.model,
            self.timeout_s,
            CircuitBreaker(3, 10.0, self.clock),
            lambda outcome, _: self.outcomes.append(outcome),
            self.budget,
        )


def failed(kind: str = "failed") -> LanguageModelError:
    return LanguageModelError(kind, "status 503")  # type: ignore[arg-type]


async def test_the_model_words_what_the_engine_says() -> None:
    stand = Stand(ScriptedModel(["Gladly!"]))
    said = [Turn("user", "I like jazz", 1.0), Turn("assistant", "Noted: jazz.", 2.0)]
    answer = await stand.answerer.answer(Question("any ideas?", said))
    own = await ENGINE.answer(Question("any ideas?", said))
    assert (answer.text, answer.source) == ("Gladly!", "model")
    assert (answer.intent, answer.items) == (own.intent, own.items)
    [prompt] = stand.model.asked
    assert [message.role for message in prompt] == ["system", "user", "assistant", "user"]
    assert own.text in prompt[0].content
    assert stand.outcomes == ["answered"]


@pytest.mark.parametrize("kind", ["timeout", "unreachable", "refused", "failed", "garbage"])
async def test_any_failure_leaves_the_engines_own_words(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    stand = Stand(ScriptedModel([failed(kind)]))
    answer = await stand.answerer.answer(Question("recommend jazz"))
    own = await ENGINE.answer(Question("recommend jazz"))
    assert (answer.text, answer.items, answer.source) == (own.text, own.items, "fallback")
    assert stand.outcomes == [kind]
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert vars(record)["error_class"] == "external"
    assert vars(record)["failure"] == kind


async def test_a_model_that_never_answers_is_given_up() -> None:
    stand = Stand(ScriptedModel(["never"]), timeout_s=0.01)
    assert (await stand.answerer.answer(Question("hi"))).source == "fallback"
    assert stand.outcomes == ["timeout"]


async def test_what_may_pass_is_tried_once_more() -> None:
    stand = Stand(ScriptedModel([failed("unreachable"), "Hello."]))
    assert (await stand.answerer.answer(Question("hi"))).text == "Hello."
    assert len(stand.model.asked) == 2
    refused = Stand(ScriptedModel([failed("refused"), "Hello."]))
    assert (await refused.answerer.answer(Question("hi"))).source == "fallback"
    assert len(refused.model.asked) == 1


async def test_retries_end_with_their_budget() -> None:
    stand = Stand(ScriptedModel([failed()]), budget=RetryBudget(share=0.0, most=1.0))
    for _ in range(2):
        await stand.answerer.answer(Question("hi"))
    assert len(stand.model.asked) == 3


async def test_a_model_that_keeps_failing_is_left_alone_and_tried_again() -> None:
    stand = Stand(ScriptedModel([failed("refused")]))
    for _ in range(5):
        await stand.answerer.answer(Question("hi"))
    assert stand.outcomes == ["refused"] * 3 + ["skipped"] * 2
    stand.clock.now = 10.0
    stand.model.script = ["Back again."]
    assert (await stand.answerer.answer(Question("hi"))).source == "model"
    assert (await stand.answerer.answer(Question("hi"))).source == "model"


def test_an_open_circuit_lets_one_trial_through() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 10.0, clock)
    breaker.failed()
    assert [breaker.is_open, breaker.allow()] == [True, False]
    clock.now = 10.0
    assert [breaker.allow(), breaker.allow()] == [True, False]
    breaker.failed()
    clock.now = 19.9
    assert not breaker.allow()
    clock.now = 20.0
    assert breaker.allow()
    breaker.succeeded()
    assert [breaker.is_open, breaker.allow(), breaker.allow()] == [False, True, True]


def test_retries_are_a_share_of_requests() -> None:
    budget = RetryBudget(share=0.25, most=2.0)
    assert [budget.spend(), budget.spend(), budget.spend()] == [True, True, False]
    for _ in range(100):
        budget.request()
    assert [budget.spend(), budget.spend(), budget.spend()] == [True, True, False]


@pytest.mark.parametrize("length", [899, 900, 901, 5000])
async def test_long_words_are_cut_between_characters(length: int) -> None:
    stand = Stand(ScriptedModel(["é" * (length // 2) + "x" * (length % 2)]))
    text = (await stand.answerer.answer(Question("hi"))).text
    assert len(text.encode()) <= 900
    assert text.endswith("…") == (length > 900)


def over(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handler))


def answered(text: object) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})


async def test_an_endpoint_is_asked_as_openai_is() -> None:
    seen: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answered(" Hello. ")

    async def key() -> str:
        return "secret"

    model = HttpLanguageModel(over(serve), "http://llm/v1/", "small", key)
    request = context.enter(
        [
            (b"x-correlation-id", b"abc"),
            (b"traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"),
        ]
    )
    assert await model.complete(ASKED) == "Hello."
    context.leave()
    assert await model.complete(ASKED) == "Hello."
    await model.close()
    first, second = seen
    assert str(first.url) == "http://llm/v1/chat/completions"
    assert first.headers["authorization"] == "Bearer secret"
    assert first.headers["x-correlation-id"] == "abc"
    assert first.headers["traceparent"] == f"00-{'1' * 32}-{request.span_id}-01"
    assert "x-correlation-id" not in second.headers
    assert json.loads(first.content)["messages"] == [{"role": "user", "content": "hi"}]


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def serve(_: httpx.Request) -> httpx.Response:
        raise error

    return serve


@pytest.mark.parametrize(
    ("serve", "kind", "passing"),
    [
        (lambda _: httpx.Response(500), "failed", True),
        (lambda _: httpx.Response(429), "failed", True),
        (lambda _: httpx.Response(401), "refused", False),
        (lambda _: httpx.Response(200, text="<html>"), "garbage", False),
        (lambda _: httpx.Response(200, json={"choices": []}), "garbage", False),
        (lambda _: httpx.Response(200, content=b"x" * 300_000), "garbage", False),
        (lambda _: answered("  "), "garbage", False),
        (lambda _: answered(7), "garbage", False),
        (raising(httpx.ReadTimeout("late")), "timeout", False),
        (raising(httpx.ConnectError("gone")), "unreachable", True),
    ],
)
async def test_failures_of_an_endpoint_are_told_apart(
    serve: Callable[[httpx.Request], httpx.Response], kind: str, passing: bool
) -> None:
    model = HttpLanguageModel(over(serve), "http://llm/v1", "small", None)
    with pytest.raises(LanguageModelError) as caught:
        await model.complete(ASKED)
    assert (caught.value.kind, caught.value.passing) == (kind, passing)


async def test_a_token_is_kept_until_it_is_old() -> None:
    clock, given = Clock(), 0

    def serve(request: httpx.Request) -> httpx.Response:
        nonlocal given
        assert request.headers["metadata-flavor"] == "Google"
        given += 1
        return httpx.Response(200, json={"access_token": f"t{given}", "expires_in": 3600})

    token = MetadataToken(over(serve), clock)
    assert [await token(), await token()] == ["t1", "t1"]
    clock.now = 3541.0
    assert await token() == "t2"


async def test_a_token_that_cannot_be_had_is_a_failure_of_the_model() -> None:
    client = over(lambda _: httpx.Response(200, json={}))
    model = HttpLanguageModel(client, "http://llm", "small", MetadataToken(client, Clock()))
    with pytest.raises(LanguageModelError, match="KeyError"):
        await model.complete(ASKED)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(llm="openai", llm_url="http://127.0.0.1:1/v1", llm_name="m", llm_api_key="k"),
        Settings(llm="vertex", llm_project="p", llm_location="europe-west1", llm_name="m"),
    ],
)
async def test_settings_choose_the_model(settings: Settings) -> None:
    chosen, model = choose.answerer(
        settings, CurrentModel(None), Metrics("1", "stable"), choose.breaker()
    )
    assert isinstance(chosen, PhrasedAnswerer)
    assert isinstance(model, HttpLanguageModel)
    await model.close()


def test_vertex_is_asked_by_its_compatible_endpoint() -> None:
    url = vertex_url("p", "europe-west1")
    assert url.endswith("/v1/projects/p/locations/europe-west1/endpoints/openapi")


def test_a_model_that_is_not_described_stops_the_start() -> None:
    with pytest.raises(ValidationError, match="needs RECOCHAT_LLM_URL, RECOCHAT_LLM_NAME"):
        Settings(llm="openai")


@pytest.mark.thorough
async def test_without_its_model_the_service_answers_and_counts(calling: Calling) -> None:
    # Nobody listens on port 1 of this machine.
    settings = Settings(llm="openai", llm_url="http://127.0.0.1:1/v1", llm_name="m")
    app = create_app(settings)
    async with app.router.lifespan_context(app), calling(app) as client:
        answer = await client.post("/api/v2/chat", json={"message": "recommend jazz"})
        metrics = (await client.get("/metrics")).text
    assert answer.status_code == 200
    assert answer.json()["source"] == "fallback"
    assert len(answer.json()["suggestions"]) == 3
    assert 'language_model_requests_total{outcome="unreachable"' in metrics
