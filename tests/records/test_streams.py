"""Streams of batches: several files as one, what a filter removes, trimmed ends, in batches of any size."""

from collections import Counter
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.formats.alignments import open_alignments
from colonnade.records.batch import RecordBatch, new_records
from colonnade.records.batch_kernels import EXCLUDED
from colonnade.records.filters import NO_FLAGS, Flag, ReadFilter
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import merge_batches, new_outcomes, read_batches
from colonnade.regions import Region
from colonnade.tally.counts import Tally, count_batches

LENGTH = 3000
WHOLE = Region("c", 0, LENGTH)
EVERYTHING = ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=NO_FLAGS)
HEADER_GROUPS = ("a", "ab", "b")


def read_lines(seed: int, n: int = 300) -> list[str]:
    """SAM lines of pairs and single reads of all flags, with and without read groups."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(n):
        start = int(rng.integers(1, LENGTH - 400))
        sequence = "".join(rng.choice(list("ACGT"), 100))
        qualities = "".join(chr(33 + q) for q in rng.integers(0, 42, 100))
        mapq = int(rng.choice([0, 9, 10, 60]))
        group = str(rng.choice(["", "\tRG:Z:a", "\tXX:i:5\tRG:Z:ab", "\tRG:Z:b\tZZ:Z:x", "\tRG:Z:abc"]))
        if rng.random() < 0.5:
            mate = start + int(rng.integers(0, 200))
            proper = 2 if rng.random() < 0.8 else 0
            span = mate + 100 - start
            common = f"{mapq}\t100M\t=\t{{}}\t{{}}\t{sequence}\t{qualities}{group}"
            lines.append(f"p{number}\t{0x61 | proper}\tc\t{start}\t{common.format(mate, span)}")
            lines.append(f"p{number}\t{0x91 | proper}\tc\t{mate}\t{common.format(start, -span)}")
        else:
            flag = int(rng.choice([0, 16, 4, 256, 512, 1024, 2048]))
            cigar = "*" if flag == 4 else "100M"
            lines.append(f"s{number}\t{flag}\tc\t{start}\t{mapq}\t{cigar}\t*\t0\t0\t{sequence}\t{qualities}{group}")
    return lines


def names_and_flags(batches) -> list[tuple[str, int, int]]:
    return [
        (bytes(batch.data[r["name"] : r["name"] + r["l_name"] - 1]).decode(), int(r["flag"]), int(r["start"]))
        for batch in batches
        for r in batch.records
    ]


def tally_of(files, read_filter: ReadFilter, region: Region = WHOLE, *, size: int = 1 << 20, **options) -> Tally:
    resolved = resolve_overlaps(read_batches(files, region, read_filter.on({"c": LENGTH}), size=size, **options))
    mask = read_filter.on({"c": LENGTH}).masked
    return count_batches(resolved, Tally.zeros(region), min_baseq=read_filter.min_baseq, mask=mask)


def same(one: Tally, other: Tally) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("strands", "low_quality", "matches", "events")
    )


@pytest.fixture
def lanes(make_bam):
    paths = [make_bam(f"{seed}.bam", {"c": LENGTH, "d": 50}, read_lines(seed)) for seed in range(3)]
    files = [open_alignments(path) for path in paths]
    yield files
    for file in files:
        file.close()


# Several files.


@pytest.mark.parametrize("size", [1, 20_000, 1 << 20])
def test_merged_files_give_all_records_by_start_then_file(lanes, size: int) -> None:
    expected = []
    for number, file in enumerate(lanes):
        with pysam.AlignmentFile(file.path) as bam:
            expected += [
                (r.reference_start, number, k, r.query_name, r.flag)
                for k, r in enumerate(bam.fetch("c"))
                if not r.is_unmapped
            ]
    found = names_and_flags(read_batches(lanes, WHOLE, EVERYTHING, size=size))
    assert found == [(name, flag, start) for start, _, _, name, flag in sorted(expected)]


def test_merged_batches_tell_below_which_position_no_more_come(lanes) -> None:
    complete = 0
    for batch in read_batches(lanes, WHOLE, EVERYTHING, size=1):
        assert batch.records["start"].min() >= complete
        complete = max(complete, batch.complete)
    assert complete > LENGTH // 2


@settings(max_examples=60)
@given(
    streams=st.lists(st.lists(st.integers(0, 12), max_size=12).map(sorted), min_size=1, max_size=4),
    sizes=st.integers(1, 5),
)
def test_merging_is_a_stable_sort(streams: list[list[int]], sizes: int) -> None:
    def batches(number: int, starts: list[int]):
        for first in range(0, len(starts), sizes):
            records = new_records(len(starts[first : first + sizes]))
            records["start"] = starts[first : first + sizes]
            records["file"] = number
            for name in ("name", "cigar", "seq", "qual", "n_cigar", "l_seq", "l_name"):
                records[name] = 0
            yield RecordBatch(np.empty(0, np.uint8), records, starts[first])

    merged = list(merge_batches([batches(*numbered) for numbered in enumerate(streams)]))
    found = [(int(r["start"]), int(r["file"])) for batch in merged for r in batch.records]
    assert found == sorted((start, number) for number, starts in enumerate(streams) for start in starts)


@pytest.mark.parametrize("size", [1, 20_000, 1 << 20])
def test_counts_of_merged_files_are_the_sum_of_each(lanes, size: int) -> None:
    together = tally_of(lanes, ReadFilter(), size=size)
    apart = [tally_of([file], ReadFilter()) for file in lanes]
    assert np.array_equal(together.strands, sum(part.strands for part in apart))
    assert np.array_equal(together.low_quality, sum(part.low_quality for part in apart))


def test_mates_of_the_same_name_in_different_files_are_strangers(make_bam) -> None:
    sequence, qualities = "ACGTACGTAC" * 10, "I" * 100
    first = f"t\t99\tc\t11\t60\t100M\t=\t31\t120\t{sequence}\t{qualities}"
    second = f"t\t147\tc\t31\t60\t100M\t=\t11\t-120\t{sequence}\t{qualities}"
    apart = [open_alignments(make_bam(f"{n}.bam", {"c": LENGTH}, [line])) for n, line in enumerate((first, second))]
    together = open_alignments(make_bam("both.bam", {"c": LENGTH}, [first, second]))
    assert tally_of(apart, ReadFilter()).bases.sum() == 200
    assert tally_of([together], ReadFilter()).bases.sum() == 120
    for file in (*apart, together):
        file.close()


def test_a_file_that_lacks_the_contig_adds_nothing(lanes, make_bam) -> None:
    other = open_alignments(make_bam("other.bam", {"e": 100}, []))
    assert same(tally_of([*lanes, other], ReadFilter()), tally_of(lanes, ReadFilter()))
    other.close()


# What is removed.


def expected_outcomes(path: str, read_filter: ReadFilter, region: Region) -> dict[str, int]:
    found: Counter[str] = Counter()
    with pysam.AlignmentFile(path) as file:
        for r in file.fetch(region.contig, region.start, region.end):
            flag = Flag(r.flag)
            group = r.get_tag("RG") if r.has_tag("RG") else None
            conditions = {
                "unmapped": r.is_unmapped,
                "require_flags": flag & read_filter.require_flags != read_filter.require_flags,
                "exclude_flags": flag & read_filter.exclude_flags != 0,
                "min_mapq": r.mapping_quality < read_filter.min_mapq,
                "drop_orphans": read_filter.drop_orphans and Flag.PAIRED in flag and Flag.PROPER_PAIR not in flag,
                "read_groups": read_filter.read_groups is not None and group not in read_filter.read_groups,
            }
            found[next((name for name, fails in conditions.items() if fails), "kept")] += 1
    return dict(found)


FILTERS = (
    EVERYTHING,
    ReadFilter(),
    ReadFilter(drop_orphans=True),
    ReadFilter(read_groups=("a",)),
    ReadFilter(min_mapq=0, read_groups=("ab", "b", "nowhere")),
    ReadFilter(require_flags=Flag.PAIRED, exclude_flags=Flag.REVERSE),
)


@pytest.mark.parametrize("read_filter", FILTERS, ids=str)
@pytest.mark.parametrize("step", [LENGTH, 700, 90])
def test_every_record_is_counted_once_with_the_first_condition_it_fails(
    lanes, read_filter: ReadFilter, step: int
) -> None:
    outcomes = new_outcomes()
    kept = 0
    region = Region("c", 500, 2500)
    for start in range(region.start, region.end, step):
        part = Region("c", start, min(start + step, region.end))
        batches = read_batches(
            lanes[:1], part, read_filter, size=5000, outcomes=outcomes, counted_to=start if start > region.start else 0
        )
        kept += sum(len(batch) for batch in resolve_overlaps(batches))
    explained = read_filter.explain(outcomes)
    expected = expected_outcomes(lanes[0].path, read_filter, region)
    assert {name: n for name, n in explained.items() if n} == expected
    assert explained["kept"] <= kept  # records over several parts, or before them, are read again
    assert explained["kept"] > 0


def test_records_over_two_regions_are_counted_with_the_first(lanes) -> None:
    outcomes = new_outcomes()
    regions = [Region("c", 500, 520), Region("c", 530, 560), Region("c", 2000, 2001)]
    for before, region in zip([0, *(r.end for r in regions)], regions, strict=False):
        for _ in read_batches(lanes[:1], region, EVERYTHING, outcomes=outcomes, counted_to=before):
            pass
    with pysam.AlignmentFile(lanes[0].path) as file:
        seen = {(r.query_name, r.flag) for region in regions for r in file.fetch("c", region.start, region.end)}
    assert outcomes.sum() == len(seen)


def test_explain_names_only_conditions_in_use() -> None:
    assert ReadFilter(min_mapq=0, exclude_flags=NO_FLAGS).explain(range(8)) == {"kept": 0, "unmapped": 1}
    assert ReadFilter(read_groups=("a",)).explain(range(8)) == {
        "kept": 0, "unmapped": 1, "exclude_flags": 4, "min_mapq": 5, "read_groups": 7,
    }  # fmt: skip


# Trimmed ends and masked intervals.


@pytest.mark.parametrize(("trim5", "trim3"), [(0, 0), (3, 0), (0, 4), (10, 7), (60, 60), (200, 0)])
def test_trimmed_bases_are_those_at_the_ends_of_the_read_as_sequenced(lanes, trim5: int, trim3: int) -> None:
    (batch,) = read_batches(lanes[:1], WHOLE, ReadFilter(min_mapq=0, trim5=trim5, trim3=trim3))
    for record in batch.records:
        length, qual = int(record["l_seq"]), int(record["qual"])
        is_trimmed = batch.data[qual : qual + length] == EXCLUDED
        expected = np.zeros(length, bool)
        expected[: min(trim5, length)] = True
        expected[max(0, length - trim3) :] = True
        assert is_trimmed.tolist() == (expected[::-1] if record["flag"] & Flag.REVERSE else expected).tolist()


def test_trimming_single_reads_takes_their_ends_out_of_the_counts(make_bam) -> None:
    line = "{}\t{}\tc\t11\t60\t2S8M\t*\t0\t0\tTTACGTACGT\tIIIIIIIIII"
    path = make_bam("ends.bam", {"c": LENGTH}, [line.format("f", 0), line.format("r", 16)])
    file = open_alignments(path)
    counts = tally_of([file], ReadFilter(trim5=3, trim3=1))
    file.close()
    assert counts.strands[0, 10:18].sum(axis=1).tolist() == [0, 1, 1, 1, 1, 1, 1, 0]
    assert counts.strands[1, 10:18].sum(axis=1).tolist() == [1, 1, 1, 1, 1, 0, 0, 0]
    assert counts.low_quality.sum() == 0


def test_trimmed_base_leaves_that_of_its_mate_alone(make_bam) -> None:
    sequence, qualities = "ACGTACGTAC", "5" * 10
    lines = [
        f"t\t99\tc\t11\t60\t10M\t=\t16\t15\t{sequence}\t{qualities}",
        f"t\t147\tc\t16\t60\t10M\t=\t11\t-15\t{sequence}\t{qualities}",
    ]
    file = open_alignments(make_bam("pair.bam", {"c": LENGTH}, lines))
    counts = tally_of([file], ReadFilter(trim3=2, min_baseq=20))
    whole = tally_of([file], ReadFilter(min_baseq=20))
    file.close()
    assert whole.bases[10:25].sum() == 15 - 5 + (whole.bases[15:20].sum())  # a disagreeing pair leaves 0.8 of 20
    # 3' ends: the last two of the forward read (18, 19), the first two of the reverse one (15, 16).
    assert counts.strands[0, 10:20].sum(axis=1).tolist()[:7] == [1, 1, 1, 1, 1, 1, 1]
    assert counts.strands[0, 18:20].sum() == 0
    assert counts.strands[1, 15:17].sum() == 0
    assert counts.strands[1, 18:25].sum(axis=1).tolist() == [1] * 7


def test_nothing_counts_in_masked_intervals_and_all_else_stays(lanes, tmp_path: Path) -> None:
    bed = tmp_path / "primers.bed"
    bed.write_text("c\t100\t150\nc\t140\t160\nd\t0\t10\nc\t2900\t3000\n")
    inside = np.zeros(LENGTH, bool)
    inside[100:160] = inside[2900:] = True
    plain = tally_of(lanes, ReadFilter())
    read_filter = ReadFilter(mask=bed).on({"c": LENGTH, "d": 50})
    assert read_filter.masked == (Region("c", 100, 160), Region("c", 2900, 3000), Region("d", 0, 10))
    masked = tally_of(lanes, ReadFilter(mask=read_filter.masked[:2]))
    for name in ("bases", "low_quality", "matches"):
        before, after = getattr(plain, name), getattr(masked, name)
        assert not after[inside].any()
        assert np.array_equal(after[~inside], before[~inside])
    part = tally_of(lanes, ReadFilter(mask=read_filter.masked[:2]), Region("c", 120, 200))
    assert np.array_equal(part.bases, masked.bases[120:200])
