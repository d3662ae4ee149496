"""The ConfigMaps and Secrets that a pod template reads by name."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from linnet.api.config import ConfigKind, TrackedConfig

Object = Mapping[str, Any]

CONFIG_MAP, SECRET = ConfigKind.CONFIG_MAP.value, ConfigKind.SECRET.value


class Reference(NamedTuple):
    """A ConfigMap or Secret of the pod's namespace."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Rename = Callable[[Reference], str]

_IN_VOLUME = (("configMap", CONFIG_MAP, "name"), ("secret", SECRET, "secretName"))
_IN_PROJECTION = (("configMap", CONFIG_MAP, "name"), ("secret", SECRET, "name"))
_IN_ENV_FROM = (("configMapRef", CONFIG_MAP, "name"), ("secretRef", SECRET, "name"))
_IN_ENV = (("configMapKeyRef", CONFIG_MAP, "name"), ("secretKeyRef", SECRET, "name"))

_HASHED = re.compile(r"-([2456789bcdfghkmt]{10}|(?=[a-f]*[0-9])[0-9a-f]{8,64})$")
"""The end of a name made from the content: kustomize's ten letters, or a hash in hex."""
_EVERYWHERE = Reference(CONFIG_MAP, "kube-root-ca.crt")
"""Kubernetes puts it in each namespace, the same in all."""


def references(template: Object) -> frozenset[Reference]:
    """What a pod template's containers read: volumes, projections, envFrom and env.

    Pull secrets and the secrets of volume drivers are not the containers' to read.
    """
    found: set[Reference] = set()

    def note(reference: Reference) -> str:
        found.add(reference)
        return reference.name

    _pods(template["spec"], note)
    return frozenset(found)


def renamed(template: Object, names: Mapping[Reference, str]) -> dict[str, Any]:
    """The template with other names for some of what it reads; nothing else changes."""
    spec = _pods(template["spec"], lambda reference: names.get(reference, reference.name))
    return {**template, "spec": spec}


def mutable(found: Iterable[Reference], tracked: Iterable[TrackedConfig]) -> tuple[Reference, ...]:
    """What is read by name and not tracked, in order: its content may change under stable's pods.

    A name that ends in a hash of its content stands for that content and doesn't count. Told by
    the names alone, so that nobody's ConfigMaps and Secrets need to be read for it.
    """
    known = {Reference(each.kind, each.mounted_as) for each in tracked} | {_EVERYWHERE}
    return tuple(sorted(each for each in set(found) - known if not _HASHED.search(each.name)))


def mutable_message(found: Iterable[Reference]) -> str:
    """What to say of the references that `mutable` finds, with the remedy."""
    names = ", ".join(map(str, found))
    return (
        f"Read by name, so that a change of content reaches stable's pods without a release: "
        f"{names}. Track it with spec.trackedConfig, or give it a name that ends in a hash of its "
        "content"
    )


def _pods(spec: Object, rename: Rename) -> dict[str, Any]:
    lists: dict[str, Callable[[Object, Rename], dict[str, Any]]] = {
        "volumes": _volume,
        "containers": _container,
        "initContainers": _container,
    }
    return _with(spec, lists, rename)


def _volume(volume: Object, rename: Rename) -> dict[str, Any]:
    result = _named(volume, _IN_VOLUME, rename)
    if projected := volume.get("projected"):
        result["projected"] = _with(projected, {"sources": _projection}, rename)
    return result


def _projection(source: Object, rename: Rename) -> dict[str, Any]:
    return _named(source, _IN_PROJECTION, rename)


def _container(container: Object, rename: Rename) -> dict[str, Any]:
    return _with(container, {"envFrom": _env_from, "env": _env}, rename)


def _env_from(source: Object, rename: Rename) -> dict[str, Any]:
    return _named(source, _IN_ENV_FROM, rename)


def _env(variable: Object, rename: Rename) -> dict[str, Any]:
    if not variable.get("valueFrom"):
        return dict(variable)
    return {**variable, "valueFrom": _named(variable["valueFrom"], _IN_ENV, rename)}


def _with(
    owner: Object, lists: Mapping[str, Callable[[Object, Rename], dict[str, Any]]], rename: Rename
) -> dict[str, Any]:
    """The object with each item of these lists of it done."""
    done = {
        field: [each(item, rename) for item in owner[field]]
        for field, each in lists.items()
        if owner.get(field)
    }
    return {**owner, **done}


def _named(
    holder: Object, places: Iterable[tuple[str, str, str]], rename: Rename
) -> dict[str, Any]:
    """The holder with the names in its (field, kind, name's key) given anew."""
    result = dict(holder)
    for field, kind, key in places:
        if (inner := holder.get(field)) and inner.get(key):
            result[field] = {**inner, key: rename(Reference(kind, inner[key]))}
    return result
