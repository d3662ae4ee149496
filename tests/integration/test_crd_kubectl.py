"""What kubectl tells about the generated CRD: descriptions, columns, and the status."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from linnet.api.crd import COLUMNS, resource_schema
from linnet.api.status import CanaryReleaseStatus
from tests.support.apiserver import ApiServer, KubectlError
from tests.support.releases import MINIMAL, Object, dump, full_status, release


def objects(path: str, schema: Object) -> Iterator[tuple[str, Object]]:
    """Every object of the schema with its path as `kubectl explain` takes it."""
    yield path, schema
    for name, child in schema["properties"].items():
        inner = child.get("items", child)
        if inner["type"] == "object" and "properties" in inner:
            yield from objects(f"{path}.{name}", inner)


EVERY_KINDS = ("apiVersion", "kind", "metadata")
"""Fields of a resource that the API server describes in its own words."""

OBJECTS = dict(objects("canaryrelease", resource_schema()))


def test_objects_are_found() -> None:
    assert "canaryrelease.spec.analysis.metrics.rollback" in OBJECTS
    assert "canaryrelease.status.conditions" in OBJECTS


@pytest.mark.parametrize("path", OBJECTS)
def test_explains(apiserver: ApiServer, path: str) -> None:
    # kubectl breaks lines, so only the words are compared
    told = " ".join(apiserver.kubectl("explain", path).split())
    assert "<no description" not in told
    assert "<empty>" not in told
    assert OBJECTS[path]["description"] in told
    for name, child in OBJECTS[path]["properties"].items():
        if name not in EVERY_KINDS:
            assert child["description"] in told, name


def test_short_name_category_and_columns(apiserver: ApiServer, namespace: str) -> None:
    create(apiserver, namespace)
    write_status(apiserver, namespace, dump(full_status()))
    lines = apiserver.kubectl("get", "crel", "-n", namespace).splitlines()
    assert lines[0].split() == ["NAME", *(column[0].upper() for column in COLUMNS)]
    assert lines[1].split()[:5] == ["shop", "Progressing", "10", "2/4", "False"]
    assert "Holding at 10 %" in lines[1]
    assert "shop" in apiserver.kubectl("get", "delivery", "-n", namespace)
    assert "shop" in apiserver.kubectl("get", "canaryreleases", "-n", namespace)


# --- status ---


def create(server: ApiServer, namespace: str, **fields: Any) -> None:
    server.kubectl("create", "-n", namespace, "-f", "-", input=release(MINIMAL) | fields)


def write_status(server: ApiServer, namespace: str, status: Object, **fields: Any) -> None:
    patch = json.dumps({"status": status} | fields)
    options = ("--subresource=status", "--type=merge", "-p", patch)
    server.kubectl("patch", "crel", "shop", "-n", namespace, *options)


def test_the_full_status_is_full() -> None:
    written = dump(full_status())
    for path, schema in OBJECTS.items():
        if path.startswith("canaryrelease.status"):
            found: Any = written
            for key in path.split(".")[2:]:
                found = found[key][0] if isinstance(found[key], list) else found[key]
            assert set(found) == set(schema["properties"]), path


def test_status_round_trips(apiserver: ApiServer, namespace: str) -> None:
    create(apiserver, namespace)
    write_status(apiserver, namespace, dump(full_status()))
    stored = apiserver.get("crel", "shop", "-n", namespace)["status"]
    assert stored == dump(full_status())
    assert CanaryReleaseStatus.model_validate(stored) == full_status()


def test_status_gets_no_defaults(apiserver: ApiServer, namespace: str) -> None:
    create(apiserver, namespace)
    assert "status" not in apiserver.get("crel", "shop", "-n", namespace)
    write_status(apiserver, namespace, {"phase": "Idle"})
    assert apiserver.get("crel", "shop", "-n", namespace)["status"] == {"phase": "Idle"}


def test_status_is_a_subresource(apiserver: ApiServer, namespace: str) -> None:
    create(apiserver, namespace, status={"phase": "Promoted"})
    assert "status" not in apiserver.get("crel", "shop", "-n", namespace)
    write_status(apiserver, namespace, {"phase": "Idle"}, spec={"suspend": True})
    stored = apiserver.get("crel", "shop", "-n", namespace)
    assert stored["spec"]["suspend"] is False
    assert stored["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"phase": "Confused"}, 'Unsupported value: "Confused"'),
        ({"conditions": [{"type": "Ready"}]}, "status.conditions[0].reason: Required value"),
        ({"weight": {"seen": 101}}, "should be less than or equal to 100"),
        ({"conditions": [dump(full_status())["conditions"][0]] * 2}, "Duplicate value"),
    ],
    ids=["phase", "condition", "weight", "condition twice"],
)
def test_refuses_a_wrong_status(
    apiserver: ApiServer, namespace: str, status: Object, message: str
) -> None:
    create(apiserver, namespace)
    with pytest.raises(KubectlError) as refusal:
        write_status(apiserver, namespace, status)
    assert message in str(refusal.value)
