"""Requests that this process has written for callers of the HTTP API, and who waits for them."""

import asyncio
from dataclasses import dataclass

from linnet.api.request import RequestAction, RequestOutcome, RequestStatus
from linnet.api.status import CanaryReleaseStatus
from linnet.controller.release import Key
from linnet.core import approvals

APPROVED = str(RequestAction.APPROVE)


@dataclass(frozen=True)
class _Waiting:
    name: str
    text: str
    told: asyncio.Future[RequestStatus]


class Asked:
    """The request of each release that somebody waits for: at most one.

    The text is known as long as its caller waits, and no longer. So a request that is written once
    more, by whomever, proves nothing.
    """

    def __init__(self) -> None:
        self._waiting: dict[Key, _Waiting] = {}

    def put(self, key: Key, name: str, text: str) -> asyncio.Future[RequestStatus]:
        """Note what is about to be written; what is given is done with the outcome."""
        told: asyncio.Future[RequestStatus] = asyncio.get_running_loop().create_future()
        self._waiting[key] = _Waiting(name, text, told)
        return told

    def reviewed(self, key: Key, text: str) -> bool:
        """Whether a release's request is what this process has written for a caller."""
        found = self._waiting.get(key)
        return found is not None and found.text == text

    def decided(self, key: Key, status: CanaryReleaseStatus) -> None:
        """Say that this status is stored."""
        waiting = self._waiting.get(key)
        if waiting is None or waiting.told.done():
            return
        found = _outcome(status, waiting.name)
        if found is not None:
            waiting.told.set_result(found)

    def forget(self, key: Key) -> None:
        """Nobody waits any more."""
        self._waiting.pop(key, None)


def _outcome(status: CanaryReleaseStatus, name: str) -> RequestStatus | None:
    if status.request is not None and status.request.id == name:
        return status.request
    given = approvals.answered(status, name)
    if given is None:
        return None
    told = (each for each in status.history if (each.at, each.reason) == (given.at, APPROVED))
    return RequestStatus(
        id=given.id,
        action=RequestAction.APPROVE,
        by=given.by,
        reason=given.reason,
        weight=given.weight,
        outcome=RequestOutcome.DONE,
        message="; ".join(each.message for each in told),
        answered_at=given.at,
    )
