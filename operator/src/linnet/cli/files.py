"""Reading what people write: manifests and worlds. What can't be used is said with its remedy."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from linnet.api.spec import CanaryReleaseSpec
from linnet.cli.output import BadInput
from linnet.review.manifest import refused
from linnet.simulation.built_in import WORLDS
from linnet.simulation.described import Described

KIND = "CanaryRelease"


@dataclass(frozen=True)
class Policy:
    """A release as it was written: its name, its namespace and its spec."""

    name: str
    namespace: str
    spec: CanaryReleaseSpec
    others: tuple[Mapping[str, Any], ...] = ()
    """The other objects of the file."""


DEFAULT = Policy(
    "default",
    "default",
    CanaryReleaseSpec.model_validate(
        {"targetRef": {"name": "shop"}, "traffic": {"httpRoute": "shop"}}
    ),
)
"""What a manifest without any settings says."""


def policy(file: str | None) -> Policy:
    """The CanaryRelease of a file, '-' for standard input; the defaults if None.

    Raises:
        BadInput: there is none, or it can't be used.
    """
    if file is None:
        return DEFAULT
    documents = [each for each in _documents(file) if isinstance(each, Mapping)]
    found = [each for each in documents if each.get("kind") == KIND]
    if len(found) != 1:
        raise BadInput(
            f"{file}: has {len(found)} documents of kind {KIND}: give a file with exactly one"
        )
    (manifest,) = found
    metadata = manifest.get("metadata") or {}
    spec = parsed(CanaryReleaseSpec, manifest.get("spec"), file, "spec")
    if problems := refused(manifest.get("spec") or {}, spec):
        raise BadInput("\n".join(f"{file}: {problem}" for problem in problems))
    others = tuple(each for each in documents if each is not manifest)
    namespace = metadata.get("namespace") or "default"
    return Policy(metadata.get("name") or "unnamed", namespace, spec, others)


def world(name: str) -> Described:
    """A built-in world by its name, or one from a file.

    Raises:
        BadInput: there is none of that name, or it can't be used.
    """
    if name in WORLDS:
        return WORLDS[name]
    if not Path(name).exists():
        raise BadInput(f"--world {name}: is no file, and no world: there are {', '.join(WORLDS)}")
    documents = list(_documents(name))
    content = documents[0] if len(documents) == 1 else None
    if not isinstance(content, Mapping):
        raise BadInput(f"{name}: a world is one YAML document of fields: see docs/rehearse.md")
    return parsed(Described, {"name": Path(name).stem, **content}, name)


def document(file: str) -> Mapping[str, Any]:
    """The one YAML or JSON object of a file, '-' for standard input.

    Raises:
        BadInput: there is none, or more than one.
    """
    found = list(_documents(file))
    if len(found) != 1 or not isinstance(found[0], Mapping):
        raise BadInput(f"{file}: has to be one YAML or JSON object")
    return found[0]


def _documents(file: str) -> Iterator[Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        yield from (each for each in yaml.safe_load_all(text) if each is not None)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{file}: is no YAML: {error}") from error


M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], content: Any, file: str, root: str = "") -> M:
    """A model out of what was written at a place of a file.

    Raises:
        BadInput: it can't be; each field that is wrong is named.
    """
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        lines = (f"{file}: {_place(each['loc'], root)}: {_said(each)}" for each in error.errors())
        raise BadInput("\n".join(lines)) from error


def _place(location: tuple[int | str, ...], root: str) -> str:
    text = root
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the document"


def _said(error: Any) -> str:
    """One validation error in words a person can act on."""
    match error["type"]:
        case "missing":
            return "is missing: set it"
        case "extra_forbidden":
            return "is no field: check its spelling, or remove it"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            given = error["input"]
            return f"{error['msg'].lower()}, not {given!r}"
