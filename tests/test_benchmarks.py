"""What benchmarks read in messages is what commands say."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import colonnade as cn

FOLDER = Path(__file__).parents[1] / "benchmarks"
READS = 30


@pytest.fixture
def benchmark(monkeypatch):
    """Import a benchmark, which is no package, and forget it and what it has imported from beside it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
            del sys.modules[name]


def test_align_says_how_much_waits_between_the_passes(benchmark, tmp_path: Path) -> None:
    genome = "".join(np.random.default_rng(1).choice(list("ACGT"), 500))
    (tmp_path / "ref.fa").write_text(f">one\n{genome}\n")
    cn.build_index(tmp_path / "ref.fa")
    mates = [tmp_path / "1.fq", tmp_path / "2.fq"]
    for path in mates:
        path.write_text("".join(f"@r{at}\n{genome[at : at + 50]}\n+\n{'I' * 50}\n" for at in range(READS)))
    reads, size = benchmark("align").spool_size(str(tmp_path / "ref.fa"), list(map(str, mates)), str(tmp_path / "out"))
    assert reads == 2 * READS
    assert size > 0
