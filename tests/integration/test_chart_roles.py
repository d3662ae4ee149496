"""The roles of the operator's chart: no more than its README tells, and bound to its account."""

import re

import pytest

from tests.support.charts import CHARTS, OPERATOR, Object, of_kind, only, rendered

SECRETS = "configTracking.secrets=true"
ONE_NAMESPACE = ("scope.namespace=shop",)
VIEW = {
    "linnet.dev/canaryreleases": "get list watch",
    "linnet.dev/canaryreleases/status": "get list watch",
}
EDIT = {"linnet.dev/canaryreleases": "create update patch delete deletecollection promote rollback"}


def granted(role: Object) -> dict[str, str]:
    """A role's rules as {"group/resource": "verb verb"}, a resource name behind the resource."""
    rules: dict[str, str] = {}
    for rule in role["rules"]:
        names = "".join(f" {name}" for name in rule.get("resourceNames", []))
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                key = f"{group}/{resource}{names}"
                assert key not in rules, f"{key} is granted twice"
                rules[key] = " ".join(rule["verbs"])
    return rules


def told() -> dict[str, tuple[str, str]]:
    """The rules that the README tells of: {resource: (verbs, what for)}."""
    rows = {}
    for line in (CHARTS / OPERATOR / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"`[a-z0-9.]*/[a-z0-9/ -]+`", cells[0]):
            rows[cells[0].strip("`")] = (cells[1], cells[2])
    return rows


def rules(*, leases: bool, everywhere: bool = True) -> dict[str, str]:
    """Those of the README that are for Leases or not, in all namespaces or one."""
    return {
        resource: verbs
        for resource, (verbs, reason) in told().items()
        if leases is ("/leases" in resource)
        and (everywhere or "not with `scope.namespace`" not in reason)
    }


def roles(objects: tuple[Object, ...]) -> dict[str, dict[str, str]]:
    def name(role: Object) -> str:
        namespace = role["metadata"].get("namespace", "")
        return "/".join(filter(None, (role["kind"], namespace, role["metadata"]["name"])))

    return {name(role): granted(role) for role in of_kind(objects, "Role", "ClusterRole")}


def test_the_rules_are_those_of_the_readme() -> None:
    assert roles(rendered(OPERATOR, SECRETS)) == {
        "ClusterRole/linnet-operator": rules(leases=False),
        "Role/linnet-system/linnet-operator-leader": rules(leases=True),
        "ClusterRole/linnet-operator-view": VIEW,
        "ClusterRole/linnet-operator-edit": EDIT,
    }


@pytest.mark.parametrize(
    ("config_maps", "secrets", "watched", "kinds"),
    [
        ("false", "false", set(), ""),
        ("true", "false", {"/configmaps"}, "ConfigMap"),
        ("false", "true", {"/secrets"}, "Secret"),
        ("true", "true", {"/configmaps", "/secrets"}, "ConfigMap,Secret"),
    ],
)
def test_what_may_be_tracked_is_what_may_be_watched(
    config_maps: str, secrets: str, watched: set[str], kinds: str
) -> None:
    """The records of experiments take the other rights to ConfigMaps."""
    sets = (f"configTracking.configMaps={config_maps}", f"configTracking.secrets={secrets}")
    objects = rendered(OPERATOR, *sets)
    rules = roles(objects)["ClusterRole/linnet-operator"]
    found = {each for each in ("/configmaps", "/secrets") if "watch" in rules.get(each, "")}
    assert found == watched
    assert rules["/configmaps"].replace("watch ", "") == "get list create patch delete"
    assert ("/secrets" in rules) is ("/secrets" in watched)
    env = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "LINNET_TRACKED_KINDS", "value": kinds} in env


def test_the_rules_for_one_namespace_are_in_it() -> None:
    objects = rendered(OPERATOR, *ONE_NAMESPACE, SECRETS)
    assert roles(objects) == {
        "Role/shop/linnet-operator": rules(leases=False, everywhere=False),
        "Role/linnet-system/linnet-operator-leader": rules(leases=True),
    }
    assert of_kind(objects, "ClusterRoleBinding") == []
    env = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "LINNET_NAMESPACE", "value": "shop"} in env


@pytest.mark.parametrize("sets", [(), ONE_NAMESPACE], ids=["everywhere", "one-namespace"])
def test_every_role_is_bound_to_the_account_of_the_pods(sets: tuple[str, ...]) -> None:
    objects = rendered(OPERATOR, *sets, "rbac.aggregate=false")
    account = {
        "kind": "ServiceAccount",
        "name": only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"],
        "namespace": "linnet-system",
    }
    bindings = of_kind(objects, "RoleBinding", "ClusterRoleBinding")
    bound = {(b["roleRef"]["kind"], b["metadata"].get("namespace"), b["roleRef"]["name"])
             for b in bindings}  # fmt: skip
    made = {(r["kind"], r["metadata"].get("namespace"), r["metadata"]["name"])
            for r in of_kind(objects, "Role", "ClusterRole")}  # fmt: skip
    assert bound == made
    assert all(binding["subjects"] == [account] for binding in bindings)


def test_aggregated_roles_reach_the_three_roles_that_users_have() -> None:
    found = {}
    for role in of_kind(rendered(OPERATOR), "ClusterRole"):
        prefix = "rbac.authorization.k8s.io/aggregate-to-"
        labels = role["metadata"]["labels"]
        found[role["metadata"]["name"]] = {
            key.removeprefix(prefix) for key in labels if key.startswith(prefix)
        }
    assert found == {
        "linnet-operator": set(),
        "linnet-operator-view": {"view", "edit", "admin"},
        "linnet-operator-edit": {"edit", "admin"},
    }
