"""A policy on a service's own past: what it would have done, and what limits the past supports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from linnet.api.analysis import AdvanceLimit, Metric, ReadyMade, RollbackLimit
from linnet.api.spec import CanaryReleaseSpec
from linnet.core.catalog import Check, checks
from linnet.review import chances
from linnet.review.history import History, NoHistory
from linnet.review.past import Past
from linnet.simulation.described import Defect, DefectKind, Described, Pods, UsageLevel
from linnet.simulation.played import Outcome, Played
from linnet.simulation.rehearsal import BEFORE, play
from linnet.simulation.service import READY_MADE
from linnet.stats.sampling import Estimate, median, proportion

KNOWN = 0.9
"""The share of a release's time that must have been scraped to replay it."""
MEASURED = (ReadyMade.ERROR_RATE, ReadyMade.AVAILABILITY, ReadyMade.LATENCY_P95)
"""The checks that requests decide. Others pass in a backtest."""
NEVER = 1e9


@dataclass(frozen=True)
class Rollback:
    """A release of a good version that would have been rolled back. at: unix seconds."""

    at: float
    reason: str


@dataclass(frozen=True)
class Detection:
    """What would have become of a defect. delay: median seconds, of those that were found."""

    defect: str
    found: Estimate
    delay: Estimate | None
    failed: float


@dataclass(frozen=True)
class Support:
    """What the past says of one limit.

    highest: what a good version reached for as many measurements in a row as roll back, by
    release: the worst one, at `worst_at` (unix seconds), and the one that 99 of 100 stay below.
    proposed: a limit with room above that; limit: the policy's own.
    """

    check: str
    limit: float
    proposed: float
    highest: float
    ninety_nine: float
    worst_at: float


@dataclass(frozen=True)
class Report:
    """What a backtest found. Rates are from 0 to 1, times in seconds.

    skipped: releases that were not replayed, as too little of their time was scraped.
    requests_per_second: of the whole service, mean and of the quietest hour. requests_in_window:
    of the canary in the first step, on average and then. needed_in_window: below that a single
    failure is beyond the limit on errors.
    """

    days: float
    releases: int
    skipped: int
    false_rollbacks: Estimate
    rollbacks: tuple[Rollback, ...]
    promotion: Estimate | None
    unfinished: int
    detections: tuple[Detection, ...]
    support: tuple[Support, ...]
    requests_per_second: tuple[float, float]
    requests_in_window: tuple[float, float]
    needed_in_window: float


@dataclass(frozen=True)
class Job:
    """One release to replay. since_s: when the template changes, from the history's start."""

    since_s: float
    seed: int
    defect: Defect | None = None
    lenient: bool = False


def jobs(
    spec: CanaryReleaseSpec, history: History, many: int, seed: int, defects: Sequence[Defect]
) -> tuple[tuple[Job, ...], int]:
    """The releases to replay, and how many of them the past is too patchy for.

    For each moment: a good version, the same without limits, and one with each defect.

    Raises:
        NoHistory: the past is shorter than a release, or too little of it was scraped.
    """
    lasting, before = _expected_s(spec), BEFORE.total_seconds()
    room = history.length_s - lasting - before
    if room < 0:
        raise NoHistory(
            f"it covers {history.length_s / 3600:.1f} hours, and a release takes about "
            f"{lasting / 3600:.1f}: export more"
        )
    rng = np.random.default_rng(seed)
    places = before + (np.arange(many) + rng.random(many)) / many * room
    known = [float(p) for p in places if history.known_share(p, lasting) >= KNOWN]
    if not known:
        raise NoHistory(f"nowhere {KNOWN:.0%} of the time of a release was scraped")
    found = [
        job
        for number, place in enumerate(known)
        for job in (
            Job(place, seed + number),
            Job(place, seed + number, lenient=True),
            *(Job(place, seed + number, defect) for defect in defects),
        )
    ]
    return tuple(found), many - len(known)


def replay(spec: CanaryReleaseSpec, history: History, job: Job) -> Played:
    """Replay one release over the past."""
    described = Described(
        name="your past",
        usage=UsageLevel(memory=0, cpu=0),
        pods=Pods(restarts_per_day=0),
        defects=() if job.defect is None else (job.defect,),
    )
    past = Past(history, job.since_s - BEFORE.total_seconds(), job.seed)
    return play(lenient(spec) if job.lenient else spec, described, job.seed, past)


def lenient(spec: CanaryReleaseSpec) -> CanaryReleaseSpec:
    """The same policy with limits that nothing reaches, to see what is measured."""
    measured = [check for check in checks(spec.analysis) if _use(check) in MEASURED]
    metrics = tuple(_unlimited(check) for check in measured)
    changes = {"metrics": metrics, "comparison": None}
    return spec.model_copy(update={"analysis": spec.analysis.model_copy(update=changes)})


def _unlimited(check: Check) -> Metric:
    if check.below is not None:
        limits = RollbackLimit(below=-NEVER), AdvanceLimit(at_least=-NEVER)
    else:
        limits = RollbackLimit(above=NEVER), AdvanceLimit(at_most=NEVER)
    return Metric(name=check.name, use=_use(check), rollback=limits[0], advance=limits[1])


def _use(check: Check) -> ReadyMade | None:
    return READY_MADE.get(check.query)


