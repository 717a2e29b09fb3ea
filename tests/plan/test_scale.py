"""Many samples, many windows, many contigs: planned in memory that is a part of the indexes' (validation/scale.py times it)."""

import tracemalloc

from made_index import made_file

from colonnade.plan.indexes import IndexSet
from colonnade.plan.ranges import plan_ranges
from colonnade.regions import Region

SAMPLES = 50
HUMAN = [17_000, 15_000, *[8000] * 18, *[3500] * 4]  # windows of each contig: 190,000 in all


def test_human_size_genome_is_planned_in_little_memory() -> None:
    files = [made_file(HUMAN, seed, leaves=0.04) for seed in range(SAMPLES)]
    regions = [Region(contig, 0, length) for contig, length in files[0].header.lengths.items()]
    list(plan_ranges(regions[-1:], files[:1], size=1 << 20, workers=2))  # compiles
    index_bytes = sum(
        array.nbytes
        for file in files
        for array in (
            file.index.bins,
            file.index.loffs,
            file.index.chunk_starts,
            file.index.chunk_array,
            file.index.windows,
        )
    )
    tracemalloc.start()
    ranges = list(plan_ranges(regions, files, size=4 << 20, workers=16))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 30_000 < files[0].index.bins.size < 40_000
    assert sum(len(planned.region) for planned in ranges) == sum(map(len, regions))
    assert peak < index_bytes


def test_many_contigs_with_few_reads_are_a_range_each() -> None:
    n = 100_000
    files = [made_file([number % 2 for number in range(2000)], seed, leaves=0.5) for seed in range(2)]
    lengths = {f"c{number}": 16_384 for number in range(n)}
    for file in files:
        file.contigs = {contig: number if number < 2000 else number % 2000 for number, contig in enumerate(lengths)}
    regions = [Region(contig, 0, length) for contig, length in lengths.items()]
    ranges = list(plan_ranges(regions, files, size=1 << 20, workers=2))
    assert [planned.region for planned in ranges] == regions


def test_indexes_are_copied_some_contigs_at_a_time() -> None:
    files = [made_file(HUMAN, seed, leaves=0.04) for seed in range(20)]
    regions = [Region(contig, 0, length) for contig, length in files[0].header.lengths.items()]
    batches = list(IndexSet(files).batches(regions))
    assert 1 < len(batches) < len(regions)
    assert [region for batch in batches for region in batch.regions] == regions
    assert sum(batch.indexes.bins.size for batch in batches) == sum(file.index.bins.size for file in files)
