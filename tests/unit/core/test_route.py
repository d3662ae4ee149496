import copy
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linnet.core.route import (
    WEIGHT_LIMIT,
    Backends,
    listed,
    problem,
    restore,
    share,
    split,
)

SHOP = Backends("default", "shop", "shop-canary")
Rule = dict[str, Any]


def ref(name: str, weight: int | None = None, **more: Any) -> Rule:
    return {"name": name, "port": 80, **({} if weight is None else {"weight": weight}), **more}


def rule(*refs: Rule) -> Rule:
    return {"matches": [{"path": {"value": "/"}}], "backendRefs": list(refs)}


def weights(rules: list[Rule]) -> list[dict[str, int]]:
    return [{ref["name"]: ref["weight"] for ref in each["backendRefs"]} for each in rules]


# Routes as users write them: each rule has stable or not, beside up to three other Services.
weight_values = st.integers(0, WEIGHT_LIMIT // 100)
other_refs = st.lists(
    st.builds(ref, st.sampled_from(["cart", "search", "legacy"]), weight_values),
    max_size=3,
    unique_by=lambda each: each["name"],
)
stable_refs = st.builds(ref, st.just("shop"), weight_values)
rules_of_users = st.lists(
    st.builds(
        lambda stable, others: rule(*others[:1], *stable, *others[1:]),
        st.lists(stable_refs, max_size=1),
        other_refs,
    ),
    min_size=1,
    max_size=4,
)
usable_rules = rules_of_users.filter(lambda rules: problem(rules, SHOP) is None)
percents = st.integers(0, 100)
# Routes after a hand edit in mid-release: any weights, the canary listed or not.
edited_rules = st.lists(
    st.builds(
        lambda *refs: rule(*refs),
        st.builds(ref, st.just("shop"), st.integers(0, WEIGHT_LIMIT)),
        st.builds(ref, st.just("shop-canary"), st.integers(0, WEIGHT_LIMIT)),
        st.builds(ref, st.just("cart"), st.integers(0, WEIGHT_LIMIT)),
    ),
    min_size=1,
    max_size=2,
)


@given(usable_rules, percents)
def test_restoring_gives_the_users_rules_back(rules: list[Rule], weight: int) -> None:
    assert restore(split(rules, SHOP, weight), SHOP) == rules


@given(usable_rules, percents)
def test_the_share_that_was_set_is_seen(rules: list[Rule], weight: int) -> None:
    assert share(split(rules, SHOP, weight), SHOP) == weight


@given(usable_rules, percents, percents)
def test_only_the_last_weight_counts(rules: list[Rule], first: int, last: int) -> None:
    assert split(split(rules, SHOP, first), SHOP, last) == split(rules, SHOP, last)


@given(usable_rules, percents)
def test_every_other_backend_keeps_its_share(rules: list[Rule], weight: int) -> None:
    for before, after in zip(weights(rules), weights(split(rules, SHOP, weight)), strict=True):
        both = after.get("shop", 0) + after.get("shop-canary", 0)
        for name, own in before.items():
            now = both if name == "shop" else after[name]
            assert now * sum(before.values()) == own * sum(after.values())


@given(usable_rules, percents)
def test_no_weight_exceeds_the_limit(rules: list[Rule], weight: int) -> None:
    for each in weights(split(rules, SHOP, weight)):
        assert all(0 <= value <= WEIGHT_LIMIT for value in each.values())


@given(usable_rules, percents)
def test_the_rules_given_are_left_as_they_are(rules: list[Rule], weight: int) -> None:
    before = copy.deepcopy(rules)
    restore(split(rules, SHOP, weight), SHOP)
    assert rules == before


@given(edited_rules, percents, percents)
def test_a_hand_edit_never_stands_in_the_way(rules: list[Rule], first: int, last: int) -> None:
    assert problem(rules, SHOP) is None
    once = split(rules, SHOP, first)
    assert share(once, SHOP) == first
    assert all(value <= WEIGHT_LIMIT for each in weights(once) for value in each.values())
    assert split(once, SHOP, last) == split(rules, SHOP, last)


@given(edited_rules, percents)
def test_a_hand_edits_proportions_are_kept_where_there_is_room(
    rules: list[Rule], weight: int
) -> None:
    small = all(
        each["shop"] + each["shop-canary"] <= 10_000 and each["cart"] <= 10_000
        for each in weights(rules)
    )
    for before, after in zip(weights(rules), weights(split(rules, SHOP, weight)), strict=True):
        own = before["shop"] + before["shop-canary"]
        if small and own:
            now = after["shop"] + after["shop-canary"]
            assert Fraction(after["cart"], now) == Fraction(before["cart"], own)


def test_weights_read_as_percents_where_stable_is_alone() -> None:
    rules = split([rule(ref("shop"))], SHOP, 5)
    assert rules == [rule(ref("shop", 95), ref("shop-canary", 5))]


def test_the_canary_copies_port_and_filters_of_stable() -> None:
    filters = [{"type": "RequestHeaderModifier"}]
    stable = ref("shop", 1, port=8080, filters=filters, namespace="default")
    (after,) = split([rule(stable)], SHOP, 50)
    assert after["backendRefs"][1] == {**stable, "name": "shop-canary", "weight": 50}


def test_one_service_at_two_ports_is_split_at_each() -> None:
    rules = [rule(ref("shop", 3, port=80), ref("shop", 1, port=81))]
    after = split(rules, SHOP, 20)
    assert [(r["name"], r["port"], r["weight"]) for r in after[0]["backendRefs"]] == [
        ("shop", 80, 240),
        ("shop-canary", 80, 60),
        ("shop", 81, 80),
        ("shop-canary", 81, 20),
    ]
    assert restore(after, SHOP) == rules


def test_a_rule_of_others_is_left_alone() -> None:
    rules = [rule(ref("cart", 7)), rule(ref("shop", 1))]
    assert split(rules, SHOP, 10)[0] == rules[0]
    assert restore(split(rules, SHOP, 10), SHOP) == rules


@pytest.mark.parametrize(
    ("left", "restored"),
    [
        ([ref("shop-canary", 7)], {"shop": 1}),
        ([ref("shop-canary", 0)], {"shop": 1}),
        ([ref("shop-canary", 500), ref("cart", 9500)], {"shop": 5, "cart": 95}),
        ([ref("shop-canary", 0), ref("cart", 200)], {"shop": 1, "cart": 200}),
        ([ref("shop-canary"), ref("cart")], {"shop": 1, "cart": 1}),
    ],
)
def test_stable_comes_back_where_only_the_canary_is_left(
    left: list[Rule], restored: dict[str, int]
) -> None:
    rules = [rule(*left)]
    assert listed(rules, SHOP)
    assert problem(rules, SHOP) is None
    assert weights(restore(rules, SHOP)) == [restored]
    assert share(split(rules, SHOP, 10), SHOP) == 10
    assert share([*rules, rule(ref("shop", 1))], SHOP) != 100


def test_at_0_a_rule_that_has_no_room_for_the_canary_does_without() -> None:
    many = rule(ref("shop", 1), *(ref(f"s{n}", 1) for n in range(15)))
    heavy = rule(ref("shop", 1), ref("cart", 20_000))
    rules = [rule(ref("shop", 95), ref("shop-canary", 5)), many, heavy]
    assert problem(rules, SHOP) is not None
    after = split(rules, SHOP, 0)
    assert weights(after)[0] == {"shop": 100, "shop-canary": 0}
    assert after[1:] == [many, heavy]
    assert share(after, SHOP) == 0


@pytest.mark.parametrize(
    "other",
    [
        ref("shop", 1, namespace="elsewhere"),
        ref("shop", 1, kind="ServiceImport", group="multicluster.x-k8s.io"),
    ],
)
def test_something_else_of_the_same_name_is_not_stable(other: Rule) -> None:
    found = problem([rule(other)], SHOP)
    assert found is not None
    assert found[0] == "NoStableBackend"


def test_the_users_manifest_applied_again_in_mid_release_counts_as_share_0() -> None:
    rules = [rule(ref("shop", 1))]
    assert share(rules, SHOP) == 0
    assert not listed(rules, SHOP)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule(ref("shop", 95), ref("shop-canary", 5)), rule(ref("shop", 1))], None),
        ([rule(ref("shop", 2), ref("shop-canary", 1))], None),
        ([rule(ref("shop", 0), ref("shop-canary", 0))], None),
        ([rule(ref("shop", 3), ref("shop-canary", 1))], 25),
        ([rule(ref("shop", 0), ref("shop-canary", 1))], 100),
        ([], None),
    ],
)
def test_share_of_rules_that_were_edited(rules: list[Rule], expected: int | None) -> None:
    assert share(rules, SHOP) == expected


