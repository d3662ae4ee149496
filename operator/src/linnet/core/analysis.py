"""From a sample to a verdict, and from verdicts to counts."""

from collections.abc import Mapping
from datetime import datetime

from linnet.api.analysis import NoDataPolicy
from linnet.api.status import MetricStatus, Verdict
from linnet.core.catalog import Check
from linnet.core.observed import Sample

NO_ANSWER = Sample(error="the query was not answered")


def assess(check: Check, sample: Sample, limits: frozenset[str]) -> tuple[Verdict, str]:
    """Judge one sample: the verdict, and value and limit in words.

    limits: resources that the target's containers limit; a check that needs another is skipped.
    """
    if check.requires is not None and check.requires not in limits:
        return Verdict.SKIPPED, f"no container has a {check.requires} limit"
    if sample.error:
        return Verdict.ERROR, sample.error
    if sample.value is None:
        return Verdict.NO_DATA, "the query gave no number"
    return _compare(check, sample.value)


def _compare(check: Check, value: float) -> tuple[Verdict, str]:
    shown = f"{value:.4g}{check.unit}"
    if check.above is not None and value > check.above:
        return Verdict.BREACH, f"{shown} is above {check.above:g}{check.unit}"
    if check.below is not None and value < check.below:
        return Verdict.BREACH, f"{shown} is below {check.below:g}{check.unit}"
    if check.at_most is not None and value > check.at_most:
        return Verdict.HOLD, f"{shown} is above {check.at_most:g}{check.unit}, needed to go on"
    if check.at_least is not None and value < check.at_least:
        return Verdict.HOLD, f"{shown} is below {check.at_least:g}{check.unit}, needed to go on"
    limit = check.at_most if check.at_most is not None else check.at_least
    return Verdict.PASS, f"{shown}, limit {limit:g}{check.unit}"


def measure(
    checks: tuple[Check, ...],
    samples: Mapping[str, Sample],
    before: tuple[MetricStatus, ...],
    limits: frozenset[str] | None,
    now: datetime,
    *,
    full_window: bool,
) -> tuple[MetricStatus, ...]:
    """Each check's new status after one round of measurements.

    limits: None while the target is away: whether a check that needs one applies can't be told
    then, and it stays as it was. full_window: the weight has been on the route for a whole query
    window, so that a pass is evidence about this weight. A breach counts always: the canary's pods
    serve nothing but the canary.
    """
    known = {metric.name: metric for metric in before}

    def status(check: Check) -> MetricStatus | None:
        before, sample = known.get(check.name), samples.get(check.name, NO_ANSWER)
        if limits is None and check.requires is not None:
            return before
        verdict, message = assess(check, sample, limits or frozenset())
        value = sample.value
        return _count(
            check, before, verdict, message, value=value, now=now, full_window=full_window
        )

    return tuple(metric for check in checks if (metric := status(check)) is not None)


def _count(
    check: Check,
    before: MetricStatus | None,
    verdict: Verdict,
    message: str,
    *,
    value: float | None,
    now: datetime,
    full_window: bool,
) -> MetricStatus:
    breaches = before.breaches if before else 0
    passes = before.passes if before else 0
    silent = verdict in (Verdict.NO_DATA, Verdict.ERROR)
    # Before a full window there may well be nothing to see yet.
    counts_as_breach = silent and full_window and check.no_data is NoDataPolicy.ROLLBACK
    if verdict is Verdict.BREACH or counts_as_breach:
        breaches += 1
    elif not silent:
        breaches = 0  # silence neither confirms nor clears a breach
    passes = passes + 1 if verdict is Verdict.PASS and full_window else 0
    return MetricStatus(
        name=check.name,
        value=value,
        verdict=verdict,
        message=message,
        measured_at=now,
        breaches=breaches,
        passes=passes,
    )


def forget_passes(metrics: tuple[MetricStatus, ...]) -> tuple[MetricStatus, ...]:
    """The same measurements, none of them evidence: they were taken at another weight."""
    return tuple(metric.model_copy(update={"passes": 0}) for metric in metrics)


def breached(check: Check, metric: MetricStatus) -> bool:
    """Whether the check has seen enough breaches in a row to roll back."""
    return metric.breaches >= check.consecutive


def ready_to_advance(check: Check, metric: MetricStatus, min_samples: int) -> bool:
    """Whether the check has the evidence that it needs to go on, or may do without."""
    if metric.verdict is Verdict.SKIPPED:
        return True
    silent = metric.verdict in (Verdict.NO_DATA, Verdict.ERROR)
    if silent and check.no_data is NoDataPolicy.IGNORE:
        return True
    return metric.passes >= min_samples
