import io

import pytest
from rich.console import Console

from hack.demo.scene import Show
from hack.demo.screen import Lines, Picture, screen_for, wants_picture
from tests.support.demo import START


def terminal(*, force_terminal: bool) -> Console:
    return Console(
        file=io.StringIO(),
        width=80,
        height=30,
        legacy_windows=False,
        force_terminal=force_terminal,
    )


def test_a_picture_is_for_a_terminal_that_is_no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_picture(terminal(force_terminal=True), live=True)
    assert not wants_picture(terminal(force_terminal=True), live=False)
    assert not wants_picture(terminal(force_terminal=False), live=True)
    monkeypatch.setenv("CI", "true")
    assert not wants_picture(terminal(force_terminal=True), live=True)


def test_lines_have_the_time_since_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hack.demo.screen.now", lambda: START + 12.34)
    console = terminal(force_terminal=False)
    with (
        console.capture() as capture,
        screen_for(console, Show("x", START, ()), live=True) as lines,
    ):
        assert isinstance(lines, Lines)
        lines.say("[v2] is promoted")
    assert capture.get() == "   12.3 s  [v2] is promoted\n"


def interrupted(console: Console) -> None:
    with screen_for(console, Show("x", START, ()), live=True) as screen:
        assert isinstance(screen, Picture)
        screen.say("nothing")
        raise KeyboardInterrupt


def test_the_picture_leaves_the_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    console = terminal(force_terminal=True)
    with pytest.raises(KeyboardInterrupt):
        interrupted(console)
    assert isinstance(console.file, io.StringIO)
    output = console.file.getvalue()
    assert output.rindex("\x1b[?1049l") > output.rindex("\x1b[?1049h")
    assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l")
