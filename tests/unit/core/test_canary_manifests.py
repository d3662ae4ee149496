import copy
from typing import Any

import pytest

from linnet.core.canary import canary_manifests, problem
from linnet.core.labels import (
    canary_name,
    is_ours,
    label_value,
    labels_of,
    matches,
    selector_text,
    selects,
)
from tests.support.workload_manifests import deployment, service

Manifest = dict[str, Any]


def made(
    target: Manifest | None = None, stable: Manifest | None = None, replicas: int = 1
) -> tuple[Manifest, Manifest]:
    pods, access = canary_manifests(
        target or deployment(), stable or service(), "shop-release", "abc123", replicas
    )
    return pods, access


def beside(stable: Manifest | None = None) -> list[Manifest]:
    """What is made where the canary stands behind stable's own Service."""
    found = stable or service()
    return canary_manifests(deployment(), found, "shop-release", "abc123", 1, one_service=True)


def template_with(**spec: Any) -> Manifest:
    target = deployment()
    target["spec"]["template"]["spec"].update(spec)
    return target


def test_names_labels_and_the_revision() -> None:
    for manifest in made():
        assert manifest["metadata"] == {
            "name": "shop-canary",
            "namespace": "default",
            "labels": {
                "app.kubernetes.io/managed-by": "linnet",
                "linnet.dev/release": "shop-release",
                "linnet.dev/track": "canary",
            },
            "annotations": {"linnet.dev/revision": "abc123"},
        }
        assert is_ours(manifest)


def test_pods_keep_their_labels_but_those_that_stable_is_selected_by() -> None:
    pods, _ = made()
    assert labels_of(pods["spec"]["template"]) == {
        "app": "shop-canary",
        "tier": "web",
        "linnet.dev/release": "shop-release",
        "linnet.dev/track": "canary",
    }


def test_nothing_of_the_users_selects_the_canarys_pods() -> None:
    stable = service()
    stable["spec"]["selector"] = {"tier": "web"}
    pods, access = made(stable=stable)
    labels = labels_of(pods["spec"]["template"])
    assert not selects(deployment()["spec"]["selector"], labels)
    assert not matches(stable["spec"]["selector"], labels)
    assert matches(access["spec"]["selector"], labels)
    assert selects(pods["spec"]["selector"], labels)
    assert not matches(access["spec"]["selector"], labels_of(deployment()["spec"]["template"]))


def test_a_value_at_the_length_limit_gets_another_one_within_it() -> None:
    target, stable, value = deployment(), service(), "x" * 63
    target["spec"]["selector"]["matchLabels"]["app"] = value
    target["spec"]["template"]["metadata"]["labels"]["app"] = value
    stable["spec"]["selector"]["app"] = value
    pods, _ = made(target, stable)
    other = pods["spec"]["selector"]["matchLabels"]["app"]
    assert len(other) <= 63
    assert other != value


def test_an_empty_value_gets_one() -> None:
    target = deployment()
    target["spec"]["selector"]["matchLabels"]["plain"] = ""
    target["spec"]["template"]["metadata"]["labels"]["plain"] = ""
    assert made(target)[0]["spec"]["selector"]["matchLabels"]["plain"] == "canary"


def test_the_template_is_copied_and_the_original_left_alone() -> None:
    target = template_with(nodeSelector={"disk": "ssd"})
    target["spec"]["template"]["metadata"] |= {
        "creationTimestamp": None,
        "annotations": {"note": "x"},
    }
    before = copy.deepcopy(target)
    pods, _ = made(target)
    assert pods["spec"]["template"]["spec"] == before["spec"]["template"]["spec"]
    assert pods["spec"]["template"]["metadata"]["annotations"] == {"note": "x"}
    assert "creationTimestamp" not in pods["spec"]["template"]["metadata"]
    assert target == before


