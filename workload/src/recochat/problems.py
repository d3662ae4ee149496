"""Errors as the caller sees them: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from recochat import context

MEDIA_TYPE = "application/problem+json"

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Chosen by the caller: within a day, a repetition is answered as the first was.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}

# Statuses that any read or write of the API may be answered with, besides those of its own.
READS: Final = (422, 429, 500, 503)
WRITES: Final = (400, 409, 413, *READS)

# Who can put it right: the caller, us, or a service that we call.
ErrorClass = Literal["user", "system", "external"]


class StoreUnavailable(Exception):
    """Redis didn't answer in time, or refused."""


class FieldError(BaseModel):
    """One field that was refused."""

    field: str = Field(description="where it is, for example `history.3`")
    detail: str = Field(description="what is expected")


class Problem(BaseModel):
    """An error, by RFC 9457."""

    type: str = Field(description="a URN that names the kind of problem")
    title: str
    status: int
    detail: str
    error_class: ErrorClass
    correlation_id: str
    errors: list[FieldError] | None = None


def problem_body(
    status: int, kind: str, detail: str, error_class: ErrorClass, **extra: Any
) -> bytes:
    """The JSON of a problem of ``kind`` (kebab-case) about the request in hand.

    The log line of the request will name the same class.
    """
    context.note_error(error_class, kind)
    return orjson.dumps(
        {
            "type": f"urn:recochat:problem:{kind}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "error_class": error_class,
            "correlation_id": context.correlation_id(),
            **extra,
        }
    )


def problem(
    status: int,
    kind: str,
    detail: str,
    error_class: ErrorClass,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """The response that says so."""
    body = problem_body(status, kind, detail, error_class, **extra)
    return Response(body, status, headers=headers, media_type=MEDIA_TYPE)


def _field(location: Sequence[int | str]) -> str:
    """Where the field is, without the leading "body", "path" or "query"."""
    parts = [str(part) for part in location]
    return ".".join(parts[1:]) or parts[0]


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # The input itself isn't repeated: it may be private, and it may be large.
    fields = [{"field": _field(e["loc"]), "detail": e["msg"]} for e in error.errors()]
    detail = "; ".join(f"{f['field']}: {f['detail']}" for f in fields[:5])
    return problem(422, "invalid-request", detail, "user", errors=fields)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    headers = error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed(request))}
    kind = status.phrase.lower().replace(" ", "-")
    error_class: ErrorClass = "user" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "system"
    return problem(status, kind, str(error.detail), error_class, headers)


def _allowed(request: Request) -> list[str]:
    """All methods of the path; the framework tells those of the first route only."""
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"{[^/]+}", "[^/]+", template), request.url.path):
            return sorted(method.upper() for method in operations)
    return ["GET"]


def store_unavailable() -> Response:
    """The response while Redis doesn't work."""
    detail = "The session store doesn't answer. Recommendations still work; try again shortly."
    return problem(503, "session-store-unavailable", detail, "external", {"Retry-After": "1"})


def refused_field(field: str, expected: str, part: str = "body") -> RequestValidationError:
    """What to raise for a field whose value only the handler can judge."""
    return RequestValidationError([{"type": "value", "loc": (part, field), "msg": expected}])


async def _unavailable(_: Request, __: Exception) -> Response:
    return store_unavailable()


def install(app: FastAPI) -> None:
    """Make ``app`` answer errors as problems."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StoreUnavailable, _unavailable)


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """An ``openapi()`` for ``app`` that tells what layers before the routes do.

    Errors are problems and nothing else, and writes take an Idempotency-Key.
    """
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for response in operation["responses"].values():
                    if MEDIA_TYPE in response.get("content", {}):
                        response["content"].pop("application/json", None)
                if method == "post" and path.startswith("/api/"):
                    operation["parameters"] = [_IDEMPOTENCY_KEY]
        return document

    return openapi


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI should say about ``statuses``, for the ``responses`` of a route."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {s: {"model": Problem, "content": {MEDIA_TYPE: schema}} for s in statuses}
