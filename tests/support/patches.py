"""Patches, owned fields and label selectors, on manifests as plain dicts."""

import marshal
import re
from collections.abc import Iterable
from typing import Any

import jsonpatch

from linnet.providers.errors import ApiError
from linnet.providers.kubernetes import Manifest

Leaf = tuple[str, ...]


def clone(found: Any) -> Any:
    """A copy of plain data that shares nothing; ten times as fast as `copy.deepcopy`."""
    return marshal.loads(marshal.dumps(found))  # noqa: S302 - our own bytes


def merge(before: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386). What it doesn't change is shared with `before`."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def operate(before: Manifest, operations: list[Manifest]) -> Manifest:
    try:
        after: Manifest = jsonpatch.apply_patch(before, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise ApiError(422, "Invalid", f"the patch can't be applied: {error}") from error
    return after


def leaves(manifest: Manifest, before: Leaf = ()) -> Iterable[Leaf]:
    """What an apply of this manifest owns: its fields, but not those that name the object."""
    for key, value in manifest.items():
        path = (*before, key)
        if path in _NAMING:
            continue
        if isinstance(value, dict) and value:
            yield from leaves(value, path)
        else:
            yield path


_NAMING = {
    ("apiVersion",),
    ("kind",),
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "resourceVersion"),
}


def at(manifest: Manifest | None, leaf: Leaf) -> Any:
    found: Any = manifest
    for key in leaf:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def drop(manifest: Manifest, leaf: Leaf) -> None:
    parent = at(manifest, leaf[:-1])
    if isinstance(parent, dict):
        parent.pop(leaf[-1], None)


_TERM = re.compile(r"(!?)([^,=!\s]+)(?:\s*(=|!=|notin|in)\s*(?:\(([^)]*)\)|([^,]*)))?(?:,|$)")


def selected(labels: Any, selector: str) -> bool:
    for negated, key, operator, group, single in _TERM.findall(selector):
        values = {value.strip() for value in (group or single).split(",")}
        match operator:
            case "":
                good = (key in labels) is not bool(negated)
            case "=" | "in":
                good = labels.get(key) in values
            case _:
                good = labels.get(key) not in values
        if not good:
            return False
    return True
