"""Which requests meet which faults."""

from collections import Counter

import pytest

from tests.support.rig.faults import (
    QUERY_FAULTS,
    READ_FAULTS,
    WATCH_FAULTS,
    WRITE_FAULTS,
    Asked,
    Fault,
    Met,
    Schedule,
    Seeded,
    asked,
    either,
)

ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/web"
READ = Asked("get", "httproutes", "shop", "web")


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", ROUTE, {}, Asked("get", "httproutes", "shop", "web")),
        ("PATCH", ROUTE, {}, Asked("patch", "httproutes", "shop", "web")),
        ("PATCH", f"{ROUTE}/status", {}, Asked("patch", "httproutes", "shop", "web", "status")),
        ("GET", "/api/v1/pods", {"watch": "true"}, Asked("watch", "pods")),
        ("GET", "/api/v1/namespaces/shop/pods", {}, Asked("list", "pods", "shop")),
        ("POST", "/api/v1/namespaces/shop/pods", {}, Asked("create", "pods", "shop")),
        ("DELETE", "/api/v1/namespaces/shop/pods/a", {}, Asked("delete", "pods", "shop", "a")),
        ("GET", "/api/v1/namespaces/shop", {}, Asked("get", "namespaces", "", "shop")),
        ("GET", "/apis/linnet.dev/v1alpha1", {}, Asked("get", "")),
        ("POST", "/api/v1/query", {}, Asked("query", "query")),
        ("GET", "/version", {}, Asked("get", "/version")),
    ],
)
def test_a_request_is_told_by_its_path(
    method: str, path: str, query: dict[str, str], expected: Asked
) -> None:
    assert asked(method, path, query) == expected


def test_the_same_seed_chooses_the_same_however_requests_mix() -> None:
    routes = [Asked("patch", "httproutes", "shop", name) for name in "abcde"]
    one, two = Seeded(7, 0.5), Seeded(7, 0.5)
    by_turns = [(route, one(route)) for _ in range(20) for route in routes]
    one_by_one = [(route, two(route)) for route in routes for _ in range(20)]
    assert Counter(by_turns) == Counter(one_by_one)
    assert len({met for _, met in by_turns}) > 10


def test_another_seed_chooses_otherwise() -> None:
    one, two = Seeded(1, 0.5), Seeded(2, 0.5)
    assert [one(READ) for _ in range(50)] != [two(READ) for _ in range(50)]


def test_the_rate_is_kept_and_every_possible_fault_comes() -> None:
    choose = Seeded("x", 0.1)
    met = [choose(Asked("patch", "httproutes", "shop", str(n))) for n in range(5000)]
    faults = Counter(each.fault for each in met if each is not None)
    assert 400 <= faults.total() <= 600
    assert set(faults) == set(WRITE_FAULTS)


@pytest.mark.parametrize(
    ("verb", "possible"),
    [
        ("get", READ_FAULTS),
        ("list", READ_FAULTS),
        ("query", QUERY_FAULTS),
        ("watch", WATCH_FAULTS),
        ("patch", WRITE_FAULTS),
        ("delete", WRITE_FAULTS),
    ],
)
def test_each_kind_of_request_has_faults_of_its_own(verb: str, possible: tuple[Fault, ...]) -> None:
    assert Asked(verb, "pods").possible == possible


def test_what_is_created_meets_no_conflict_of_versions() -> None:
    assert Fault.CONFLICT not in Asked("create", "pods").possible


def test_only_some_faults_may_be_asked_for_and_none_while_off() -> None:
    choose = Seeded(1, 1.0, only=(Fault.CUT,))
    assert choose(READ) is None
    cut = choose(Asked("watch", "pods"))
    assert cut is not None
    assert cut.fault is Fault.CUT
    choose.active = False
    assert choose(Asked("watch", "pods")) is None


def test_a_schedule_is_used_up_entry_by_entry() -> None:
    schedule = Schedule().add(Fault.CONFLICT, 2, kind="httproutes").add(Fault.RESET, verb="get")
    assert [schedule(READ) for _ in range(4)] == [
        Met(Fault.CONFLICT),
        Met(Fault.CONFLICT),
        Met(Fault.RESET),
        None,
    ]


def test_the_first_of_several_choosers_decides() -> None:
    choose = either(Schedule().add(Fault.BUSY), Schedule().add(Fault.RESET, 2))
    assert [choose(READ) for _ in range(4)] == [
        Met(Fault.BUSY),
        Met(Fault.RESET),
        Met(Fault.RESET),
        None,
    ]
