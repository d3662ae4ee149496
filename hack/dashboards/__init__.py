"""Dashboards of recochat and of Linnet: described once, for Grafana and for pictures alike.

`workload` and `releases` say what is shown, `grafana` makes JSON of it, `files` the files that the
charts ship. `vetted` holds each query against what the instrumentation itself says it tells.
"""
