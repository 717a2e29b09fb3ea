"""Makes the helper module beside the tests importable, and simulates into a folder of the test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shown import Simulate

from colonnade.simulate import Library, Population, Reference, Simulated, simulate


@pytest.fixture
def simulated(tmp_path: Path) -> Simulate:
    """Simulate; under another name each time."""
    made = iter(range(1000))

    def run(population: Population, reference: Reference, library: Library, **options: object) -> Simulated:
        return simulate(population, reference, tmp_path / f"made{next(made)}", library=library, **options)

    return run
