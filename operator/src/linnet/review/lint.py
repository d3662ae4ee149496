"""What a policy can't do: an ordered list of small rules, each with a field and a remedy.

Told from the manifest alone, and from what is known of the service. What only its past can tell is
for `linnet backtest`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import log
from typing import Any

from linnet.api.analysis import ReadyMade
from linnet.api.spec import CanaryReleaseSpec, Step
from linnet.api.types import format_duration
from linnet.core import references, shares, steps
from linnet.core.catalog import QUERIES, checks
from linnet.core.looks import policy_of
from linnet.core.route import WHOLE
from linnet.review import chances
from linnet.review.chances import Expected
from linnet.simulation.worlds import EDGES_S
from linnet.stats import memory

MOST_FALSE = 0.02
"""The share of good versions that may be rolled back by chance without a warning."""


class Severity(StrEnum):
    """How bad a finding is. An error or a warning is for the author; advice is for thought."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True)
class Finding:
    """One thing that a policy can't do. field: where. message: what, and the remedy."""

    severity: Severity
    rule: str
    field: str
    message: str


@dataclass(frozen=True)
class Known:
    """What there is to judge from.

    expected: None where nobody has said how much traffic there is. deployment: the target's
    manifest, where it was given with the release. scrape: Prometheus' interval.
    """

    spec: CanaryReleaseSpec
    expected: Expected | None = None
    deployment: Mapping[str, Any] | None = None
    scrape: timedelta = timedelta(seconds=15)


Rule = Callable[[Known], Iterator[Finding]]


def lint(known: Known) -> tuple[Finding, ...]:
    """All findings, in the order of the rules."""
    return tuple(finding for rule in RULES for finding in rule(known))


def few_scrapes(known: Known) -> Iterator[Finding]:
    """A query window that has too few samples to tell a rate."""
    window = known.spec.analysis.window
    if window < 2 * known.scrape:
        yield Finding(
            Severity.ERROR,
            "fewScrapes",
            "spec.analysis.window",
            f"{_text(window)} may hold a single scrape of {_text(known.scrape)}, and then no rate: "
            f"no step would ever pass. Set it to {_text(4 * known.scrape)} or more",
        )
    elif window < 4 * known.scrape:
        yield Finding(
            Severity.WARNING,
            "fewScrapes",
            "spec.analysis.window",
            f"{_text(window)} holds few scrapes of {_text(known.scrape)}: when one is late there "
            f"is no value. Set it to {_text(4 * known.scrape)} or more",
        )


def short_holds(known: Known) -> Iterator[Finding]:
    """Steps that take longer than they say."""
    analysis = known.spec.analysis
    needed = analysis.window + analysis.min_samples * analysis.interval
    for number, step in enumerate(known.spec.steps):
        if step.hold < needed:
            yield Finding(
                Severity.WARNING if step.hold < analysis.window else Severity.ADVICE,
                "shortHold",
                f"spec.steps[{number}].hold",
                f"the step takes {_text(needed)} at least, not {_text(step.hold)}: one window of "
                f"{_text(analysis.window)}, then {analysis.min_samples} measurements "
                f"{_text(analysis.interval)} apart. Raise it, or lower window, minSamples or "
                "interval",
            )


def one_failure(known: Known) -> Iterator[Finding]:
    """Steps in which one failed request is beyond the limit."""
    if known.expected is None:
        return
    analysis = known.spec.analysis
    limits = [limit for check in checks(analysis) if (limit := chances.error_limit(check))]
    for number, step in enumerate(known.spec.steps):
        requests = chances.canary_requests(known.expected, step, analysis.window)
        if limits and requests * min(limits) < 100:
            needed = timedelta(
                seconds=round(analysis.window.total_seconds() * 100 / requests / min(limits))
            )
            yield Finding(
                Severity.WARNING,
                "oneFailure",
                f"spec.steps[{number}].weight",
                f"at {step.weight} % a window has about {requests:.3g} requests: a single failure "
                f"is beyond the limit of {min(limits):g} %. Raise the weight, or set "
                f"spec.analysis.window to {_text(needed)}, or add spec.analysis.comparison",
            )


