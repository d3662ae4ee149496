"""Experiments for any application: who gets which variant, and what users did, counted once.

This folder knows nothing of recochat, so that another application can take it as it is. It needs
`redis` for the store in Redis and `prometheus-client` for the export. docs/experiment-metrics.md
says what an application has to export.
"""
