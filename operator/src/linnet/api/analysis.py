"""`CanaryRelease.spec.analysis`: what is measured, and the limits."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from linnet.api.comparison import Comparison
from linnet.api.rules import Span, Spelled, rules
from linnet.api.types import DURATION_PATTERN, Duration, Model


class ReadyMade(StrEnum):
    """Checks that need no PromQL."""

    ERROR_RATE = "errorRate"
    LATENCY_P95 = "latencyP95"
    MEMORY = "memory"
    CPU = "cpu"
    AVAILABILITY = "availability"


class Profile(StrEnum):
    """A set of limits for the ready-made checks."""

    STANDARD = "Standard"
    STRICT = "Strict"


class NoDataPolicy(StrEnum):
    """What a check without a value does."""

    HOLD = "Hold"
    ROLLBACK = "Rollback"
    IGNORE = "Ignore"


class RollbackLimit(Model):
    """The limit beyond which the canary is rolled back."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.above) && has(self.below))",
                "rollback takes either above or below, not both: remove one",
            ),
        )
    )

    above: float | None = None
    """Breach when the value is greater than this."""
    below: float | None = None
    """Breach when the value is less than this."""
    consecutive: Annotated[int, Field(ge=1, le=100)] | None = None
    """Number of breaches in a row that roll back. 3 if neither this nor a ready-made check says
    otherwise."""


