"""The numbers of an A/B experiment: sums of users in, effects and their certainty out.

The unit is the user. Nothing here knows of any single one: counts, sums, sums of squares and of
products are enough (`sums`). From them come each variant's value and its variance (`arms`), the
effect (`effects`), what may be said of it at any look (`sequence`), what a test at a fixed end
would say (`fixed`), and what a Bayesian would (`bayes`).

Numbers may be arrays of any shape in `sums`, `arms`, `effects` and `sequence`, so that a simulation
passes thousands of experiments through the code that judges one.
"""
