"""Where the command begins: it says what is missing where its packages aren't installed."""

import sys


def main() -> int:
    """Run the command; return the exit code."""
    try:
        from linnet.cli.app import app
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("rich", "typer", "yaml"):
            raise
        remedy = "pip install 'linnet-operator[cli]'"
        sys.stderr.write(f"linnet needs the package {package}: {remedy}\n")
        return 2
    app()
    return 0


if __name__ == "__main__":
    sys.exit(main())
