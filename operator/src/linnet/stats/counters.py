"""From counters to counts: what was added between two scrapes, with restarts of the process."""

import numpy as np

from linnet.stats.state import Array, Numbers


def increments(before: Numbers, after: Numbers) -> Array:
    """(...) what was counted between two samples of the same counter; NaN where unknown.

    A counter that has fallen was begun anew by a restarted process, so all of it is new; what was
    counted before the restart and after the sample is lost. Raw samples go in: Prometheus' own
    `increase` extrapolates beyond them, and windows that overlap would count requests twice
    (Prometheus documentation, "Query functions"). Unknown are counters that one of the samples
    lacks, and those with infinite or negative values.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    known = (old >= 0) & (new >= 0) & (old < np.inf) & (new < np.inf)
    old, new = np.where(known, old, 0.0), np.where(known, new, 0.0)
    return np.where(known, np.where(new < old, new, new - old), np.nan)
