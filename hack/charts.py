"""Both charts, linted and packed into out/charts: `python -m hack.charts`."""

import sys
from pathlib import Path

from hack.cluster.run import ClusterError, sh
from hack.cluster.tools import tool
from hack.version import CHARTS, version

OUT = Path("out/charts")
GATEWAY = "gateway.enabled=true,gateway.parentRef.name=public"
VALUES = {
    CHARTS[0]: ("", "scope.namespace=shop", "networkPolicy.egress.enabled=true", "replicas=1"),
    CHARTS[1]: ("", f"{GATEWAY},canaryRelease.enabled=true", "loadTest.enabled=true"),
}
"""What each chart is linted with: beside its defaults, what renders other templates."""


def main() -> int:
    """Lint with warnings as errors, then pack; prints what was packed."""
    try:
        for file in packed(OUT):
            sys.stdout.write(f"{file}\n")
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def packed(target: Path) -> list[Path]:
    """The archives of both charts.

    Raises:
        ClusterError: Helm has something to say about one.
    """
    lint()
    target.mkdir(parents=True, exist_ok=True)
    for chart in CHARTS:
        sh(tool("helm"), "package", chart, "--destination", target, timeout=60)
    return [target / f"{Path(chart).name}-{version()}.tgz" for chart in CHARTS]


def lint() -> None:
    """Let Helm judge both charts with each set of values.

    Raises:
        ClusterError: it found something.
    """
    for chart, sets in VALUES.items():
        for values in sets:
            sh(tool("helm"), "lint", "--strict", "--quiet", chart, "--set", values, timeout=60)


if __name__ == "__main__":
    sys.exit(main())
