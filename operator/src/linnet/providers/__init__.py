"""The outside behind small protocols: the Kubernetes API, traffic, workloads, metrics."""
