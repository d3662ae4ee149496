"""The API server's audit log: kept in the cluster's folder on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from hack.cluster import paths

_POLICY: Final = paths.HERE / "audit.yaml"
_INSIDE: Final = "/var/log/linnet-audit"
_LOG: Final = "audit.log"
_LARGEST_MB, _OLDER = 64, 2


def prepare(name: str) -> Path:
    """Make the folder that the API server of cluster `name` writes to, without an old log."""
    folder = _folder(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(_POLICY, folder / "policy.yaml")
    # Made by us: the server would make it readable for root only, and a rotated log keeps the mode.
    (folder / _LOG).touch()
    return folder


def mount(name: str) -> dict[str, object]:
    """The folder as a mount of the node, in kind's format."""
    return {"hostPath": str(_folder(name)), "containerPath": _INSIDE}


def api_server() -> dict[str, Any]:
    """What kubeadm has to give to the API server: flags, and the folder."""
    return {
        "extraArgs": {
            "audit-policy-file": f"{_INSIDE}/policy.yaml",
            "audit-log-path": f"{_INSIDE}/{_LOG}",
            "audit-log-maxsize": str(_LARGEST_MB),
            "audit-log-maxbackup": str(_OLDER),
        },
        "extraVolumes": [
            {
                "name": "audit",
                "hostPath": _INSIDE,
                "mountPath": _INSIDE,
                "pathType": "Directory",
            }
        ],
    }


def files(name: str) -> list[Path]:
    """The log of cluster `name`, one JSON object a line; oldest file first, none without a log."""
    folder = _folder(name)
    rotated = sorted(folder.glob("audit-*.log"))
    return [file for file in (*rotated, folder / _LOG) if file.exists()]


def _folder(name: str) -> Path:
    return paths.cluster_dir(name) / "audit"