def report(
    spec: CanaryReleaseSpec,
    history: History,
    done: Sequence[tuple[Job, Played]],
    skipped: int,
) -> Report:
    """What the releases that were replayed say together. done: at least one good one."""
    good = [(job, played) for job, played in done if job.defect is None and not job.lenient]
    ends = [(job, played) for job, played in good if played.outcome is Outcome.ROLLED_BACK]
    promoted = [played.ended_s for _, played in good if played.outcome is Outcome.PROMOTED]
    per_second = _per_second(history)
    window = spec.analysis.window.total_seconds() * spec.steps[0].weight / 100
    limits = [limit for check in checks(spec.analysis) if (limit := chances.error_limit(check))]
    return Report(
        days=history.length_s / 86400,
        releases=len(good),
        skipped=skipped,
        false_rollbacks=proportion(len(ends), len(good)),
        rollbacks=tuple(
            Rollback(history.start + job.since_s + played.ended_s, played.reason)
            for job, played in ends
        ),
        promotion=median(promoted) if promoted else None,
        unfinished=len(good) - len(ends) - len(promoted),
        detections=_detections(done),
        support=_supports(spec, history, done),
        requests_per_second=per_second,
        requests_in_window=(per_second[0] * window, per_second[1] * window),
        needed_in_window=100 / min(limits) if limits else 0.0,
    )


def _detections(done: Sequence[tuple[Job, Played]]) -> tuple[Detection, ...]:
    by_defect: dict[str, list[Played]] = {}
    for job, played in done:
        if job.defect is not None:
            by_defect.setdefault(told(job.defect), []).append(played)
    found = []
    for defect, group in by_defect.items():
        delays = [each.ended_s - each.onset_s for each in group if each.caught]
        failed = median([float(each.toll.failed) for each in group]).value
        share = proportion(len(delays), len(group))
        found.append(Detection(defect, share, median(delays) if delays else None, failed))
    return tuple(found)


def told(defect: Defect) -> str:
    """A defect in words."""
    if defect.kind is DefectKind.ERRORS:
        return f"{defect.percent:g} % more errors"
    return f"{defect.times:g} times the latency"


def _supports(
    spec: CanaryReleaseSpec, history: History, done: Sequence[tuple[Job, Played]]
) -> tuple[Support, ...]:
    found = []
    seen = [(job, played) for job, played in done if job.lenient]
    for check in checks(spec.analysis):
        limit = check.below if check.below is not None else check.above
        if _use(check) not in MEASURED or limit is None:
            continue
        sign = -1.0 if check.below is not None else 1.0
        peaks = [
            (peak, history.start + job.since_s)
            for job, played in seen
            if (peak := _peak(played, check, sign)) is not None
        ]
        if peaks:
            found.append(_support(check, limit, sign, peaks))
    return tuple(found)


def _peak(played: Played, check: Check, sign: float) -> float | None:
    """The worst value that as many measurements in a row had as roll back; None without."""
    values = [v for point in played.points if (v := point.values.get(check.name)) is not None]
    worse, many = [sign * value for value in values], check.consecutive
    runs = [min(worse[i : i + many]) for i in range(len(worse) - many + 1)]
    return max(runs, default=None)


def _support(
    check: Check, limit: float, sign: float, peaks: Sequence[tuple[float, float]]
) -> Support:
    worst, at = max(peaks)
    ordered = sorted(peak for peak, _ in peaks)
    high = ordered[min(len(ordered) - 1, ceil(0.99 * len(ordered)) - 1)]
    # Availability is a rate of errors, seen from the other side.
    proposed = _rounded_up(1.2 * high) if sign > 0 else 100 - _rounded_up(1.2 * (100 + high))
    return Support(check.name, limit, proposed, sign * worst, sign * high, at)


def _rounded_up(value: float) -> float:
    """At least the value, with two digits."""
    if value <= 0:
        return 0.1
    unit = 10.0 ** (floor(log10(value)) - 1)
    return round(ceil(value / unit - 1e-9) * unit, 10)


def _expected_s(spec: CanaryReleaseSpec) -> float:
    """About how long a release takes that is not held."""
    analysis = spec.analysis
    needed = analysis.window + analysis.min_samples * analysis.interval
    return 1.2 * sum(max(step.hold, needed).total_seconds() for step in spec.steps) + 120


def _per_second(history: History) -> tuple[float, float]:
    """Requests per second on average, and in the quietest hour that was scraped."""
    hour = max(1, round(3600 / history.step_s))
    known = np.where(history.known, history.counts[:, 0], np.nan)
    hours = known[: len(known) // hour * hour].reshape(-1, hour)
    mean = float(np.nanmean(known)) / history.step_s
    if not len(hours):
        return mean, mean
    whole = hours[~np.isnan(hours).any(axis=1)]
    quietest = float(whole.mean(axis=1).min()) / history.step_s if len(whole) else mean
    return mean, quietest


def as_defects(errors: Sequence[float], latency: Sequence[float]) -> tuple[Defect, ...]:
    """Defects to inject: percent of further errors, and factors on the latency."""
    found: list[Mapping[str, object]] = [
        *({"kind": DefectKind.ERRORS, "percent": percent} for percent in errors),
        *({"kind": DefectKind.LATENCY, "times": times} for times in latency),
    ]
    return tuple(Defect.model_validate(each) for each in found)
