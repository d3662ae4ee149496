"""The demonstration: one good and four bad versions, released on a real cluster under load."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "operator" / "src"))  # works before anything is installed
