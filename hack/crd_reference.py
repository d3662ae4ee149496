"""The reference page of a CRD: every field with its type, default and description."""

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
VALIDATIONS = "x-kubernetes-validations"

INTRO = """\
<!-- Generated from operator/src/linnet/api by `make verify`. Do not edit. -->

# CanaryRelease

`{api}`, kind `{kind}`, short name `{short}`, namespaced.

{description}

The smallest one; every other field has a default:

```yaml
apiVersion: {api}
kind: {kind}
metadata:
  name: shop
spec:
  targetRef:
    name: shop
  traffic:
    httpRoute: shop
```

The API server fills in the defaults and refuses what breaks a rule, so a mistake shows at
`kubectl apply`. kubectl refuses a field that doesn't exist, too; a client that doesn't ask for
strict validation gets it dropped, with a warning. What only the operator can see (an object that is
missing, PromQL that can't work) is told by the condition `Stalled`, and nothing moves.

The same texts are in `kubectl explain canaryrelease.spec`. A duration is a number with its unit,
`h`, `m`, `s` or `ms`, up to four of them in a row: `30s`, `5m`, `1h30m`.
"""


def reference(crd: dict[str, Any]) -> str:
    """Write the page for a CRD with one version."""
    names, (version,) = crd["spec"]["names"], crd["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    api = f"{crd['spec']['group']}/{version['name']}"
    (short,) = names["shortNames"]
    parts = [
        INTRO.format(api=api, kind=names["kind"], short=short, description=schema["description"]),
        *_sections("spec", schema["properties"]["spec"], writable=True),
        *_sections("status", schema["properties"]["status"], writable=False),
        _columns(version["additionalPrinterColumns"]),
    ]
    return "\n".join(parts)


def _sections(path: str, schema: Schema, *, writable: bool) -> Iterator[str]:
    """One section for an object, then one for each object in it."""
    yield _section(path, schema, writable=writable)
    for name, child in schema["properties"].items():
        inner, suffix = (child["items"], "[]") if child["type"] == "array" else (child, "")
        if inner["type"] == "object":
            yield from _sections(f"{path}.{name}{suffix}", inner, writable=writable)


def _section(path: str, schema: Schema, *, writable: bool) -> str:
    heads = ["Field", "Type", *(["Default"] if writable else []), "Description"]
    lines = [f"## {path}", "", _cell(schema["description"]), "", _row(heads)]
    lines.append(_row(["---"] * len(heads)))
    required = schema.get("required", ())
    for name, child in schema["properties"].items():
        default = [_default(child, name in required)] if writable else []
        lines.append(_row([f"`{name}`", _type(child), *default, _cell(child["description"])]))
    if rules := list(_rules(schema)):
        lines += ["", "Refused otherwise:", "", *(f"- {_cell(rule)}" for rule in rules)]
    return "\n".join([*lines, ""])


def _rules(schema: Schema) -> Iterator[str]:
    """The messages of an object's own rules and of its fields' rules.

    A duration's form goes without saying: the introduction has it.
    """
    yield from (rule["message"] for rule in schema.get(VALIDATIONS, ()))
    for name, child in schema["properties"].items():
        if child["type"] == "object":
            continue
        for rule in child.get(VALIDATIONS, ())[1 if _is_duration(child) else 0 :]:
            yield rule["message"] if child["type"] == "array" else f"`{name}` {rule['message']}"


def _is_duration(schema: Schema) -> bool:
    told = schema.get(VALIDATIONS, ()) if schema["type"] == "string" else ()
    return any("(h|m|s|ms)" in rule["rule"] for rule in told)


def _type(schema: Schema) -> str:
    """A type in words, with its bounds."""
    kind = str(schema["type"])
    if kind == "array":
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        return f"list of {_type(schema['items'])}" + (f", {low} to {high} items" if high else "")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if _is_duration(schema):
        return "duration"
    if schema.get("format") == "date-time":
        return "time"
    return kind + _bounds(schema)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", at least {low}"
    if high is not None:
        return f", at most {high}"
    longest = schema.get("maxLength")
    return f", at most {longest} characters" if longest else ""


def _default(schema: Schema, required: bool) -> str:
    if required:
        return "**required**"
    value = schema.get("default")
    if value is None or schema["type"] in ("object", "array"):
        return ""  # an object's fields have their own; a list's description tells
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _columns(columns: list[dict[str, str]]) -> str:
    lines = ["## Columns of kubectl get", "", _row(["Column", "Path", "Description"])]
    lines.append(_row(["---"] * 3))
    for column in columns:
        lines.append(_row([column["name"], f"`{column['jsonPath']}`", column["description"]]))
    return "\n".join([*lines, ""])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Text that a table and an HTML renderer leave as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;")
