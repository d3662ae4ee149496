"""The header that tells an application in which experiment a request is."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linnet.core import naming, pinned, route
from linnet.core.misfit import misfit
from linnet.core.naming import HEADER, LIMIT, MODIFIER
from linnet.core.sticky import CookiePins, HeaderPins, Pins
from tests.support.gateway_rules import Request, request_headers, rule_for
from tests.support.route_rules import BUCKET, PLAIN, RELEASE, SHOP, Rule, ref, rule

TONE = "tone-7e8a1b"
LOOK = "look-90c1d2"
STEPS = (5, 50, 100)
EXACT = HeaderPins(BUCKET, True, STEPS)
PINS: tuple[Pins | None, ...] = (
    None,
    EXACT,
    HeaderPins(BUCKET, False, STEPS),
    CookiePins("linnet-shop", 3600, RELEASE, STEPS),
)


def modifier(**changes: Any) -> Rule:
    return {"type": MODIFIER, "requestHeaderModifier": changes}


def header(name: str, value: str = "1") -> Rule:
    return {"name": name, "value": value}


# What users change of requests, with lists that are empty, or aren't there.
names = st.sampled_from(["X-Team", "x-team-2", "X-Experimental", "Accept"])
header_lists = st.lists(names.map(header), max_size=3, unique_by=lambda each: each["name"])
modifiers = st.builds(
    lambda changes: modifier(**changes),
    st.fixed_dictionaries(
        {}, optional={"set": header_lists, "add": header_lists, "remove": st.lists(names)}
    ),
)
others = st.sampled_from(
    [
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["Server"]}},
        {"type": "ExtensionRef", "extensionRef": {"kind": "Middleware", "name": "limit"}},
        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow"}}},
    ]
)


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    """The filters of a rule, at most one of which changes request headers; or no such key."""
    listed = [*draw(st.lists(others, max_size=3)), *draw(st.lists(modifiers, max_size=1))]
    key = draw(st.booleans())
    return {"filters": draw(st.permutations(listed))} if listed or key else {}


@st.composite
def routes(draw: st.DrawFn) -> list[Rule]:
    """A route that can be split, as its user wrote it; some rules are of others."""
    rules = [rule(ref("shop", draw(st.integers(1, 9))), **draw(filters()))]
    for path in draw(st.lists(st.sampled_from(["/a", "/b", "/c"]), max_size=2, unique=True)):
        refs = draw(
            st.sampled_from([(ref("shop", 2), ref("cart")), (ref("cart"),), (ref("shop", 0),)])
        )
        rules.append(rule(*refs, path=path, **draw(filters())))
    return draw(st.permutations(rules))


def split(rules: list[Rule], weight: int, pins: Pins | None, experiment: str) -> list[Rule]:
    """What the provider writes, whatever the rules are by now."""
    bare = naming.without(rules, SHOP)
    return naming.name(pinned.split(bare, SHOP, weight, pins), SHOP, experiment)


def restored(rules: list[Rule], pins: Pins | None) -> list[Rule]:
    return pinned.restore(naming.without(rules, SHOP), SHOP, pins)


# --- what the operator reads back ---


@given(routes(), st.sampled_from(PINS), st.sampled_from(STEPS))
def test_set_and_taken_out_again_the_route_is_as_it_was(
    rules: list[Rule], pins: Pins | None, weight: int
) -> None:
    before = copy.deepcopy(rules)
    after = split(rules, weight, pins, TONE)
    assert naming.without(after, SHOP) == pinned.split(rules, SHOP, weight, pins)
    assert restored(after, pins) == before
    assert rules == before


@given(routes(), st.sampled_from(PINS), st.sampled_from(STEPS))
def test_every_rule_that_is_split_tells_of_it_and_no_other_does(
    rules: list[Rule], pins: Pins | None, weight: int
) -> None:
    after = split(rules, weight, pins, TONE)
    assert naming.named(after, SHOP) == TONE
    for each in after:
        told = request_headers(each, {HEADER: "sent by the caller"}).get(HEADER.lower())
        assert (told == TONE) is bool(route.refs_to(each, SHOP, "shop-canary"))
    assert naming.named(rules, SHOP) == ""


@given(routes(), st.sampled_from(PINS), st.sampled_from(STEPS), st.sampled_from([TONE, LOOK, ""]))
def test_only_the_last_experiment_counts(
    rules: list[Rule], pins: Pins | None, weight: int, last: str
) -> None:
    once = split(rules, weight, pins, TONE)
    assert split(once, weight, pins, last) == split(rules, weight, pins, last)
    assert naming.named(split(once, weight, pins, last), SHOP) == last


@given(routes(), st.sampled_from(PINS))
def test_a_rollback_takes_weight_and_header_in_one_write(
    rules: list[Rule], pins: Pins | None
) -> None:
    back = split(split(rules, 50, pins, TONE), 0, pins, "")
    assert back == pinned.split(rules, SHOP, 0, pins)
    assert pinned.share(back, SHOP, pins) == 0


@given(routes(), st.sampled_from(PINS), st.sampled_from(STEPS))
def test_what_the_user_changes_of_requests_stays_changed(
    rules: list[Rule], pins: Pins | None, weight: int
) -> None:
    sent = {"X-Team": "theirs", "Accept": "text/html"}
    for path in ("/", "/a", "/b", "/c"):
        asked = Request(path)
        before = rule_for(rules, asked)
        after = rule_for(split(rules, weight, pins, TONE), asked)
        assert before is not None
        assert after is not None
        told = request_headers(after, sent)
        told.pop(HEADER.lower(), None)
        assert told == request_headers(before, sent)


@given(routes(), st.sampled_from(PINS))
def test_the_share_is_seen_as_it_is_without_the_header(
    rules: list[Rule], pins: Pins | None
) -> None:
    bare = naming.without(split(rules, 50, pins, TONE), SHOP)
    assert pinned.share(bare, SHOP, pins) == 50
    assert misfit(bare, SHOP, pins) is None


def test_what_a_person_added_beside_the_header_stays() -> None:
    (after,) = split(PLAIN, 50, None, TONE)
    after["filters"][0]["requestHeaderModifier"] |= {"remove": ["X-Debug"]}
    assert restored([after], None) == [rule(ref("shop"), filters=[modifier(remove=["X-Debug"])])]
    (after,) = split(PLAIN, 50, None, TONE)
    after["filters"][0]["requestHeaderModifier"]["set"].append(header("X-Team"))
    assert restored([after], None) == [
        rule(ref("shop"), filters=[modifier(set=[header("X-Team")])])
    ]


def test_a_header_of_the_users_own_is_none_of_ours() -> None:
    own = [rule(ref("shop"), filters=[modifier(set=[header(HEADER, "mine")])])]
    assert naming.named(own, SHOP) == ""
    assert split(own, 50, None, "") == pinned.split(own, SHOP, 50, None)
    assert restored(split(own, 50, None, ""), None) == own


@pytest.mark.parametrize("pins", PINS)
def test_rules_that_differ_tell_of_no_experiment_and_are_put_right(pins: Pins | None) -> None:
    rules = [rule(ref("shop")), rule(ref("shop"), path="/a")]
    after = split(rules, 50, pins, TONE)
    for place in range(len(after)):
        one = naming.without(after[place : place + 1], SHOP)
        edited = [*after[:place], *one, *after[place + 1 :]]
        assert naming.named(edited, SHOP) is None
        assert split(edited, 50, pins, TONE) == after


def test_a_header_left_in_a_rule_that_lost_its_canary_is_seen_and_taken_out() -> None:
    (after,) = split(PLAIN, 50, None, TONE)
    left = [{**after, "backendRefs": [ref("shop", 50)]}]
    assert naming.named(left, SHOP) is None
    assert naming.without(left, SHOP) == [rule(ref("shop", 50))]


def test_what_is_of_another_release_of_the_route_is_left_alone() -> None:
    theirs = split([rule(ref("shop"), path="/theirs")], 50, None, TONE)
    mine = route.Backends("default", "cart", "cart-canary")
    both = [*theirs, rule(ref("cart"))]
    assert naming.named(both, mine) == ""
    assert naming.without(both, mine) == both
    assert naming.name(both, mine, LOOK) == both


# --- what can't be done ---


@pytest.mark.parametrize("kind", ["set", "add", "remove"])
@pytest.mark.parametrize("on_backend", [False, True])
def test_a_header_that_the_user_changes_is_taken(kind: str, on_backend: bool) -> None:
    name = HEADER.lower()
    filters = [modifier(**{kind: [name if kind == "remove" else header(name)]})]
    taken = rule(ref("shop", filters=filters)) if on_backend else rule(ref("shop"), filters=filters)
    found = naming.problem([taken], SHOP)
    assert found is not None
    assert found[0] == "ExperimentHeaderTaken"
    assert "shop" in found[1]
    elsewhere = rule(ref("cart"), path="/cart", filters=filters)
    assert naming.problem([*PLAIN, elsewhere], SHOP) is None


@pytest.mark.parametrize(
    "filters",
    [
        [{"type": "RequestMirror"}] * LIMIT,
        [modifier(set=[header(f"X-{number}") for number in range(LIMIT)])],
    ],
)
def test_a_rule_without_room_for_it_is_refused(filters: list[Rule]) -> None:
    found = naming.problem([rule(ref("shop"), filters=filters)], SHOP)
    assert found is not None
    assert found[0] == "TooManyFilters"
    assert "remove one" in found[1]


@given(routes())
def test_other_routes_have_room(rules: list[Rule]) -> None:
    assert naming.problem(rules, SHOP) is None
