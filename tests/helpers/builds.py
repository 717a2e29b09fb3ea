"""Building what is handed out, in a process of its own, as an installer does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def build(kind: str, source: Path, folder: Path, **environment: str) -> Path:
    """Build ``sdist`` or ``wheel`` from a folder of sources."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder],
        cwd=source,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built
