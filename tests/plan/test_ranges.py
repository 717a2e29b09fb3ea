"""Ranges cover the regions exactly once, in order, whatever the size; and their bytes are those of the index."""

import logging
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bam import CONTIGS, KINDS, LAYOUTS
from made_index import made_file

from colonnade.formats.bam import BamFile
from colonnade.plan.check import true_bytes
from colonnade.plan.inflation import inflation_ratio, window_shift
from colonnade.plan.ranges import Range, plan_ranges, size_to_range
from colonnade.regions import Region, merge_regions

WINDOW = 1 << 14
SIZES = [1, 10_000, 100_000, 1 << 20, 1 << 40]
WHOLE = [Region(contig, 0, length) for contig, length in CONTIGS.items()]
ALL_FILES = [(kind, layout) for kind in KINDS for layout in LAYOUTS]


def random_regions(seed: int, contigs: dict[str, int] = CONTIGS) -> list[Region]:
    rng = np.random.default_rng(seed)
    regions = []
    for _ in range(int(rng.integers(1, 12))):
        contig = str(rng.choice(list(contigs)))
        start, end = sorted(rng.choice(contigs[contig] + 1, 2, replace=False).tolist())
        regions.append(Region(contig, start, end))
    return merge_regions(regions, contigs)


def check_cover(regions: list[Region], ranges: Sequence[Range]) -> None:
    """Joining ranges that touch, as long as no region ends there, gives the regions back."""
    ends = {(region.contig, region.end) for region in regions}
    joined: list[Region] = []
    for piece in (planned.region for planned in ranges):
        assert piece.start < piece.end
        last = joined[-1] if joined else None
        if last and last.contig == piece.contig and last.end == piece.start and (last.contig, last.end) not in ends:
            joined[-1] = Region(last.contig, last.start, piece.end)
        else:
            joined.append(piece)
    assert joined == regions


def check_recount(ranges: Sequence[Range], files: Sequence[BamFile]) -> None:
    """Chunks and bytes of each range are what the index says from scratch."""
    ratios = [inflation_ratio(file) for file in files]
    for planned in ranges:
        contig, start, end = planned.region.contig, planned.region.start, planned.region.end
        for file, ratio, chunks, found in zip(files, ratios, planned.chunks, planned.bytes, strict=True):
            expected = file.index.chunks(file.contigs[contig], start, end) if contig in file.contigs else []
            assert list(chunks) == expected
            compressed = sum(chunk.end.block - chunk.start.block for chunk in chunks)
            within = sum(chunk.end.within - chunk.start.within for chunk in chunks)
            assert found == int(max(0, compressed * ratio + within))


def is_window(region: Region, files: Sequence[BamFile]) -> bool:
    shift = window_shift(files)
    return region.start >> shift == (region.end - 1) >> shift


def check_sizes(ranges: Sequence[Range], files: Sequence[BamFile], size: int) -> None:
    for planned in ranges:
        assert is_window(planned.region, files) or max(planned.bytes) <= size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("positions", [1, 20_000, 1 << 18, None])
@pytest.mark.parametrize("workers", [1, 3])
def test_ranges_cover_regions_exactly_once_in_order(bam, size: int, positions: int | None, workers: int) -> None:
    files = [bam("usual"), bam("long", "csi 12")]
    for regions in (WHOLE, *map(random_regions, range(20))):
        check_cover(regions, list(plan_ranges(regions, files, size=size, positions=positions, workers=workers)))


@pytest.mark.parametrize(("kind", "layout"), ALL_FILES)
def test_chunks_and_bytes_equal_a_recount_from_the_index(bam, kind: str, layout: str) -> None:
    file = bam(kind, layout)
    for seed, size in enumerate(SIZES):
        for regions in (WHOLE, random_regions(seed)):
            ranges = list(plan_ranges(regions, [file], size=size))
            check_cover(regions, ranges)
            check_recount(ranges, [file])
            check_sizes(ranges, [file], size)


@settings(max_examples=60)
@given(
    chosen=st.lists(st.sampled_from(ALL_FILES), min_size=1, max_size=4),
    size=st.integers(1, 4 << 20),
    seed=st.integers(0, 1 << 30),
    positions=st.none() | st.integers(1, 1 << 20),
    workers=st.integers(1, 8),
)
def test_any_plan_of_any_files_holds(
    bam, chosen: list[tuple[str, str]], size: int, seed: int, positions: int | None, workers: int
) -> None:
    files = [bam(kind, layout) for kind, layout in chosen]
    regions = random_regions(seed)
    ranges = list(plan_ranges(regions, files, size=size, positions=positions, workers=workers))
    check_cover(regions, ranges)
    check_recount(ranges, files)
    check_sizes(ranges, files, size)
    assert ranges == list(plan_ranges(regions, files, size=size, positions=positions, workers=workers))


