"""What becomes of an A/B experiment, as functions of its spec, its data and a moment; and the
report.

`judge.judge` is the whole of it: readings of each metric, rules, a result. Pure: no clock, no I/O.
"""
