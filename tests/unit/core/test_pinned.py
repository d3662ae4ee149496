"""Rules that keep users on their version, as a gateway reads them."""

import copy
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linnet.core import pinned, route
from linnet.core.misfit import misfit
from linnet.core.sticky import CookiePins, HeaderPins, Pins
from tests.support.gateway_rules import Request, backends, rule_for, set_cookie
from tests.support.route_rules import BUCKET, PLAIN, RELEASE, SHOP, Rule, ref, rule

# Steps of a spec: rising, the last one 100.
step_lists = st.sets(st.integers(1, 99), min_size=1, max_size=6).map(
    lambda weights: (*sorted(weights), 100)
)
cookies = st.builds(lambda steps: CookiePins("linnet-shop", 3600, RELEASE, steps), step_lists)
buckets = st.builds(lambda steps: HeaderPins(BUCKET, False, steps), step_lists)
exact = HeaderPins(BUCKET, True, (5, 12, 100))
any_pins: st.SearchStrategy[Pins] = cookies | buckets | st.just(exact)

# Routes as users write them, where many rules may fit one request. Each is marked by a filter.
match_lists = st.lists(
    st.builds(
        lambda kind, path, method, headers, query: {
            "path": {"type": kind, "value": path},
            **({"method": "GET"} if method else {}),
            **({"headers": headers} if headers else {}),
            **({"queryParams": query} if query else {}),
        },
        st.sampled_from(["PathPrefix", "PathPrefix", "Exact"]),
        st.sampled_from(["/", "/a", "/a/b"]),
        st.booleans(),
        st.lists(
            st.sampled_from(
                [{"type": "Exact", "name": name, "value": "1"} for name in ("X-Beta", "X-Lab")]
            ),
            max_size=2,
            unique_by=lambda each: each["name"],
        ),
        st.lists(st.just({"type": "Exact", "name": "q", "value": "1"}), max_size=1),
    ),
    min_size=1,
    max_size=2,
)
ref_lists = st.lists(
    st.builds(ref, st.sampled_from(["shop", "shop", "cart"]), st.integers(0, 20)),
    min_size=1,
    max_size=3,
)
user_rules = st.lists(
    st.builds(
        lambda matches, refs, number: {
            "matches": matches,
            "backendRefs": refs,
            "filters": [{"type": "ExtensionRef", "extensionRef": {"name": f"rule-{number}"}}],
        },
        match_lists,
        ref_lists,
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each["filters"][0]["extensionRef"]["name"],
)
requests = st.builds(
    Request,
    st.sampled_from(["/", "/a", "/a/b", "/a/b/c"]),
    st.sampled_from(["GET", "POST"]),
    st.dictionaries(st.sampled_from(["X-Beta", "X-Lab"]), st.just("1")),
    st.dictionaries(st.just("q"), st.just("1")),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Rule], Pins]:
    """A route, and pins that fit into it."""
    pins = draw(any_pins)
    fitting = user_rules.filter(
        lambda rules: route.problem(rules, SHOP) is None and misfit(rules, SHOP, pins) is None
    )
    return draw(fitting), pins


@st.composite
def pinned_situations(draw: st.DrawFn) -> tuple[list[Rule], Pins, int]:
    """The same, with a step that is not the last one."""
    rules, pins = draw(situations())
    return rules, pins, draw(st.sampled_from(pins.steps[:-1]))


def identity(pins: Pins, user: int | None) -> dict[str, str]:
    """The headers of a user whose place in the order is `user`; none of one who is unknown."""
    if user is None:
        return {}
    if isinstance(pins, HeaderPins):
        return {BUCKET: str(user)}
    return {"Cookie": f"theme=dark; {pins.name}={RELEASE}-{user}"}


def asked(request: Request, identity: dict[str, str]) -> Request:
    return Request(request.path, request.method, {**request.headers, **identity}, request.query)


def origin(rule: Any) -> str | None:
    return str(rule["filters"][0]["extensionRef"]["name"]) if rule else None


