"""Which parts `python -m hack.test` runs."""

import pytest

from hack.test import PARTS, parts


def test_all_parts_are_run_if_none_is_named() -> None:
    assert parts([]) == list(PARTS)


def test_those_named_are_run_in_the_usual_order() -> None:
    assert parts(["coverage", "near"]) == ["near", "coverage"]


def test_a_part_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parts(["far"])
    assert "no such part: far" in capsys.readouterr().err