class AdvanceLimit(Model):
    """The stricter limit that lets the release go on. Between the two limits it holds."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.atMost) && has(self.atLeast))",
                "advance takes either atMost or atLeast, not both: remove one",
            ),
        )
    )

    at_most: float | None = None
    """Go on when the value is at most this."""
    at_least: float | None = None
    """Go on when the value is at least this."""


QUERY_VARIABLES = ("namespace", "release", "target", "track", "workload", "pods", "window")
"""What may stand in double braces in a query."""


_A_VARIABLE = rf"\{{?\{{\{{\s*({'|'.join(QUERY_VARIABLES)})\s*\}}\}}"
"""A pattern for one, which may stand right after the brace of a selector."""


def _given(limit: str, side: str) -> str:
    """CEL: whether a metric sets one side of one limit."""
    return f"self.?{limit}.?{side}.hasValue()"


def _all_limits(low: str, high: str) -> str:
    """CEL: whether all limits that a metric sets are within these bounds."""
    sides = ("rollback.?above", "rollback.?below", "advance.?atMost", "advance.?atLeast")
    limits = ", ".join(f"self.?{side}.orValue({low})" for side in sides)
    return f"[{limits}].all(limit, limit >= {low} && limit <= {high})"


class Metric(Model):
    """A check: a ready-made one (`use`) or an own PromQL query (`query`)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.use) != has(self.query)",
                "a metric has either use (a ready-made check) or query (own PromQL): "
                "set exactly one",
            ),
            (
                "has(self.use) || has(self.name)",
                "a metric with a query needs a name: set metrics[].name",
            ),
            (
                "has(self.use) || (has(self.rollback) && "
                "(has(self.rollback.above) || has(self.rollback.below)))",
                "a metric with a query needs a limit: set rollback.above or rollback.below",
            ),
            (
                "!(has(self.rollback) && has(self.rollback.above) && has(self.advance) "
                "&& has(self.advance.atMost)) || self.advance.atMost <= self.rollback.above",
                "advance.atMost must not exceed rollback.above: lower advance.atMost",
            ),
            (
                "!(has(self.rollback) && has(self.rollback.below) && has(self.advance) "
                "&& has(self.advance.atLeast)) || self.advance.atLeast >= self.rollback.below",
                "advance.atLeast must not be less than rollback.below: raise advance.atLeast",
            ),
            (
                f"has(self.use) || !({_given('rollback', 'above')} && "
                f"{_given('advance', 'atLeast')}) && !({_given('rollback', 'below')} && "
                f"{_given('advance', 'atMost')})",
                "rollback and advance must face the same way: "
                "above goes with atMost, below with atLeast",
            ),
            (
                "!has(self.use) || (self.use == 'availability' ? "
                f"!{_given('rollback', 'above')} && !{_given('advance', 'atMost')} : "
                f"!{_given('rollback', 'below')} && !{_given('advance', 'atLeast')})",
                "errorRate, latencyP95, memory and cpu are bad when high: limit them by "
                "rollback.above and advance.atMost; availability by rollback.below and "
                "advance.atLeast",
            ),
            (
                f"!has(self.use) || self.use == 'latencyP95' || {_all_limits('0.0', '100.0')}",
                "errorRate, memory, cpu and availability are in percent: give limits from 0 to 100",
            ),
            (
                f"self.?use.orValue('') != 'latencyP95' || {_all_limits('1.0', '3600000.0')}",
                "latencyP95 is in milliseconds: give limits from 1 to 3600000",
            ),
            (
                f"!has(self.query) || self.query.matches(r'^([^{{]|\\{{[^{{]|{_A_VARIABLE})*$')",
                "query names a variable that doesn't exist: there are "
                + ", ".join(f"{{{{{name}}}}}" for name in QUERY_VARIABLES),
            ),
        )
    )

    name: (
        Annotated[
            str,
            Field(max_length=63, pattern=r"^[a-zA-Z][-a-zA-Z0-9]*$"),
            Spelled("must begin with a letter, and have letters, digits and dashes only"),
        ]
        | None
    ) = None
    """Name of the check in status, events and history. The ready-made check's own name if left
    out."""
    use: ReadyMade | None = None
    """A ready-made check: errorRate (percent of requests answered 5xx), latencyP95
    (milliseconds), memory and cpu (percent of the container's limit, of the worst pod),
    availability (percent of requests not answered 5xx)."""
    query: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Own PromQL that gives one number. {{namespace}}, {{release}}, {{target}}, {{track}},
    {{workload}}, {{pods}} (a regular expression for the track's pod names) and {{window}} are
    filled in."""
    rollback: RollbackLimit | None = None
    """Roll back beyond this limit. A ready-made check brings its own."""
    advance: AdvanceLimit | None = None
    """Go on within this limit. The rollback limit if left out."""
    no_data: NoDataPolicy = NoDataPolicy.HOLD
    """When the query gives no value: Hold (stay at the weight), Rollback (count as a breach) or
    Ignore."""


_KEY_OF = "(has({0}.name) ? {0}.name : has({0}.use) ? {0}.use : '')"
"""CEL: the name that a metric goes by."""


class HoldOutcome(StrEnum):
    """How a hold that lasted too long ends."""

    ROLLBACK = "Rollback"
    WAIT = "Wait"


_ALL_DURATIONS = (
    f"[self.interval, self.window, self.holdDeadline].all(d, d.matches(r'{DURATION_PATTERN}'))"
)
"""CEL: the durations of an analysis are ones. Those that aren't have a message of their own."""


class Analysis(Model):
    """How the service level is measured and judged."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"self.onHoldDeadline == 'Wait' || !{_ALL_DURATIONS} || "
                "duration(self.holdDeadline).getSeconds() >= duration(self.window).getSeconds() + "
                "self.minSamples * duration(self.interval).getSeconds()",
                "holdDeadline must be at least window + minSamples x interval, or no step that "
                "was held can pass in time: raise holdDeadline, or lower the others",
            ),
        )
    )

    interval: Annotated[Duration, Span("1s")] = timedelta(seconds=30)
    """Time between two measurements, e.g. 30s."""
    window: Annotated[Duration, Span("1s", why="it should cover several scrapes")] = timedelta(
        minutes=1
    )
    """Range of the queries ({{window}}). Should cover at least four scrapes. A weight's first
    window counts for a rollback only: it takes a full window at a weight to go on."""
    min_samples: Annotated[int, Field(ge=1, le=1000)] = 3
    """Measurements in a row within the advance limit, all taken at the step's weight, that each
    check needs before the step is passed."""
    profile: Profile = Profile.STANDARD
    """Limits of the ready-made checks. Standard: rollback at error rate > 1 % x3, p95 > 500 ms
    x3, memory > 85 % x2, CPU > 80 % x3. Strict: rollback at p95 > 200 ms and availability < 99 %
    too, and error rate < 0.5 %, p95 < 100 ms, availability > 99.95 % to go on."""
    metrics: Annotated[
        tuple[Metric, ...],
        Field(
            max_length=20,
            json_schema_extra=rules(
                (
                    "self.all(a, self.exists_one(b, "
                    f"{_KEY_OF.format('a')} == {_KEY_OF.format('b')}))",
                    "spec.analysis.metrics must have different names: set metrics[].name",
                ),
            ),
        ),
    ] = ()
    """The checks. All ready-made checks of the profile if left out."""
    comparison: Comparison | None = None
    """Compare the canary with stable, too. {} takes the defaults; not done if left out."""
    hold_deadline: Duration = timedelta(hours=1)
    """Longest time that a step may be held after its own hold time: because a check is between
    its limits, or without data."""
    on_hold_deadline: HoldOutcome = HoldOutcome.ROLLBACK
    """What happens then: Rollback, or Wait (stay at the weight, say so in the Stalled condition,
    and go on when the checks allow)."""
