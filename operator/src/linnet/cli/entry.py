"""Where the command begins: it says what is missing where its packages aren't installed."""

import io
import os
import sys

PLUGIN = "kubectl-linnet"
"""The name under which kubectl finds it, as `kubectl linnet`."""


def main() -> int:
    """Run the command; return the exit code."""
    called = os.path.basename(sys.argv[0])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that a pipeline's log has it at once
    try:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        from linnet.cli.app import app

        if any(name.endswith("_COMPLETE") for name in os.environ):
            completion_init()
        app(prog_name="kubectl linnet" if called == PLUGIN else "linnet")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("rich", "typer", "yaml"):
            raise
        return _missing(package)
    return 0


def _missing(package: str) -> int:
    remedy = "pip install 'linnet-operator[cli]'"
    sys.stderr.write(f"linnet needs the package {package}: {remedy}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
