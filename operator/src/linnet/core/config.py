"""The content of tracked config: its hash, its copies, and how it stands in the cluster.

Of each tracked ConfigMap or Secret there is the source, which people edit; the live one, which
the template names and stable's pods read; and for each content that stable or the canary runs an
immutable copy. A copy's name ends in the hash of the content of everything that is tracked, so a
version's name tells the names of its copies.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linnet.api.config import TrackedConfig
from linnet.core.labels import (
    CONFIG,
    MANAGED_BY,
    MANAGER,
    RELEASE,
    TRACKED,
    Object,
    is_own,
    label_value,
    labels_of,
)
from linnet.core.observed import ConfigObserved
from linnet.core.references import Reference
from linnet.core.revision import LENGTH

Manifest = dict[str, Any]
Content = dict[str, Mapping[str, str]]
Contents = Mapping[Reference, Content]

PARTS = ("data", "binaryData")


@dataclass(frozen=True)
class ConfigObjects:
    """The objects of a release's tracked config, all by what the template names.

    sources: what people edit, labelled or not. live: what is called as the template names it,
    whoever made it.
    copies: hash -> the copies of that content that are there.
    """

    sources: Mapping[Reference, Object] = field(default_factory=dict)
    live: Mapping[Reference, Object] = field(default_factory=dict)
    copies: Mapping[str, Mapping[Reference, Object]] = field(default_factory=dict)


def mounted(tracked: TrackedConfig) -> Reference:
    """What the template names."""
    return Reference(tracked.kind.value, tracked.mounted_as)


def source(tracked: TrackedConfig) -> Reference:
    """What people edit."""
    return Reference(tracked.kind.value, tracked.name)


def content(found: Object) -> Content:
    """What pods see of a ConfigMap or Secret. A part without entries is left out."""
    return {part: dict(found[part]) for part in PARTS if found.get(part)}


def digest(contents: Contents) -> str:
    """Hash all tracked content together, with the names that the template reads it by."""
    listed = sorted([*reference, dict(found)] for reference, found in contents.items())
    text = json.dumps(listed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def copy_name(reference: Reference, config: str) -> str:
    """The name of the copy for the content `config`."""
    return f"{reference.name}-{config}"


def copy_names(tracked: Iterable[TrackedConfig], config: str) -> dict[Reference, str]:
    """What a canary's template names instead, so that it runs with the content `config`."""
    return {mounted(each): copy_name(mounted(each), config) for each in tracked}


def copy_manifest(
    reference: Reference, config: str, found: Content, namespace: str, release: str
) -> Manifest:
    """The immutable copy of a content."""
    manifest = live_manifest(reference, found, namespace, release)
    manifest["metadata"]["name"] = copy_name(reference, config)
    manifest["metadata"]["labels"][CONFIG] = config
    return {**manifest, "immutable": True}


def live_manifest(reference: Reference, found: Content, namespace: str, release: str) -> Manifest:
    """What stable's pods read. A Secret's type is left out: to pods it means nothing."""
    labels = {MANAGED_BY: MANAGER, RELEASE: label_value(release), TRACKED: "true"}
    metadata = {"name": reference.name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": reference.kind, "metadata": metadata, **found}


def copies_of(made: Iterable[Object], release: str) -> dict[str, dict[Reference, Object]]:
    """The copies among the objects that were made for a release: hash -> what is named -> copy."""
    copies: dict[str, dict[Reference, Object]] = {}
    for found in made:
        config = labels_of(found).get(CONFIG)
        if config and is_own(found, release):
            name = found["metadata"]["name"].removesuffix(f"-{config}")
            copies.setdefault(config, {})[Reference(found["kind"], name)] = found
    return copies


def contents_of(
    tracked: Iterable[TrackedConfig], objects: ConfigObjects, release: str, config: str
) -> Contents | None:
    """The content of that hash, wherever it is to be had; None if it is nowhere.

    Copies first: they can't be edited. Then what people ask for, then what stable's pods read.
    """
    names = [mounted(each) for each in tracked]
    live = _own(objects.live, release)
    for place in (objects.copies.get(config, {}), objects.sources, {**objects.sources, **live}):
        found = _contents(names, place)
        if found is not None and digest(found) == config:
            return found
    return None


def observed(
    tracked: Sequence[TrackedConfig], objects: ConfigObjects, namespace: str, release: str
) -> ConfigObserved:
    """How the tracked config stands."""
    names = [mounted(each) for each in tracked]
    live = _own(objects.live, release)
    foreign = objects.live.keys() - live.keys()
    present = {} if foreign else {**objects.sources, **live}
    return ConfigObserved(
        source=_digest(names, objects.sources),
        live=_digest(names, present),
        written=all(name in live for name in names),
        copies={
            config: _digest(names, copies) == config for config, copies in objects.copies.items()
        },
        problem=next(_problems(tracked, objects, namespace, release), None),
    )


def _problems(
    tracked: Iterable[TrackedConfig], objects: ConfigObjects, namespace: str, release: str
) -> Iterator[tuple[str, str]]:
    """What can't be used as it is, as (reason, message with the field and the remedy)."""
    for number, each in enumerate(tracked):
        found, live = objects.sources.get(mounted(each)), objects.live.get(mounted(each))
        field_name, watched = f"spec.trackedConfig[{number}]", f"{TRACKED}=true"
        if found is None:
            yield (
                "ConfigMissing",
                f"{field_name}.name: there is no {source(each)}: create it, with the label "
                f"{watched}",
            )
        elif TRACKED not in labels_of(found):
            yield (
                "ConfigNotLabelled",
                f"{field_name}.name: {source(each)} lacks the label that it is watched by: "
                f"{_label(source(each), namespace, watched)}",
            )
        if live is not None and not is_own(live, release):
            ours = f"{watched} {RELEASE}={label_value(release)} {MANAGED_BY}={MANAGER} --overwrite"
            yield (
                "NameTaken",
                f"{field_name}.mountedAs: {mounted(each)} was not made for this CanaryRelease, "
                "which would write over it: choose another name, or hand it over: "
                f"{_label(mounted(each), namespace, ours)}",
            )
        elif live is not None and live.get("immutable"):
            yield (
                "ConfigImmutable",
                f"{field_name}.mountedAs: {mounted(each)} was made immutable, so no release can "
                "write it: delete it, and it is made anew",
            )


def _label(reference: Reference, namespace: str, labels: str) -> str:
    return f"kubectl label {reference.kind.lower()} {reference.name} -n {namespace} {labels}"


def _own(live: Mapping[Reference, Object], release: str) -> dict[Reference, Object]:
    return {name: found for name, found in live.items() if is_own(found, release)}


def _digest(names: Iterable[Reference], place: Mapping[Reference, Object]) -> str:
    found = _contents(names, place)
    return "" if found is None else digest(found)


def _contents(names: Iterable[Reference], place: Mapping[Reference, Object]) -> Contents | None:
    names = list(names)
    if any(name not in place for name in names):
        return None
    return {name: content(place[name]) for name in names}
