"""Base and indel counts equal those of samtools mpileup text, on real data."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mpileup import mpileup

from colonnade.formats.bam import BamFile
from colonnade.formats.fasta import BASES
from colonnade.records.filters import ReadFilter
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import read_batches
from colonnade.regions import Region
from colonnade.tally.counts import Tally, count_batches

DATA_SETS = (
    "amplicon_braf_tumour_normal/ArgumentNA_Tumor.bam",
    "anopheles_amplicon/MUT011_S351.bam",
    "ebola_ubam/G5012.3.bwaaln.bam",
    "ecoli_k12_pe100/ecoli_1K.bwaaln.bam",
    "hiv_caprisa/CAP188_wk4.cons.bwamem.bam",
    "hiv_caprisa/CAP188_wk30.bwamem.bam",
    "hiv_caprisa/CAP217_wk4390.cons.bwamem.bam",
    "na12878_chr22_tiny/NA12878.chr22.tiny.bam",
    "na12878_chr22_tiny/splice_1_883884-887618.bam",
    "sarscov2_twist/pos_MN908947_3_1.bwamem.bam",
    "taps_mouse_lambda/test.bam",
    "tumour_normal_colo829_chr20/Colo829.18.chr20.MissedStrongLoh.bam",
    "westnile_454_multiRG/in.bam",
)
ORPHANS_DROPPED = ReadFilter(drop_orphans=True)
LOOK_BACK = 2048  # htslib pairs whichever records of a name meet first, and a third one may end before the region


@pytest.fixture(scope="module")
def counted(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Path, dict, dict]:
    """A file, and what mpileup counts in it."""
    path = shared_data / request.param
    return path, *mpileup(path, "-Q", "5", "-q", "10", "--ff", "UNMAP,SECONDARY,QCFAIL,DUP")


@pytest.mark.parametrize("counted", DATA_SETS, indirect=True)
def test_base_and_indel_counts_equal_mpileup(counted: tuple[Path, dict, dict]) -> None:
    path, bases, events = counted
    for region, counts in _tallies(path, bases, step=None):
        _check(region, counts, bases, events)
    assert sum(map(Counter.total, bases.values())) > 1000


@pytest.mark.parametrize("counted", DATA_SETS[:7], indirect=True)
@pytest.mark.parametrize("step", [100, 777])
def test_counts_do_not_depend_on_where_ranges_are_cut(counted: tuple[Path, dict, dict], step: int) -> None:
    path, bases, events = counted
    for region, counts in _tallies(path, bases, step=step):
        _check(region, counts, bases, events)


@pytest.mark.parametrize("counted", DATA_SETS, indirect=True)
@pytest.mark.parametrize("size", [1, 300_000])
def test_counts_do_not_depend_on_the_size_of_batches(counted: tuple[Path, dict, dict], size: int) -> None:
    path, bases, events = counted
    for region, counts in _tallies(path, bases, step=None, size=size):
        _check(region, counts, bases, events)


def _tallies(path: Path, bases: dict, step: int | None, size: int = 1 << 30) -> list[tuple[Region, Tally]]:
    bam = BamFile(path)
    found = []
    for contig in {contig for contig, _ in bases}:
        covered = [position for where, position in bases if where == contig]
        length = bam.header.lengths[contig]
        first, last = max(0, min(covered) - 50), min(length, max(covered) + 50)
        for start in range(first, last, step or length):
            region = Region(contig, start, min(last, start + (step or length)))
            wide = Region(contig, max(0, start - LOOK_BACK), region.end)
            resolved = resolve_overlaps(read_batches([bam], wide, ORPHANS_DROPPED, size=size), as_htslib=True)
            found.append((region, count_batches(resolved, Tally.zeros(region), min_baseq=5)))
    bam.close()
    return found


def _check(region: Region, counts: Tally, bases: dict, events: dict) -> None:
    expected = np.zeros_like(counts.bases)
    for row, position in enumerate(range(region.start, region.end)):
        for (base, _), n in bases.get((region.contig, position), {}).items():
            if base in BASES:
                expected[row, BASES.index(base)] += n
    differing = np.flatnonzero((counts.bases != expected).any(axis=1))
    assert not differing.size, (region.contig, region.start + int(differing[0]))
    found: dict[tuple[str, int], Counter[str]] = {}
    for event in counts.events:
        length, first = int(event["length"]), int(event["letters"])
        text = f"+{counts.letters[first : first + length].tobytes().decode()}" if length > 0 else f"{length}"
        found.setdefault((region.contig, int(event["position"])), Counter())[text] += int(event["count"])
    inside = {key: n for key, n in events.items() if key[0] == region.contig and region.start <= key[1] < region.end}
    assert found == inside
