"""Conversations over several turns, answered by an embedded engine."""
