"""What was seen of both versions' pods beside the requests that they answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Events = tuple[float, float]
"""How many, in the course of so many pod-seconds."""


@dataclass(frozen=True)
class Happened:
    """Events of both versions' pods between two looks. None: nobody told of a version's pods."""

    stable: Events | None = None
    canary: Events | None = None


@dataclass(frozen=True)
class MemorySeen:
    """Bytes by pod's name, at one moment.

    age_s: of the canary's pods, which began together. then: what stable's had at that age. now:
    what they have. Empty where nobody knows.
    """

    age_s: float = 0.0
    canary: Mapping[str, float] = field(default_factory=dict)
    then: Mapping[str, float] = field(default_factory=dict)
    now: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PodsSeen:
    """None: it was not asked for; memory is once a minute only."""

    restarts: Happened | None = None
    oom_kills: Happened | None = None
    memory: MemorySeen | None = None


UNSEEN = PodsSeen()
