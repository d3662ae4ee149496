"""`spec.trackedConfig`: ConfigMaps and Secrets as part of the version."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from linnet.api.rules import Spelled, rules
from linnet.api.types import Model

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

ConfigName = Annotated[
    str,
    Field(max_length=240, pattern=rf"^{_LABEL}(\.{_LABEL})*$"),
    Spelled("must be a name in the same namespace: lower-case letters, digits, dashes and dots"),
]


class ConfigKind(StrEnum):
    """A kind of object that holds configuration."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105 - a kind, not a password


class TrackedConfig(Model):
    """A ConfigMap or Secret whose content is part of the version."""

    kind: ConfigKind = ConfigKind.CONFIG_MAP
    """ConfigMap or Secret. Secrets only where the operator's chart allows it."""
    name: ConfigName
    """Name of the one that people edit. It carries the label linnet.dev/tracked=true."""
    mounted_as: ConfigName
    """Name that the pod template reads instead. Linnet alone writes it: from the one that people
    edit if it isn't there, and afterwards when a release is promoted."""


TrackedConfigs = Annotated[
    tuple[TrackedConfig, ...],
    Field(
        max_length=20,
        json_schema_extra=rules(
            (
                "self.all(a, self.exists_one(b, a.kind == b.kind && a.mountedAs == b.mountedAs))",
                "spec.trackedConfig[].mountedAs must differ within a kind: give each entry a name "
                "of its own",
            ),
            (
                "self.all(a, !self.exists(b, a.kind == b.kind && a.mountedAs == b.name))",
                "spec.trackedConfig[].mountedAs must not be the name of what people edit: choose "
                "another, e.g. NAME-live",
            ),
        ),
    ),
]
