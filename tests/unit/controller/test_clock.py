"""Whose clock counts: the API server's, which the Date of its answers tells."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from linnet.controller.clock import SharedClock

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Machine:
    """A machine's clock, and an API server's that is ahead of it by so many seconds."""

    def __init__(self, ahead: float) -> None:
        self.moment = NOON
        self.ahead = timedelta(seconds=ahead)
        self.clock = SharedClock(lambda: self.moment)

    def ask(self, there: float = 0.0, back: float = 0.0) -> None:
        """One request; its way there and the answer's way back take so many seconds."""
        answered = self.clock.ask()
        self.moment += timedelta(seconds=there)
        date = format_datetime((self.moment + self.ahead).replace(microsecond=0), usegmt=True)
        self.moment += timedelta(seconds=back)
        answered(date)

    @property
    def error(self) -> float:
        """By how much the clock is wrong, in seconds."""
        return abs((self.clock.now() - self.moment - self.ahead).total_seconds())


@pytest.mark.parametrize("ahead", [300.0, -300.0, 299.6, -12.3, 3.0])
def test_a_wrong_clock_is_put_right_by_the_first_answer(ahead: float) -> None:
    machine = Machine(ahead)
    machine.ask(there=0.01, back=0.01)
    assert machine.error <= 1.0


@pytest.mark.parametrize("ahead", [0.0, 0.4, -0.9])
def test_a_clock_that_is_right_is_left_alone(ahead: float) -> None:
    machine = Machine(ahead)
    for _ in range(30):
        machine.moment += timedelta(seconds=2.13)
        machine.ask(there=0.02, back=0.3)
        assert machine.clock.now() == machine.moment


def test_a_slow_answer_tells_less_and_never_something_wrong() -> None:
    machine = Machine(300)
    machine.ask(there=9.0)
    assert machine.error <= 5.0
    machine.ask()
    assert machine.error <= 1.0


def test_many_answers_tell_parts_of_a_second() -> None:
    machine = Machine(-299.3)
    for _ in range(40):
        machine.moment += timedelta(seconds=2.13)
        machine.ask(there=0.02, back=0.03)
    assert machine.error <= 0.1


def test_a_clock_that_is_set_later_is_followed() -> None:
    machine = Machine(300)
    machine.ask()
    machine.moment += timedelta(seconds=300)
    machine.ahead = timedelta()
    machine.ask()
    assert machine.error <= 1.0


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Foo 2026 12:00:00 GMT"])
def test_what_is_no_date_is_ignored(date: str) -> None:
    machine = Machine(0)
    machine.clock.ask()(date)
    assert machine.clock.now() == NOON


def test_it_says_by_how_much_this_machine_is_off(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Machine(-300).ask()
    (said,) = caplog.messages
    assert said == "This machine's clock differs from the API server's by 300 s"
