from argparse import ArgumentTypeError

import pytest

from hack.demo.options import options_for, select
from hack.demo.releases import RELEASES


def test_selecting_keeps_the_order_and_knows_the_names() -> None:
    assert [release.name for release in select(RELEASES, "v4, v2")] == ["v2", "v4"]
    assert select(RELEASES, "") == RELEASES
    with pytest.raises(ArgumentTypeError, match="there is no v9: there are v2, v3"):
        select(RELEASES, "v2,v9")


def test_all_are_played_unless_some_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    options = options_for("demo", None, RELEASES, "v2,v3")
    assert options.parse_args([]).only == RELEASES
    assert [version.name for version in options.parse_args(["--only", "v3"]).only] == ["v3"]
    with pytest.raises(SystemExit):
        options.parse_args(["--only", "v9"])
    assert "argument --only: there is no v9" in capsys.readouterr().err
