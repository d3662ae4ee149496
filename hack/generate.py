"""Write, or with --check compare, every generated file: `python -m hack.generate`."""

import sys

from hack import architecture, commands, crds, metrics_reference


def main() -> int:
    """Run every generator; 1 if a check found a stale file."""
    arguments = sys.argv[1:]
    return max(
        crds.main(arguments),
        architecture.main(arguments),
        commands.main(arguments),
        metrics_reference.main(arguments),
    )


if __name__ == "__main__":
    sys.exit(main())
