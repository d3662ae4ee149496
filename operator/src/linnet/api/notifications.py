"""Who hears of decisions: what a release asks for, and the receivers that an operator has."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from linnet.api.rules import Spelled
from linnet.api.status import DecisionKind
from linnet.api.types import Model

TEMPLATE = "{namespace}/{name} {decision}: {message}"
FIELDS = frozenset(
    {"namespace", "name", "target", "decision", "reason", "message", "weight", "step", "revision"}
)
"""What a template may name, in braces."""

ReceiverName = Annotated[
    str,
    Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
    Spelled("must be the name of a receiver of the operator: lower-case letters, digits, dashes"),
]
Decisions = Annotated[tuple[DecisionKind, ...], Field(min_length=1, max_length=len(DecisionKind))]


class Subscription(Model):
    """One receiver that hears of a release's decisions."""

    receiver: ReceiverName
    """Name of a receiver that the operator was installed with."""
    on: Decisions | None = None
    """Kinds of decision to tell of, e.g. RolledBack. Those of the receiver if left out."""


class Format(StrEnum):
    """What a receiver understands."""

    CLOUD_EVENTS = "CloudEvents"
    """CloudEvents 1.0 over HTTP, structured mode."""
    SLACK = "Slack"
    """An incoming webhook of Slack, or of what understands the same: Mattermost, Rocket.Chat."""


class Receiver(Model):
    """A webhook that the operator was installed with. One of url and url_file says where it is."""

    model_config = ConfigDict(extra="forbid")

    name: ReceiverName
    """What releases call it by."""
    format: Format = Format.CLOUD_EVENTS
    """What it understands."""
    url: str = ""
    """Where it is, http or https."""
    url_file: str = ""
    """A file with the URL, read for each delivery: for URLs that are secrets."""
    token_file: str = ""
    """A file with a bearer token, read for each delivery; none is sent if empty."""
    on: Decisions | None = None
    """Kinds of decision that it hears of. All if left out."""
    by_default: bool = True
    """Whether it hears of releases that don't say who hears of them."""
    template: str = TEMPLATE
    """The text. Names of `FIELDS` in braces stand for their values."""

    @field_validator("template")
    @classmethod
    def _names_fields(cls, text: str) -> str:
        if unknown := set(re.findall(r"\{(\w+)\}", text)) - FIELDS:
            raise ValueError(f"{', '.join(sorted(unknown))}: none of {', '.join(sorted(FIELDS))}")
        return text

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if bool(self.url) == bool(self.url_file):
            raise ValueError("needs one of url and urlFile")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        return self
