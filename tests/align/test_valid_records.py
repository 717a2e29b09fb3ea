"""What is written is valid: samtools takes it, and every flag and mate field agrees with the mate."""

from collections import Counter
from pathlib import Path

import bwa
import pysam
import pytest
import stages
from made_pairs import LIBRARIES, made_pairs, to_ubam
from made_reads import hard_genome
from mate_fields import problems

import colonnade as cn

pytestmark = bwa.needs_bwa

HIV, EBOLA, ECOLI = "hiv_caprisa/clip_trimmed", "ebola_ubam", "ecoli_k12_pe100"

#: Genome, files of pairs, and options.
REAL = {
    "ecoli": (f"{ECOLI}/reference_1K.fa", (f"{ECOLI}/ecoli_1K_1.fq.gz", f"{ECOLI}/ecoli_1K_2.fq.gz"), {}),
    "ebola, 12 read groups": (f"{EBOLA}/G5012.3.fasta", (f"{EBOLA}/G5012.3.testreads.bam",), {}),
    "hiv": (f"{HIV}/CAP188_wk4_consensus.fasta", (f"{HIV}/CAP188_wk30.unmapped.bam",), {"differences": 0.01, "gap_opens": 2}),
    "hiv, trimmed": (f"{HIV}/CAP188_wk4_consensus.fasta", (f"{HIV}/CAP188_wk4.unmapped.bam",), {"trim_quality": 20}),
}  # fmt: skip


def flag_counts(path: Path) -> dict[str, int]:
    """The lines of samtools flagstat: what is counted, and how many passed quality control."""
    lines = [line.split(" ", 3) for line in str(pysam.samtools.flagstat(str(path))).splitlines()]
    return {words[3].split(" (")[0]: int(words[0]) for words in lines}


def check(path: Path, fasta: Path, summary: cn.AlignSummary) -> None:
    pysam.samtools.quickcheck(str(path))
    counts = flag_counts(path)
    assert counts["in total"] == summary.reads
    assert counts["primary mapped"] == summary.aligned
    assert counts["read1"] == counts["read2"] == summary.pairs
    assert counts["properly paired"] == 2 * summary.proper_pairs
    assert problems(path, fasta) == []


@pytest.mark.parametrize("name", REAL)
def test_real_pairs_are_valid(name: str, shared_data: Path, tmp_path: Path) -> None:
    genome, files, options = REAL[name]
    fasta = tmp_path / "genome.fa"
    fasta.write_bytes((shared_data / genome).read_bytes())
    stages.index_fasta(fasta)
    out = tmp_path / "out.bam"
    reads = [str(shared_data / file) for file in files]
    summary = cn.align(*reads, index=fasta, out=out, options=cn.AlignOptions(**options))
    check(out, fasta, summary)
    assert summary.proper_pairs > 0.8 * summary.pairs


def test_pairs_of_two_libraries_and_merged_reads_are_valid(tmp_path: Path) -> None:
    contigs = hard_genome(3)
    fasta = stages.write_fasta(contigs, tmp_path / "genome.fa")
    reads = to_ubam(made_pairs(contigs, 1500, seed=3), tmp_path / "reads.bam")
    out = tmp_path / "out.bam"
    summary = cn.align(reads, index=fasta, out=out, options=cn.AlignOptions(listed_hits=10, listed_discordant_hits=30))
    check(out, fasta, summary)
    assert summary.rescued > 100
    with pysam.AlignmentFile(str(out)) as file:
        groups = Counter(record.get_tag("RG") for record in file)
    assert set(groups) == {library.read_group for library in LIBRARIES}


def test_what_bwa_does_against_the_rules_is_found(tmp_path: Path) -> None:
    contigs = hard_genome(3)
    fasta = stages.write_fasta(contigs, tmp_path / "genome.fa")
    reads = to_ubam(made_pairs(contigs, 500, seed=3), tmp_path / "reads.bam")
    cn.align(reads, index=fasta, out=tmp_path / "out.bam", options=cn.AlignOptions(bwa_quirks=True))
    assert problems(tmp_path / "out.bam", fasta)
