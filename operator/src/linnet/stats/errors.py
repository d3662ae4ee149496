"""Failed requests: does the canary fail more often than stable, by more than the margin?

The test is `linnet.stats.ratio`, with requests as exposure. `make bench-detection` measures what it
finds, how fast, and how often it is wrong.
"""

from linnet.stats.ratio import RatioTest

ERRORS = RatioTest(margin=1.5, clear_below=2.0)
"""Rolls back what is shown to fail more than 1.5 times as often, clears what is below 2 times."""
