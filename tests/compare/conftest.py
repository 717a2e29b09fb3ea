"""Two populations on a small genome, what to ask about them, and the answer of one run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pysam
import pytest
from genomes import CONTIGS, files_of, write_reads

from colonnade.compare.engine import compare_to_files
from colonnade.compare.options import CompareOptions
from colonnade.compare.question import Question
from colonnade.compare.samples import REF, Comparison


@pytest.fixture(scope="session")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Question:
    """A question about it; reads lie across the borders of windows, and some changes are false by the model."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(1)
    sequences = {name: "".join(rng.choice(list("ACGT"), length)) for name, length in CONTIGS.items()}
    fasta = folder / "genome.fa"
    fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()))
    pysam.faidx(str(fasta))
    samples = {
        name: write_reads(folder / f"{name}.bam", sequences, rng, changed=name == "late") for name in ("early", "late")
    }
    options = CompareOptions(min_distance=0.05, draws=100, window=700, max_false_share=0.05)
    pairs = [Comparison("early", "late"), Comparison("late", REF)]
    return Question(samples, fasta, pairs=pairs, options=options)


@pytest.fixture(scope="session")
def in_one_run(genome: Question, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All files of the question, by name."""
    folder = tmp_path_factory.mktemp("in_one_run")
    compare_to_files(genome, folder / "x", vcf=folder / "x.vcf")
    return files_of(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    """Make a folder."""

    def make(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    return make
