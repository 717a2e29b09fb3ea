"""Insert sizes: what counts, for which read group, and the estimate, which is that of bwa's infer_isize."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import stages

from colonnade.align.batch import HIT, PLACE, Batch, Phase, list_column
from colonnade.align.insert_sizes import Estimate, Histogram, InsertSizes, group_key, observe
from colonnade.align.options import AlignOptions
from colonnade.errors import FormatError

GENOME = 5_000_000
OPTIONS = AlignOptions()
PAIRED, FIRST, LAST, KEPT = 1, 64, 128, 1 << 15
SURE = 37


class Unit:
    """A pair or a single read at a place: (position, bases) of each read, mapping quality, read group."""

    def __init__(
        self, *reads: tuple[int, int], quality: int = SURE, group: str = "", flags: Sequence[int] = ()
    ) -> None:
        self.reads, self.quality, self.group = reads, quality, group
        self.flags = flags or ([PAIRED | FIRST, PAIRED | LAST] if len(reads) == 2 else [0])


def pair(size: int, **settings: object) -> Unit:
    """Two reads of 75 bases of an insert."""
    return Unit((1000, 75), (1000 + size - 75, 75), **settings)


def located(units: Sequence[Unit], folder) -> Batch:
    """A located batch of units."""
    lines, positions, qualities = [], [], []
    for number, unit in enumerate(units):
        for (position, bases), flag in zip(unit.reads, unit.flags, strict=True):
            tags = f"\tXY:i:1\tRG:Z:{unit.group}\tZZ:Z:RG" if unit.group else "\tXR:Z:RG"
            lines.append(f"r{number}\t{flag | 4}\t*\t0\t0\t*\t*\t0\t0\t{'A' * bases}\t{'I' * bases}{tags}")
            positions.append(position)
            qualities.append(unit.quality)
    groups = {unit.group for unit in units} - {""}
    header = ["@HD\tVN:1.6", *(f"@RG\tID:{group}" for group in sorted(groups))]
    batch = stages.of_records(stages.load(stages.to_bam([*header, *lines], folder / "units.bam"))[1])
    reads, none = len(batch), np.zeros(len(batch) + 1, np.int64)
    searched = batch.advanced(
        length=np.array([bases for unit in units for _, bases in unit.reads], np.int32),
        hits=list_column(none, HIT, {field.name: np.empty(0) for field in HIT}),
    )
    numbers = dict.fromkeys(
        ("reverse", "score", "mismatches", "gap_opens", "gap_extensions", "shift", "best_hits", "other_hits"),
        np.zeros(reads, np.int64),
    )
    places = list_column(none, PLACE, {field.name: np.empty(0) for field in PLACE})
    quality = np.array(qualities)
    return searched.advanced(position=np.array(positions), mapping_quality=quality, places=places, **numbers)


def estimate(units: Sequence[Unit], folder, options: AlignOptions = OPTIONS) -> InsertSizes:
    histogram = Histogram()
    histogram.add(observe(located(units, folder)))
    return histogram.estimate(GENOME, options)


def drawn(count: int, mean: float, sd: float, seed: int = 1) -> list[int]:
    draw = random.Random(seed)
    return [max(76, round(draw.gauss(mean, sd))) for _ in range(count)]


def by_bwa(sizes: Sequence[int], longest: int) -> Estimate:
    """The formulas of infer_isize (bwape.c), pair by pair."""
    ordered = sorted(sizes)
    p25, p50, p75 = (ordered[int(len(ordered) * share + 0.5)] for share in (0.25, 0.5, 0.75))
    low = max(int(p25 - 2 * (p75 - p25) + 0.499), longest)
    high = int(p75 + 2 * (p75 - p25) + 0.499)
    within = [size for size in ordered if low <= size <= high]
    mean = sum(within) / len(within)
    squares = -1.0
    for size in within:
        squares += (size - mean) ** 2
    sd = math.sqrt(squares / len(within))
    sigma = 1.0
    while sigma < 10 and 0.5 * math.erfc(sigma / math.sqrt(2)) >= 1e-5 / GENOME * (sigma * sd + mean):
        sigma += 0.01
    highest = int(sigma * sd + mean + 0.499)
    share = max(1e-5, 0.01 * (sum(size > highest for size in ordered) + 0.01) / len(ordered))
    return Estimate(len(ordered), (p25, p50, p75), low, high, mean, sd, highest, share)


@pytest.mark.parametrize(("count", "mean", "sd"), [(20, 300, 30), (500, 180, 20), (3000, 90, 40), (400, 2000, 500)])
def test_estimates_are_those_of_bwa(count: int, mean: float, sd: float, tmp_path) -> None:
    sizes = [*drawn(count, mean, sd), 90_000, 50_000]
    found = estimate([pair(size) for size in sizes], tmp_path)
    assert found == InsertSizes({group_key(""): by_bwa(sizes, 75)})


def test_an_insert_goes_from_the_leftmost_start_to_the_end_of_the_other_mate(tmp_path) -> None:
    units = [Unit((500, 80), (900, 60)), Unit((900, 60), (500, 80)), Unit((700, 50), (700, 70))]
    assert observe(located(units, tmp_path)).sizes.tolist() == [460, 460, 50]


def test_only_sure_pairs_below_100000_bases_count(tmp_path) -> None:
    units = [pair(300, quality=19), pair(300, quality=20), pair(99_999), pair(100_000)]
    observed = observe(located(units, tmp_path))
    assert observed.sizes.tolist() == [-1, 300, 99_999, -1]
    assert observed.longest.tolist() == [75] * 4


def test_each_read_group_has_its_own_estimate(tmp_path) -> None:
    short, long = drawn(300, 180, 20), drawn(300, 420, 40, seed=2)
    units = [unit for sizes in zip(short, long, strict=True) for unit in map(pair_of, sizes, "ab")]
    found = estimate([*units, *(pair(200) for _ in range(5))], tmp_path)
    assert found.estimates == {group_key("a"): by_bwa(short, 75), group_key("b"): by_bwa(long, 75)}
    assert list(found.lines(["b", "a"])) == [
        f"read group a: insert size {by_bwa(short, 75)}",
        f"read group b: insert size {by_bwa(long, 75)}",
        "reads without read group: insert size not estimated: too few good pairs and merged reads (5)",
    ]


def pair_of(size: int, group: str) -> Unit:
    return pair(size, group=group)


def test_merged_reads_count_with_their_length_and_lift_the_bound_of_the_longest_read(tmp_path) -> None:
    sizes, merged = drawn(300, 85, 3), list(range(40, 70))
    found = estimate([*map(pair, sizes), *(Unit((500, length)) for length in merged)], tmp_path)
    assert found.estimates == {group_key(""): replace(by_bwa([*sizes, *merged], 1), merged=30)}
    assert ", from 300 pairs and 30 merged reads (quartiles " in next(found.lines([]))


def test_a_merged_read_counts_with_all_its_bases_trimmed_or_not(tmp_path) -> None:
    batch = located([Unit((500, 80))], tmp_path)
    lengths = batch.table.schema.get_field_index("length")
    trimmed = batch.table.set_column(lengths, batch.table.schema.field(lengths), pa.array([60], pa.int32()))
    assert observe(Batch(Phase.POSITIONED, trimmed)).sizes.tolist() == [80]


def test_what_is_no_merged_read_does_not_count(tmp_path) -> None:
    lone_mate, kept = Unit((500, 40), flags=[FIRST]), Unit((500, 40), flags=[PAIRED | FIRST | KEPT])
    observed = observe(located([lone_mate, kept, Unit((500, 40), quality=0)], tmp_path))
    assert observed.sizes.tolist() == [-1, -1]


def test_a_group_of_single_reads_has_no_insert_size(tmp_path) -> None:
    assert estimate([Unit((500, 40)) for _ in range(100)], tmp_path) == InsertSizes()


def test_insert_sizes_are_not_estimated_where_that_is_switched_off(tmp_path) -> None:
    units = [pair(size) for size in drawn(100, 300, 30)]
    assert estimate(units, tmp_path, AlignOptions(no_insert_sizes=True)) == InsertSizes()


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        (drawn(19, 300, 30), "too few good pairs and merged reads (19)"),
        ([300] * 50, "all of one size"),
        ([40] * 30 + [41] * 30, "the pairs are shorter than the reads"),
    ],
)
def test_where_there_is_no_estimate_it_is_said_why(sizes: Sequence[int], reason: str, tmp_path) -> None:
    found = estimate([Unit((1000, 75), (1000 + size - 30, 30)) for size in sizes], tmp_path)
    assert found == InsertSizes({}, {group_key(""): f"not estimated: {reason}"})


def test_the_order_of_pairs_and_batches_changes_nothing(tmp_path) -> None:
    units = [pair(size, group=group) for group in "ab" for size in drawn(200, 300, 60)]
    whole = estimate(units, tmp_path)
    random.Random(1).shuffle(units)
    histogram = Histogram()
    for start in range(0, len(units), 7):
        histogram.add(observe(located(units[start : start + 7], tmp_path)))
    assert histogram.estimate(GENOME, OPTIONS) == whole


def test_a_batch_that_is_not_located_is_refused(tmp_path) -> None:
    batch = located([pair(300)], tmp_path)
    with pytest.raises(FormatError, match="wrong phase"):
        observe(Batch(Phase.PRISTINE, batch.table.select(["record"])))
