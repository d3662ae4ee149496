"""What the files of the operator's chart say about each other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from linnet.api.spec import CanaryReleaseSpec

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "charts" / "linnet-operator"
ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())

FREE = {"affinity", "nodeSelector", "podAnnotations", "resources"}
"""Values that are handed on as they are: their own keys need no line in the README."""


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        here = (*path, key)
        if isinstance(value, dict) and value and key not in FREE:
            yield from leaves(value, here)
        else:
            yield here


LEAVES = [pytest.param(path, id=".".join(path)) for path in leaves(VALUES)]


def annotation(name: str) -> Any:
    return yaml.safe_load(ABOUT["annotations"][f"artifacthub.io/{name}"])


def test_the_definition_in_the_chart_is_the_generated_one() -> None:
    generated = ROOT / "crds" / "linnet.dev_canaryreleases.yaml"
    packaged = CHART / "files" / "crds" / "canaryreleases.yaml"
    assert packaged.read_bytes() == generated.read_bytes()


@pytest.mark.parametrize("path", LEAVES)
def test_every_value_is_in_the_readme(path: tuple[str, ...]) -> None:
    assert f"`{'.'.join(path)}`" in (CHART / "README.md").read_text()


@pytest.mark.parametrize("path", LEAVES)
def test_every_value_is_in_the_schema(path: tuple[str, ...]) -> None:
    node = SCHEMA
    for key in path:
        node = node["properties"][key]


def test_the_schema_lets_no_unknown_value_pass() -> None:
    """Only `global` is open: a parent chart shares it with others."""

    def walk(node: dict[str, Any], path: str) -> Iterator[str]:
        for key, child in node.get("properties", {}).items():
            yield from walk(child, f"{path}.{key}")
        if "properties" in node and node.get("additionalProperties") is not False:
            yield path

    assert list(walk(SCHEMA, "")) == [".global"]
    items = SCHEMA["properties"]["imagePullSecrets"]["items"]
    assert items["additionalProperties"] is False


def test_the_image_that_is_announced_is_the_one_that_is_installed() -> None:
    [image] = annotation("images")
    assert image["image"] == f"{VALUES['image']['repository']}:{ABOUT['appVersion']}"


def test_the_example_that_is_announced_is_a_valid_release() -> None:
    [example] = annotation("crdsExamples")
    CanaryReleaseSpec.model_validate(example["spec"])


@pytest.mark.thorough
def test_the_definition_that_is_announced_is_the_one_in_the_chart() -> None:
    [announced] = annotation("crds")
    definition = yaml.safe_load((CHART / "files" / "crds" / "canaryreleases.yaml").read_text())
    assert announced["name"] == definition["metadata"]["name"]
    assert announced["kind"] == definition["spec"]["names"]["kind"]
    assert announced["version"] in [each["name"] for each in definition["spec"]["versions"]]
