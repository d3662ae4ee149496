"""Many small apps to release, as their users write them."""

from dataclasses import dataclass, field
from typing import Any

from linnet.providers.resources import (
    CANARYRELEASES,
    DEPLOYMENTS,
    HTTPROUTES,
    SERVICES,
    Resource,
)
from tests.support.simulated_nodes import ANNOTATION

Object = dict[str, Any]

QUALITY = "quality"
"""The template's annotation that says how the version does: `good` or `bad`."""

QUICK: Object = {
    "steps": [
        {"weight": 10, "hold": "1s"},
        {"weight": 50, "hold": "1s"},
        {"weight": 100, "hold": "1s"},
    ],
    "analysis": {
        "interval": "1s",
        "window": "1s",
        "minSamples": 2,
        "holdDeadline": "10m",
        "metrics": [{"use": "errorRate", "rollback": {"above": 1, "consecutive": 2}}],
    },
    "canary": {"drainPeriod": "1s", "readyDeadline": "1m"},
    "promotion": {"progressDeadline": "5m"},
}
"""A policy by which a release takes about fifteen seconds."""


@dataclass(frozen=True)
class Shop:
    """One app. policy: the CanaryRelease's spec without target and traffic."""

    namespace: str
    name: str
    replicas: int = 2
    policy: Object = field(default_factory=lambda: QUICK, hash=False, compare=False)
    others: bool = False
    """Whether the route has another rule, and another backend beside the shop."""

    @property
    def canary(self) -> str:
        """Name of the canary's Deployment and Service."""
        return f"{self.name}-canary"

    def template(self, version: int, quality: str = "good", fate: str = "") -> Object:
        """The pod template of a version."""
        annotations = {QUALITY: quality, **({ANNOTATION: fate} if fate else {})}
        return {
            "metadata": {"labels": {"app": self.name}, "annotations": annotations},
            "spec": {"containers": [{"name": "app", "image": f"shop:{version}"}]},
        }

    def manifests(self, version: int = 1) -> list[tuple[Resource, Object]]:
        """All of the app but its CanaryRelease."""
        deployment = {
            "replicas": self.replicas,
            "selector": {"matchLabels": {"app": self.name}},
            "template": self.template(version),
        }
        service = {"selector": {"app": self.name}, "ports": [{"port": 80, "targetPort": 8080}]}
        return [
            (SERVICES, self._manifest(SERVICES, service)),
            (DEPLOYMENTS, self._manifest(DEPLOYMENTS, deployment)),
            (HTTPROUTES, self._manifest(HTTPROUTES, self._route())),
        ]

    def release(self) -> Object:
        """The CanaryRelease."""
        spec = {
            "targetRef": {"name": self.name},
            "traffic": {"httpRoute": self.name},
            **self.policy,
        }
        return self._manifest(CANARYRELEASES, spec)

    def _route(self) -> Object:
        own: Object = {"name": self.name, "port": 80}
        rules: list[Object] = [{"backendRefs": [own]}]
        if self.others:
            other = {"name": "other", "port": 80, "weight": 1}
            rules = [
                {"matches": [{"path": {"value": "/other"}}], "backendRefs": [other]},
                {"backendRefs": [{**own, "weight": 3}, other]},
            ]
        return {
            "parentRefs": [{"name": "gateway"}],
            "hostnames": [f"{self.name}.example.test"],
            "rules": rules,
        }

    def _manifest(self, resource: Resource, spec: Object) -> Object:
        return {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"namespace": self.namespace, "name": self.name},
            "spec": spec,
        }


def other_service(namespace: str) -> Object:
    """The Service that the shops' routes have as another backend."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": "other"},
        "spec": {"selector": {"app": "other"}, "ports": [{"port": 80}]},
    }
