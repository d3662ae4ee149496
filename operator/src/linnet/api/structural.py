"""Pydantic models as structural schemas: the part of JSON Schema that a CRD may use.

The API server wants every node to have one type, and knows neither ``$ref`` nor ``anyOf`` with
null. What can't be said in that language is refused here, not left for the API server to find.
"""

from datetime import timedelta
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from linnet.api.types import format_duration

Schema = dict[str, Any]

_KEPT = (
    "type",
    "description",
    "default",
    "enum",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "required",
    "properties",
    "items",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
"""What a node may say, in the order in which it is written."""

_DROPPED = ("title", "$defs", "additionalProperties")


class NotStructuralError(ValueError):
    """A model says something that a CRD's schema can't."""


class _Defaults(GenerateJsonSchema):
    """Writes defaults as a user would write them: ``30s``, not ``PT30S``."""

    def encode_default(self, dft: Any) -> Any:
        """Write one default in full: the API server runs an object's rules on it as it stands."""
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", by_alias=True, exclude_none=True)
        if isinstance(dft, timedelta):
            return format_duration(dft)
        if isinstance(dft, list | tuple):
            return [self.encode_default(item) for item in dft]
        return super().encode_default(dft)


def structural(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """Return the structural schema of a model.

    `defaults` is false for what a program writes (a status): there the API server must not add
    what nobody said. Nor has it rules then, whose cost would count against those of the spec.

    Raises:
        NotStructuralError: a field's type has no counterpart, such as a union.
    """
    raw = model.model_json_schema(schema_generator=_Defaults)
    return _Rewriter(raw.get("$defs", {}), defaults).rewrite(raw, model.__name__)


class _Rewriter:
    def __init__(self, definitions: dict[str, Schema], defaults: bool) -> None:
        self._definitions = definitions
        self._defaults = defaults

    def rewrite(self, raw: Schema, path: str) -> Schema:
        """Rewrite one node and all below it; `path` names it in errors."""
        node = _bounds(_constant(self._merge(raw, path)))
        for key in _DROPPED:
            node.pop(key, None)
        if "description" in node:
            node["description"] = " ".join(node["description"].split())
        if not self._defaults or node.get("default", ...) is None:
            node.pop("default", None)
        if not self._defaults:
            node.pop("x-kubernetes-validations", None)
        if "properties" in node:
            node["properties"] = {
                name: self.rewrite(child, f"{path}.{name}")
                for name, child in node["properties"].items()
            }
        if "items" in node:
            node["items"] = self.rewrite(node["items"], f"{path}[]")
            node.setdefault("x-kubernetes-list-type", "atomic")
        return _checked(node, path)

    def _merge(self, raw: Schema, path: str) -> Schema:
        """Put the referenced or the one non-null schema in place; what the field says wins."""
        node = dict(raw)
        while "$ref" in node or "anyOf" in node:
            if "$ref" in node:
                inner = self._definitions[node.pop("$ref").rpartition("/")[2]]
            else:
                choices = [choice for choice in node.pop("anyOf") if choice != {"type": "null"}]
                if len(choices) != 1:
                    raise NotStructuralError(f"{path}: a union of {len(choices)} types")
                (inner,) = choices
            node = {**inner, **node}
        return node


def _constant(node: Schema) -> Schema:
    """A literal is an enum of one value."""
    if "const" in node:
        node["enum"] = [node.pop("const")]
    return node


def _bounds(node: Schema) -> Schema:
    """A CRD's exclusive bounds are a flag beside the bound, as in OpenAPI 3.0."""
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if flag in node:
            node[bound] = node[flag]
            node[flag] = True
    return node


def _checked(node: Schema, path: str) -> Schema:
    """Return the node with its keys in order; refuse what the API server would."""
    unknown = sorted(node.keys() - set(_KEPT))
    if unknown:
        raise NotStructuralError(f"{path}: {', '.join(unknown)} can't be said in a CRD")
    if not isinstance(node.get("type"), str):
        raise NotStructuralError(f"{path}: no type")
    if node["type"] == "object" and "properties" not in node:
        raise NotStructuralError(f"{path}: an object without properties")
    return cast(Schema, {key: node[key] for key in _KEPT if key in node})
