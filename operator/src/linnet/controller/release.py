"""One CanaryRelease as the shell handles it: its key, its spec and status, its names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from linnet.api.request import ANNOTATION
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core import stored
from linnet.core.shares import by_pods
from linnet.core.sticky import pins_of
from linnet.providers.traffic.base import Split
from linnet.providers.workloads import Target

FINALIZER = "linnet.dev/traffic"


@dataclass(frozen=True)
class Key:
    """Namespace and name of a CanaryRelease."""

    namespace: str
    name: str


class InvalidSpec(Exception):
    """The spec can't be read; the message names the field."""


@dataclass(frozen=True)
class Release:
    """A CanaryRelease as it was read from the API server."""

    key: Key
    manifest: dict[str, Any]
    spec: CanaryReleaseSpec
    status: CanaryReleaseStatus

    @classmethod
    def read(cls, key: Key, manifest: dict[str, Any]) -> "Release":
        """Parse a manifest.

        Raises:
            InvalidSpec: the API server let something pass that the models refuse.
        """
        try:
            spec = CanaryReleaseSpec.model_validate(manifest.get("spec", {}))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in ("spec", *first["loc"]))
            raise InvalidSpec(f"{field}: {first['msg']}") from error
        return cls(key, manifest, spec, read_status(manifest))

    @property
    def generation(self) -> int:
        """Generation of the spec."""
        return int(self.manifest["metadata"].get("generation", 0))

    @property
    def deleting_since(self) -> datetime | None:
        """When the deletion was asked for."""
        stamp = self.manifest["metadata"].get("deletionTimestamp")
        return datetime.fromisoformat(stamp) if stamp else None

    @property
    def request(self) -> str:
        """What a person asks for, as it was written; '' if nobody asks."""
        return request_in(self.manifest)

    @property
    def guarded(self) -> bool:
        """Whether the resource carries the operator's finalizer."""
        return FINALIZER in self.manifest["metadata"].get("finalizers", [])

    @property
    def target(self) -> Target:
        """The Deployment and Services."""
        name = self.spec.target_ref.name
        return Target(
            namespace=self.key.namespace,
            name=name,
            service=self.spec.traffic.service or name,
            release=self.key.name,
            one_service=by_pods(self.spec),
            tracked=self.spec.tracked_config,
        )

    @property
    def split(self) -> Split:
        """What is split, and between whom."""
        target, traffic, status = self.target, self.spec.traffic, self.status
        return Split(
            namespace=target.namespace,
            route=traffic.http_route or "",
            stable_service=target.service,
            canary_service=target.canary_service,
            pins=pins_of(self.spec, self.status),
            experiment=any(step.experiment for step in self.spec.steps),
            provider=traffic.provider,
            target=target.name,
            release=target.release,
            stable_revision="" if status.phase is Phase.PROMOTING else status.stable_revision,
        )

    @property
    def missing_route(self) -> str:
        """What to say if what is split doesn't exist."""
        if name := self.spec.traffic.http_route:
            return f"spec.traffic.httpRoute: there is no HTTPRoute {name}: create it"
        return f"spec.traffic.service: there is no Service {self.target.service}: create it"


def request_in(manifest: dict[str, Any]) -> str:
    """The request that a CanaryRelease carries; '' if it carries none."""
    return str((manifest["metadata"].get("annotations") or {}).get(ANNOTATION, ""))


def read_status(manifest: dict[str, Any]) -> CanaryReleaseStatus:
    """The status as stored; a fresh one where there is none, or none that can be read."""
    return stored.read(manifest.get("status") or {})


def write_status(status: CanaryReleaseStatus) -> dict[str, Any]:
    """The status as it is stored."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
