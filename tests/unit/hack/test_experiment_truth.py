"""Who comes, when, and what an application must export of it."""

from dataclasses import replace

import pytest

from hack.experiment.crowd import CLOSE, OPEN, Behaviour, bucket_of, crowd, moment
from hack.experiment.exported import of_experiment
from hack.experiment.truth import Bracket, compare, people, sums
from hack.experiment.visits import Asked
from recochat.experiments.assignment import bucket

DAY_S = 20.0
TONE = "tone-7e8a1b"


def test_a_users_bucket_is_that_of_the_documents() -> None:
    assert bucket_of("ada", "tone") == 1740
    assert all(bucket_of(f"user-{n}", "tone") == bucket(f"user-{n}", "tone") for n in range(100))


def test_the_crowd_does_what_its_version_makes_it_do() -> None:
    likes = Behaviour(adopt=0.8, complete=0.7, back=0.2, lost=0.25, pause_s=3, rating=4)
    users = crowd("tone", 600, 60, 50, Behaviour(), likes)
    control = [user for user in users if user.bucket >= 5000]
    treatment = [user for user in users if user.bucket < 5000]
    assert 250 < len(control) < 350
    for group, does in ((control, Behaviour()), (treatment, likes)):
        for what, share in (("adopts", does.adopt), ("completes", does.complete)):
            done = sum(getattr(user, what) for user in group)
            assert done == pytest.approx(share * len(group), abs=2)
        assert sum(user.returns for user in group) == pytest.approx(does.back * len(group), abs=2)
        assert sum(user.lost for user in group) == pytest.approx(does.lost * len(group), abs=2)
        assert sum(u.points for u in group) / len(group) == pytest.approx(does.rating, abs=0.02)
        assert sum(u.pause_s for u in group) / len(group) == pytest.approx(does.pause_s, rel=0.02)
    assert [user.after_s for user in users] == sorted(user.after_s for user in users)
    assert all(1 <= user.points <= 5 for user in users)


@pytest.mark.parametrize("begin", [1000.0, 1001.9, 1007.0, 1012.1, 1019.9])
def test_users_come_by_day_only_and_in_order(begin: float) -> None:
    times = [moment(begin, after, DAY_S) for after in range(40)]
    assert times == sorted(times)
    assert all(OPEN * DAY_S - 1e-6 <= at % DAY_S <= CLOSE * DAY_S + 1e-6 for at in times)
    assert begin <= times[0] < begin + DAY_S
    assert times[39] - times[0] <= 5 * DAY_S


def asked(user: str, sent: float, **more: object) -> Asked:
    first = Asked(user, sent, sent + 0.1, 200, "stable", TONE)
    return replace(first, **more)  # type: ignore[arg-type]


def test_sums_are_over_users_and_not_over_requests() -> None:
    seen = [
        asked("ada", 1000),
        asked("ada", 1001, session="s", turn=1),
        asked("ada", 1003, session="s", turn=2),
        asked("ada", 1004, status=503, points=None),
        asked("ada", 1005, points=4.0, completed=True, status=202),
        asked("ada", 1025),
        asked("bob", 1000, track="canary"),
        asked("bob", 1001, track="stable", status=0),
        asked("bob", 1002, experiment=""),
        asked("joe", 1001, experiment="", track="canary", session="t", turn=1),
        asked("joe", 1003, track="canary", session="t", turn=2),
        asked("eve", 1018.95, track="canary"),
        asked("eve", 1019.5, track="stable"),
    ]
    must = sums(people(seen, TONE, DAY_S).values())
    assert must["control", "", "", "users"] == Bracket(1, 1)
    assert must["treatment", "", "", "users"] == Bracket(3, 3)
    assert must["treatment", "", "", "crossed"] == Bracket(1, 1)
    assert must["control", "error_rate", "", "dd"] == Bracket(36, 36)
    assert must["control", "error_rate", "", "yd"] == Bracket(6, 6)
    assert must["control", "return_rate", "", "y"] == Bracket(1, 1)
    assert must["treatment", "return_rate", "", "y"] == Bracket(0, 1)
    assert must["control", "satisfaction", "", "yy"] == Bracket(16, 16)
    assert must["control", "completion", "", "y"] == Bracket(1, 1)
    assert must["control", "adoption", "", "y"] == Bracket(1, 1)
    seconds = must["control", "duration", "", "y"]
    assert seconds.low == pytest.approx(1.9)
    assert seconds.high == pytest.approx(2.1)
    assert must["treatment", "slow_requests", "0.05", "d"] == Bracket(4, 4)
    assert must["treatment", "slow_requests", "0.05", "y"] == Bracket(0, 4)
    # A conversation of which only the second turn is in the experiment: time, and no conversation.
    assert must["treatment", "duration", "", "d"] == Bracket(0, 0)
    assert must["treatment", "duration", "", "y"].low == pytest.approx(1.9)


def test_one_user_less_or_more_is_seen() -> None:
    must = sums(people([asked("ada", 1000), asked("bob", 1000)], TONE, DAY_S).values())
    right = {place: bracket.high for place, bracket in must.items()}
    assert compare(must, right).right
    assert compare(must, right).users == {"control": 2}
    assert not compare({}, {}).right
    less = compare(must, right | {("control", "", "", "users"): 1.0})
    assert less.wrong == ("control users: 1, must be 2",)
    more = compare(must, right | {("treatment", "", "", "users"): 1.0})
    assert more.wrong == ("treatment users: 1, must be none",)
    slow = compare(must, right | {("control", "response_time", "", "y"): 9.0})
    assert slow.wrong == ("control response_time y: 9, must be 0 to 0.2",)


def test_the_target_that_has_counted_most_is_read_and_no_other() -> None:
    def of(target: str, revision: float, users: float) -> list[tuple[str, dict[str, str], float]]:
        labels = {"experiment": TONE, "instance": target}
        control = labels | {"variant": "control"}
        return [
            ("experiment_revision", labels, revision),
            ("experiment_users", control, users),
            ("experiment_users_crossed", control, 1.0),
            ("experiment_sum", control | {"metric": "adoption", "of": "y"}, 3.0),
            ("experiment_day_users", control | {"day": "2026-11-22"}, 9.0),
            ("experiment_users", control | {"experiment": "other"}, 99.0),
        ]

    assert of_experiment([*of("a", 10, 7), *of("b", 12, 8), *of("c", 11, 9)], TONE) == {
        ("control", "", "", "users"): 8.0,
        ("control", "", "", "crossed"): 1.0,
        ("control", "adoption", "", "y"): 3.0,
    }
    assert of_experiment([], TONE) == {}
