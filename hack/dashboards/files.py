"""The dashboards as files of the charts, which make ConfigMaps of them for Grafana's sidecar."""

from hack.dashboards.grafana import as_json
from hack.dashboards.panels import Dashboard
from hack.dashboards.releases import LINNET
from hack.dashboards.vetted import vet
from hack.dashboards.workload import RECOCHAT

FILES: dict[str, Dashboard] = {
    "charts/linnet-operator/files/dashboards/linnet.json": LINNET,
    "charts/recochat/files/dashboards/recochat.json": RECOCHAT,
}


def generate() -> dict[str, str]:
    """The text of each file, by its path in the repository.

    Raises:
        Unasked: a query asks for what the instrumentation doesn't tell.
    """
    for dashboard in FILES.values():
        vet(dashboard)
    return {path: as_json(dashboard) for path, dashboard in FILES.items()}