def on_canary(rule: Any) -> Fraction:
    """The canary's part of what stable and canary get from a rule."""
    parts: Counter[str] = Counter()
    for each, part in backends(rule):
        parts[each["name"]] += part  # type: ignore[assignment]
    return Fraction(parts["shop-canary"], parts["shop"] + parts["shop-canary"])


# --- what the operator reads back ---


@given(situations(), st.integers(0, 100))
def test_restoring_gives_the_users_rules_back(made: tuple[list[Rule], Pins], weight: int) -> None:
    rules, pins = made
    assert pinned.restore(pinned.split(rules, SHOP, weight, pins), SHOP, pins) == rules


@given(situations(), st.integers(0, 100))
def test_the_share_that_was_set_is_seen(made: tuple[list[Rule], Pins], weight: int) -> None:
    rules, pins = made
    after = pinned.split(rules, SHOP, weight, pins)
    assert pinned.share(after, SHOP, pins) == weight
    assert route.listed(after, SHOP)


@given(situations(), st.integers(0, 100), st.integers(0, 100))
def test_only_the_last_weight_counts(made: tuple[list[Rule], Pins], first: int, last: int) -> None:
    rules, pins = made
    before = copy.deepcopy(rules)
    once = pinned.split(rules, SHOP, first, pins)
    assert pinned.split(once, SHOP, last, pins) == pinned.split(rules, SHOP, last, pins)
    assert rules == before


@given(situations(), st.integers(0, 100))
def test_without_pins_it_is_the_plain_split(made: tuple[list[Rule], Pins], weight: int) -> None:
    rules, _ = made
    plain = route.split(rules, SHOP, weight)
    assert pinned.split(rules, SHOP, weight, None) == plain
    assert pinned.share(plain, SHOP, None) == weight
    assert pinned.restore(plain, SHOP, None) == rules
    assert misfit(rules, SHOP, None) is None


@given(situations())
def test_at_0_and_100_nobody_is_told_apart(made: tuple[list[Rule], Pins]) -> None:
    rules, pins = made
    for weight in (0, 100):
        assert pinned.split(rules, SHOP, weight, pins) == route.split(rules, SHOP, weight)


def edits(rules: list[Rule]) -> Iterator[list[Rule]]:
    """The rules with one thing changed by hand."""
    for place, each in enumerate(rules):
        yield [*rules[:place], *rules[place + 1 :]]
        yield [*rules[:place], {**each, "timeouts": {"request": "1s"}}, *rules[place + 1 :]]
        match, *others = each["matches"]
        changed = {**match, "path": {"type": "PathPrefix", "value": "/edited"}}
        yield [*rules[:place], {**each, "matches": [changed, *others]}, *rules[place + 1 :]]
        for number, backend in enumerate(each["backendRefs"]):
            refs = list(each["backendRefs"])
            refs[number] = {**backend, "weight": backend["weight"] + 1}
            yield [*rules[:place], {**each, "backendRefs": refs}, *rules[place + 1 :]]


@pytest.mark.parametrize(
    "pins",
    [
        CookiePins("linnet-shop", 3600, RELEASE, (5, 50, 100)),
        exact,
        HeaderPins("X", False, (5, 100)),
    ],
)
def test_an_edit_anywhere_is_seen_and_put_back(pins: Pins) -> None:
    rules = [
        rule(ref("cart"), path="/cart"),
        rule(ref("shop", 3), ref("cart", 1)),
        rule(ref("cart")),
    ]
    after = pinned.split(rules, SHOP, 5, pins)
    assert len(list(edits(after))) >= 20
    for edited in edits(after):
        seen = pinned.share(edited, SHOP, pins)
        if seen == 5:  # a change to a rule of the user's own, which is then the user's wish
            assert pinned.split(edited, SHOP, 5, pins) == edited
        # Whatever was done, traffic can return, and nothing generated is left behind.
        back = pinned.split(edited, SHOP, 0, pins)
        assert pinned.share(back, SHOP, pins) == 0
        assert not any(pins.owns(header) for each in back for header in pinned.headers_of(each))
        assert all(set_cookie(ref) is None for each in back for ref in each["backendRefs"])


