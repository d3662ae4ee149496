"""The recommender: a small built-in catalogue, ranked by three signals."""
