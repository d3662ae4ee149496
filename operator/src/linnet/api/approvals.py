"""What a step may ask of people before the release goes on, and what they gave."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from linnet.api.rules import Span
from linnet.api.types import Duration, Model, Time

APPROVALS_LIMIT = 20


class Approvals(Model):
    """How many people have to approve a step, and for how long that counts."""

    required: Annotated[int, Field(ge=1, le=10)] = 1
    """How many different people. Each needs the verb approve on the CanaryRelease."""
    expires_after: Annotated[Duration, Span("1m", why="others have to approve in that time")] = (
        timedelta(hours=24)
    )
    """How long an approval counts. At least 1m."""


class Approval(Model):
    """An approval that was given."""

    id: str
    """The id of its request. It isn't counted again."""
    by: str
    """Who approved, as the API server knows them."""
    at: Time
    """When."""
    reason: str = ""
    """Why, in their own words."""
    revision: str
    """The version that was approved."""
    weight: int
    """The step that was approved, by its share of traffic in percent."""
