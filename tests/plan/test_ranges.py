"""Ranges cover the regions exactly once, in order, whatever the size."""

from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest

from colonnade.formats.bai import WINDOW_BITS
from colonnade.formats.bam import BamFile
from colonnade.plan.ranges import plan_ranges
from colonnade.regions import Region, merge_regions

WINDOW = 1 << WINDOW_BITS
CONTIGS = {"a": 400_000, "empty": 70_000, "b": 16_384, "c": 16_385}
SIZES = [0, 1, 10_000, 100_000, 1 << 20, 1 << 40]


@pytest.fixture
def files(make_bam):
    rng = np.random.default_rng(1)
    opened = []
    for number in range(2):
        lines = []
        for contig, n in (("a", 3000), ("b", 50), ("c", 50)):
            for position in rng.integers(1, CONTIGS[contig] - 110, n):
                sequence = "".join(rng.choice(list("ACGT"), 100))
                lines.append(f"r\t0\t{contig}\t{position}\t60\t100M\t*\t0\t0\t{sequence}\t*")
        opened.append(BamFile(make_bam(f"{number}.bam", CONTIGS, lines)))
    yield opened
    for file in opened:
        file.close()


def random_regions(seed: int) -> list[Region]:
    rng = np.random.default_rng(seed)
    regions = []
    for _ in range(int(rng.integers(1, 12))):
        contig = str(rng.choice(list(CONTIGS)))
        start, end = sorted(rng.choice(CONTIGS[contig] + 1, 2, replace=False).tolist())
        regions.append(Region(contig, start, end))
    return merge_regions(regions, CONTIGS)


def check_cover(regions: list[Region], ranges: list[Region]) -> None:
    """Joining ranges that touch, as long as no region ends there, gives the regions back."""
    ends = {(region.contig, region.end) for region in regions}
    joined: list[Region] = []
    for piece in ranges:
        assert piece.start < piece.end
        last = joined[-1] if joined else None
        if last and last.contig == piece.contig and last.end == piece.start and (last.contig, last.end) not in ends:
            joined[-1] = Region(last.contig, last.start, piece.end)
        else:
            joined.append(piece)
    assert joined == regions


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("positions", [0, 1, 20_000, 1 << 18, 1 << 40])
def test_ranges_cover_regions_exactly_once_in_order(files, size: int, positions: int) -> None:
    whole = [Region(contig, 0, length) for contig, length in CONTIGS.items()]
    for regions in (whole, *map(random_regions, range(20))):
        check_cover(regions, list(plan_ranges(regions, files, size=size, positions=positions)))


@pytest.mark.parametrize("positions", [1, 20_000, 50_000, 1 << 18])
def test_ranges_hold_at_most_so_many_positions_or_one_window(files, positions: int) -> None:
    regions = [Region(contig, 0, length) for contig, length in CONTIGS.items()]
    ranges = list(plan_ranges(regions, files, size=1 << 40, positions=positions))
    assert max(map(len, ranges)) <= max(positions, WINDOW)


def test_cuts_are_at_windows(files) -> None:
    for regions in map(random_regions, range(20)):
        limits = {(r.contig, place) for r in regions for place in (r.start, r.end)}
        for piece in plan_ranges(regions, files, size=1, positions=1 << 40):
            for place in (piece.start, piece.end):
                assert place % WINDOW == 0 or (piece.contig, place) in limits


def test_smaller_sizes_make_more_ranges(files) -> None:
    regions = [Region("a", 0, CONTIGS["a"])]
    numbers = [len(list(plan_ranges(regions, files, size=size, positions=1 << 40))) for size in SIZES]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > numbers[-1] == 1


def test_contigs_without_records_cost_nothing(files) -> None:
    region = Region("empty", 0, CONTIGS["empty"])
    assert list(plan_ranges([region], files, size=1, positions=1 << 40)) == [region]


def test_contig_that_no_file_has_is_one_range(files) -> None:
    region = Region("elsewhere", 5, 90_000)
    assert list(plan_ranges([region], files, size=1, positions=1 << 40)) == [region]


def test_no_regions_give_no_ranges(files) -> None:
    assert list(plan_ranges([], files, size=1, positions=1)) == []


@pytest.mark.parametrize(
    "name", ["taps_mouse_lambda/test.bam", "tumour_normal_colo829_chr20/Colo829.18.chr20.MissedStrongLoh.bam"]
)
def test_ranges_cover_real_contigs(shared_data: Path, name: str) -> None:
    file = BamFile(shared_data / name)
    regions = [Region(contig, 0, length) for contig, length in file.header.lengths.items()]
    for size in SIZES:
        ranges = list(plan_ranges(regions, [file, file], size=size, positions=1 << 22))
        check_cover(regions, ranges)
        for _, group in groupby(ranges, key=lambda r: r.contig):
            assert all(a.end == b.start for a, b in pairwise(group))
    file.close()
