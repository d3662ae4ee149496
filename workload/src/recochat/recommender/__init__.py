"""The recommender: trained offline, ranked by three signals, replaced while serving."""
