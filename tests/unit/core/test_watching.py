from datetime import timedelta

from linnet.api.status import Absence, Phase
from linnet.core.watching import ABSENCES_LIMIT, BEAT, GAP, noted, time_left, watched
from tests.support.builders import HOUR, MINUTE, SECOND, START, make_status

SEEN = make_status(watched_at=START)


def test_a_gap_between_looks_is_an_absence_once_it_is_long() -> None:
    assert noted(SEEN, START + GAP) is SEEN
    assert noted(make_status(), START + HOUR) == make_status()
    after = noted(SEEN, START + HOUR)
    assert after.absences == (Absence(since=START, until=START + HOUR),)
    assert after.watched_at == START + HOUR


def test_of_many_absences_the_first_count_as_one_long() -> None:
    status = SEEN
    for hour in range(1, ABSENCES_LIMIT + 3):
        status = noted(status, START + hour * HOUR)
    assert len(status.absences) == ABSENCES_LIMIT
    assert status.absences[0] == Absence(since=START, until=START + 3 * HOUR)


def test_a_look_is_remembered_once_in_a_beat_and_the_next_is_not_later() -> None:
    assert watched(SEEN, HOUR, START + SECOND) == (SEEN, BEAT)
    status, wake = watched(SEEN, SECOND, START + BEAT)
    assert (status.watched_at, wake) == (START + BEAT, SECOND)
    assert watched(make_status(), HOUR, START)[0].watched_at == START


def test_the_last_look_before_nothing_more_is_due_is_remembered() -> None:
    status, wake = watched(SEEN, None, START + SECOND)
    assert (status.watched_at, wake) == (START + SECOND, None)


def test_where_no_deadline_runs_nothing_is_remembered() -> None:
    absences = (Absence(since=START, until=START + HOUR),)
    status = make_status(Phase.IDLE, watched_at=START, absences=absences)
    assert noted(status, START + 2 * HOUR) is status
    after, wake = watched(status, HOUR, START)
    assert (after.absences, after.watched_at, wake) == ((), None, HOUR)


def test_absences_do_not_count_from_the_moment_that_is_waited_from() -> None:
    absences = (
        Absence(since=START - HOUR, until=START - MINUTE),
        Absence(since=START - MINUTE, until=START + MINUTE),
        Absence(since=START + 2 * MINUTE, until=START + 5 * MINUTE),
    )
    status = make_status(absences=absences)
    span = 10 * MINUTE
    assert time_left(status, START, span, START + 5 * MINUTE) == 9 * MINUTE
    assert time_left(status, START + 5 * MINUTE, span, START + 6 * MINUTE) == 9 * MINUTE
    assert time_left(status, START, span, START + HOUR) == timedelta()
    assert time_left(status, None, span, START) is None
