"""Evidence from signs alone: is something up more often than down?

Against "up is at most as likely as down, whatever came before" a bet of the part λ of one's fortune
on each "up" multiplies it by 1 + λ or 1 - λ. No distribution is assumed, so no outlier can decide
(the sign test: Arbuthnott 1710; by betting: Shafer, Vovk, "Game-Theoretic Foundations for
Probability and Finance", 2019; Waudby-Smith, Ramdas, "Estimating means of bounded random variables
by betting", JRSS B 2024).
"""

import numpy as np

from linnet.stats.state import Array

PARTS = np.array([0.25, 0.5, 0.75, 0.95])
"""λ: the parts of the fortune that are bet on each sign."""


def payout(signs: Array) -> Array:
    """(..., K) logarithm of each bet's payout; signs: (...) 1 for up, -1 for down, 0 for no bet."""
    paid: Array = np.log1p(signs[..., None] * PARTS)
    return paid
