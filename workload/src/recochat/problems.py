"""Errors as the caller sees them: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from recochat import context
from recochat.sessions.base import SessionStoreUnavailable

MEDIA_TYPE = "application/problem+json"

# Who can put it right: the caller, us, or a service that we call.
ErrorClass = Literal["user", "system", "external"]


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
    """The JSON of a problem of ``kind`` (kebab-case) about the request in hand."""
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


def _respond(
    status: int,
    kind: str,
    detail: str,
    error_class: ErrorClass,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
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
    return _respond(422, "invalid-request", detail, "user", errors=fields)


async def _http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    kind = status.phrase.lower().replace(" ", "-")
    error_class: ErrorClass = "user" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "system"
    return _respond(status, kind, str(error.detail), error_class, error.headers)


async def _store_unavailable(_: Request, __: Exception) -> Response:
    detail = "The session store doesn't answer. Recommendations still work; try again shortly."
    return _respond(503, "session-store-unavailable", detail, "external", {"Retry-After": "1"})


def install(app: FastAPI) -> None:
    """Make ``app`` answer errors as problems."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(SessionStoreUnavailable, _store_unavailable)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI should say about ``statuses``, for the ``responses`` of a route."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {s: {"model": Problem, "content": {MEDIA_TYPE: schema}} for s in statuses}
