"""The pinned versions of everything a cluster is made of."""

from __future__ import annotations

from typing import Final

KUBERNETES: Final = "1.34.4"
KIND: Final = "0.33.0"
HELM: Final = "4.3.1"
COREDNS: Final = "1.15.0"
GATEWAY_API: Final = "1.6.1"
TRAEFIK: Final = "3.7.15"
PROMETHEUS: Final = "3.15.0"
ALERTMANAGER: Final = "0.25.0"
REDIS: Final = "7.0.15"
KWOK: Final = "0.8.0"
K6: Final = "1.8.1"
ACTIONLINT: Final = "1.7.12"
PYTHON: Final = "3.11"
DEBIAN: Final = "bookworm"

PUBLISHED: Final = {
    "node": f"kindest/node:v{KUBERNETES}",
    "traefik": f"traefik:v{TRAEFIK}",
    "prometheus": f"prom/prometheus:v{PROMETHEUS}",
    "alertmanager": f"prom/alertmanager:v{ALERTMANAGER}",
    "redis": f"redis:{REDIS}",
    "python": f"python:{PYTHON}-slim",
}
"""Images to use where a registry answers; where none does, each is built here."""
