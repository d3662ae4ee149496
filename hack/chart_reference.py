"""Write `docs/reference/charts.md` out of each chart's values and their schema."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack.cluster import paths
from hack.version import CHARTS

PAGE = "docs/reference/charts.md"
INTRO = """\
<!-- Generated from values.yaml and values.schema.json by `make verify`. Do not edit. -->

# Chart values

What `--set` and `-f` can say. A value that isn't here is refused.
"""
KEY = re.compile(r"( *)([A-Za-z][\w.-]*):")

Json = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """One value, or a group of them: a group has no default of its own."""

    path: tuple[str, ...]
    schema: Json
    default: Any
    text: str
    group: bool


def page(root: Path = paths.REPO) -> str:
    """The page."""
    return "".join([INTRO, *(section(root / chart) for chart in CHARTS)])


def section(chart: Path) -> str:
    """One chart as a table."""
    written = (chart / "values.yaml").read_text()
    schema = json.loads((chart / "values.schema.json").read_text())
    texts = comments(written)
    rows = [row(each) for each in values(yaml.safe_load(written), schema, texts)]
    head = f"\n## {chart.name}\n\n| value | type | default | meaning |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n"


def comments(written: str) -> dict[tuple[str, ...], str]:
    """The comment above each key of a values file, by the key's path."""
    found: dict[tuple[str, ...], str] = {}
    path: list[tuple[int, str]] = []
    above: list[str] = []
    for line in written.splitlines():
        if line.strip().startswith("#"):
            above.append(line.strip(" #"))
        elif key := KEY.match(line):
            indent = len(key[1])
            path = [*(each for each in path if each[0] < indent), (indent, key[2])]
            found[tuple(name for _, name in path)] = " ".join(above)
            above = []
        else:
            above = []
    return found


def values(
    defaults: Json, schema: Json, texts: dict[tuple[str, ...], str], path: tuple[str, ...] = ()
) -> Iterator[Value]:
    """Every value in the file's order; groups whose schema knows their keys come with them."""
    for name, default in defaults.items():
        here, known = (*path, name), schema.get("properties", {}).get(name, {})
        group = bool(isinstance(default, dict) and known.get("properties"))
        text = texts.get(here) or known.get("description", "")
        if text or not group:
            yield Value(here, known, default, text, group)
        if group:
            yield from values(default, known, texts, here)


def row(value: Value) -> str:
    """A line of the table."""
    name = f"`{'.'.join(value.path)}`"
    kind = "" if value.group else typed(value.schema)
    default = "" if value.group else shown(value.default)
    return f"| {name} | {kind} | {default} | {cell(value.text)} |"


def typed(schema: Json) -> str:
    """A type in words, with its bounds."""
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if either := schema.get("anyOf"):
        return " or ".join(typed(each) for each in either)
    kinds = schema.get("type", "any")
    names = [kinds] if isinstance(kinds, str) else kinds
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = {(True, True): f", {low} to {high}", (True, False): f", at least {low}",
              (False, True): f", at most {high}", (False, False): ""}  # fmt: skip
    return " or ".join(names) + bounds[low is not None, high is not None]


def shown(default: Any) -> str:
    """A default as one would write it; nothing for an empty text."""
    if default == "":
        return ""
    if isinstance(default, str):
        return f"`{default}`"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def cell(text: str) -> str:
    """Text that a table leaves as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def generate() -> dict[str, str]:
    """The text of the page, by its path in the repository."""
    return {PAGE: page()}
