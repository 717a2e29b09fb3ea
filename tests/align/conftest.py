"""Makes the helper modules beside the tests importable; and stretches of the output so small that few reads have many."""

import sys
from pathlib import Path

import pytest

from colonnade.align import stretches
from colonnade.formats import bgzf_writer

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def small_stretches(monkeypatch) -> None:
    """Stretches have 8 reads and are large from 400 bytes on, and blocks have 100: less than most records."""
    monkeypatch.setattr(stretches, "READS", 8)
    monkeypatch.setattr(stretches, "LEAST", 400)
    monkeypatch.setattr(bgzf_writer, "BLOCK_CONTENT", 100)
    monkeypatch.setattr(bgzf_writer, "_TASK_SIZE", 200)
