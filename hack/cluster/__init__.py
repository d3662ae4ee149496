"""A real Kubernetes cluster for demos and tests, from a bare Debian machine, in one command."""
