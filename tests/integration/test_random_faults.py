"""Whole releases of every kind at random, with faults on every call: no rule is broken.

`LINNET_SEED` in the environment has a run of before again, as far as its requests come again.
"""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from tests.support.rig.random_run import Plan, run

SHOPS, RELEASES = 20, 24


def test_no_rule_is_broken_and_each_release_ends_as_it_must() -> None:
    seed = int(os.environ.get("LINNET_SEED") or secrets.randbelow(1_000_000))
    folder = Path(tempfile.mkdtemp(prefix="linnet-faults-"))
    report = run(Plan(seed, SHOPS, RELEASES), folder)
    print(report)
    assert not report.failed, f"{report}\nlogs: {folder}"
    assert not report.broken, f"{report}\nlogs: {folder}"
    assert report.ended.total() == RELEASES
    faults = report.faults.total() - report.faults["passed"]
    assert faults > report.faults.total() / 20, report.faults
    shutil.rmtree(folder)
