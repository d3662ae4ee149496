"""The seam for language models: who can phrase an answer, and how one is asked over HTTP.

Vertex AI is asked by its endpoint that is compatible with OpenAI's; it differs in where the token
comes from (the metadata server, as Workload Identity gives it to a pod).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import httpx

from recochat import context
from recochat.chat.engine import Say

Role = Literal["system", "user", "assistant"]
Failure = Literal["timeout", "unreachable", "refused", "failed", "garbage"]
Token = Callable[[], Awaitable[str]]

METADATA_URL: Final = (
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
)
_MAX_ANSWER_BYTES: Final = 256 * 1024
_RENEW_BEFORE_S: Final = 60.0
_END: Final = "data: [DONE]"


class LanguageModelError(Exception):
    """The model gave no answer that can be used."""

    def __init__(self, kind: Failure, detail: str) -> None:
        """``detail`` is for the log; it holds nothing of the conversation."""
        super().__init__(detail)
        self.kind = kind

    @property
    def passing(self) -> bool:
        """Whether the same request may do better a moment later."""
        return self.kind in ("unreachable", "failed")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation, as the model sees it."""

    role: Role
    content: str


class LanguageModel(Protocol):
    """Something that can go on with a conversation."""

    async def complete(self, messages: Sequence[Message], say: Say | None = None) -> str:
        """The next message of the assistant, not empty. Raises LanguageModelError, and no other.

        ``say`` gets it in pieces as they come; after some of them it may still fail.
        """

    async def close(self) -> None:
        """Give connections back. The model isn't used afterwards."""


class HttpLanguageModel:
    """A model behind an endpoint ``/chat/completions`` that is compatible with OpenAI's."""

    def __init__(self, client: httpx.AsyncClient, url: str, name: str, token: Token | None) -> None:
        """Ask model ``name`` at ``url`` (without ``/chat/completions``); own ``client``."""
        self._client, self._url, self._name, self._token = client, url.rstrip("/"), name, token

    async def complete(self, messages: Sequence[Message], say: Say | None = None) -> str:
        """The model's answer. The ids of the request in hand go along, to be found in its logs."""
        body: dict[str, Any] = {
            "model": self._name,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "max_tokens": 200,
        }
        url = f"{self._url}/chat/completions"
        try:
            headers = context.outgoing_headers()
            if self._token is not None:
                headers["authorization"] = f"Bearer {await self._token()}"
            if say is None:
                return _answer(await self._client.post(url, json=body, headers=headers))
            body["stream"] = True
            async with self._client.stream("POST", url, json=body, headers=headers) as response:
                return await _pieces(response, say)
        except httpx.TimeoutException as error:
            raise LanguageModelError("timeout", type(error).__name__) from error
        except httpx.HTTPError as error:
            raise LanguageModelError("unreachable", type(error).__name__) from error
        except (ValueError, KeyError, TypeError) as error:
            raise LanguageModelError("garbage", f"token: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


class MetadataToken:
    """The access token of the pod's service account, from the metadata server; kept until old."""

    def __init__(self, client: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        """``clock`` counts seconds."""
        self._client, self._clock = client, clock
        self._token, self._renew_at = "", float("-inf")

    async def __call__(self) -> str:
        """The token. Raises httpx.HTTPError, or ValueError, KeyError or TypeError for garbage."""
        if self._clock() >= self._renew_at:
            response = await self._client.get(METADATA_URL, headers={"metadata-flavor": "Google"})
            response.raise_for_status()
            given = response.json()
            self._token = given["access_token"]
            self._renew_at = self._clock() + float(given["expires_in"]) - _RENEW_BEFORE_S
        return self._token


def vertex_url(project: str, location: str) -> str:
    """Where Vertex AI has the endpoint that is compatible with OpenAI's."""
    return (
        f"https://{location}-aiplatform.googleapis.com/v1/projects/{project}"
        f"/locations/{location}/endpoints/openapi"
    )


def _check(response: httpx.Response) -> None:
    if response.status_code == 429 or response.status_code >= 500:
        raise LanguageModelError("failed", f"status {response.status_code}")
    if response.status_code != 200:
        raise LanguageModelError("refused", f"status {response.status_code}")


def _answer(response: httpx.Response) -> str:
    _check(response)
    if len(response.content) > _MAX_ANSWER_BYTES:
        raise LanguageModelError("garbage", f"an answer of {len(response.content)} bytes")
    try:
        text = response.json()["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise LanguageModelError("garbage", type(error).__name__) from error
    return _worded(text)


async def _pieces(response: httpx.Response, say: Say) -> str:
    """The whole of an answer that comes as server-sent events, each with a piece of it."""
    _check(response)
    pieces: list[str] = []
    size = 0
    async for line in response.aiter_lines():
        size += len(line)
        if size > _MAX_ANSWER_BYTES:
            raise LanguageModelError("garbage", "an answer without an end")
        if line == _END:
            return _worded("".join(pieces))
        if line.startswith("data:") and (piece := _piece(line.removeprefix("data:"))):
            pieces.append(piece)
            await say(piece)
    raise LanguageModelError("unreachable", "the answer was cut off")


def _piece(data: str) -> str:
    try:
        # The first and the last event have no text; some have no choices at all.
        choices = json.loads(data)["choices"]
        piece = choices[0]["delta"].get("content") if choices else ""
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise LanguageModelError("garbage", type(error).__name__) from error
    return piece if isinstance(piece, str) else ""


def _worded(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise LanguageModelError("garbage", "an answer without text")
    return text.strip()
