"""One way of searching for everybody: the same examples each time, and as many as time allows.

`make check` is content with a few (`linnet-quick`).
"""

import gc
import os

from hypothesis import settings

settings.register_profile("linnet", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("linnet-quick", deadline=None, max_examples=12, derandomize=True)
settings.register_profile("linnet-search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "linnet"))

# What thousands of tests import stays: to look through it for garbage so often is for nothing.
gc.set_threshold(100_000, 20, 20)
