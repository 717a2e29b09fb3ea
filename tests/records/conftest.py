"""Makes the damage of validation/fuzz.py importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "validation"))