def test_the_canary_spreads_among_its_own_pods_and_keeps_affinities() -> None:
    affinity = {"podAntiAffinity": {"x": [{"labelSelector": {"matchLabels": {"app": "shop"}}}]}}
    spread = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "labelSelector": {
            "matchLabels": {"app": "shop", "tier": "web"},
            "matchExpressions": [
                {"key": "app", "operator": "In", "values": ["shop", "other"]},
                {"key": "tier", "operator": "Exists"},
            ],
        },
    }
    plain = {"maxSkew": 1, "topologyKey": "host"}
    terms = {"labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}
    labels = {"labelSelector": {"matchLabels": {"tier": "web"}}}
    constraints = [spread, plain, terms, labels]
    pods, _ = made(template_with(topologySpreadConstraints=constraints, affinity=affinity))
    spec = pods["spec"]["template"]["spec"]
    assert spec["topologySpreadConstraints"][0]["labelSelector"] == {
        "matchLabels": {"app": "shop-canary", "tier": "web"},
        "matchExpressions": [
            {"key": "app", "operator": "In", "values": ["shop-canary", "other"]},
            {"key": "tier", "operator": "Exists"},
        ],
    }
    assert spec["topologySpreadConstraints"][1:] == [plain, terms, labels]
    assert spec["affinity"] == affinity


def test_the_deployment_is_running_and_small() -> None:
    target = deployment()
    target["spec"] |= {"paused": True, "minReadySeconds": 7, "revisionHistoryLimit": 10}
    spec = made(target, replicas=3)[0]["spec"]
    assert "paused" not in spec
    assert (spec["replicas"], spec["minReadySeconds"], spec["revisionHistoryLimit"]) == (3, 7, 1)


def test_the_service_has_the_same_ports_and_nothing_of_the_address() -> None:
    stable = service()
    stable["spec"] |= {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "externalIPs": ["1.2.3.4"]}
    stable["spec"]["ports"][0] |= {"nodePort": 30000, "appProtocol": "http"}
    assert made(stable=stable)[1]["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "shop-canary", "linnet.dev/track": "canary"},
        "ports": [
            {
                "name": "http",
                "port": 80,
                "targetPort": 8080,
                "protocol": "TCP",
                "appProtocol": "http",
            }
        ],
    }


def test_there_is_no_owner() -> None:
    assert not any("ownerReferences" in manifest["metadata"] for manifest in made())


def test_what_is_usable_has_no_problem() -> None:
    assert problem(deployment(), service()) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"clusterIP": "None"}, "ServiceNotSplittable"),
        ({"type": "ExternalName", "externalName": "x.example"}, "ServiceNotSplittable"),
        ({"selector": {}}, "ServiceWithoutSelector"),
        ({"selector": {"app": "other"}}, "ServiceSelectsOthers"),
    ],
)
def test_services_that_cannot_be_used(change: Manifest, reason: str) -> None:
    stable = service()
    stable["spec"] |= change
    found = problem(deployment(), stable)
    assert found is not None
    assert found[0] == reason
    assert "Service shop" in found[1]


def test_a_selector_that_any_value_matches_cannot_be_used() -> None:
    target = deployment()
    target["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    found = problem(target, service())
    assert found is not None
    assert found[0] == "SelectorTooWide"


def test_a_selector_by_expressions_can_be_used() -> None:
    target = deployment()
    target["spec"]["selector"] = {
        "matchExpressions": [
            {"key": "app", "operator": "In", "values": ["shop"]},
            {"key": "old", "operator": "DoesNotExist"},
        ]
    }
    assert problem(target, service()) is None
    pods, _ = made(target)
    assert not selects(target["spec"]["selector"], labels_of(pods["spec"]["template"]))


def test_a_long_name_is_shortened_the_same_each_time_and_differs() -> None:
    one, two = canary_name("a" * 60), canary_name("a" * 61)
    assert len(one) == 63
    assert one == canary_name("a" * 60)
    assert one != two
    assert label_value("short") == "short"


def test_selector_text_says_what_a_list_request_takes() -> None:
    selector = {
        "matchLabels": {"app": "shop"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "zone", "operator": "NotIn", "values": ["c"]},
            {"key": "new", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }
    assert selector_text(selector) == "app=shop,tier in (a,b),zone notin (c),new,!old"


def test_behind_stables_own_service_there_is_no_other_and_its_labels_are_kept() -> None:
    (pods,) = beside()
    assert pods["kind"] == "Deployment"
    assert labels_of(pods["spec"]["template"])["app"] == "shop"
    selector = pods["spec"]["selector"]
    assert selector == {"matchLabels": {"app": "shop", "linnet.dev/track": "canary"}}
    assert selects(selector, labels_of(pods["spec"]["template"]))
    assert not selects(selector, labels_of(deployment()["spec"]["template"]))


def test_behind_stables_own_service_other_labels_that_stable_is_selected_by_change() -> None:
    by_tier = service()
    by_tier["spec"]["selector"] = {"tier": "web"}
    (pods,) = beside(by_tier)
    labels = labels_of(pods["spec"]["template"])
    assert (labels["app"], labels["tier"]) == ("shop-canary", "web")
    assert not selects(deployment()["spec"]["selector"], labels)
    assert matches(by_tier["spec"]["selector"], labels)


def test_a_wide_selector_is_no_problem_behind_stables_own_service() -> None:
    wide = deployment()
    wide["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
    assert problem(wide, service()) is not None
    assert problem(wide, service(), one_service=True) is None
    other = service()
    other["spec"]["selector"] = {"app": "cart"}
    assert problem(deployment(), other, one_service=True) is not None
