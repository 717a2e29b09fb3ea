"""Alignments of single reads from end to end, against those of bwa as pybwa gives them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysam
import pytest
from pybwa import BwaAln, BwaAlnOptions

import colonnade as cn

# pybwa leaves the .dict file open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

#: pybwa's options, and ours.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": ({}, {}),
    "without seed, two gaps": (
        {"max_mismatches": 4, "seed_length": 16500, "max_gap_opens": 2},
        {"differences": 4, "seed_length": 16500, "gap_opens": 2},
    ),
    "long gaps": (
        {"max_mismatches": 3, "max_gap_extensions": 8, "gap_open_penalty": 5, "gap_extension_penalty": 1},
        {"differences": 3, "gap_extensions": 8, "gap_open_penalty": 5, "gap_extension_penalty": 1},
    ),
    "short seed": (
        {"max_mismatches": 5, "seed_length": 20, "max_mismatches_in_seed": 1, "mismatch_penalty": 2},
        {"differences": 5, "seed_length": 20, "seed_differences": 1, "mismatch_penalty": 2},
    ),
}

TAGS = ("X0", "X1", "XM", "XO", "XG", "NM", "MD", "XT", "XN")

SETS = {
    "ecoli": ("ecoli_k12_pe100/reference_1K.fa", "ecoli_k12_pe100/ecoli_1K_1.fq.gz"),
    "hiv": ("hiv_caprisa/clip_trimmed/CAP188_wk4_consensus.fasta", "hiv_caprisa/clip_trimmed/CAP188_wk4_R1.fastq.gz"),
    "westnile": ("westnile_454_multiRG/ref.fasta", "westnile_454_multiRG/in.bam"),
    "taps": ("taps_mouse_lambda/lambda.fa", "taps_mouse_lambda/test.bam"),
}

MOST_READS, LONGEST = 400, 300


def as_fastq(source: Path, target: Path) -> Path:
    """Some of the reads of a file, as single ones."""
    if source.name.endswith(".bam"):
        with pysam.AlignmentFile(str(source)) as file:
            entries = [
                (record.get_forward_sequence(), pysam.qualities_to_qualitystring(record.get_forward_qualities()))
                for record in file
            ]
    else:
        with pysam.FastxFile(str(source)) as file:
            entries = [(entry.sequence, entry.quality) for entry in file]
    entries = [(bases, qualities) for bases, qualities in entries if len(bases) <= LONGEST]
    entries = entries[:: max(1, len(entries) // MOST_READS)]
    target.write_text(
        "".join(f"@read{number}\n{bases}\n+\n{qualities}\n" for number, (bases, qualities) in enumerate(entries))
    )
    return target


@pytest.fixture(scope="module", params=SETS)
def reads(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    fasta, source = (shared_data / name for name in SETS[request.param])
    copy = folder / "ref.fa"
    copy.write_bytes(fasta.read_bytes())
    cn.build_index(copy)
    pysam.samtools.dict("-o", str(folder / "ref.dict"), str(copy), catch_stdout=False)
    return copy, as_fastq(source, folder / "reads.fq")


def told(record: pysam.AlignedSegment) -> tuple[Any, ...]:
    """What must be equal."""
    place = record.reference_name, record.reference_start, record.is_reverse, record.mapping_quality, record.cigarstring
    return (*place, *(record.get_tag(tag) if record.has_tag(tag) else None for tag in TAGS))


def places(record: pysam.AlignedSegment) -> set[tuple[str | None, bool, int]]:
    """Own place and those of XA."""
    found = {(record.reference_name, record.is_reverse, record.reference_start)}
    for entry in record.get_tag("XA").split(";")[:-1] if record.has_tag("XA") else ():
        contig, position, _, _ = entry.split(",")
        found.add((contig, position[0] == "-", int(position[1:]) - 1))
    return found


@pytest.mark.parametrize("name", OPTIONS)
def test_single_reads_lie_where_bwa_puts_them(
    name: str, reads: tuple[Path, Path], tmp_path: Path, bwa_records: Callable[..., list[pysam.AlignedSegment]]
) -> None:
    fasta, fastq = reads
    theirs, ours = OPTIONS[name]
    out = tmp_path / "out.bam"
    options = cn.AlignOptions(**ours, bwa_quirks=True)
    summary = cn.align(fastq, index=fasta, out=out, options=options)
    expected = bwa_records(fasta, fastq, BwaAlnOptions(**theirs))
    with pysam.AlignmentFile(str(out)) as file:
        found = list(file)
    assert len(found) == len(expected) == summary.reads > 50
    n_unique = n_aligned = 0
    for record, partner in zip(found, expected, strict=True):
        assert record.query_name == partner.query_name
        assert record.is_unmapped == partner.is_unmapped
        if partner.is_unmapped:
            continue
        n_aligned += 1
        if partner.get_tag("X0") == 1:
            n_unique += 1
            assert told(record) == told(partner)
        hits = {tag: partner.get_tag(tag) for tag in ("X0", "X1") if partner.has_tag(tag)}
        assert hits == {tag: record.get_tag(tag) for tag in hits}
        if sum(hits.values()) <= 4:  # else none are listed beside the one that chance has chosen
            assert places(record) == places(partner)
    assert n_aligned > 10
    assert n_unique > 10 or "westnile" in str(fasta)  # whose two contigs are equal


@pytest.fixture(scope="module")
def bwa_records() -> Callable[..., list[pysam.AlignedSegment]]:
    def align(fasta: Path, fastq: Path, options: BwaAlnOptions) -> list[pysam.AlignedSegment]:
        with pysam.FastxFile(str(fastq)) as file, BwaAln(prefix=fasta) as aligner:
            return aligner.align(queries=[*file], opt=options)

    return align
