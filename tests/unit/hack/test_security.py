"""What is made of pip-audit's answers: silence is never a pass."""

import json
from collections.abc import Mapping

from hack import security
from hack.security import FOUND, UNKNOWN, WELL, Audit, judged, told, verdict

FINE = {"name": "idna", "version": "3.20", "vulns": []}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found"}
FLAWED = {
    "name": "jinja2",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"], "aliases": [], "description": ""}],
}


def answer(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_nothing_found_is_well() -> None:
    audit = judged("cli", answer(FINE))
    assert audit == Audit("cli", 1, (), ())
    assert verdict([audit]) == WELL
    assert list(told([audit])) == ["packages of cli: 0 found in 1"]


def test_a_flaw_is_named_with_what_fixes_it() -> None:
    audit = judged("cli", answer(FINE, FLAWED))
    assert verdict([audit]) == FOUND
    assert list(told([audit]))[1] == "  jinja2 2.0: PYSEC-1, fixed in 2.1, 3.0"


def test_a_flaw_without_a_fix_says_so() -> None:
    flaw = {"id": "PYSEC-2", "fix_versions": []}
    (found,) = judged("cli", answer({**FINE, "vulns": [flaw]})).found
    assert found.endswith("fixed in no version")


def test_a_package_that_the_index_says_nothing_of_is_unknown_not_well() -> None:
    audit = judged("cli", answer(FINE, SKIPPED))
    assert audit.unknown == ("rich",)
    assert verdict([audit]) == UNKNOWN
    lines = list(told([audit]))
    assert lines[0] == "packages of cli: the index told of 1 of 2"
    assert "--offline" in lines[-1]


def test_no_answer_at_all_is_unknown() -> None:
    assert verdict([judged("cli", "Traceback ...")]) == UNKNOWN
    assert next(told([judged("cli", "")])) == "packages of cli: the index told of 0 of 0"


def test_a_flaw_weighs_more_than_silence() -> None:
    audits = [judged("cli", ""), judged("dev", answer(FLAWED))]
    assert verdict(audits) == FOUND
    assert not any("--offline" in line for line in told(audits))


def test_every_lock_is_asked_for_but_the_one_whose_code_never_runs() -> None:
    names = {lock.stem for lock in security.locks()}
    assert names >= {"operator", "workload", "cli", "dev"}
    assert "data" not in names
