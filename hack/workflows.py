"""The workflows under .github, held to what GitHub understands: `python -m hack.workflows`."""

import subprocess
import sys
from pathlib import Path

from hack.cluster.run import ClusterError
from hack.cluster.tools import tool

FOLDER = Path(".github/workflows")


def main() -> int:
    """Let actionlint judge every workflow; its exit code, or 1 where it can't be built."""
    try:
        words = [str(tool("actionlint")), "-no-color", *map(str, sorted(FOLDER.glob("*.yaml")))]
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return subprocess.run(words, check=False, timeout=60).returncode


if __name__ == "__main__":
    sys.exit(main())