@pytest.mark.parametrize("weight", [5, 100])
def test_the_plain_split_is_not_taken_for_a_pinned_one(weight: int) -> None:
    plain = route.split(PLAIN, SHOP, weight)
    assert pinned.share(plain, SHOP, exact) == (100 if weight == 100 else None)


@pytest.mark.parametrize("pins", [CookiePins("linnet-shop", 3600, RELEASE, (5, 100)), exact])
def test_traffic_returns_where_somebody_has_left_only_the_copies(pins: Pins) -> None:
    rules = [rule(ref("shop", 3), ref("cart", 1)), rule(ref("shop"), path="/a")]
    copies = [
        each
        for each in pinned.split(rules, SHOP, 5, pins)
        if all(match.get("headers") for match in each["matches"])
    ]
    assert copies
    assert pinned.restore(copies, SHOP, pins) == rules


def test_other_steps_are_other_rules() -> None:
    before = CookiePins("linnet-shop", 3600, RELEASE, (5, 50, 100))
    after = CookiePins("linnet-shop", 3600, RELEASE, (5, 25, 100))
    rules = pinned.split(PLAIN, SHOP, 5, before)
    assert pinned.share(rules, SHOP, after) is None
    assert pinned.split(rules, SHOP, 5, after) == pinned.split(PLAIN, SHOP, 5, after)


def test_a_users_rule_on_the_same_header_is_no_copy_before_a_release() -> None:
    own = rule(ref("beta"))
    own["matches"][0]["headers"] = [{"type": "Exact", "name": BUCKET.lower(), "value": "7"}]
    rules = [own, *PLAIN]
    assert pinned.restore(rules, SHOP, exact) == rules
    found = misfit(rules, SHOP, exact)
    assert found is not None
    assert found[0] == "StickyHeaderTaken"


# --- what the gateway does ---


@given(pinned_situations(), requests, st.none() | st.integers(0, 99))
def test_each_request_gets_the_rule_that_the_user_wrote_for_it(
    made: tuple[list[Rule], Pins, int], request: Request, user: int | None
) -> None:
    rules, pins, weight = made
    after = pinned.split(rules, SHOP, weight, pins)
    found = rule_for(after, asked(request, identity(pins, user)))
    assert origin(found) == origin(rule_for(rules, request))


@given(pinned_situations(), requests, st.none() | st.integers(0, 99))
def test_every_other_backend_keeps_its_share(
    made: tuple[list[Rule], Pins, int], request: Request, user: int | None
) -> None:
    rules, pins, weight = made
    before = rule_for(rules, request)
    after = rule_for(pinned.split(rules, SHOP, weight, pins), asked(request, identity(pins, user)))
    if before is None or after is None or not any(ref["weight"] for ref in before["backendRefs"]):
        return
    cart = [
        sum((part for ref, part in backends(each) if ref["name"] == "cart"), Fraction(0))
        for each in (before, after)
    ]
    assert cart[0] == cart[1]


@given(pinned_situations(), requests, st.integers(0, 99))
def test_a_known_user_gets_one_version_and_by_no_chance(
    made: tuple[list[Rule], Pins, int], request: Request, user: int
) -> None:
    rules, pins, weight = made
    before = rule_for(rules, request)
    if before is None or not any(
        ref["weight"] and ref["name"] == "shop" for ref in before["backendRefs"]
    ):
        return
    joined = user < weight if isinstance(pins, HeaderPins) else user <= weight
    after = rule_for(pinned.split(rules, SHOP, weight, pins), asked(request, identity(pins, user)))
    assert on_canary(after) == (1 if joined else 0)


def test_a_request_without_a_bucket_gets_stable() -> None:
    for weight in (1, 50, 99):
        for headers in ({}, {BUCKET: "alice"}, {BUCKET: "100"}):
            after = rule_for(pinned.split(PLAIN, SHOP, weight, exact), Request(headers=headers))
            assert on_canary(after) == 0


