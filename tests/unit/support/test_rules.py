"""Each check of the rules: a log that breaks it, and logs of good releases that break none.

The file is long because of these logs, which are data: a row for each way to break a rule.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.rules.evidence import Known
from tests.support.rules.judge import RULES, judge
from tests.support.rules.story import Story, revision


def broken(story: Story, *, ended: bool = False, **known: Any) -> dict[str, str]:
    """The checks that failed, each with what it first said."""
    found: dict[str, str] = {}
    for each in judge(story.events, Known(measured=story.measured, **known), ended=ended):
        found.setdefault(each.check, each.what)
    return found


GOOD: dict[str, Callable[[], Story]] = {
    "nothing happens": Story,
    "promoted": lambda: Story().starts().climbs().promotes(),
    "rolled back at the first step": lambda: Story().starts().rolls_back(),
    "rolled back for a breach": lambda: (
        Story().starts().accepted().measures(7.5, 2).rolls_back("ErrorRateBreached")
    ),
    "on before its time where that is allowed": lambda: (
        _slow_but(advanceWhenClear=True).starts().climbs().promotes()
    ),
    "two releases": lambda: Story().starts().climbs().promotes().starts(3).climbs().promotes(3),
    "a weight that somebody took away is put back": lambda: (
        Story().starts().proves(10).user("httproutes", "shop", _by_hand(0)).weight(10).rolls_back()
    ),
    "a step whose status was lost is put back, and taken again": lambda: (
        Story()
        .starts()
        .proves(10)
        .weight(50)
        .accepted()
        .weight(10)
        .weight(50)
        .accepted()
        .wait(1)
        .weight(10)
        .status("Progressing", 10)
        .rolls_back()
    ),
    "another holder of the lease": lambda: _handed_over(Story().starts()).rolls_back(),
    "a canary that is gone ends a promotion": lambda: (
        Story()
        .starts()
        .climbs()
        .holds(False)
        .status("Promoting", 100, "Promoting")
        .canary_ready(0)
        .weight(0)
        .rolled_out(2)
        .status("Returning", 0, "Returned", stableRevision=revision(2))
        .holds()
        .withdraws()
        .status("Promoted", 0, "Promoted")
    ),
    "the end of the resource": lambda: _leaves(Story()),
}


def _slow_but(**comparison: Any) -> Story:
    """Steps of an hour, and a comparison with these settings."""

    def edit(release: dict[str, Any]) -> None:
        release["spec"]["analysis"]["comparison"] = comparison
        for step in release["spec"]["steps"]:
            step["hold"] = "1h"

    return Story().user("canaryreleases", "shop", edit)


def _by_hand(weight: int) -> Callable[[dict[str, Any]], None]:
    def edit(route: dict[str, Any]) -> None:
        stable, canary = route["spec"]["rules"][0]["backendRefs"]
        stable["weight"], canary["weight"] = 100 - weight, weight

    return edit


def _handed_over(story: Story) -> Story:
    story.lease("op-2").leader = "op-2"
    return story


def _deleted(story: Story) -> Story:
    metadata = {"deletionTimestamp": "2030-03-17T17:46:40Z", "finalizers": ["linnet.dev/traffic"]}
    return story.user("canaryreleases", "shop", lambda r: r["metadata"].update(metadata))


def _leaves(story: Story) -> Story:
    """The resource is deleted at rest: the Deployment is given back, the finalizer goes."""
    _deleted(story).holds(False)
    return story.writes("canaryreleases", "shop", lambda r: r["metadata"].update(finalizers=[]))


@pytest.mark.parametrize("name", GOOD)
def test_a_good_log_breaks_no_rule(name: str) -> None:
    assert broken(GOOD[name](), ended=True) == {}


def _paused_by(change: Callable[[dict[str, Any]], Any]) -> Story:
    return Story().writes("deployments", "shop", change)


BAD: dict[str, list[tuple[str, Callable[[], Story]]]] = {
    "weights_are_steps": [
        ("37 % is none of [0, 10, 50, 100]", lambda: Story().starts().weight(37)),
    ],
    "rises_are_earned": [
        ("from 0 to 10 %, in phase Idle", lambda: Story().weight(10)),
        (
            "from 0 to 10 %, in phase RollingBack",
            lambda: Story().starts().weight(0).status("RollingBack", 0, "RolledBack x").weight(10),
        ),
        (
            "to 100 %, where 50 % comes after 10 %",
            lambda: Story().starts().proves(10).weight(100),
        ),
        (
            "from 10 to 50 %: no gateway reports 10 %: the route gives 10 %, accepted: False",
            lambda: Story().starts().weight(50),
        ),
        (
            "from 10 to 50 %: only 0.52 s at 10 %, of 1 s",
            lambda: (
                Story()
                .starts()
                .proves(10)
                .accepted()
                .user("httproutes", "shop", _by_hand(11))
                .weight(10)
                .accepted()
                .wait(0.5)
                .status("Progressing", 10)
                .weight(50)
            ),
        ),
        (
            "from 10 to 50 %: only 3.52 s at 10 %, of 3600 s",
            lambda: _slow_but().starts().proves(10).weight(50),
        ),
        (
            "from 10 to 50 %: the status has 0 of 2 passes of errorRate",
            lambda: Story().starts().proves(10, passes=0).weight(50),
        ),
        (
            "from 10 to 50 %: the status has no measurement of errorRate",
            lambda: (
                Story().starts().accepted().measures(times=4).status("Progressing", 10).weight(50)
            ),
        ),
        (
            "from 50 to 100 %: 0 measurements of 2 since a full window at this weight",
            lambda: _unmeasured(
                Story().starts().proves(10).weight(50).status("Progressing", 50, "Advanced")
            ),
        ),
        (
            "from 10 to 50 %: errorRate was last [0.1, 7.5]",
            lambda: (
                Story()
                .starts()
                .accepted()
                .wait(1)
                .measures()
                .measures(7.5)
                .status(
                    "Progressing",
                    10,
                    metrics=[{"name": "errorRate", "verdict": "Pass", "passes": 2}],
                )
                .weight(50)
            ),
        ),
        (
            "from 0 to 10 %: no pod of the canary is ready",
            lambda: (
                Story()
                .template(2)
                .status("Starting", 0, "Started", canaryRevision=revision(2))
                .canary(2)
                .weight(0)
                .accepted()
                .weight(10)
            ),
        ),
        (
            "from 10 to 50 %: suspended for 3.5 s",
            lambda: (
                Story()
                .starts()
                .user("canaryreleases", "shop", lambda r: r["spec"].update(suspend=True))
                .proves(10)
                .weight(50)
            ),
        ),
        (
            "from 10 to 50 %: the template is another one for 3.5 s",
            lambda: Story().starts().template(3).proves(10).weight(50),
        ),
        (
            "from 10 to 50 %, being deleted for 3.5 s",
            lambda: _deleted(Story().starts()).proves(10).weight(50),
        ),
        (
            "from 0 to 10 %, and the release is gone",
            lambda: _gone(Story()).weight(10),
        ),
        (
            "to 50 % while stable takes over",
            lambda: (
                Story()
                .starts()
                .climbs()
                .status("Promoting", 100, "Promoting")
                .user("httproutes", "shop", _by_hand(0))
                .weight(50)
            ),
        ),
    ],
    "traffic_stays_on_what_works": [
        (
            "from 100 to 0 %: stable isn't rolled out, 1 canaries are ready",
            lambda: (
                Story()
                .starts()
                .climbs()
                .holds(False)
                .status("Promoting", 100, "Promoting")
                .weight(0)
            ),
        ),
    ],
    "only_backends_are_written": [
        (
            "something else than spec.rules was changed",
            lambda: Story().starts().weight(0, lambda r: r["spec"].update(hostnames=["x"])),
        ),
        (
            "1 rules became 2",
            lambda: Story().starts().weight(0, lambda r: r["spec"]["rules"].append({})),
        ),
        (
            "a rule became another one: ",
            lambda: Story().starts().weight(0, lambda r: r["spec"]["rules"][0].update(name="x")),
        ),
    ],
    "routes_are_put_back": [
        (
            "shares are {'shop': 1, 'other': 2}, the user's {'shop': 1}",
            lambda: (
                Story()
                .starts()
                .weight(
                    0,
                    lambda r: r["spec"]["rules"][0]["backendRefs"].append(
                        {"name": "other", "weight": 200}
                    ),
                )
            ),
        ),
    ],
    "stable_is_the_users": [
        (
            "more than spec.paused and the label is changed",
            lambda: _paused_by(lambda d: d["spec"].update(replicas=5)),
        ),
        (
            "more than spec.paused and the label is changed",
            lambda: _paused_by(lambda d: d["spec"]["template"]["spec"].update(nodeName="x")),
        ),
        (
            "the user's Service is written to",
            lambda: Story().writes("services", "shop", lambda s: s["spec"].update(selector={})),
        ),
    ],
    "promotion_is_earned": [
        ("resumed in phase Idle", lambda: Story().holds(False)),
        (
            "resumed at 10 %, which isn't the last step",
            lambda: Story().starts().proves(10).holds(False),
        ),
        (
            "resumed at 100 %: the status has 0 of 2 passes of errorRate",
            lambda: (
                Story()
                .starts()
                .proves(10)
                .weight(50)
                .status("Progressing", 50, "Advanced")
                .proves(50)
                .weight(100)
                .status("Progressing", 100, "Advanced")
                .proves(100, passes=0)
                .holds(False)
            ),
        ),
        (
            f"resumed for {revision(3)}, where",
            lambda: Story().starts().climbs().template(3).holds(False),
        ),
        (f"resumed for {revision(2)}, where", lambda: _deleted(Story().template(2)).holds(False)),
    ],
    "canary_drains_first": [
        ("the canary goes while the route gives it 10 %", lambda: Story().starts().removes()),
        ("the canary goes while the route lists it", lambda: Story().starts().weight(0).removes()),
        (
            "the canary goes before a gateway reports that it gets nothing",
            lambda: (
                Story()
                .starts()
                .weight(0)
                .status("RollingBack", 0, "RolledBack x")
                .restores()
                .removes()
            ),
        ),
        (
            "the canary had 0.23 s of 1 s to drain",
            lambda: (
                Story()
                .starts()
                .weight(0)
                .status("RollingBack", 0, "RolledBack x")
                .accepted()
                .wait(0.2)
                .restores()
                .removes()
            ),
        ),
        ("the canary goes while the route gives it 10 %", lambda: Story().starts().canary(2, 0)),
    ],
    "canary_is_of_its_revision": [
        (
            f"a canary of {revision(3)}, where {revision(2)} is released",
            lambda: Story().starts().canary(3),
        ),
    ],
    "history_only_grows": [
        ("Advanced Advanced", lambda: Story().starts().status("Progressing", 10, history=[])),
        (
            "a decision without reason or words",
            lambda: Story().writes(
                "canaryreleases", "shop", lambda r: r["status"]["history"].append({"decision": "x"})
            ),
        ),
    ],
    "weights_are_explained": [
        (
            "from 10 to 50 % in Progressing without a decision",
            lambda: Story().starts().proves(10).weight(50).status("Progressing", 50),
        ),
    ],
    "breaches_were_measured": [
        (
            "why; measured were [7.5]",
            lambda: Story().starts().accepted().measures(7.5).rolls_back("ErrorRateBreached"),
        ),
    ],
    "one_leader_writes": [
        ("op-1 writes, where op-2 holds the lease", lambda: Story().lease("op-2").weight(0)),
    ],
    "traffic_is_back_in_time": [
        (
            "RollingBack with 10 %",
            lambda: Story().starts().status("RollingBack", 0, "RolledBack x").wait(11).accepted(),
        ),
        (
            "the canary crashes with 10 %",
            lambda: Story().starts().crash().wait(0.1).accepted().wait(11).accepted(),
        ),
    ],
}
CASES = [(check, what, make) for check, cases in BAD.items() for what, make in cases]


def _unmeasured(story: Story) -> Story:
    story.accepted().wait(5)
    metrics = [{"name": "errorRate", "verdict": "Pass", "passes": 2}]
    return story.status("Progressing", 50, metrics=metrics).weight(100)


@pytest.mark.parametrize(("check", "what", "make"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_a_bad_log_breaks_the_rule(check: str, what: str, make: Callable[[], Story]) -> None:
    found = broken(make())
    assert what in found.get(check, ""), found


ENDS: list[tuple[str, Callable[[], Story]]] = [
    ("it rests in phase Progressing", lambda: Story().starts()),
    ("the canary is in the route", lambda: Story().starts().weight(0).status("RolledBack", 0)),
    (
        "deployments shop-canary is still there",
        lambda: Story().starts().weight(0).restores().status("RolledBack", 0),
    ),
    (
        "the Deployment isn't paused",
        lambda: Story().user("deployments", "shop", lambda d: d["spec"].update(paused=False)),
    ),
    ("stable has", lambda: Story().starts().climbs().promotes().template(3)),
    ("the release is gone, and the canary has 10 %", lambda: _gone(Story().starts())),
    ("the release is gone, and the canary is there", lambda: _gone(Story().starts().restores())),
    ("the Deployment is paused though its template serves", lambda: _gone(Story())),
]


def _gone(story: Story) -> Story:
    return _deleted(story).user(
        "canaryreleases", "shop", lambda r: r["metadata"].update(finalizers=[])
    )


@pytest.mark.parametrize(("what", "make"), ENDS, ids=[case[0] for case in ENDS])
def test_an_end_that_is_none(what: str, make: Callable[[], Story]) -> None:
    said = [
        each.what for each in judge(make().events, Known()) if each.check == "all_is_in_its_place"
    ]
    assert any(what in each for each in said), said


def test_every_check_has_a_log_that_breaks_it() -> None:
    checks = {rule.__name__ for rules in RULES.values() for rule in rules}
    assert checks | {"one_leader_writes", "traffic_is_back_in_time"} == BAD.keys()


def test_a_user_may_do_what_the_operator_may_not() -> None:
    story = Story().user(
        "deployments", "shop", lambda d: d["spec"].update(replicas=5, paused=False)
    )
    assert broken(story) == {}


def test_a_line_names_the_check_the_release_and_the_write() -> None:
    (found,) = judge(Story().weight(10).events, ended=False)
    text = str(found)
    assert text.startswith("default/shop: rises_are_earned: from 0 to 10 %, in phase Idle\n")
    assert "op-1 (linnet) patch httproutes default/shop" in text


def test_of_two_releases_for_one_deployment_the_first_has_it() -> None:
    assert broken(Story().starts().proves(10).another_release().weight(50)) == {}
    assert broken(Story().starts().another_release().weight(50)).keys() >= {"rises_are_earned"}
