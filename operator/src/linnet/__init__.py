"""Linnet: progressive delivery for Kubernetes Deployments."""
