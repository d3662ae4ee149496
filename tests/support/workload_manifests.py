"""A user's Deployment, Service, ConfigMap and HTTPRoute, as they are written."""

from typing import Any

Manifest = dict[str, Any]


def deployment(image: str = "shop:1", replicas: int = 2) -> Manifest:
    """A Deployment of the app `shop`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop", "tier": "web"}},
                "spec": {
                    "containers": [
                        {"name": "app", "image": image, "ports": [{"containerPort": 8080}]}
                    ]
                },
            },
        },
    }


def service() -> Manifest:
    """Its Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {
            "selector": {"app": "shop"},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        },
    }


def config_map(**data: str) -> Manifest:
    """The ConfigMap `settings`, labelled so that it may be tracked."""
    labels = {"linnet.dev/tracked": "true"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "default", "labels": labels},
        "data": data or {"colour": "red"},
    }


def http_route(*backend_refs: Manifest) -> Manifest:
    """A route of one rule, to the Service `shop` unless told otherwise."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {
            "parentRefs": [{"name": "gateway"}],
            "rules": [{"backendRefs": list(backend_refs) or [{"name": "shop", "port": 80}]}],
        },
    }
