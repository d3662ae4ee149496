"""Counts of two arms in one window, and what may be believed of them."""

from dataclasses import dataclass

import numpy as np

from linnet.stats.state import Array, Numbers

MOST = 1e9
"""More events or exposure than this in one window is a broken counter, not traffic."""


@dataclass(frozen=True)
class Window:
    """What happened between two looks, in numbers or in arrays of one shape (...).

    Events are among the exposure (failed among all requests), or happen in the course of it
    (restarts in pod-hours). seconds: the time between the looks, the same for all.
    Anything may stand here, also NaN: see `believable`.
    """

    canary_events: Numbers
    canary_exposure: Numbers
    stable_events: Numbers
    stable_exposure: Numbers
    seconds: float = 15.0


def believable(window: Window, *, events_within_exposure: bool = True) -> Array:
    """(4, ...) the canary's events, all events, the canary's exposure, all exposure.

    Zeros where a number is missing, negative, not finite, beyond `MOST`, or where there are more
    events than could be: such a window says nothing, neither for the canary nor against it.
    """
    told = np.array(
        [
            window.canary_events,
            window.canary_exposure,
            window.stable_events,
            window.stable_exposure,
        ],
        dtype=np.float64,
    )
    c, n, s, m = told
    good = ((told >= 0) & (told <= MOST)).all(axis=0)  # false for NaN, too
    if events_within_exposure:
        good &= (c <= n) & (s <= m)
    else:
        good &= ((c == 0) | (n > 0)) & ((s == 0) | (m > 0))
    told = np.where(good, told, 0.0)
    return np.array([told[0], told[0] + told[2], told[1], told[1] + told[3]])


def alone(events: Numbers, exposure: Numbers, seconds: float) -> Window:
    """The window of one arm: as stable's, beside a canary without exposure."""
    none = np.zeros(np.shape(exposure))
    return Window(none, none, events, exposure, seconds)


def span(window: Window) -> float:
    """The window's length in seconds: 0 where it is no positive number, at most a day."""
    seconds = window.seconds
    return min(float(seconds), 86400.0) if 0 < seconds < np.inf else 0.0
