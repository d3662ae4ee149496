"""Every command of the quickstart and of the drill that goes on from it, in order, in one shell."""

import os
import re
import subprocess
from pathlib import Path

from hack.cluster.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART, DRILL = ROOT / "docs/quickstart.md", ROOT / "docs/ops/DRILL.md"
LEAVE = "## Leave"
REPORT = ROOT / "out/drill.md"


def commands(page: str) -> list[str]:
    """The page's blocks of commands."""
    return re.findall(r"^```bash\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def in_order() -> list[str]:
    """The quickstart; before it leaves, the drill."""
    before, heading, after = QUICKSTART.read_text().partition(LEAVE)
    assert heading
    found = [commands(page) for page in (before, DRILL.read_text(), after)]
    assert [len(blocks) for blocks in found] >= [10, 8, 1]
    return [block for blocks in found for block in blocks]


def test_a_new_operator_gets_along_with_the_documents_alone(linnet: Cluster) -> None:
    # The cluster of this run stands in for the one that the page would make.
    script = "\n".join(in_order()).replace("quickstart/env", f"{linnet.name}/env")
    script = script.replace("--name quickstart", f"--name {linnet.name}")
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    told = " ".join(done.stdout.split())
    assert "is above 1 %" in told
    assert "AlertFired" in told
    assert "nothing was written" in told
    report = REPORT.read_text()
    assert "was rolled back" in report
    assert "Rollback was asked for by" in report
    assert "the alert was wrong" in told
    linnet.kubectl("delete", "namespace", "quickstart", "--wait=false")
