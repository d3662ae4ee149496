"""What the endpoints for feedback and events take and give."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_EVENTS: Final = 100

Id = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]


class FeedbackRequest(BaseModel):
    """What a person says about an item."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"user_id": "user-007", "item_id": "item-01", "verdict": "like"}]
        },
    )

    user_id: Id
    item_id: Id
    verdict: Literal["like", "dislike"]
    session_id: str = Field("", max_length=64, description="the conversation that suggested it")


class EventIn(BaseModel):
    """Something that happened in the client."""

    model_config = ConfigDict(extra="forbid", strict=True)

    event_id: str = Field(
        "",
        max_length=64,
        description="chosen by the caller, another one for each event of a user: "
        "with it, an event that is sent again within a week counts once",
    )
    name: Name = Field(description="for example `impression`, `click`, `completion`")
    user_id: Id
    at: float | None = Field(
        None, ge=0, le=4e9, description="seconds since the epoch; left out: now"
    )
    item_id: str = Field("", max_length=64)
    session_id: str = Field("", max_length=64)
    experiment: str = Field("", max_length=64)
    variant: str = Field("", max_length=64)
    value: float | None = Field(None, description="what was measured, for example seconds")


class EventsRequest(BaseModel):
    """Events, taken all or none."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "event_id": "9f1c3a52",
                            "name": "rating",
                            "user_id": "user-007",
                            "experiment": "tone",
                            "variant": "treatment",
                            "value": 4,
                        }
                    ]
                }
            ]
        },
    )

    events: list[EventIn] = Field(min_length=1, max_length=MAX_EVENTS)


class Accepted(BaseModel):
    """How many were taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"accepted": 1}]})

    accepted: int
