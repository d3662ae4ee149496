"""Pod restarts and OOM kills: events in the course of pod-seconds, compared between versions.

The test is `linnet.stats.ratio` in its Poisson form: a pod may restart more often than once in a
window. Where stable never restarts, a restart of the canary counts for as much as the canary's
share of all pod-seconds is small: with 5 % a fifth one decides; with 50 %, where a crash of either
is as likely, it takes some twenty in a row.
"""

from linnet.stats.ratio import RatioTest

RESTARTS = RatioTest(margin=2.0, clear_below=4.0, within=False)
"""Exposure in pod-seconds; rolls back what restarts more than twice as often."""

OOM_KILLS = RatioTest(margin=2.0, clear_below=4.0, within=False)
"""Exposure in pod-seconds; rolls back what is killed for memory more than twice as often."""
