"""What a person asks of a release: JSON in an annotation of the CanaryRelease."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from linnet.api.types import Model, Time

ANNOTATION = "linnet.dev/request"


class RequestAction(StrEnum):
    """What can be asked for."""

    ROLLBACK = "Rollback"
    """All traffic to stable, at once, whatever was measured."""
    PROMOTE = "Promote"
    """On to the next step now, without waiting for the hold or for evidence."""
    PROMOTE_FULLY = "PromoteFully"
    """The same with every step that is left, and with the promotion."""
    RETRY = "Retry"
    """Release the version again that was rolled back."""
    APPROVE = "Approve"
    """This version may go on from this step. Counts only through the HTTP API."""
    STOP = "Stop"
    """End the experiment now, without a result: a person decides then."""
    DECIDE = "Decide"
    """What has become of the experiment, whatever its rules say. Counts only through the HTTP
    API."""


class Request(Model):
    """One request. It is answered once; another one needs another id."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    """What tells this request from others, e.g. a UUID."""
    action: RequestAction
    """Rollback, Promote, PromoteFully, Retry, Approve, Stop or Decide."""
    by: Annotated[str, Field(max_length=253)] = ""
    """Who asks, in the asker's own words. The API server's audit log knows it for certain."""
    reason: Annotated[str, Field(max_length=500)] = ""
    """Why, for the history."""
    at: Time | None = None
    """When it was asked. A Promote, Approve, Stop or Decide that was asked before the present step
    began is refused."""
    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    """With Promote: the step to go on to, by its weight. The next one if left out."""
    revision: Annotated[str, Field(max_length=253)] = ""
    """With Approve and Decide: the version that is meant, so that it is about no other one."""
    result: Literal["", "Success", "Failure"] = ""
    """With Decide: Success lets the release go on, Failure rolls it back."""


class RequestOutcome(StrEnum):
    """What became of a request."""

    ACCEPTED = "Accepted"
    DONE = "Done"
    REFUSED = "Refused"
    OVERTAKEN = "Overtaken"


class RequestStatus(Model):
    """The last request that was answered."""

    id: str
    """Its id. It isn't answered again."""
    action: str = ""
    """What was asked for. Empty where that can't be read."""
    by: str = ""
    """Who asked, in their own words."""
    reason: str = ""
    """Why, in their own words."""
    weight: int | None = None
    """The step that was asked for, by its weight."""
    outcome: RequestOutcome
    """Accepted: being carried out. Done. Refused: nothing has moved. Overtaken: the release ended
    otherwise, before it was done."""
    message: str
    """What follows; where it was refused, why, and what helps."""
    answered_at: Time
    """When it was accepted or refused."""
