"""What the documents show of the command on a cluster is what it prints there."""

import shlex
from pathlib import Path

import pytest
from rich.text import Text

from hack import rehearse
from hack.sessions import limited
from hack.sessions.pages import PAGE, PICTURES, day, written
from hack.sessions.pictures import cut, picture, plain
from hack.sessions.stage import WIDTH
from hack.sessions.story import STORY, Session
from linnet.cli.commands import BY_NAME
from linnet.cli.probe.send import Plan

API = Path("docs/api.md")
TYPED = [command for _, commands in STORY for command in commands]


@pytest.mark.thorough
def test_the_page_and_the_pictures_are_current() -> None:
    files = written().items()
    stale = [str(file) for file, text in files if not file.is_file() or file.read_text() != text]
    assert stale == [], "make verify"


@pytest.mark.thorough
def test_commands_do_what_the_story_says() -> None:
    said = {each.command: plain(each.printed) for each in day()}
    assert "10 % wanted, 10 % seen" in said["status shop"]
    assert said["rollback shop --dry-run"].endswith("shop: nothing was written\n")
    assert "ErrorRateBreached" in said["explain shop RolledBack"]
    assert "asked for by jane: wrong prices" in said['rollback shop --reason "wrong prices"']
    assert said["wait shop --for promoted"].splitlines()[-1].startswith("shop: promoted")


@pytest.mark.thorough
def test_every_command_has_a_picture() -> None:
    assert {PICTURES / f"{name}.svg" for name in BY_NAME} == written().keys() - {PAGE}


@pytest.mark.thorough
def test_the_page_of_the_api_shows_the_approval_that_is_played() -> None:
    (shown,) = rehearse.outputs(API.read_text()).items()
    assert shown in {(each.command, plain(each.printed)) for each in day()}
    assert "1 of 2 approvals are there, by jane" in shown[1]


async def test_a_limit_lets_so_many_pass_in_each_window() -> None:
    sent = await limited.send(Plan("http://x", 500, 40.0, longest_s=60, timeout_s=5))
    assert sent.seconds == 12.5
    assert [each.status for each in sent.answers].count(200) == limited.PASS + 100
    refused = [each.retry_after for each in sent.answers if each.status == 429]
    assert (refused[0], refused[-1]) == (5, 1)


def test_every_command_that_is_typed_exists() -> None:
    assert {shlex.split(command)[0] for command in TYPED} <= set(BY_NAME)
    assert len(set(TYPED)) == len(TYPED) - 1  # a release is resumed twice


def test_what_the_page_shows_of_a_command_is_what_is_played() -> None:
    played = {shlex.split(command)[0] for command in TYPED}
    shown = rehearse.outputs(PAGE.read_text())
    assert {command for command in shown if shlex.split(command)[0] in played} <= set(TYPED)


def test_long_lines_are_cut_and_marked() -> None:
    assert cut("a" * (WIDTH + 1)) == "a" * (WIDTH - 1) + "…\n"
    assert cut("a" * WIDTH) == "a" * WIDTH + "\n"


def test_colours_and_filling_spaces_are_no_text() -> None:
    assert plain("\x1b[31mbad\x1b[0m  x   \nnext\n\n") == "bad  x\nnext\n"


def test_a_picture_loads_nothing_and_has_the_text() -> None:
    drawn = picture(Session("get", "\x1b[32mshop\x1b[0m  Promoted\n"))
    assert "linnet&#160;get" in drawn
    assert "shop" in Text(drawn).plain
    assert "url(http" not in drawn
    assert "@font-face" not in drawn