@pytest.mark.parametrize(("kind", "layout"), ALL_FILES)
@pytest.mark.parametrize("size", [1 << 17, 1 << 18, 1 << 20])
def test_no_range_truly_holds_more_than_twice_the_target_but_single_windows(
    bam, kind: str, layout: str, size: int
) -> None:
    files = [bam(kind, layout), bam("usual")]
    for planned in plan_ranges(WHOLE, files, size=size):
        assert max(true_bytes(planned, files)) <= 2 * size or is_window(planned.region, files)


@pytest.mark.parametrize("size", [60_000, 300_000])
def test_ranges_are_as_long_as_they_can_be(bam, size: int) -> None:
    files = [bam("usual"), bam("deep"), bam("long")]
    ranges = list(plan_ranges(WHOLE, files, size=size))
    for planned, following in pairwise(ranges):
        if planned.region.contig == following.region.contig:
            longer = Region(
                planned.region.contig, planned.region.start, min(planned.region.end + WINDOW, following.region.end)
            )
            (whole,) = plan_ranges([longer], files, size=1 << 40)
            assert max(whole.bytes) > size


def test_each_window_with_records_is_a_range_if_the_target_is_one_byte(bam) -> None:
    ranges = list(plan_ranges([Region("a", 0, CONTIGS["a"])], [bam("usual")], size=1))
    assert all(is_window(planned.region, [bam("usual")]) for planned in ranges)
    assert len(ranges) == -(-CONTIGS["a"] // WINDOW)


def test_huge_target_gives_one_range_per_region(bam) -> None:
    assert [planned.region for planned in plan_ranges(WHOLE, [bam("usual")], size=1 << 62)] == WHOLE


def test_smaller_sizes_make_more_ranges(bam) -> None:
    numbers = [len(list(plan_ranges(WHOLE, [bam("usual")], size=size))) for size in SIZES]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > numbers[-1] == len(WHOLE)


@pytest.mark.parametrize("positions", [1, 20_000, 50_000, 1 << 18])
def test_ranges_hold_at_most_so_many_positions_or_one_window(bam, positions: int) -> None:
    ranges = list(plan_ranges(WHOLE, [bam("usual")], size=1 << 40, positions=positions))
    assert max(len(planned.region) for planned in ranges) <= max(positions, WINDOW)


@pytest.mark.parametrize(("layouts", "window"), [(("bai", "csi 12"), 1 << 14), (("csi 12", "csi 17"), 1 << 17)])
def test_cuts_are_at_the_larger_windows(bam, layouts: tuple[str, str], window: int) -> None:
    files = [bam("usual", layout) for layout in layouts]
    for regions in map(random_regions, range(20)):
        limits = {(r.contig, place) for r in regions for place in (r.start, r.end)}
        for planned in plan_ranges(regions, files, size=1):
            for place in (planned.region.start, planned.region.end):
                assert place % window == 0 or (planned.region.contig, place) in limits


def test_each_of_several_files_holds_at_most_the_target_and_the_most_loaded_ends_the_range(bam) -> None:
    files = [bam("usual"), bam("deep"), bam("low"), bam("everything on one contig")]
    size = 200_000
    together = list(plan_ranges(WHOLE, files, size=size))
    alone = [list(plan_ranges(WHOLE, [file], size=size)) for file in files]
    check_sizes(together, files, size)
    assert len(together) >= max(map(len, alone))
    first_ends = [min(r.region.end for r in ranges if r.region.contig == "d") for ranges in alone]
    assert min(r.region.end for r in together if r.region.contig == "d") == min(first_ends)


def test_contigs_without_records_cost_nothing(bam) -> None:
    region = Region("empty", 0, CONTIGS["empty"])
    (planned,) = plan_ranges([region], [bam("usual"), bam("without records")], size=1)
    assert (planned.region, planned.bytes, planned.chunks) == (region, (0, 0), ((), ()))


def test_contig_that_no_file_has_is_one_range(bam) -> None:
    region = Region("elsewhere", 5, 90_000)
    assert [planned.region for planned in plan_ranges([region], [bam("usual")], size=1)] == [region]


def test_file_that_lacks_a_contig_costs_nothing_there(bam) -> None:
    more, fewer = made_file([40, 30, 20], 1, leaves=0.5), made_file([40], 2, leaves=0.5)
    regions = [Region(contig, 0, length) for contig, length in more.header.lengths.items()]
    alone = list(plan_ranges(regions, [more], size=50_000))
    together = list(plan_ranges(regions, [fewer, more], size=50_000))
    assert [r.region for r in alone if r.region.contig != "c0"] == [
        r.region for r in together if r.region.contig != "c0"
    ]
    assert all(planned.bytes[0] == 0 for planned in together if planned.region.contig != "c0")
    check_recount(together, [fewer, more])


def test_contigs_may_stand_in_another_order_in_each_file(bam) -> None:
    one, other = made_file([40, 30, 20], 1, leaves=0.5), made_file([20, 40, 30], 2, leaves=0.5)
    other.contigs = {"c2": 0, "c0": 1, "c1": 2}
    regions = [Region(contig, 0, length) for contig, length in one.header.lengths.items()]
    ranges = list(plan_ranges(regions, [one, other], size=50_000))
    check_cover(regions, ranges)
    check_recount(ranges, [one, other])


def test_file_without_an_index_costs_nothing(bam) -> None:
    cram = SimpleNamespace(path="x.cram", contigs=bam("usual").contigs, index=None)
    alone = list(plan_ranges(WHOLE, [bam("usual")], size=100_000))
    together = list(plan_ranges(WHOLE, [cram, bam("usual"), cram], size=100_000))
    assert [r.region for r in alone] == [r.region for r in together]
    assert [(0, *r.bytes, 0) for r in alone] == [r.bytes for r in together]
    assert [((), *r.chunks, ()) for r in alone] == [r.chunks for r in together]
    assert [planned.region for planned in plan_ranges(WHOLE, [cram], size=1, workers=2)] == WHOLE


def test_no_regions_give_no_ranges(bam) -> None:
    assert list(plan_ranges([], [bam("usual")], size=1, positions=1, workers=2)) == []


def test_no_files_give_the_regions() -> None:
    assert [planned.region for planned in plan_ranges(WHOLE, [], size=1, workers=2)] == WHOLE


@pytest.mark.parametrize("workers", [2, 4])
def test_sizes_shrink_towards_the_end_for_several_workers(workers: int) -> None:
    file = made_file([2000, 500], 1, leaves=0.9)
    regions = [Region(contig, 0, length) for contig, length in file.header.lengths.items()]
    size = 4 << 20
    constant = [sum(planned.bytes) for planned in plan_ranges(regions, [file], size=size)]
    shrinking = [sum(planned.bytes) for planned in plan_ranges(regions, [file], size=size, workers=workers)]
    assert shrinking[0] == constant[0]
    assert max(shrinking) <= size
    assert max(shrinking[-workers:]) <= size // 16
    left = np.cumsum(shrinking[::-1])[::-1]
    assert all(held <= max(rest / (2 * workers), size / 16) * 1.05 for held, rest in zip(shrinking, left, strict=True))
    assert len(shrinking) < len(constant) + 8 * workers


def test_size_to_range_gives_the_first_range_of_a_plan(bam) -> None:
    files = [bam("usual"), bam("long", "csi")]
    first = next(plan_ranges([Region("d", 1000, 2_000_000)], files, size=300_000))
    assert size_to_range("d", 1000, 2_000_000, files=files, size=300_000) == first
    assert first.region.start == 1000
    assert size_to_range("d", 1000, 1001, files=files, size=1).region == Region("d", 1000, 1001)


def test_equal_ranges_are_equal_and_have_equal_hashes(bam) -> None:
    one, other = (list(plan_ranges(WHOLE, [bam("usual")], size=100_000)) for _ in range(2))
    assert one == other
    assert len({*one, *other}) == len(one)
    assert one[0] != one[1]
    assert one[0] != one[0].region


def test_real_contigs_are_covered_and_recounted(shared_data: Path, caplog) -> None:
    caplog.set_level(logging.CRITICAL, logger="colonnade")
    paths = [path for path in sorted(shared_data.glob("*/*.bam")) if Path(f"{path}.bai").exists()]
    for path in paths:
        file = BamFile(path)
        regions = [Region(contig, 0, length) for contig, length in file.header.lengths.items()]
        for size in (1, 100_000, 1 << 20):
            ranges = list(plan_ranges(regions, [file, file], size=size))
            check_cover(regions, ranges)
            check_recount(ranges, [file, file])
            check_sizes(ranges, [file], size)
            for _, group in groupby(ranges, key=lambda r: r.region.contig):
                assert all(a.region.end == b.region.start for a, b in pairwise(group))
            for planned in ranges:
                assert max(true_bytes(planned, [file, file])) <= 2 * size or is_window(planned.region, [file])
        file.close()
    assert len(paths) > 10
