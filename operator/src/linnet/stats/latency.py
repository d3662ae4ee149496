"""Latency, from histogram buckets: is the canary slower, anywhere in the distribution?

For each edge b of the histogram, the requests that took longer than b are events, and the test of
`linnet.stats.ratio` compares their rates. The mean of the e-processes of all edges is an e-process
for "at no edge is the canary slower", that is for stochastic order: the averaging needs no
correction for the number of edges (Vovk, Wang, "E-values: calibration, combination and
applications", Annals of Statistics 2021). No quantile is estimated to decide.

How much slower is still healthy can't be one ratio for all edges: the same delay multiplies the
share of slow requests by little where half of them are slow, and by much far out. The margin m is
therefore a power: the canary's share beyond an edge may be S^(1/(1+m)), where S is stable's
(Lehmann, "The power of rank tests", Annals of Mathematical Statistics 1953). For exponentially
distributed latencies this is exactly "all requests m slower".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linnet.stats import counts, dispersion, mixture, ratio
from linnet.stats.objective import shown_below
from linnet.stats.ratio import RatioState
from linnet.stats.state import Array, Numbers, State, floored

USUAL_S = 3600.0
"""Half-life, in seconds, of what is known of stable's distribution."""

CLEARED = (0.01, 0.5)
"""The canary is clear once it is so at every edge beyond which stable has such a share.

Where the histogram has none, because all requests are faster than its edges can tell apart, the
lowest edge counts beyond which stable has less; there the canary may also be shown to have less
than the lower of these shares itself.
"""

SELDOM_PART = 0.05
"""The part of the stake on that."""


@dataclass(frozen=True)
class Histograms:
    """What happened between two looks.

    canary_slower, stable_slower: (..., J) requests that took longer than each edge, that is the
    `+Inf` bucket less the edge's. canary_requests, stable_requests: (...). seconds: the time
    between.
    """

    canary_slower: Numbers
    canary_requests: Numbers
    stable_slower: Numbers
    stable_requests: Numbers
    seconds: float = 15.0


@dataclass(frozen=True, eq=False)
class LatencyState(State):
    """edges: the comparison at each edge, (..., J). usual: (2, ..., J) stable's slow and all."""

    edges: RatioState
    usual: Array


@dataclass(frozen=True)
class LatencyTest:
    """A comparison of two distributions.

    margin: how much slower is still healthy, as a fraction > 0 of latency. clear_below: the canary
    is clear once it is shown to be less than this much slower; above the margin.
    """

    margin: float = 0.1
    clear_below: float = 0.25

    def begin(self, edges: int, shape: tuple[int, ...] = ()) -> LatencyState:
        """No evidence yet. edges: J, those below +Inf."""
        whole = (*shape, edges)
        return LatencyState(ratio.RatioTest().begin(whole), np.zeros((2, *whole)))

    def advance(self, state: LatencyState, seen: Histograms) -> LatencyState:
        """The evidence after one more window.

        The margin at each edge is set by what stable showed before this window. Without any such
        knowledge nothing is judged: let stable be watched while the canary's pods start.
        """
        shape = state.usual.shape[1:]
        window = counts.Window(
            seen.canary_slower,
            np.broadcast_to(np.asarray(seen.canary_requests)[..., None], shape),
            seen.stable_slower,
            np.broadcast_to(np.asarray(seen.stable_requests)[..., None], shape),
            seen.seconds,
        )
        told, seconds = counts.believable(window), counts.span(window)
        known = state.usual[1] > 0
        tail = usual_share(state)
        judged = np.where(known, told, 0.0)
        edges = ratio.step(
            state.edges, judged, seconds, _ratio(tail, self.margin), _ratio(tail, self.clear_below)
        )
        fade = 0.5 ** (seconds / USUAL_S)
        stable = np.array([told[1] - told[0], told[3] - told[2]])
        return LatencyState(edges, floored(state.usual * fade) + stable)


def worse(state: LatencyState) -> Array:
    """(...) log evidence that at some edge the canary is slower than the margin allows."""
    return mixture.log_mean(mixture.log_evidence(state.edges.worse))


def better(state: LatencyState) -> Array:
    """(...) log evidence that at no edge that matters (`CLEARED`) is the canary that much slower.

    The least of the edges' evidence: all have to be shown, so none needs a correction (Berger,
    "Multiparameter hypothesis testing and acceptance sampling", Technometrics 1982). 0 if no edge
    matters.
    """
    tail = usual_share(state)
    known = state.usual[1] > 0
    matter = (tail >= CLEARED[0]) & (tail <= CLEARED[1]) & known
    seldom = (tail < CLEARED[0]) & known
    first = seldom & (np.cumsum(seldom, axis=-1) == 1)
    matter = np.where(matter.any(axis=-1, keepdims=True), matter, first)
    slower, _, requests, _ = state.edges.total
    scatter = dispersion.factor(state.edges.scatter)
    rare = shown_below(slower, requests, CLEARED[0], scatter)
    shown = mixture.either(mixture.log_evidence(state.edges.better), rare, SELDOM_PART)
    edges = np.where(matter, shown, np.inf)
    least: Array = np.where(matter.any(axis=-1), edges.min(axis=-1), 0.0)
    return least


def worst_edge(state: LatencyState) -> NDArray[np.intp]:
    """(...) index of the edge at which most speaks against the canary."""
    return np.asarray(mixture.log_evidence(state.edges.worse).argmax(axis=-1))


def usual_share(state: LatencyState) -> Array:
    """(..., J) the share of stable's requests that are slower than each edge, in (0, 1]."""
    share: Array = (state.usual[0] + 1) / (state.usual[1] + 1)
    return share


def at_new_weight(state: LatencyState) -> LatencyState:
    """See `ratio.at_new_weight`; what is known of stable is kept."""
    return LatencyState(ratio.at_new_weight(state.edges), state.usual)


def _ratio(tail: Array, margin: float) -> Array:
    """The ratio of slow shares that "slower by the margin" comes to, at least 1."""
    allowed: Array = tail ** (-margin / (1 + margin))
    return allowed
