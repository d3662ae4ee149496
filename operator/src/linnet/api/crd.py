"""The CustomResourceDefinition of a CanaryRelease, made from the models."""

from typing import Any

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus
from linnet.api.structural import Schema, structural

GROUP = "linnet.dev"
VERSION = "v1alpha1"
KIND = "CanaryRelease"
PLURAL = "canaryreleases"

DESCRIPTION = (
    "CanaryRelease guards one Deployment: a changed pod template runs as a canary beside the "
    "stable version, takes traffic step by step, is measured at each step, and is promoted or "
    "rolled back."
)

COLUMNS = (
    ("Phase", "string", ".status.phase", "Where the release is."),
    ("Weight", "integer", ".status.weight.seen", "Percent of traffic that the canary takes."),
    ("Step", "string", ".status.progress", "The present step of all."),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "The Ready condition."),
    ("Message", "string", ".status.message", "What is going on."),
    ("Age", "date", ".metadata.creationTimestamp", "Time since the CanaryRelease was created."),
)
"""What `kubectl get` shows: name, type, JSON path and description."""


def custom_resource_definition() -> dict[str, Any]:
    """Return the CRD, ready to be written as YAML."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["crel"],
                "categories": ["delivery"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        {"name": name, "type": kind, "jsonPath": path, "description": text}
                        for name, kind, path, text in COLUMNS
                    ],
                    "schema": {"openAPIV3Schema": resource_schema()},
                }
            ],
        },
    }


def resource_schema() -> Schema:
    """Return the schema of the whole resource. Only the spec is filled with defaults."""
    return {
        "type": "object",
        "description": DESCRIPTION,
        "required": ["spec"],
        # The name is the value of a label on the Deployment and on the canary's pods.
        "x-kubernetes-validations": [
            {
                "rule": "self.metadata.name.size() <= 63",
                "message": "metadata.name may have at most 63 characters: choose a shorter one",
            }
        ],
        "properties": {
            "apiVersion": {
                "type": "string",
                "description": f"Version of the schema: {GROUP}/{VERSION}.",
            },
            "kind": {"type": "string", "description": f"Kind of the resource: {KIND}."},
            # the API server describes it itself, and refuses any other description
            "metadata": {"type": "object"},
            "spec": structural(CanaryReleaseSpec),
            "status": _status(),
        },
    }


def _status() -> Schema:
    schema = structural(CanaryReleaseStatus, defaults=False)
    schema["properties"]["conditions"] |= {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    return schema
