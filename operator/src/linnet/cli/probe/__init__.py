"""Asking a URL at a rate: how it holds, and whether it says so where it refuses."""
