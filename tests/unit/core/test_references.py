"""What a pod template reads by name, in every place where it can say so."""

import copy
from typing import Any

import pytest

from linnet.api.config import TrackedConfig
from linnet.core.references import Reference, mutable, mutable_message, references, renamed

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "shop"}},
    "spec": {
        "imagePullSecrets": [{"name": "pull"}],
        "volumes": [
            {"name": "a", "configMap": {"name": "in-volume", "items": [{"key": "k", "path": "p"}]}},
            {"name": "b", "secret": {"secretName": "in-volume", "defaultMode": 288}},
            {
                "name": "c",
                "projected": {
                    "defaultMode": 420,
                    "sources": [
                        {"configMap": {"name": "projected"}},
                        {"secret": {"name": "projected", "optional": True}},
                        {"serviceAccountToken": {"path": "token"}},
                    ],
                },
            },
            {"name": "d", "emptyDir": {}},
            {"name": "e", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "driver"}}},
        ],
        "initContainers": [{"name": "init", "envFrom": [{"configMapRef": {"name": "init"}}]}],
        "containers": [
            {
                "name": "app",
                "envFrom": [
                    {"prefix": "P_", "configMapRef": {"name": "env-from"}},
                    {"secretRef": {"name": "env-from"}},
                ],
                "env": [
                    {"name": "PLAIN", "value": "1"},
                    {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "env", "key": "k"}}},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}},
                    {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
            },
            {"name": "sidecar", "image": "x"},
        ],
    },
}
READ = frozenset(
    {Reference(kind, name) for kind in ("ConfigMap", "Secret")
     for name in ("in-volume", "projected", "env-from", "env")}
    | {Reference("ConfigMap", "init")}
)  # fmt: skip


def tracked(name: str, kind: str = "ConfigMap") -> TrackedConfig:
    return TrackedConfig.model_validate({"kind": kind, "name": "source", "mountedAs": name})


def test_every_place_is_found_and_nothing_else() -> None:
    assert references(TEMPLATE) == READ


def test_a_template_that_reads_nothing() -> None:
    assert references({"spec": {"containers": [{"name": "app", "env": None}]}}) == frozenset()


@pytest.mark.parametrize("reference", sorted(READ), ids=str)
def test_each_place_is_renamed_alone(reference: Reference) -> None:
    before = copy.deepcopy(TEMPLATE)
    after = renamed(TEMPLATE, {reference: "other"})
    assert references(after) == READ - {reference} | {Reference(reference.kind, "other")}
    assert renamed(after, {Reference(reference.kind, "other"): reference.name}) == before
    assert before == TEMPLATE


def test_nothing_to_rename_leaves_the_template_as_it_is() -> None:
    assert renamed(TEMPLATE, {Reference("ConfigMap", "unknown"): "other"}) == TEMPLATE


def test_what_is_not_tracked_is_mutable() -> None:
    read = {Reference("ConfigMap", "b"), Reference("ConfigMap", "a"), Reference("Secret", "a")}
    assert mutable(read, [tracked("a")]) == (Reference("ConfigMap", "b"), Reference("Secret", "a"))
    assert mutable(read, [tracked("a"), tracked("b"), tracked("a", "Secret")]) == ()


@pytest.mark.parametrize(
    "name",
    [
        "settings-5h9kgc7fd2",  # kustomize
        "settings-bcdfghkmtg",
        "settings-0a1b2c3d",
        "settings-" + "0123456789abcdef" * 4,
        "kube-root-ca.crt",
    ],
)
def test_a_name_that_stands_for_its_content_does_not_count(name: str) -> None:
    assert mutable({Reference("ConfigMap", name)}, ()) == ()


@pytest.mark.parametrize(
    "name", ["settings", "settings-v2", "settings-facade", "settings-deadbeef", "5h9kgc7fd2"]
)
def test_other_names_do(name: str) -> None:
    assert mutable({Reference("ConfigMap", name)}, ()) == (Reference("ConfigMap", name),)


def test_the_message_names_them_and_says_what_to_do() -> None:
    said = mutable_message([Reference("ConfigMap", "a"), Reference("Secret", "b")])
    assert "ConfigMap a, Secret b. Track it with spec.trackedConfig, or" in said
