"""Worlds to try a policy on, by name."""

from datetime import timedelta

from linnet.simulation.described import (
    REALISTIC,
    Defect,
    DefectKind,
    Described,
    ErrorLevel,
    Outage,
    TrafficLevel,
)

_BUSY = TrafficLevel(requests_per_second=200, day_curve=0.3)
_ERRORS = ErrorLevel(percent=0.2, cluster=1.5)


def _world(
    name: str, about: str, *defects: Defect, rps: float = 200.0, **parts: object
) -> Described:
    traffic = _BUSY.model_copy(update={"requests_per_second": rps})
    return Described.model_validate(
        {
            "name": name,
            "about": about,
            "traffic": traffic,
            "errors": _ERRORS,
            "noise": REALISTIC,
            "defects": defects,
            **parts,
        }
    )


def _errors(percent: float, **more: object) -> Defect:
    return Defect.model_validate({"kind": DefectKind.ERRORS, "percent": percent, **more})


_TEN_MINUTES = timedelta(minutes=10)

WORLDS: dict[str, Described] = {
    world.name: world
    for world in (
        _world("healthy", "a good version of a service with 200 requests a second"),
        _world("quiet", "a good version of a service with 2 requests a second", rps=2.0),
        _world("errors-20", "20 % of the canary's requests fail", _errors(20)),
        _world("errors-5", "5 % of the canary's requests fail", _errors(5)),
        _world("errors-1", "1 % of the canary's requests fail", _errors(1)),
        _world("late-errors", "5 % fail, from 10 minutes on", _errors(5, after=_TEN_MINUTES)),
        _world(
            "slow", "every request takes six times as long",
            Defect(kind=DefectKind.LATENCY, times=6),
        ),
        _world(
            "leak", "pods need 3 % more of their memory limit each minute",
            Defect(kind=DefectKind.MEMORY, percent_per_hour=180),
        ),
        _world("hot", "requests cost three times the CPU", Defect(kind=DefectKind.CPU, times=3)),
        _world("crash", "pods crash-loop as soon as they get traffic",
               Defect(kind=DefectKind.CRASH, after=timedelta(seconds=30))),
        _world("unready", "pods never get ready", Defect(kind=DefectKind.UNREADY)),
        _world(
            "incident", "stable and canary fail 5 % alike, from the 10th minute to the 20th",
            _errors(5, after=_TEN_MINUTES, lasting=_TEN_MINUTES, shared=True),
        ),
        _world(
            "blind", "a good version, and Prometheus is away for 15 minutes",
            outages=(Outage(after=timedelta(minutes=4), lasting=timedelta(minutes=15)),),
        ),
    )
}  # fmt: skip

FIRST_LOOK = ("healthy", "quiet", "errors-5", "errors-1", "slow", "crash", "incident", "blind")
"""Those that are shown when nobody asks for others."""