def false_rollbacks(known: Known) -> Iterator[Finding]:
    """Good versions that limits roll back by chance."""
    if known.expected is None:
        return
    good = 1.0
    for step in known.spec.steps:
        share = chances.rolled_back(known.spec, step, known.expected, known.expected.error_percent)
        good *= 1 - share
    if 1 - good > MOST_FALSE:
        yield Finding(
            Severity.WARNING,
            "falseRollbacks",
            "spec.analysis.metrics",
            f"about {100 * (1 - good):.0f} % of good versions are rolled back by chance, with "
            f"{known.expected.requests_per_second:g} requests/s of which "
            f"{known.expected.error_percent:g} % fail. Raise the limits on errors or consecutive, "
            "lengthen the window, or use spec.analysis.comparison in their place",
        )


def reach(known: Known) -> Iterator[Finding]:
    """What each step is able to find in its time."""
    if known.expected is None:
        yield Finding(
            Severity.ADVICE,
            "trafficUnknown",
            "",
            "what limits do by chance, and what they find, depends on traffic: give "
            "--requests-per-second and --error-percent",
        )
        return
    for number, step in enumerate(known.spec.steps):
        size = chances.smallest_found(known.spec, step, known.expected)
        what = "no error rate at all" if size is None else f"error rates of {size:g} % and more"
        yield Finding(
            Severity.WARNING if size is None else Severity.ADVICE,
            "reach",
            f"spec.steps[{number}].hold",
            f"{_step(step)} is time enough to find {what} in 9 of 10 releases; what is smaller "
            f"goes on. To find less, raise hold or weight",
        )


def short_for_leaks(known: Known) -> Iterator[Finding]:
    """Steps in which no leak can be shown, since each begins the comparison of memory anew."""
    asked = known.spec.analysis.comparison
    if asked is None or asked.use.memory is None:
        return
    least = timedelta(seconds=memory.least_seconds(log(1 / policy_of(asked).alpha)))
    beside = (step.hold for step in known.spec.steps if step.weight < WHOLE)
    longest = max(beside, default=timedelta())
    if longest < least:
        yield Finding(
            Severity.ADVICE,
            "shortForLeaks",
            "spec.analysis.comparison.use.memory",
            f"no step beside stable lasts longer than {_text(longest)}, and growth of memory takes "
            f"about {_text(least)} to be shown. Raise a hold, or leave leaks to the check memory",
        )


def coarse_buckets(known: Known) -> Iterator[Finding]:
    """Latency limits between the edges of a histogram, where every value is a guess."""
    for check in checks(known.spec.analysis):
        if check.query != QUERIES[ReadyMade.LATENCY_P95]:
            continue
        for name, limit in (("rollback.above", check.above), ("advance.atMost", check.at_most)):
            if limit is None or limit / 1000 in EDGES_S or limit / 1000 > EDGES_S[-1]:
                continue
            above = min(edge for edge in EDGES_S if edge > limit / 1000)
            below = max((edge for edge in EDGES_S if edge < limit / 1000), default=0.0)
            yield Finding(
                Severity.ADVICE,
                "coarseBuckets",
                f"spec.analysis.metrics[{check.name}].{name}",
                f"{limit:g} ms lies within a bucket of {1000 * below:g} to {1000 * above:g} ms of "
                "the client libraries' default histogram, where Prometheus guesses. Use an edge, "
                "or see that your histogram has one there",
            )


def untracked_config(known: Known) -> Iterator[Finding]:
    """Config that changes under stable's pods without a release."""
    if known.deployment is None:
        return
    found = references.references(known.deployment["spec"]["template"])
    mutable = references.mutable(found, known.spec.tracked_config)
    if mutable:
        text = references.mutable_message(mutable)
        yield Finding(Severity.WARNING, "untrackedConfig", "spec.trackedConfig", text)


def missed_shares(known: Known) -> Iterator[Finding]:
    """Weights that pods can't give."""
    if known.deployment is None or not shares.by_pods(known.spec):
        return
    replicas = known.deployment["spec"].get("replicas", 1)
    for text in steps.missed(known.spec, replicas):
        yield Finding(
            Severity.WARNING,
            "missedShare",
            "spec.steps",
            f"{text}, with {replicas} replicas. Set the weight that can be had, or more replicas",
        )


def _step(step: Step) -> str:
    return f"{step.weight} % for {_text(step.hold)}"


def _text(span: timedelta) -> str:
    return format_duration(span)


RULES: tuple[Rule, ...] = (
    few_scrapes,
    short_holds,
    false_rollbacks,
    one_failure,
    short_for_leaks,
    coarse_buckets,
    untracked_config,
    missed_shares,
    reach,
)
