"""Pin all dependencies anew: `python -m hack.lock`. The files record hashes and no addresses."""

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path("requirements")
OPTIONS = (
    "--quiet",
    "--upgrade",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
)


def main() -> int:
    """Compile every *.in; the development set comes first and binds the others to its versions."""
    for name in ("dev", "operator", "cli", "workload", "uv", "data", "security", "site"):
        source, target = REQUIREMENTS / f"{name}.in", REQUIREMENTS / f"{name}.txt"
        bound = () if name == "dev" else ("--constraint", str(REQUIREMENTS / "dev.txt"))
        alone = ("--no-deps",) if name == "data" else ()
        command = (
            ".venv/bin/uv",
            "pip",
            "compile",
            *OPTIONS,
            *bound,
            *alone,
            str(source),
            "-o",
            str(target),
        )
        subprocess.run(command, check=True)
        sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
