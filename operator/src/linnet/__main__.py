"""`python -m linnet`: run the operator, or check an installation."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    parser = argparse.ArgumentParser(prog="linnet", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    from linnet.controller import check, settings

    runner = commands.add_parser("run", help="run the operator")
    settings.add_arguments(runner)
    checker = commands.add_parser("check", help="check that an operator is installed and ready")
    checker.add_argument("--url", required=True, help="address of the operator's service")
    checker.add_argument("--timeout", type=float, default=30.0, help="seconds to wait")
    checker.add_argument(
        "--namespace",
        default=os.environ.get("LINNET_NAMESPACE", ""),
        help="the only namespace that the operator may look at; empty for all of them",
    )
    parsed = parser.parse_args(arguments)
    if parsed.command == "check":
        return asyncio.run(check.check(parsed.url, parsed.timeout, parsed.namespace))
    from linnet.controller import logs, run

    chosen = settings.from_arguments(parsed)
    logs.configure(chosen.log_level)
    return asyncio.run(run.run(chosen))


if __name__ == "__main__":
    sys.exit(main())
