from linnet.api.status import DecisionKind, HistoryEntry
from linnet.core import holding
from linnet.core.gates import Hold
from tests.support.builders import HOUR, MINUTE, START, make_entry, make_situation, make_status

ADVANCED = make_entry(DecisionKind.ADVANCED, "StepPassed")
NO_DATA = make_entry(DecisionKind.HELD, "NoData", at=START + MINUTE)
ERROR = make_entry(DecisionKind.HELD, "Error", at=START + 2 * MINUTE)
SUSPENDED = make_entry(DecisionKind.HELD, "Suspended", at=START + 3 * MINUTE)
STALLED = make_entry(DecisionKind.STALLED, "TargetMissing")


def notes(reason: str, *history: HistoryEntry, due: bool = True) -> bool:
    situation = make_situation(status=make_status(history=history))
    return holding.note(situation, Hold(reason, "", due)) is not situation.status


def test_a_hold_is_noted_once_per_step_and_reason() -> None:
    assert notes("NoData")
    assert notes("NoData", NO_DATA, ADVANCED)
    assert notes("NoData", ADVANCED, ERROR)
    assert not notes("NoData", ADVANCED, NO_DATA, ERROR, STALLED)
    assert not notes("NoData", NO_DATA)


def test_a_hold_that_is_not_due_is_not_noted() -> None:
    assert not notes("Holding", ADVANCED, due=False)


def test_a_suspension_ends_what_was_held_before_it() -> None:
    assert notes("Suspended", ADVANCED, NO_DATA)
    assert not notes("Suspended", ADVANCED, NO_DATA, SUSPENDED)
    assert notes("NoData", ADVANCED, NO_DATA, SUSPENDED)
    assert notes("Suspended", ADVANCED, SUSPENDED, NO_DATA)


def test_the_time_held_begins_with_the_first_hold_of_the_step() -> None:
    def since(*history: HistoryEntry) -> object:
        return holding.held_since(make_status(history=history))

    assert since() is None
    assert since(NO_DATA, ADVANCED) is None
    assert since(ADVANCED, NO_DATA, ERROR, STALLED) == NO_DATA.at
    assert since(NO_DATA, ERROR) == NO_DATA.at
    assert since(ADVANCED, NO_DATA, SUSPENDED) is None
    assert since(ADVANCED, NO_DATA, SUSPENDED, ERROR) == ERROR.at


def test_time_is_left_until_the_deadline() -> None:
    status = make_status(history=(ADVANCED, NO_DATA))
    assert holding.time_left(make_situation(status=status, after=MINUTE)) == HOUR
    assert holding.time_left(make_situation(status=status, after=3 * HOUR)) == 0 * HOUR
    assert holding.time_left(make_situation()) is None
