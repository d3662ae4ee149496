"""Every command of the quickstart, in order, in one shell."""

import os
import re
import subprocess
from pathlib import Path

from hack.cluster.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/quickstart.md"


def commands(page: str) -> list[str]:
    """The page's blocks of commands."""
    return re.findall(r"^```bash\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_every_command_of_the_quickstart_works(linnet: Cluster) -> None:
    blocks = commands(PAGE.read_text())
    assert len(blocks) >= 10
    # The cluster of this run stands in for the one that the page would make.
    script = "\n".join(blocks).replace("quickstart/env", f"{linnet.name}/env")
    script = script.replace("--name quickstart", f"--name {linnet.name}")
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "RolledBack" in done.stdout
    assert "is above 1 %" in done.stdout
    linnet.kubectl("delete", "namespace", "quickstart", "--wait=false")