@given(buckets, st.data())
def test_the_share_of_buckets_is_the_weight(pins: HeaderPins, data: st.DataObject) -> None:
    weight = data.draw(st.sampled_from(pins.steps))
    rules = pinned.split(PLAIN, SHOP, weight, pins)
    users = [Request(headers=identity(pins, bucket)) for bucket in range(100)]
    assert sum(on_canary(rule_for(rules, user)) for user in users) == weight


# Users in the cookie's scheme: how many of them hold which cookie, in exact parts of one user.
Crowd = Counter[str | None]


def visit(crowd: Crowd, rules: list[Rule]) -> tuple[Crowd, Fraction]:
    """One request of each user: the cookies afterwards, and how many users got the canary."""
    after: Crowd = Counter()
    seen = Fraction(0)
    for held, users in crowd.items():
        found = rule_for(rules, Request(headers={"Cookie": held} if held else {}))
        assert found is not None
        for each, part in backends(found):
            after[set_cookie(each) or held] += users * part  # type: ignore[assignment]
            seen += users * part * (each["name"] == "shop-canary")
    return after, seen


arrivals = st.lists(st.fractions(0, 10, max_denominator=8), min_size=8, max_size=8)
absences = st.lists(st.sampled_from([True, False]), min_size=8, max_size=8)


@given(cookies, arrivals, st.lists(absences, min_size=8, max_size=8))
def test_the_share_of_users_is_the_weight_whenever_they_come(
    pins: CookiePins, new: list[Fraction], absent: list[list[bool]]
) -> None:
    crowds: list[Crowd] = []
    for number, weight in enumerate(pins.steps):
        rules = pinned.split(PLAIN, SHOP, weight, pins)
        crowds.append(Counter({None: new[number]}))
        for cohort, crowd in enumerate(crowds):
            if cohort < number and absent[number][cohort]:
                continue
            crowds[cohort], seen = visit(crowd, rules)
            assert seen == new[cohort] * Fraction(weight, 100)


@given(cookies)
def test_nobody_who_has_seen_the_canary_is_moved_back_before_a_rollback(pins: CookiePins) -> None:
    for weight in pins.steps[:-1]:
        found = rule_for(pinned.split(PLAIN, SHOP, weight, pins), Request())
        assert found is not None
        (stamp,) = {
            set_cookie(each) for each, _ in backends(found) if each["name"] == "shop-canary"
        }
        assert stamp
        headers = {"Cookie": stamp}
        # Also where some replica of the gateway still is at an earlier step.
        for other in pins.steps:
            after = rule_for(pinned.split(PLAIN, SHOP, other, pins), Request(headers=headers))
            assert on_canary(after) == 1
            assert {set_cookie(each) for each, _ in backends(after)} <= {stamp, None}  # type: ignore[arg-type]
        assert (
            on_canary(rule_for(pinned.split(PLAIN, SHOP, 0, pins), Request(headers=headers))) == 0
        )


def test_the_cookie_of_another_release_is_drawn_anew() -> None:
    pins = CookiePins("linnet-shop", 3600, RELEASE, (5, 50, 100))
    rules = pinned.split(PLAIN, SHOP, 5, pins)
    old = {"Cookie": "linnet-shop=7e8a1b-1767220000-0"}
    assert rule_for(rules, Request(headers=old)) == rule_for(rules, Request())


def test_a_rule_that_other_rules_outrank_only_by_headers_keeps_its_place() -> None:
    beta = rule(ref("beta"), name="beta")
    beta["matches"][0]["headers"] = [{"type": "Exact", "name": "X-Beta", "value": "1"}]
    vague = rule(ref("beta"))
    vague["matches"][0]["path"] = {"type": "RegularExpression", "value": "/x.*"}
    far = rule(ref("beta"), path="/far")
    rules = [*PLAIN, beta, vague, far]
    after = pinned.split(rules, SHOP, 5, CookiePins("linnet-shop", 3600, RELEASE, (5, 100)))
    # Three for shop; a copy before beta and before the regular expression; none before /far.
    assert [each["backendRefs"][0]["name"] for each in after] == ["shop"] * 3 + ["beta"] * 5
    assert [each.get("name") for each in after] == [None] * 4 + ["beta"] + [None] * 3
