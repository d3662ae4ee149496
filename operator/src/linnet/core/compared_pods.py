"""Canary against stable by what pods do: restarts, OOM kills, and growth of memory.

A part of `linnet.core.comparison`, for what isn't counted by requests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp, inf, log, nan
from typing import Any, Self

from linnet.core.pods import Happened, MemorySeen, PodsSeen
from linnet.stats import memory, mixture, ratio
from linnet.stats.counts import Window
from linnet.stats.exposure import OOM_KILLS, RESTARTS
from linnet.stats.intervals import Interval
from linnet.stats.memory import MemoryState
from linnet.stats.ratio import LATELY_S, RatioState, RatioTest
from linnet.stats.verdict import MOST_SHOWN, Circumstances, Evidence, Finding, compare, judge

RESTARTS_NAME, OOM_KILLS_NAME, MEMORY_NAME = "restarts", "oomKills", "memory"
PODS_NAMES = (RESTARTS_NAME, OOM_KILLS_NAME, MEMORY_NAME)
PATIENCE = 5
"""Samples in a row without some pod that is followed, after which others are."""


@dataclass(frozen=True)
class Asked:
    """What is compared of the pods. Each is a test that may roll back."""

    restarts: bool = False
    oom_kills: bool = False
    memory: bool = False

    @property
    def tests(self) -> int:
        """How many there are."""
        return self.restarts + self.oom_kills + self.memory


NOTHING = Asked()


@dataclass(frozen=True)
class Followed:
    """Whose memory is followed. canary, stable: names of pods.

    missed: samples in a row that lacked one of them. lacking: whose memory nobody told at the last
    sample, or nobody knew of at that age: "canary", "stable" or "".
    """

    canary: tuple[str, ...] = ()
    stable: tuple[str, ...] = ()
    missed: int = 0
    lacking: str = ""

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in vars(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What was written. Raises ValueError, KeyError or TypeError where it wasn't this."""
        canary, stable = (tuple(map(str, data[version])) for version in ("canary", "stable"))
        return cls(canary, stable, int(data["missed"]), str(data["lacking"]))


NOBODY = Followed()


