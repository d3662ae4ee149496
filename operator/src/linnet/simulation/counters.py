"""From counters to counts: what was added between two scrapes of thousands of releases."""

import numpy as np

from linnet.stats.state import Array, Numbers


def increments(before: Numbers, after: Numbers) -> Array:
    """(...) what was counted between two samples of the same counter; NaN where unknown.

    As `linnet.core.series.increase`, for arrays of counters instead of one series: a counter that
    has fallen was begun anew, and all of it is new.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    known = (old >= 0) & (new >= 0) & (old < np.inf) & (new < np.inf)
    old, new = np.where(known, old, 0.0), np.where(known, new, 0.0)
    return np.where(known, np.where(new < old, new, new - old), np.nan)
