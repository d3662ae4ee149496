"""Write `docs/reference/metrics.md` from the operator's own list of its metrics."""

from linnet.controller import telemetry  # makes its metrics when it is imported
from linnet.providers.telemetry import DESCRIBED, Described
from linnet.server import alerts, api

PAGE = "docs/reference/metrics.md"
MAKERS = (telemetry, alerts, api)
INTRO = """\
<!-- Generated from the operator's code by `make verify`. Do not edit. -->

# Metrics

What the operator tells of itself at `/metrics`, beside the usual metrics of a Python process.
Gauges of releases come from the replica that leads. A Prometheus that scrapes them has to keep
their label `namespace` (`honor_labels: true`).

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""


def described() -> dict[str, Described]:
    """Every metric of the operator, by its name."""
    return DESCRIBED


def page() -> str:
    """The page."""
    rows = [
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{name}`' for name in each.labels)} "
        f"| {each.text} |"
        for _, each in sorted(described().items())
    ]
    return INTRO + "\n".join(rows) + "\n"


def generate() -> dict[str, str]:
    """The text of the page, by its path in the repository."""
    return {PAGE: page()}
