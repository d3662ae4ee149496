"""Tracked config as objects: its hash, its copies, and what can't be used."""

from typing import Any

import pytest

from linnet.api.config import TrackedConfig
from linnet.core import config
from linnet.core.config import ConfigObjects, contents_of, digest, observed
from linnet.core.references import Reference

Object = dict[str, Any]

A, B = Reference("ConfigMap", "a-live"), Reference("Secret", "b-live")
TRACKED = (
    TrackedConfig.model_validate({"name": "a", "mountedAs": "a-live"}),
    TrackedConfig.model_validate({"kind": "Secret", "name": "b", "mountedAs": "b-live"}),
)
LABELLED = {"metadata": {"labels": {"linnet.dev/tracked": "true"}}}


def source(**data: str) -> Object:
    return {**LABELLED, "data": data}


def live(reference: Reference, **data: str) -> Object:
    return config.live_manifest(reference, {"data": data}, "default", "shop")


def objects(a: str = "1", b: str = "1", **changes: Any) -> ConfigObjects:
    """Sources with these contents, and live ones with 1."""
    fields = {
        "sources": {A: source(k=a), B: source(k=b)},
        "live": {A: live(A, k="1"), B: live(B, k="1")},
    }
    return ConfigObjects(**{**fields, **changes})


def hashed(a: str, b: str) -> str:
    return digest({A: {"data": {"k": a}}, B: {"data": {"k": b}}})


def copies(a: str, b: str) -> Any:
    made = hashed(a, b)
    return config.copies_of(
        [
            config.copy_manifest(A, made, {"data": {"k": a}}, "default", "shop"),
            config.copy_manifest(B, made, {"data": {"k": b}}, "default", "shop"),
        ],
        "shop",
    )


def seen(found: ConfigObjects) -> Any:
    return observed(TRACKED, found, "default", "shop")


def problem_of(found: ConfigObjects) -> tuple[str, str]:
    problem = seen(found).problem
    assert problem is not None
    return (problem[0], problem[1])


def test_the_hash_is_of_all_content_and_of_the_names_it_is_read_by() -> None:
    one = hashed("1", "1")
    assert len(one) == 10
    assert int(one, 16) >= 0
    others = [hashed("1", "2"), hashed("2", "1"), digest({A: {"data": {"k": "1"}}})]
    assert len({one, *others}) == 4
    assert digest({B: {"data": {"k": "1"}}, A: {"data": {"k": "1"}}}) == one
    assert digest({A: {"binaryData": {"k": "1"}}}) != digest({A: {"data": {"k": "1"}}})


def test_metadata_type_and_empty_parts_are_not_content() -> None:
    found = {**LABELLED, "immutable": True, "type": "Opaque", "data": {"k": "1"}, "binaryData": {}}
    assert config.content(found) == {"data": {"k": "1"}}
    assert config.content({"data": None}) == {}


def test_a_copy_is_immutable_and_named_by_its_content() -> None:
    made = config.copy_manifest(A, "abc", {"binaryData": {"k": "AA=="}}, "default", "shop")
    assert made["metadata"]["name"] == "a-live-abc"
    assert made["immutable"] is True
    assert made["binaryData"] == {"k": "AA=="}
    assert "immutable" not in live(A)
    assert config.copy_names(TRACKED, "abc") == {A: "a-live-abc", B: "b-live-abc"}


def test_copies_of_others_are_not_taken_for_the_releases_own() -> None:
    mine = config.copy_manifest(A, "abc", {}, "default", "shop")
    others = [config.copy_manifest(A, "abd", {}, "default", "tea"), live(A), source(k="1")]
    assert config.copies_of([mine, *others], "shop") == {"abc": {A: mine}}


def test_how_it_stands_at_rest() -> None:
    found = seen(objects(copies=copies("1", "1")))
    assert (found.source, found.live) == (hashed("1", "1"), hashed("1", "1"))
    assert found.written
    assert found.copies == {hashed("1", "1"): True}
    assert found.problem is None


def test_what_is_not_written_yet_counts_as_the_source_has_it() -> None:
    found = seen(objects(a="2", b="2", live={A: live(A, k="1")}))
    assert (found.source, found.live) == (hashed("2", "2"), hashed("1", "2"))
    assert not found.written


def test_a_copy_that_is_not_whole_or_was_exchanged_is_not_counted_on() -> None:
    name = hashed("2", "2")
    half = {name: {A: copies("2", "2")[name][A]}}
    exchanged = {name: {**copies("2", "2")[name], B: live(B, k="other")}}
    assert seen(objects(copies=half)).copies == {name: False}
    assert seen(objects(copies=exchanged)).copies == {name: False}


@pytest.mark.parametrize(
    ("found", "a", "b"),
    [
        (objects(copies=copies("3", "3")), "3", "3"),
        (objects(a="2"), "2", "1"),
        (objects(a="2", b="2"), "1", "1"),
        (objects(a="2", b="2", live={B: live(B, k="1")}), "2", "1"),
    ],
    ids=["copies", "sources", "live", "live, and a source where none is"],
)
def test_content_is_found_by_its_hash(found: ConfigObjects, a: str, b: str) -> None:
    assert contents_of(TRACKED, found, "shop", hashed(a, b)) == {
        A: {"data": {"k": a}},
        B: {"data": {"k": b}},
    }


def test_content_that_is_nowhere() -> None:
    assert contents_of(TRACKED, objects(a="2"), "shop", hashed("9", "9")) is None
    assert contents_of(TRACKED, ConfigObjects(), "shop", hashed("1", "1")) is None


def test_a_missing_source() -> None:
    reason, message = problem_of(objects(sources={B: source(k="1")}))
    assert reason == "ConfigMissing"
    assert message.startswith("spec.trackedConfig[0].name: there is no ConfigMap a: create it")
    assert "linnet.dev/tracked=true" in message


def test_a_source_without_the_label() -> None:
    reason, message = problem_of(objects(sources={A: source(), B: {"metadata": {}, "data": {}}}))
    assert reason == "ConfigNotLabelled"
    assert message.startswith("spec.trackedConfig[1].name: Secret b lacks the label")
    assert message.endswith("kubectl label secret b -n default linnet.dev/tracked=true")


@pytest.mark.parametrize("release", ["", "tea"])
def test_a_name_that_is_taken(release: str) -> None:
    others = config.live_manifest(A, {"data": {"k": "9"}}, "default", release)
    if not release:
        others["metadata"]["labels"] = {}
    found = objects(live={A: others, B: live(B, k="1")})
    reason, message = problem_of(found)
    assert reason == "NameTaken"
    assert message.startswith("spec.trackedConfig[0].mountedAs: ConfigMap a-live was not made for")
    assert message.endswith(
        "kubectl label configmap a-live -n default linnet.dev/tracked=true "
        "linnet.dev/release=shop app.kubernetes.io/managed-by=linnet --overwrite"
    )
    assert (seen(found).live, seen(found).written) == ("", False)


def test_what_pods_read_made_immutable() -> None:
    frozen = {**live(A, k="1"), "immutable": True}
    reason, message = problem_of(objects(live={A: frozen, B: live(B, k="1")}))
    assert reason == "ConfigImmutable"
    assert "delete it" in message


def test_an_immutable_source_is_as_good_as_any() -> None:
    found = objects(sources={A: {**source(k="1"), "immutable": True}, B: source(k="1")})
    assert seen(found).problem is None
