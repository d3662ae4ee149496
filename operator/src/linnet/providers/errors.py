"""What can go wrong outside, as one tree::

    ProviderError
    ├─ ApiError            the API server refused, or could not be asked
    │  ├─ Unreachable      no answer: a time-out, a broken connection (status 0)
    │  ├─ Forbidden        401, 403: a permission is missing
    │  ├─ NotFound         404
    │  ├─ Conflict         409: somebody else wrote in between
    │  │  └─ OtherRevision the template, or the canary, is not of the revision decided on
    │  └─ TooManyRequests  429
    ├─ Unusable            an object can't be used as it is; the user has to change it
    └─ LeaseLost           this process may no longer write

The text of each is a sentence for people.
"""

import json


class ProviderError(Exception):
    """Anything that went wrong outside."""


class ApiError(ProviderError):
    """The API server refused, or could not be asked.

    status: the HTTP status, 0 without an answer. reason: Kubernetes' CamelCase word for it.
    retry_after: seconds that the server asks to wait, None if it doesn't say.
    """

    def __init__(
        self, status: int, reason: str, message: str, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class Unreachable(ApiError):
    """No answer: a time-out or a broken connection. A write may or may not have been done."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "Unreachable", message)


class Forbidden(ApiError):
    """The operator lacks a permission."""


class NotFound(ApiError):
    """The object, or the whole kind, isn't there."""

    def __init__(self, message: str) -> None:
        super().__init__(404, "NotFound", message)


class ObjectMissing(NotFound):
    """The kind is known, the object isn't there. Clients turn it into None or False."""


class Conflict(ApiError):
    """The object changed since it was read: read it again and decide anew."""

    def __init__(self, message: str) -> None:
        super().__init__(409, "Conflict", message)


class OtherRevision(Conflict):
    """The template, or the canary that is there, isn't of the revision that was decided on."""


class TooManyRequests(ApiError):
    """The API server asks for fewer requests."""


class Unusable(ProviderError):
    """An object can't be used as it is. The message names the field and the remedy."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class LeaseLost(ProviderError):
    """This process no longer holds the lease, so it writes nothing."""

    def __init__(self) -> None:
        super().__init__("the lease is lost: another process may write now")


def api_error(status: int, retry_after: str | None, data: bytes, path: str) -> ApiError:
    """The error for an answer of the API server, in its own words where there are any."""
    try:
        answer = json.loads(data)
        # Problem details, of an operator behind the API server's proxy, have a detail.
        message = str(answer["message"] if "message" in answer else answer["detail"])
        reason = str(answer.get("reason") or "Unknown")
        named = "detail" in answer or bool((answer.get("details") or {}).get("name"))
    except (ValueError, KeyError, TypeError, AttributeError):
        message, reason, named = f"{path}: HTTP status {status}", "Unknown", False
    if status == 404:
        if named:
            return ObjectMissing(message)
        return NotFound(f"the API server doesn't know {path}: is the CRD installed? ({message})")
    if status == 409:
        return Conflict(message)
    wait = float(retry_after) if retry_after and retry_after.isdigit() else None
    if status == 429:
        return TooManyRequests(status, reason, message, wait)
    if status in (401, 403):
        return Forbidden(status, reason, message)
    return ApiError(status, reason, message, wait)
