"""Generated files: written, compared, and left alone where somebody only asks."""

from pathlib import Path

import pytest

from hack import crds
from hack.generate import generated, main


@pytest.mark.thorough
def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.thorough
def test_check_names_the_stale_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [f"wrote {path}" for path in generated()]
    (tmp_path / crds.CHART).write_text("edited by hand")
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == f"{crds.CHART} is stale: run `make verify`\n"
    assert (tmp_path / crds.CHART).read_text() == "edited by hand"
