"""The table of commands, and what is imported for it."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from linnet.cli.app import app
from linnet.cli.commands import COMMANDS, Entry


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_a_command_is_what_the_table_says(entry: Entry) -> None:
    loaded = entry.load()
    first, _, _ = (loaded.help or "").partition("\n")
    assert first == entry.told
    assert loaded.name == entry.name


def test_help_lists_the_commands() -> None:
    printed = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f"  {entry.name} " in printed for entry in COMMANDS)


def test_a_typing_error_is_answered_with_a_command() -> None:
    result = CliRunner().invoke(app, ["lnt"])
    assert result.exit_code == 2
    assert "Did you mean 'lint'" in result.stderr


def test_help_needs_no_client() -> None:
    code = (
        "import sys\nfrom linnet.cli.app import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('kubernetes', 'numpy', 'pydantic') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.endswith("[]\n"), found.stderr


def test_completion_is_printed_for_a_shell() -> None:
    result = CliRunner().invoke(app, ["completion", "zsh"])
    assert result.exit_code == 0
    assert "_LINNET_COMPLETE=complete_zsh" in result.stdout