@dataclass(frozen=True, eq=False)
class PodsCompared:
    """All that is remembered. None: not asked for, or nobody has told of it yet."""

    restarts: RatioState | None = None
    oom_kills: RatioState | None = None
    memory: MemoryState | None = None
    followed: Followed = NOBODY

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {name: part and part.to_json() for name, part in vars(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What was written. Raises ValueError, KeyError or TypeError where it wasn't this."""
        restarts, kills, grown = data["restarts"], data["oom_kills"], data["memory"]
        return cls(
            restarts and RatioState.from_json(restarts),
            kills and RatioState.from_json(kills),
            grown and MemoryState.from_json(grown),
            Followed.from_json(data["followed"]),
        )


def whole() -> PodsCompared:
    """All parts there may be, with nothing seen."""
    return PodsCompared(RESTARTS.begin(), OOM_KILLS.begin(), memory.begin())


BEGUN = PodsCompared()


def advance(state: PodsCompared, seen: PodsSeen, asked: Asked, seconds: float) -> PodsCompared:
    """The state after one more look at both versions' pods. seconds: since the look before."""
    restarts, kills = state.restarts, state.oom_kills
    if asked.restarts:
        restarts = _counted(restarts, RESTARTS, seen.restarts, seconds)
    if asked.oom_kills:
        kills = _counted(kills, OOM_KILLS, seen.oom_kills, seconds)
    state = replace(state, restarts=restarts, oom_kills=kills)
    return _sampled(state, seen.memory) if asked.memory and seen.memory is not None else state


def at_new_weight(state: PodsCompared) -> PodsCompared:
    """The state as a step to another weight begins: what speaks against the canary is kept."""
    return PodsCompared(
        state.restarts and ratio.at_new_weight(state.restarts),
        state.oom_kills and ratio.at_new_weight(state.oom_kills),
        state.memory and memory.anew(state.memory),
        state.followed,
    )


def _counted(
    state: RatioState | None, test: RatioTest, seen: Happened | None, seconds: float
) -> RatioState | None:
    if seen is None or seen.canary is None or seen.stable is None:
        return state
    return test.advance(state or test.begin(), Window(*seen.canary, *seen.stable, seconds))


def _sampled(state: PodsCompared, seen: MemorySeen) -> PodsCompared:
    """One more sample of memory, of the pods that are followed where all of them are in it."""
    known, growth = state.followed, state.memory or memory.begin()
    both = seen.then.keys() & seen.now.keys()
    if not seen.canary or not both:
        lacking = "stable" if seen.canary else "canary"
        return replace(state, followed=replace(known, lacking=lacking))
    there = set(known.canary) <= seen.canary.keys() and set(known.stable) <= both
    if known.canary and not there and known.missed + 1 < PATIENCE:
        return replace(state, followed=replace(known, missed=known.missed + 1, lacking=""))
    if not known.canary or not there:
        known, growth = (
            Followed(tuple(sorted(seen.canary)), tuple(sorted(both))),
            memory.anew(growth),
        )
    controls = (_mean(seen.then, known.stable), _mean(seen.now, known.stable))
    growth = memory.advance(growth, _mean(seen.canary, known.canary), seen.age_s, controls)
    return replace(state, memory=growth, followed=replace(known, missed=0, lacking=""))


def _mean(values: Mapping[str, float], names: Iterable[str]) -> float:
    chosen = [values[name] for name in names]
    return sum(chosen) / len(chosen)


def findings(
    state: PodsCompared, seen: PodsSeen, asked: Asked, alpha: float, what: Circumstances
) -> dict[str, Finding]:
    """What is said after a look, of each test that is asked for.

    alpha: of each test. what: of the look; whether somebody told is found out here.
    """
    found = {}
    if asked.restarts:
        found[RESTARTS_NAME] = _of_events(state.restarts, RESTARTS, seen.restarts, alpha, what)
    if asked.oom_kills:
        found[OOM_KILLS_NAME] = _of_events(state.oom_kills, OOM_KILLS, seen.oom_kills, alpha, what)
    if asked.memory:
        found[MEMORY_NAME] = _of_memory(state, alpha, what)
    return found


def _of_events(
    state: RatioState | None,
    test: RatioTest,
    seen: Happened | None,
    alpha: float,
    what: Circumstances,
) -> Finding:
    what = replace(what, silent=seen is None or seen.canary is None)
    known = state or test.begin()
    finding = compare(known, test, alpha, what)
    # What decays with this half-life, and is fed by so many pods, comes to pods * half-life / ln 2.
    pods = float(known.lately[2]) * log(2) / LATELY_S
    seconds = finding.requests_needed / pods if pods > 0 else inf
    return replace(finding, requests_needed=inf, seconds_needed=seconds)


def _of_memory(state: PodsCompared, alpha: float, what: Circumstances) -> Finding:
    growth = state.memory or memory.begin()
    what = replace(what, silent=state.followed.lacking == "canary")
    shown = float(mixture.log_evidence(growth.growth))
    matters = bool(memory.matters(growth))
    size, between = float(memory.growth_per_day(growth)), memory.growth_interval(growth)
    return Finding(
        # However sure it is: what doesn't matter is no breach. That nothing grows can't be shown.
        verdict=judge(Evidence(shown if matters else 0.0, 0.0), alpha, what),
        effect=1 + size if between.high < inf else nan,
        interval=Interval(1 + between.low, 1 + between.high),
        lately=exp(float(growth.above)),
        e_value=exp(min(shown, MOST_SHOWN)),
        needed=1 / alpha,
        requests_needed=inf,
        seconds_needed=memory.seconds_needed(growth, log(1 / alpha)),
    )
