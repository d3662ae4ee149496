"""From a manifest to a `Release`, and a status to what is stored and back."""

from typing import Any

import pytest

from linnet.api.spec import Provider
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.controller.release import InvalidSpec, Key, Release, read_status, write_status
from linnet.core.sticky import HeaderPins
from tests.support.builders import START, make_status
from tests.support.releases import MINIMAL, full_status, release

KEY = Key("shops", "guard")


def read(spec: dict[str, Any] = MINIMAL, **metadata: Any) -> Release:
    manifest = release(spec)
    manifest["metadata"] = {"name": "guard", "namespace": "shops", **metadata}
    return Release.read(KEY, manifest)


def test_a_status_is_read_as_it_was_written() -> None:
    assert read_status({"status": write_status(full_status())}) == full_status()


def test_an_empty_status_is_read_as_it_was_written() -> None:
    fresh = CanaryReleaseStatus()
    assert read_status({"status": write_status(fresh)}) == fresh


@pytest.mark.parametrize("manifest", [{}, {"status": None}, {"status": {}}])
def test_without_a_status_it_is_a_fresh_one(manifest: dict[str, Any]) -> None:
    assert read_status(manifest) == CanaryReleaseStatus()


@pytest.mark.parametrize("broken", [{"phase": "Dancing"}, {"weight": "heavy"}, {"step": "x"}])
def test_a_status_that_cannot_be_read_is_a_fresh_one(broken: dict[str, Any]) -> None:
    assert read_status({"status": broken}).phase is Phase.PENDING


def test_a_spec_that_cannot_be_read_names_the_field() -> None:
    with pytest.raises(InvalidSpec, match=r"^spec\.steps\.1\.hold: .*is not a duration"):
        read({**MINIMAL, "steps": [{"weight": 5}, {"weight": 100, "hold": "soon"}]})
    with pytest.raises(InvalidSpec, match=r"^spec\.targetRef: "):
        Release.read(KEY, {"metadata": {}})


def test_names_of_what_it_guards() -> None:
    found = read({"targetRef": {"name": "web"}, "traffic": {"httpRoute": "public"}})
    assert (found.target.namespace, found.target.release) == ("shops", "guard")
    assert (found.target.name, found.target.service) == ("web", "web")
    assert (found.split.route, found.split.namespace) == ("public", "shops")
    assert (found.split.stable_service, found.split.canary_service) == ("web", "web-canary")


def test_a_service_of_another_name() -> None:
    traffic = {"httpRoute": "public", "service": "front"}
    found = read({"targetRef": {"name": "web"}, "traffic": traffic})
    assert (found.target.canary, found.target.canary_service) == ("web-canary", "front-canary")
    assert found.split.stable_service == "front"


def test_how_users_are_told_apart() -> None:
    assert read().split.pins is None
    sticky = {"httpRoute": "shop", "sticky": {"header": {"name": "X-User-Bucket"}}}
    pins = read(MINIMAL | {"traffic": sticky}).split.pins
    assert pins == HeaderPins("X-User-Bucket", exact=True, steps=(5, 10, 50, 100))


def test_without_a_gateway_the_service_is_what_is_split() -> None:
    found = read({"targetRef": {"name": "web"}, "traffic": {"provider": "Replicas"}})
    assert found.target.one_service
    assert (found.split.provider, found.split.route) == (Provider.REPLICAS, "")
    assert (found.split.target, found.split.stable_service) == ("web", "web")
    assert found.missing_route == "spec.traffic.service: there is no Service web: create it"


@pytest.mark.parametrize(("phase", "stable"), [("Progressing", "v1"), ("Promoting", "")])
def test_while_stable_takes_over_all_its_versions_are_stable(phase: str, stable: str) -> None:
    stored = make_status(Phase(phase), stable_revision="v1")
    manifest = {**read().manifest, "status": write_status(stored)}
    assert Release.read(KEY, manifest).split.stable_revision == stable


def test_metadata() -> None:
    plain = read()
    assert (plain.generation, plain.guarded, plain.deleting_since) == (0, False, None)
    full = read(
        generation=3,
        finalizers=["other.example/x", "linnet.dev/traffic"],
        deletionTimestamp="2030-01-01T12:00:00Z",
    )
    assert (full.generation, full.guarded, full.deleting_since) == (3, True, START)
