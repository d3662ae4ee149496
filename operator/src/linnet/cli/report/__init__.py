"""A report of a release, for people."""
