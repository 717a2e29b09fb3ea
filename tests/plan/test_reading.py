"""A range's chunks hold exactly the records that htslib gives for it, and counts do not depend on how a region is cut."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pysam
import pytest
from made_bam import CONTIGS, KINDS, LAYOUTS

import colonnade as cn
from colonnade.formats.bam import BamFile
from colonnade.formats.bgzf import BgzfFile, Chunk
from colonnade.plan.ranges import Range, plan_ranges
from colonnade.records.filters import NO_FLAGS, ReadFilter
from colonnade.records.source import read_batches
from colonnade.regions import Region
from colonnade.tally.counts import Tally, count_batches

EVERYTHING = ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=NO_FLAGS)
REAL = (
    "hiv_caprisa/CAP188_wk4.bwamem.bam",
    "tumour_normal_colo829_chr20/Colo829.18.chr20.MissedStrongLoh.bam",
    "taps_mouse_lambda/test.bam",
    "na12878_chr22_tiny/NA12878.chr22.tiny.bam",
)


def planned_file(file: BamFile, planned: Range) -> SimpleNamespace:
    """The file as one that gives the chunks of a range and nothing else."""

    @contextmanager
    def opened(contig: str, start: int, end: int) -> Iterator[tuple[BgzfFile, Sequence[Chunk]]]:
        assert (contig, start, end) == (planned.region.contig, planned.region.start, planned.region.end)
        yield file.blocks, planned.chunks[0]

    return SimpleNamespace(path=file.path, contigs=file.contigs, opened=opened)


def names(file: SimpleNamespace | BamFile, region: Region, size: int) -> list[tuple[str, int]]:
    return [
        (batch.data[r["name"] : r["name"] + r["l_name"] - 1].tobytes().decode(), int(r["start"]))
        for batch in read_batches([file], region, EVERYTHING, size=size)
        for r in batch.records
    ]


def check_records(path: Path, *, target: int, size: int) -> int:
    """Compare the records of each range of a plan with pysam's; returns how many there are."""
    bam = BamFile(path)
    regions = [Region(contig, 0, length) for contig, length in bam.header.lengths.items()]
    seen = 0
    with pysam.AlignmentFile(str(path)) as file:
        for planned in plan_ranges(regions, [bam], size=target):
            region = planned.region
            fetched = file.fetch(region.contig, region.start, region.end)
            expected = [(r.query_name, r.reference_start) for r in fetched if not r.is_unmapped]
            assert names(planned_file(bam, planned), region, size) == expected, planned
            seen += len(expected)
    bam.close()
    return seen


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_chunks_of_ranges_hold_the_records_of_samtools_view(bam: Callable, kind: str, layout: str) -> None:
    seen = check_records(Path(bam(kind, layout).path), target=200_000, size=50_000)
    assert (seen > 0) == (kind != "without records")


@pytest.mark.parametrize("name", REAL)
def test_chunks_of_ranges_hold_the_records_of_samtools_view_in_real_files(shared_data: Path, name: str) -> None:
    assert check_records(shared_data / name, target=100_000, size=1 << 20) > 1000


def test_positions_beyond_what_bai_can_hold(tmp_path: Path) -> None:
    length = (1 << 31) - 1
    path = tmp_path / "far.bam"
    starts = [5, (1 << 29) - 50, 1 << 29, (1 << 30) + 7, (1 << 30) + 8, length - 100]
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "far", "LN": length}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number, start in enumerate(starts):
            record = pysam.AlignedSegment(file.header)
            record.query_name, record.reference_id, record.reference_start = f"r{number}", 0, start
            record.mapping_quality, record.cigartuples, record.query_sequence = 60, [(0, 100)], "ACGTA" * 20
            record.query_qualities = pysam.qualitystring_to_array("I" * 100)
            file.write(record)
    pysam.samtools.index("-c", str(path))
    assert check_records(path, target=1 << 20, size=1 << 20) == len(starts)
    for start in starts:
        counts = cn.tally(path, Region("far", start, start + 100))
        assert (counts.depth > 0).all()


def test_a_record_beyond_the_last_position_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "beyond.bam"
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "far", "LN": (1 << 31) - 1}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        record = pysam.AlignedSegment(file.header)
        record.query_name, record.reference_id, record.reference_start = "r", 0, (1 << 31) - 50
        record.mapping_quality, record.cigartuples, record.query_sequence = 60, [(0, 100)], "ACGTA" * 20
        file.write(record)
    pysam.samtools.index("-c", str(path))
    with pytest.raises(cn.ColonnadeError, match="beyond position 2,147,483,647"):
        cn.tally(path, Region("far", (1 << 31) - 60, (1 << 31) - 1))


def test_many_contigs(tmp_path: Path) -> None:
    n, path = 100_000, tmp_path / "many.bam"
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": f"c{k}", "LN": 500} for k in range(n)]}
    rng = np.random.default_rng(1)
    chosen = sorted(rng.choice(n, 2000, replace=False).tolist())
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for number in chosen:
            record = pysam.AlignedSegment(file.header)
            record.query_name, record.reference_id, record.reference_start = f"r{number}", number, 20
            record.mapping_quality, record.cigartuples, record.query_sequence = 60, [(0, 50)], "ACGTA" * 10
            record.query_qualities = pysam.qualitystring_to_array("I" * 50)
            file.write(record)
    pysam.samtools.index(str(path))
    bam = BamFile(path)
    ranges = list(plan_ranges([Region(f"c{k}", 0, 500) for k in range(n)], [bam], size=1 << 20))
    assert len(ranges) == n
    counted = {}
    for number in (*chosen[::20], 0, n - 1):
        region = Region(f"c{number}", 0, 500)
        batches = read_batches([planned_file(bam, ranges[number])], region, ReadFilter())
        counted[number] = int(count_batches(batches, Tally.zeros(region), min_baseq=5).bases.sum())
    bam.close()
    assert counted == {number: 50 * (number in chosen) for number in counted}


@pytest.mark.parametrize("kind", ["usual", "long", "deep"])
@pytest.mark.parametrize("layout", ["bai", "csi 12"])
def test_counts_are_the_same_for_any_target_batch_and_number_of_threads(bam: Callable, kind: str, layout: str) -> None:
    path = bam(kind, layout).path
    region = Region("d", 0, CONTIGS["d"])
    expected = cn.tally(path, region, memory=1 << 32)
    assert expected.bases.sum() > 0
    for memory, threads in ((1, 1), (1 << 18, 2), (1 << 22, 1), (1 << 30, 3)):
        found = cn.tally(path, region, memory=memory, threads=threads)
        assert np.array_equal(found.strands, expected.strands)
        assert np.array_equal(found.low_quality, expected.low_quality)
        assert np.array_equal(found.matches, expected.matches)
        assert found.records == expected.records
