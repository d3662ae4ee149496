"""A recommender and multi-turn chat service. Kept free of imports so that it starts fast."""

__version__ = "0.1.0"
