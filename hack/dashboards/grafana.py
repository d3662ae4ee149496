"""Dashboards as Grafana's JSON (schema 39, Grafana 10.4 and later)."""

import json
from typing import Any

from hack.dashboards.panels import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Dashboard,
    Panel,
    Placed,
    Variable,
    placed,
)

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WINDOWS = ("1m", "5m", "15m", "1h", "6h")
WINDOW = "5m"
TAG = "linnet"
_STYLES: dict[str, dict[str, Any]] = {
    "lines": {"drawStyle": "line", "lineWidth": 2, "showPoints": "never"},
    "bars": {
        "drawStyle": "bars",
        "fillOpacity": 70,
        "lineWidth": 0,
        "stacking": {"mode": "normal", "group": "A"},
    },
    "states": {"fillOpacity": 80, "lineWidth": 0},
}
_TIMELINE = {"mergeValues": True, "showValue": "auto", "alignValue": "left", "rowHeight": 0.8}


def as_json(dashboard: Dashboard) -> str:
    """The dashboard as Grafana imports it, or reads it from a file or a ConfigMap."""
    found = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.text,
        "tags": [TAG],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [
            {"type": "dashboards", "tags": [TAG], "asDropdown": False, "includeVars": True,
             "keepTime": True, "title": "", "targetBlank": False},
        ],
        "annotations": {"list": []},
        "templating": {"list": [_SOURCES, *map(_variable, dashboard.variables), _WINDOW]},
        "panels": [
            _panel(number, each) for number, each in enumerate(placed(dashboard.panels), start=1)
        ],
    }  # fmt: skip
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


_SOURCES = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
}
_WINDOW = {
    "name": "window",
    "label": "Window of rare things",
    "type": "interval",
    "query": ",".join(WINDOWS),
    "current": {"text": WINDOW, "value": WINDOW, "selected": True},
    "options": [{"text": each, "value": each, "selected": each == WINDOW} for each in WINDOWS],
}


def _variable(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.metric}, {variable.label})"
    return {
        "name": variable.name,
        "label": variable.name.capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        # Also what has no such label is shown then, as outside of a cluster.
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"], "selected": True},
    }


def _panel(number: int, place: Placed) -> dict[str, Any]:
    panel = place.panel
    states = panel.kind == "states"
    legend = {"showLegend": not states, "displayMode": "list", "placement": "bottom"}
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return {
        "id": number,
        "type": "state-timeline" if states else "timeseries",
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": {"x": place.x, "y": place.y, "w": panel.width, "h": panel.height},
        "targets": [
            {
                "refId": _letter(i),
                "datasource": SOURCE,
                "expr": line.query,
                "legendFormat": line.legend,
                "editorMode": "code",
                "range": True,
            }
            for i, line in enumerate(panel.lines)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": {**_TIMELINE, **options} if states else options,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {"custom": dict(_STYLES[panel.kind])}
    if panel.kind == "states":
        texts = {
            str(number): {"text": state.name, "color": state.colour, "index": number}
            for number, state in enumerate(panel.states)
        }
        return {
            **found,
            "color": {"mode": "thresholds"},
            "mappings": [{"type": "value", "options": texts}],
        }
    found |= {"unit": panel.unit.value, "min": 0, "color": {"mode": "palette-classic"}}
    if panel.most is not None:
        found["max"] = panel.most
    if panel.limit is not None:
        found["custom"]["thresholdsStyle"] = {"mode": "dashed"}
        steps = [{"color": GREEN, "value": None}, {"color": RED, "value": panel.limit}]
        found["thresholds"] = {"mode": "absolute", "steps": steps}
    return found


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    """Stable is blue and the canary orange, in every panel; references are dashed."""
    if panel.kind == "states":
        return []
    found = []
    if any("{{track}}" in line.legend for line in panel.lines):
        for track, colour in (("stable", BLUE), ("canary", ORANGE)):
            shades = {"id": "color", "value": {"mode": "shades", "fixedColor": colour}}
            matcher = {"id": "byRegexp", "options": f"/{track}/"}
            found.append({"matcher": matcher, "properties": [shades]})
    dashed = {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}}
    for i, line in enumerate(panel.lines):
        if line.reference:
            matcher = {"id": "byFrameRefID", "options": _letter(i)}
            found.append({"matcher": matcher, "properties": [dashed]})
    return found


def _letter(number: int) -> str:
    return chr(ord("A") + number)
