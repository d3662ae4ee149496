"""Write `docs/reference/metrics.md` from the operator's own list of its metrics."""

import sys
from pathlib import Path

from linnet.controller import telemetry  # makes its metrics when it is imported
from linnet.providers.telemetry import DESCRIBED
from linnet.server import alerts

PAGE = Path("docs/reference/metrics.md")
MAKERS = (telemetry, alerts)
INTRO = """\
<!-- Generated from the operator's code by `python -m hack.metrics_reference`. Do not edit. -->

# Metrics

What the operator tells of itself at `/metrics`, beside the usual metrics of a Python process.
Gauges of releases come from the replica that leads. A Prometheus that scrapes them has to keep
their label `namespace` (`honor_labels: true`).

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The page."""
    rows = [
        f"| `{each.name}` | {each.kind} | {', '.join(f'`{name}`' for name in each.labels)} "
        f"| {each.text} |"
        for _, each in sorted(DESCRIBED.items())
    ]
    return INTRO + "\n".join(rows) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with --check say whether that would change it."""
    fresh = page()
    if PAGE.exists() and PAGE.read_text() == fresh:
        return 0
    if "--check" in (sys.argv[1:] if arguments is None else arguments):
        sys.stderr.write(f"{PAGE} is stale: run make verify\n")
        return 1
    PAGE.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
