"""The command's beginning, where its packages may not be installed."""

import subprocess
import sys

import pytest

BLOCKED = "import sys; sys.modules.update(dict.fromkeys({blocked!r})); "


def start(code: str, *blocked: str) -> subprocess.CompletedProcess[str]:
    """A program in a Python that has not these packages."""
    text = BLOCKED.format(blocked=blocked) + code
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)


@pytest.mark.thorough
@pytest.mark.parametrize("package", ["typer", "rich", "yaml"])
def test_a_package_that_is_missing_is_named_with_the_remedy(package: str) -> None:
    code = "sys.argv = ['linnet', 'simulate']; from linnet.cli.entry import main; sys.exit(main())"
    found = start(code, package)
    assert found.returncode == 2
    assert "pip install 'linnet-operator[cli]'" in found.stderr


@pytest.mark.thorough
def test_the_operator_starts_without_them() -> None:
    found = start("import linnet.controller.run; print('well')", "typer", "rich", "linnet.cli")
    assert found.stdout == "well\n", found.stderr


def test_what_is_printed_into_a_pipe_is_there_at_once() -> None:
    code = (
        "sys.argv = ['linnet', '--help']; from linnet.cli.entry import main\n"
        "try: main()\nexcept SystemExit: sys.stderr.write(f'by lines: {sys.stdout.line_buffering}')"
    )
    assert start(code).stderr == "by lines: True"
