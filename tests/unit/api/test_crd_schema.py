"""From models to a structural schema, and the files generated from it."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from hack import crds
from linnet.api.crd import custom_resource_definition, resource_schema
from linnet.api.rules import VALIDATIONS
from linnet.api.structural import NotStructuralError, Schema, structural
from linnet.api.types import Duration, Model


class Colour(StrEnum):
    """A colour."""

    RED = "Red"
    BLUE = "Blue"


class Inner(Model):
    """The inner object."""

    wait: Duration = timedelta(minutes=90)
    """How long
    to wait."""
    note: str | None = None
    """A note."""


class Outer(Model):
    """The outer object."""

    name: str
    """A name."""
    colour: Colour = Colour.RED
    """The colour, not just a colour."""
    maybe: Annotated[int, Field(gt=0, lt=10)] | None = None
    """A number."""
    inner: Inner = Inner(note="hm")
    """An inner object."""
    many: tuple[Inner, ...] = (Inner(),)
    """Inner objects."""
    one: Literal["one"] = "one"
    """Only one."""


@pytest.fixture
def fields() -> Schema:
    properties: Schema = structural(Outer)["properties"]
    return properties


def test_the_object(fields: Schema) -> None:
    schema = structural(Outer)
    assert list(schema) == ["type", "description", "required", "properties"]
    assert schema["required"] == ["name"]
    assert schema["description"] == "The outer object."
    assert list(fields) == ["name", "colour", "maybe", "inner", "many", "one"]
    assert fields["name"] == {"type": "string", "description": "A name."}


def test_an_enum_is_inlined_and_the_field_describes_itself(fields: Schema) -> None:
    assert fields["colour"] == {
        "type": "string",
        "description": "The colour, not just a colour.",
        "default": "Red",
        "enum": ["Red", "Blue"],
    }
    assert fields["one"]["enum"] == ["one"]


def test_optional_is_absent_not_null(fields: Schema) -> None:
    assert fields["maybe"] == {
        "type": "integer",
        "description": "A number.",
        "minimum": 0,
        "maximum": 10,
        "exclusiveMinimum": True,
        "exclusiveMaximum": True,
    }


def test_defaults_are_what_a_user_would_write(fields: Schema) -> None:
    assert fields["inner"]["default"] == {"wait": "1h30m", "note": "hm"}
    assert fields["inner"]["properties"]["wait"]["default"] == "1h30m"
    assert fields["many"]["default"] == [{"wait": "1h30m"}]


def test_descriptions_are_prose(fields: Schema) -> None:
    assert fields["inner"]["properties"]["wait"]["description"] == "How long to wait."
    assert fields["many"]["items"]["description"] == "The inner object."


def test_lists_are_atomic(fields: Schema) -> None:
    assert fields["many"]["x-kubernetes-list-type"] == "atomic"


def test_without_defaults() -> None:
    assert not [
        path for path, node in nodes("", structural(Outer, defaults=False)) if "default" in node
    ]


class Union(Model):
    field: int | str


class Anything(Model):
    field: Any


class Mapping(Model):
    field: dict[str, int]


class Unique(Model):
    field: Annotated[list[int], Field(json_schema_extra={"uniqueItems": True})]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Union, r"Union\.field: a union of 2 types"),
        (Anything, r"Anything\.field: no type"),
        (Mapping, r"Mapping\.field: an object without properties"),
        (Unique, r"Unique\.field: uniqueItems can't be said in a CRD"),
    ],
)
def test_refuses_what_has_no_counterpart(model: type[Model], message: str) -> None:
    with pytest.raises(NotStructuralError, match=message):
        structural(model)


# --- our resource ---


def nodes(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(f"{path}.{name}", child)
    if "items" in schema:
        yield from nodes(f"{path}[]", schema["items"])


NODES = dict(nodes("", resource_schema()))


def test_every_field_is_described() -> None:
    silent = [path for path, node in NODES.items() if not node.get("description")]
    assert silent == [".metadata"]  # described by the API server itself


def test_no_description_has_line_breaks() -> None:
    assert not [path for path, node in NODES.items() if "\n" in node.get("description", "")]


def test_rules_have_a_message_and_survive() -> None:
    rules = [rule for node in NODES.values() for rule in node.get(VALIDATIONS, ())]
    assert len(rules) >= 14
    assert all(rule["rule"] and rule["message"] for rule in rules)


def test_every_duration_is_bounded_and_written_plainly() -> None:
    words = "must be a duration such as 30s"
    durations = [node for node in NODES.values() if words in str(node.get(VALIDATIONS))]
    assert len(durations) >= 7
    assert all(node["maxLength"] == 28 and "P" not in node["default"] for node in durations)


def test_no_pattern_is_told_as_a_regular_expression() -> None:
    """The API server says "should match '^[a-z0-9]...'", which nobody reads."""
    assert not [path for path, node in NODES.items() if "pattern" in node]


def test_lists_of_the_spec_are_bounded() -> None:
    """Otherwise the API server refuses the rules on them as too costly."""
    lists = [path for path, node in NODES.items() if node["type"] == "array"]
    assert [
        path for path in lists if path.startswith(".spec") and "maxItems" not in NODES[path]
    ] == []


def test_conditions_are_a_map_and_the_status_has_neither_defaults_nor_rules() -> None:
    conditions = NODES[".status.conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    written = [node for path, node in NODES.items() if path.startswith(".status")]
    assert not [node for node in written if {"default", "x-kubernetes-validations"} & node.keys()]


def test_names() -> None:
    spec = custom_resource_definition()["spec"]
    assert spec["scope"] == "Namespaced"
    assert spec["names"]["shortNames"] == ["crel"]
    assert spec["names"]["categories"] == ["delivery"]
    assert spec["versions"][0]["subresources"] == {"status": {}}


# --- the generated files ---


def test_the_reference_names_every_field() -> None:
    page = crds.generate()[crds.REFERENCE]
    for path in NODES:
        name = path.rpartition(".")[2].removesuffix("[]")
        if path.count(".") > 1:
            assert f"| `{name}` |" in page, path
