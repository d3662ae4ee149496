"""The deciding part: pure functions of (spec, status, observed, now). No clock, no I/O."""
