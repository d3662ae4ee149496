import copy
from typing import Any

from linnet.core.revision import (
    config_annotation,
    config_part,
    revision,
    template_part,
    template_revision,
)

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "shop"}},
    "spec": {"containers": [{"name": "app", "image": "shop:1"}]},
}


def changed(**metadata: Any) -> dict[str, Any]:
    template = copy.deepcopy(TEMPLATE)
    template["metadata"].update(metadata)
    return template


def test_it_is_ten_hex_characters() -> None:
    revision = template_revision(TEMPLATE)
    assert len(revision) == 10
    assert int(revision, 16) >= 0


def test_a_replicasets_copy_has_the_deployments_revision() -> None:
    copied = changed(labels={"app": "shop", "pod-template-hash": "abc"}, creationTimestamp=None)
    assert template_revision(copied) == template_revision(TEMPLATE)


def test_the_order_of_keys_does_not_count() -> None:
    assert template_revision(dict(reversed(TEMPLATE.items()))) == template_revision(TEMPLATE)


def test_no_metadata_and_empty_metadata_are_the_same() -> None:
    spec = {"spec": TEMPLATE["spec"]}
    assert template_revision(spec) == template_revision({**spec, "metadata": {"labels": {}}})


def test_a_restart_is_a_new_revision() -> None:
    restarted = changed(annotations={"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"})
    assert template_revision(restarted) != template_revision(TEMPLATE)


def test_another_image_is_a_new_revision() -> None:
    other = copy.deepcopy(TEMPLATE)
    other["spec"]["containers"][0]["image"] = "shop:2"
    assert template_revision(other) != template_revision(TEMPLATE)


def test_the_template_is_left_as_it_is() -> None:
    template = changed(labels={"app": "shop", "pod-template-hash": "abc"}, creationTimestamp=None)
    before = copy.deepcopy(template)
    template_revision(template)
    assert template == before


def test_the_operators_own_annotation_does_not_count() -> None:
    promoted = changed(annotations={"linnet.dev/config": "abc"})
    assert template_revision(promoted) == template_revision(TEMPLATE)
    both = changed(annotations={"linnet.dev/config": "abc", "checksum/config": "1"})
    assert template_revision(both) == template_revision(
        changed(annotations={"checksum/config": "1"})
    )
    assert (config_annotation(promoted), config_annotation(TEMPLATE)) == ("abc", "")
    assert config_annotation({"metadata": {"annotations": None}}) == ""


def test_a_version_is_named_by_its_template_and_its_config() -> None:
    assert revision("t", "") == "t"
    named = revision("t", "c")
    assert (template_part(named), config_part(named)) == ("t", "c")
    assert (template_part("t"), config_part("t")) == ("t", "")
