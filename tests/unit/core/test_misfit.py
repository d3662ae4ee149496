"""Routes that have no room for what keeps users on their version."""

from typing import Any

import pytest

from linnet.core import pinned
from linnet.core.misfit import misfit
from linnet.core.sticky import CookiePins, HeaderPins, Pins
from tests.support.route_rules import BUCKET, PLAIN, RELEASE, SHOP, Rule, ref, rule


def paths(count: int) -> list[Rule]:
    return [rule(ref("shop"), path=f"/{number}") for number in range(count)]


def many_matches(count: int) -> list[Rule]:
    (one,) = PLAIN
    matches = [{"path": {"type": "PathPrefix", "value": f"/{n}"}} for n in range(count)]
    return [{**one, "matches": matches}]


def with_filter(inner: bool, **modifier: Any) -> list[Rule]:
    filters = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": modifier}]
    if inner:
        return [rule(ref("shop", filters=filters))]
    return [rule(ref("shop"), filters=filters)]


def rewriting() -> list[Rule]:
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    return [
        rule(ref("shop"), path="/a", filters=[{"type": "URLRewrite", "urlRewrite": {"path": path}}])
    ]


def many_headers() -> list[Rule]:
    made = rule(ref("shop"))
    made["matches"][0]["headers"] = [
        {"type": "Exact", "name": f"X-{n}", "value": "1"} for n in range(16)
    ]
    return [made]


def on_header(name: str) -> list[Rule]:
    made = rule(ref("beta"), path="/beta")
    made["matches"][0]["headers"] = [{"type": "Exact", "name": name, "value": "1"}]
    return [*PLAIN, made]


COOKIE = CookiePins("linnet-shop", 3600, RELEASE, (5, 50, 100))
NO_COOKIES = with_filter(False, remove=["Set-Cookie"])[0]["filters"]
BY_HALVES = HeaderPins(BUCKET, True, (50, 100))
REGULAR = HeaderPins(BUCKET, False, (5, 99, 100))


@pytest.mark.parametrize(
    ("rules", "pins", "reason", "remedy"),
    [
        (paths(6), COOKIE, "TooManyRules", "divide the HTTPRoute"),
        (paths(9), REGULAR, "TooManyRules", "needs 18 rules in the HTTPRoute at weight 5"),
        (many_matches(43), COOKIE, "TooManyMatches", "needs 129 matches"),
        (paths(3), BY_HALVES, "TooManyMatches", "RegularExpression"),
        (rewriting(), BY_HALVES, "TooManyRules", "needs 51 rules"),
        (many_headers(), COOKIE, "TooManyHeaders", "match on one header less"),
        (
            PLAIN,
            CookiePins("linnet-shop", 3600, RELEASE, (*range(1, 17), 100)),
            "TooManyBackends",
            "take fewer steps",
        ),
        (on_header("cookie"), COOKIE, "StickyHeaderTaken", "header Cookie"),
        (on_header(BUCKET), REGULAR, "StickyHeaderTaken", f"header {BUCKET}"),
        (with_filter(False, remove=["set-cookie"]), COOKIE, "SetCookieTaken", "remove it"),
        (with_filter(False, set=[{"name": "Set-Cookie"}]), COOKIE, "SetCookieTaken", "remove it"),
        (with_filter(True, add=[{"name": "Set-Cookie"}]), COOKIE, "SetCookieTaken", "remove it"),
    ],
)
def test_a_route_that_users_cannot_be_told_apart_by(
    rules: list[Rule], pins: Pins, reason: str, remedy: str
) -> None:
    assert pinned.problem(rules, SHOP, pins) is None
    found = misfit(rules, SHOP, pins)
    assert found is not None
    assert found[0] == reason
    assert remedy in found[1]
    # Nothing may stand between a verdict and weight 0.
    assert misfit(rules, SHOP, pins, 0) is None
    assert misfit(rules, SHOP, pins, 100) is None


@pytest.mark.parametrize(
    ("rules", "pins"),
    [
        (paths(5), COOKIE),
        (paths(8), REGULAR),
        (many_matches(42), COOKIE),
        (paths(2), BY_HALVES),
        (rewriting(), COOKIE),
        (rewriting(), REGULAR),
        (many_headers(), HeaderPins(BUCKET, True, (100,))),
        (PLAIN, HeaderPins(BUCKET, True, (99, 100))),
        (PLAIN, CookiePins("linnet-shop", 3600, RELEASE, (*range(1, 16), 100))),
        (on_header(BUCKET), COOKIE),
        (with_filter(False, add=[{"name": "Set-Cookie", "value": "a=b"}]), COOKIE),
        (with_filter(True, remove=["X-A"]), COOKIE),
        ([*PLAIN, rule(ref("cart"), path="/x", filters=NO_COOKIES)], COOKIE),
        (with_filter(True, remove=["Set-Cookie"]), REGULAR),
    ],
)
def test_a_route_that_just_fits(rules: list[Rule], pins: Pins) -> None:
    assert misfit(rules, SHOP, pins) is None
    for weight in pins.steps:
        after = pinned.split(rules, SHOP, weight, pins)
        assert len(after) <= 16
        assert all(1 <= len(each["matches"]) <= 64 for each in after)
        assert sum(len(each["matches"]) for each in after) <= 128
        assert all(len(each["backendRefs"]) <= 16 for each in after)


def test_sessions_that_a_rollback_could_not_move_are_refused() -> None:
    persistence = {"sessionName": "s", "type": "Cookie"}
    rules = [rule(ref("shop"), sessionPersistence=persistence)]
    for pins in (None, COOKIE, REGULAR):
        found = misfit(rules, SHOP, pins)
        assert found is not None
        assert found[0] == "SessionPersistence"
        assert misfit(rules, SHOP, pins, 0) is None
    elsewhere = rule(ref("cart"), path="/cart", sessionPersistence=persistence)
    assert misfit([*PLAIN, elsewhere], SHOP, None) is None


def test_only_the_weight_that_is_asked_for_has_to_fit() -> None:
    pins = HeaderPins(BUCKET, True, (5, 50, 100))
    assert misfit(paths(3), SHOP, pins) is not None
    assert misfit(paths(3), SHOP, pins, 5) is None
    assert misfit(paths(3), SHOP, pins, 50) is not None