def test_a_canary_that_the_user_lists_at_0_is_adopted() -> None:
    rules = [rule(ref("shop", 1), ref("shop-canary", 0))]
    assert weights(split(rules, SHOP, 10)) == [{"shop": 90, "shop-canary": 10}]
    assert restore(rules, SHOP) == [rule(ref("shop", 1))]


def test_both_at_0_by_hand_gives_stable_its_traffic_back() -> None:
    rules = [rule(ref("shop", 0), ref("shop-canary", 0), ref("cart", 3))]
    assert weights(split(rules, SHOP, 0)) == [{"shop": 100, "shop-canary": 0, "cart": 300}]


@pytest.mark.parametrize(
    ("rules", "reason", "remedy"),
    [
        ([rule(ref("cart", 1))], "NoStableBackend", "spec.rules[].backendRefs"),
        ([{"matches": []}], "NoStableBackend", "spec.traffic.service"),
        ([rule(ref("shop", 0), ref("cart", 1))], "StableWithoutWeight", "give it a weight"),
        ([rule(ref("shop", 10_001))], "WeightTooLarge", "lower"),
        ([rule(ref("shop", 1), ref("cart", 20_000))], "WeightTooLarge", "lower"),
        (
            [rule(ref("shop", 1), *(ref(f"s{n}", 1) for n in range(15)))],
            "TooManyBackends",
            "remove one",
        ),
    ],
)
def test_rules_that_cannot_be_split(rules: list[Rule], reason: str, remedy: str) -> None:
    found = problem(rules, SHOP)
    assert found is not None
    assert found[0] == reason
    assert "shop" in found[1]
    assert remedy in found[1]
