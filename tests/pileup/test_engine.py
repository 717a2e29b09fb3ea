"""Columns: each of their rules by name, a slow walk over CIGARs beside the engine, cuts, loci, and every kind of source."""

import gc
import io
import itertools
import logging
import pickle
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_records import LENGTH, segments, written

import colonnade as cn
from colonnade.errors import ColonnadeError, FormatError, UsageError
from colonnade.formats.alignments import open_alignments
from colonnade.pileup.columns import State
from colonnade.records.filters import NO_FLAGS, Flag
from colonnade.records.source import read_batches

WHOLE = cn.Region("c", 0, LENGTH)
EVERY_READ = cn.ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=NO_FLAGS)


def line(name: str, start: int, cigar: str, flag: int = 0, **fields: Any) -> str:
    """A SAM line; ``start`` is 0-based."""
    n = sum(int(length) for length, kind in re.findall(r"(\d+)([MIS=X])", cigar))
    sequence = fields.get("sequence", ("ACGT" * n)[:n] or "*")
    quality = fields.get("quality", "I" * n or "*")
    return f"{name}\t{flag}\tc\t{start + 1}\t{fields.get('mapq', 60)}\t{cigar}\t*\t0\t0\t{sequence}\t{quality}"


@pytest.fixture
def columns(make_bam):
    """Columns of SAM lines, as position to (name, query position or None) of each alignment."""

    def make(lines: list[str], region: str | cn.Region | None = "c", **options: Any) -> dict[int, list[tuple]]:
        path = make_bam("made.bam", {"c": 2000}, lines)
        return {
            column.position: [(read.name, read.query_position) for read in column]
            for column in cn.pileup(path, region, **options)
        }

    return make


# Column iteration


def test_every_position_of_the_region_with_an_active_read_has_a_column_both_ends_included(columns) -> None:
    assert list(columns([line("a", 100, "50M")])) == list(range(100, 150))
    assert list(columns([line("a", 100, "50M")], "c:111-120")) == list(range(110, 120))
    assert list(columns([line("a", 100, "50M")], cn.Region("c", 149, 160))) == [149]


def test_a_read_enters_at_its_start_and_leaves_after_its_end(columns) -> None:
    found = columns([line("a", 10, "5M"), line("b", 12, "5M")])
    assert [[name for name, _ in reads] for reads in found.values()] == [["a"]] * 2 + [["a", "b"]] * 3 + [["b"]] * 2


def test_a_column_gives_position_depth_and_each_alignment_with_query_position_and_record(make_bam) -> None:
    path = make_bam("a.bam", {"c": 500}, [line("a", 10, "5M", mapq=7), line("b", 12, "5M", flag=16)])
    (column,) = cn.pileup(path, cn.Region("c", 13, 14))
    assert (column.contig, column.position, column.depth) == ("c", 13, 2)
    assert column.query_positions.tolist() == [3, 1]
    rows = column.batch.records[column.records]
    assert rows["start"].tolist() == [10, 12]
    assert rows["flag"].tolist() == column.flags.tolist() == [0, 16]
    assert (column.names, column.mapping_qualities.tolist()) == (["a", "b"], [7, 60])


def test_positions_without_reads_have_no_column_and_are_jumped_over(columns, make_bam) -> None:
    found = columns([line("a", 10, "3M"), line("b", 1900, "3M")])
    assert list(found) == [10, 11, 12, 1900, 1901, 1902]
    far = make_bam("far.bam", {"c": 500_000_000}, [line("a", 10, "3M"), line("b", 400_000_000, "3M")])
    assert sum(len(batch) for batch in cn.pileup(far).batches()) == 6  # at once, not position by position


def test_iteration_ends_when_no_read_is_active_and_none_is_left(make_bam) -> None:
    path = make_bam("a.bam", {"c": 500_000_000}, [line("a", 10, "3M")])
    found = iter(cn.pileup(path, cn.Region("c", 0, 500_000_000)))
    assert [column.position for column in found] == [10, 11, 12]
    assert list(cn.pileup(path, "c:100-200")) == []


# Filtering


def test_the_filter_is_asked_once_for_each_read_and_what_fails_is_in_no_column(columns) -> None:
    asked: list[int] = []

    def forward_only(batch):
        asked.extend(batch.records["start"].tolist())
        return batch.records["flag"] & 16 == 0

    lines = [line(str(n), n, "20M", flag=16 * (n % 2)) for n in range(50)]
    found = columns(lines, read_filter=forward_only, memory=1)
    assert asked == list(range(50))
    assert {name for reads in found.values() for name, _ in reads} == {str(n) for n in range(0, 50, 2)}


def test_a_read_filter_is_taken_too(columns) -> None:
    lines = [line("a", 5, "4M", mapq=3), line("b", 5, "4M"), line("c", 5, "4M", flag=1024)]
    assert {tuple(n for n, _ in reads) for reads in columns(lines, read_filter=cn.ReadFilter()).values()} == {("b",)}
    assert {len(reads) for reads in columns(lines).values()} == {3}
    assert columns(lines, read_filter=cn.ReadFilter(min_mapq=61)) == {}


def test_max_depth_drops_the_excess_and_prefers_reads_that_are_active_already(columns) -> None:
    found = columns([line("a", 10, "10M"), line("b", 12, "10M"), line("c", 14, "10M")], max_depth=2)
    assert [name for name, _ in found[15]] == ["a", "b"]


def test_max_depth_counts_at_each_position_so_a_read_turned_away_can_be_in_the_next_column(columns) -> None:
    found = columns([line("a", 10, "10M"), line("b", 10, "3M"), line("c", 11, "10M")], max_depth=2)
    assert [[name for name, _ in found[position]] for position in (10, 12, 13, 20)] == [
        ["a", "b"],
        ["a", "b"],
        ["a", "c"],
        ["c"],
    ]


def test_max_depth_counts_only_alignments_that_the_column_would_have(columns) -> None:
    found = columns([line("a", 10, "2M6D2M"), line("b", 10, "10M"), line("c", 10, "10M")], max_depth=2)
    assert [name for name, _ in found[10]] == ["a", "b"]
    assert [name for name, _ in found[13]] == ["b", "c"]


def test_what_max_depth_left_out_is_counted_and_told_once(make_bam, caplog) -> None:
    path = make_bam("a.bam", {"c": 500}, [line(str(n), 10, "10M") for n in range(5)])
    pileup = cn.pileup(path, max_depth=3, memory=1)
    with caplog.at_level(logging.WARNING):
        assert {column.depth for column in pileup} == {3}
    assert pileup.dropped == 20
    assert [record.message for record in caplog.records] == ["20 alignments were left out by max_depth 3"]
    assert sum(1 for _ in pileup) == 10
    assert pileup.dropped == 20
    assert sum(column.depth for column in cn.pileup(path, max_depth=0)) == 50
    htslib = cn.pileup(path, max_depth=3, compat="htslib")
    assert {column.depth for column in htslib} == {3}
    assert htslib.dropped == 2


def test_what_was_left_out_is_that_of_the_pass_that_ended_last_also_if_given_up(make_bam, caplog) -> None:
    lines = [line(str(n), start, "10M") for start in (10, 1000) for n in range(5)]
    path = make_bam("a.bam", {"c": 2000}, lines)
    pileup = cn.pileup(path, max_depth=3, memory=1)
    given_up = pileup.batches()
    assert next(given_up)
    assert sum(len(batch.record) for batch in pileup.batches()) == 60
    assert pileup.dropped == 40
    assert sum(1 for _ in pileup.columns()) == 20
    assert pileup.dropped == 40
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        given_up.close()
    assert 0 < pileup.dropped < 40
    assert [record.message for record in caplog.records] == [
        f"{pileup.dropped} alignments were left out by max_depth 3"
    ]


def test_passes_at_the_same_time_count_each_for_itself(make_bam) -> None:
    path = make_bam("a.bam", {"c": 500}, [line(str(n), 10, "10M") for n in range(5)])
    pileup = cn.pileup(path, max_depth=3, memory=1)
    for _ in zip(pileup.batches(), pileup.batches(), strict=True):
        pass
    assert pileup.dropped == 20


# Query position


def test_the_query_position_is_that_of_the_base_aligned_there(columns) -> None:
    assert columns([line("a", 100, "50M")])[125] == [("a", 25)]


def test_query_positions_follow_any_cigar(columns) -> None:
    found = columns([line("a", 100, "2H3S4M2I1=1X1P3D2M5N2M1S")])
    read = {position: query for position, ((_, query),) in found.items()}
    assert read == {100: 3, 101: 4, 102: 5, 103: 6, 104: 9, 105: 10, 109: 11, 110: 12, 116: 13, 117: 14}


def test_a_read_in_a_deletion_or_skip_is_not_part_of_the_column(columns) -> None:
    found = columns([line("a", 100, "2M2D2M"), line("b", 100, "2M2N2M"), line("c", 101, "2M")])
    assert found[102] == [("c", 1)]
    assert 103 not in found


def test_deletions_and_skips_are_there_and_marked_when_asked_for(make_bam) -> None:
    path = make_bam("a.bam", {"c": 500}, [line("a", 100, "2M2D2M"), line("b", 100, "2M2N2M")])
    states = {}
    for options in ({}, {"deletions": True}, {"skips": True}, {"deletions": True, "skips": True}):
        columns = {column.position: column for column in cn.pileup(path, **options)}
        states["".join(options)] = columns[102].states.tolist() if 102 in columns else None
    assert states == {
        "": None,
        "deletions": [State.DELETION],
        "skips": [State.SKIP],
        "deletionsskips": [State.DELETION, State.SKIP],
    }
    assert [read.query_position for read in columns[102]] == [None, None]
    assert columns[102].query_positions.tolist() == [-1, -1]
    assert columns[102].query_positions_or_next.tolist() == [2, 2]
    assert (columns[102].bases.tolist(), columns[102].qualities.tolist()) == ([b"*", b">"], [255, 255])
    assert (columns[101].deletions.tolist(), columns[102].gaps.tolist()) == ([2, 0], [2, 2])


@pytest.mark.parametrize(("cigar", "option"), [("3M2D1I3M", "deletions"), ("3M2N1I3M", "skips")])
def test_an_insertion_behind_a_deletion_or_skip_is_seen_only_where_that_is_in(make_bam, cigar, option) -> None:
    path = make_bam("a.bam", {"c": 500}, [line("a", 100, cigar)])
    columns = {kind: list(cn.pileup(path, **rules)) for kind, rules in (("own", {}), ("asked", {option: True}))}
    columns["htslib"] = list(cn.pileup(path, compat="htslib"))
    found = {kind: [c.position for c in several if c.insertions.any()] for kind, several in columns.items()}
    assert found == {"own": [], "asked": [104], "htslib": [104]}


# Edge cases


def test_unmapped_reads_are_in_no_column(columns) -> None:
    lines = [line("a", 10, "5M", flag=4), line("b", 10, "5M")]
    assert {name for reads in columns(lines).values() for name, _ in reads} == {"b"}


@pytest.mark.parametrize("cigar", ["5S", "4I", "3S2I1S", "2H5S", "3I2P2I"])
def test_a_read_without_span_is_in_exactly_one_column_at_its_start(columns, cigar: str) -> None:
    lines = [line("m", 7, "3M"), line("z", 10, cigar, sequence="*", quality="*"), line("n", 11, "3M")]
    found = columns(lines)
    assert found[10] == [("z", None)]
    assert [position for position, reads in found.items() if ("z", None) in reads] == [10]
    assert list(found) == list(range(7, 14))
    assert columns(lines, cn.Region("c", 10, 11)) == {10: [("z", None)]}
    assert list(columns(lines, cn.Region("c", 11, 20))) == [11, 12, 13]
    assert list(columns(lines, cn.Region("c", 0, 10))) == [7, 8, 9]
    assert 10 not in columns(lines, compat="htslib")


def test_a_read_without_span_says_so(make_bam) -> None:
    path = make_bam("a.bam", {"c": 500}, [line("z", 10, "5S")])
    (column,) = cn.pileup(path, read_filter=cn.ReadFilter(min_baseq=60))
    (read,) = column
    assert read == (0, "z", 0, None, "N", 255, State.NO_SPAN, 0, True, True, 60, False)
    assert column.query_positions.tolist() == [-1]


def test_soft_clips_do_not_make_a_read_active(columns) -> None:
    found = columns([line("a", 100, "10S5M10S")])
    assert list(found) == [100, 101, 102, 103, 104]
    assert found[100] == [("a", 10)]


def test_reads_over_the_end_of_a_contig_have_columns_there_as_in_htslib(make_bam) -> None:
    path = make_bam("a.bam", {"c": 20}, [line("a", 15, "10M")])
    assert [column.position for column in cn.pileup(path)] == list(range(15, 25))
    assert [column.position for column in cn.pileup(path, "c:18-20")] == [17, 18, 19]


# What a filter says of bases


def test_bases_below_the_minimum_quality_are_left_out_and_empty_columns_too(columns) -> None:
    lines = [line("a", 10, "4M", quality="!5I5"), line("b", 12, "2M", quality="II")]
    found = columns(lines, read_filter=cn.ReadFilter(min_baseq=21))
    assert found == {12: [("a", 2), ("b", 0)], 13: [("b", 1)]}


def test_bases_without_quality_count_as_low_unless_the_filter_assumes_one(columns) -> None:
    lines = [line("a", 10, "4M", quality="*")]
    assert len(columns(lines)) == 4
    assert columns(lines, read_filter=cn.ReadFilter()) == {}
    assert len(columns(lines, read_filter=cn.ReadFilter(assume_quality=30))) == 4
    assert len(columns(lines, read_filter=cn.ReadFilter(), compat="htslib")) == 4


def test_own_rules_leave_deletions_whatever_the_bases_beside_them(columns) -> None:
    lines = [line("a", 10, "2M1D2M", quality="II!!")]
    assert list(columns(lines, read_filter=cn.ReadFilter(), deletions=True)) == [10, 11, 12]
    assert list(columns(lines, read_filter=cn.ReadFilter(), compat="htslib")) == [10, 11]


def test_trimmed_bases_are_in_no_column(columns) -> None:
    lines = [line("f", 10, "3M1D7M"), line("r", 30, "10M", flag=16)]
    found = columns(lines, read_filter=cn.ReadFilter(min_baseq=0, trim5=4, trim3=1), deletions=True)
    assert list(found) == [*range(15, 20), *range(31, 36)]


def test_masked_positions_have_no_column(columns, tmp_path) -> None:
    bed = tmp_path / "mask.bed"
    bed.write_text("c\t12\t14\n")
    lines = [line("a", 10, "8M"), line("b", 11, "2M1I2M1D2M")]
    whole = columns(lines)
    for mask in (bed, (cn.Region("c", 12, 14),)):
        masked = columns(lines, read_filter=cn.ReadFilter(mask=mask))
        assert masked == {position: reads for position, reads in whole.items() if not 12 <= position < 14}


def test_a_read_without_sequence_has_n_without_quality(make_bam) -> None:
    path = make_bam("a.bam", {"c": 500}, [line("a", 10, "2M", sequence="*", quality="*")])
    column = next(iter(cn.pileup(path)))
    assert (column.bases.tolist(), column.qualities.tolist(), column.query_positions.tolist()) == ([b"N"], [255], [0])
    assert next(iter(cn.pileup(path, compat="htslib"))).qualities.tolist() == [0]


def test_resolving_mates_leaves_one_of_them_its_quality(make_bam) -> None:
    pair = ["t\t99\tc\t11\t60\t4M\t=\t13\t6\tACGT\tIIII", "t\t147\tc\t13\t60\t4M\t=\t11\t-6\tGTAC\t5555"]
    path = make_bam("a.bam", {"c": 500}, pair)
    found = {
        flag: [column.qualities.tolist() for column in cn.pileup(path, resolve_mates=flag)] for flag in (None, True)
    }
    assert found[None] == [[40], [40], [40, 20], [40, 20], [20], [20]]
    assert sorted(map(sorted, found[True])) == [[0, 60], [0, 60], [20], [20], [40], [40]]
    htslib = [column.qualities.tolist() for column in cn.pileup(path, compat="htslib")]
    assert htslib == found[True]


GAPS = ("I5I5I5I5", "5I5I5I5I", "IIII5555")  # qualities, of 8 bases


@pytest.mark.parametrize("cigar", ["4M3D4M", "4M3N4M", "3M2D2N5M", "3M3N2I3M"])
@pytest.mark.parametrize("options", [{"max_depth": 2}, {"read_filter": cn.ReadFilter(min_baseq=21)}, {}])
def test_deletions_and_skips_are_the_same_at_loci_as_in_all_columns(make_bam, cigar: str, options: dict) -> None:
    lines = [line(f"{start}{quality}", start, cigar, quality=quality) for start in (9, 10, 11) for quality in GAPS]
    path = make_bam("a.bam", {"c": 500}, lines)
    for rules in ({"deletions": True, "skips": True}, {"compat": "htslib"}):
        pileup = cn.pileup(path, **options, **rules, resolve_mates=False)
        one_by_one = [column for position in range(40) for batch in pileup.at([position]) for column in batch]
        assert [[read[1:] for read in column] for column in pileup] == [
            [read[1:] for read in column] for column in one_by_one
        ]


# A slow walk beside the engine


def walk(records: Iterable[pysam.AlignedSegment], region: cn.Region, **options: Any) -> dict[int, list[tuple]]:
    """Columns by the rules, read by read and base by base."""
    min_baseq, max_depth = options.get("min_baseq", 0), options.get("max_depth", 0)
    found: dict[int, list[tuple]] = {}
    for record in records:
        if record.is_unmapped:
            continue
        for position, query, state in places(record):
            if state == State.DELETION and not options.get("deletions"):
                continue
            if state == State.SKIP and not options.get("skips"):
                continue
            base, quality = {State.DELETION: "*", State.SKIP: ">"}.get(state, "N"), 255
            if state == State.MATCH and record.query_sequence is not None:
                base = record.query_sequence[query]
                quality = 255 if record.query_qualities is None else record.query_qualities[query]
            if state == State.MATCH and min_baseq and (quality == 255 or quality < min_baseq):
                continue
            if region.start <= position < region.end:
                found.setdefault(position, []).append((record.query_name, record.flag, query, state, base, quality))
    return {position: reads[: max_depth or None] for position, reads in sorted(found.items())}


def places(record: pysam.AlignedSegment) -> Iterator[tuple[int, int, State]]:
    position, query = record.reference_start, 0
    for operation, length in record.cigartuples or []:
        kind = {0: State.MATCH, 7: State.MATCH, 8: State.MATCH, 2: State.DELETION, 3: State.SKIP}.get(operation)
        for _ in range(length):
            if kind is not None:
                yield position, query, kind
                position += 1
            query += operation in (0, 1, 4, 7, 8)
    if position == record.reference_start:
        yield position, -1, State.NO_SPAN


def plain(columns: Iterable[cn.Column]) -> dict[int, list[tuple]]:
    return {
        column.position: list(
            zip(
                column.names,
                column.flags.tolist(),
                column.query_positions_or_next.tolist(),
                column.states.tolist(),
                column.bases.astype(str).tolist(),
                column.qualities.tolist(),
                strict=True,
            )
        )
        for column in columns
    }


OPTIONS = st.fixed_dictionaries(
    {
        "deletions": st.booleans(),
        "skips": st.booleans(),
        "max_depth": st.sampled_from([0, 1, 2, 5]),
        "min_baseq": st.sampled_from([0, 0, 3, 25]),
    }
)
WORK = st.fixed_dictionaries({"threads": st.sampled_from([1, 2]), "memory": st.sampled_from([1, 400, 1 << 30])})


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    given = {
        **options,
        "read_filter": cn.ReadFilter(min_mapq=0, min_baseq=options["min_baseq"], exclude_flags=NO_FLAGS),
    }
    del given["min_baseq"]
    return given


@settings(max_examples=100)
@given(records=segments(), options=OPTIONS, work=WORK, region=st.sampled_from([WHOLE, cn.Region("c", 20, 50)]))
def test_columns_of_any_records_are_those_of_a_slow_walk(tmp_path_factory, records, options, work, region) -> None:
    path = written(records, tmp_path_factory.mktemp("made") / "made.bam")
    assert plain(cn.pileup(path, region, **arguments(options), **work)) == walk(records, region, **options)


@settings(max_examples=80)
@given(
    records=segments(),
    options=OPTIONS,
    work=WORK,
    cuts=st.lists(st.integers(1, 90), max_size=6),
    mode=st.sampled_from([{"resolve_mates": True}, {"resolve_mates": True}, {}, {"compat": "htslib"}]),
)
def test_columns_of_the_parts_of_a_region_are_those_of_the_whole(
    tmp_path_factory, records, options, work, cuts, mode
) -> None:
    path = written(records, tmp_path_factory.mktemp("made") / "made.bam")
    chosen = {**arguments(options), **mode}
    if "compat" in mode:
        chosen |= {"max_depth": 0, "resolve_mates": False}
    bounds = [0, *sorted(set(cuts)), LENGTH]
    parts: dict[int, list[tuple]] = {}
    for start, end in itertools.pairwise(bounds):
        parts |= plain(cn.pileup(path, cn.Region("c", start, end), **chosen, **work))
    assert parts == plain(cn.pileup(path, WHOLE, **chosen))


# Sparse positions


@settings(max_examples=80)
@given(
    records=segments(),
    options=OPTIONS,
    work=WORK,
    loci=st.lists(st.integers(0, 90), max_size=8),
    mode=st.sampled_from([{}, {"resolve_mates": True}, {"compat": "htslib"}]),
)
def test_columns_at_loci_are_those_of_all_columns(tmp_path_factory, records, options, work, loci, mode) -> None:
    path = written(records, tmp_path_factory.mktemp("made") / "made.bam")
    pileup = cn.pileup(path, cn.Region("c", 5, 80), **arguments(options), **mode, **work)
    everywhere = list(pileup.columns())
    wanted = {column.position: column for column in everywhere if column.position in loci}
    found = {column.position: column for batch in pileup.at(loci) for column in batch}
    assert plain(found.values()) == plain(wanted.values())
    for position, column in found.items():
        for name in ("insertions", "deletions", "gaps", "heads", "tails", "query_positions"):
            assert getattr(column, name).tolist() == getattr(wanted[position], name).tolist()


def test_loci_are_sorted_on_any_contig_and_only_what_is_near_is_read(make_bam, monkeypatch) -> None:
    lines = [line(str(n), n, "10M") for n in range(0, 900_000, 5000)]
    path = make_bam("a.bam", {"d": 100, "c": 1_000_000}, [*lines, line("d", 3, "5M").replace("\tc\t", "\td\t")])
    asked: list[cn.Region] = []
    pileup = cn.pileup(
        path, read_filter=lambda batch: asked.extend(batch.records["start"]) or np.full(len(batch), True)
    )
    loci = [("c", 500_003), ("d", 4), ("c", 12), ("c", 5), ("c", 5)]
    found = [(column.contig, column.position) for batch in pileup.at(loci) for column in batch]
    assert found == [("d", 4), ("c", 5), ("c", 500_003)]
    assert sorted(asked) == [0, 3, 500_000]


def test_loci_off_a_contig_are_refused(make_bam) -> None:
    path = make_bam("a.bam", {"c": 100, "d": 100}, [line("a", 3, "5M")])
    for locus in (("c", -1), ("c", 1 << 31), ("e", 1)):
        with pytest.raises(UsageError, match=f"a locus is not on a contig; found {locus[0]}, position {locus[1]}"):
            cn.pileup(path).at([locus])
    with pytest.raises(UsageError, match="a position without contig"):
        cn.pileup(path).at([5])
    assert list(cn.pileup(path, "c:1-50").at([60])) == []


def test_loci_behind_the_end_of_a_contig_are_those_of_all_columns(make_bam) -> None:
    pileup = cn.pileup(make_bam("a.bam", {"c": 20}, [line("a", 15, "10M")]))
    assert [column.position for batch in pileup.at(range(30)) for column in batch] == list(range(15, 25))


@pytest.mark.parametrize("locus", [("c", 12), ["c", 12], ("c", np.int64(12)), np.uint8(12), (x for x in ("c", 12))])
def test_a_locus_is_any_pair_of_contig_and_position(make_bam, locus: Any) -> None:
    pileup = cn.pileup(make_bam("a.bam", {"c": 20}, [line("a", 10, "5M")]))
    assert [column.position for batch in pileup.at([locus]) for column in batch] == [12]


@pytest.mark.parametrize("locus", ["c", "c:13", 1.5, ("c", 1.5), ("c", "1"), ("c", 1, 2), (1, 2), None])
def test_what_is_no_locus_is_told(make_bam, locus: Any) -> None:
    pileup = cn.pileup(make_bam("a.bam", {"c": 20}, [line("a", 10, "5M")]))
    with pytest.raises(UsageError, match="not a locus; found"):
        pileup.at([locus])


# Sources


@pytest.fixture
def bam(make_bam) -> Path:
    rng = np.random.default_rng(3)
    lines = [line(f"r{n}", int(start), "20M2D20M") for n, start in enumerate(rng.integers(0, 900, 200))]
    return make_bam("source.bam", {"c": 1000}, lines)


def test_every_kind_of_source_gives_the_same_columns(bam: Path, tmp_path: Path, make_fasta) -> None:
    region = cn.Region("c", 100, 700)
    expected = plain(cn.pileup(bam, region))
    assert len(expected) > 500
    assert plain(cn.pileup(str(bam), "c:101-700")) == expected
    handle = open_alignments(bam)
    assert plain(cn.pileup(handle, region)) == expected
    assert plain(cn.pileup(handle, region)) == expected  # it stays open
    (batch,) = read_batches([handle], region, EVERY_READ, as_stored=True)
    handle.close()
    before = batch.data.copy(), batch.records.copy()
    assert plain(cn.pileup(batch, region)) == expected
    cn.pileup(batch, "c", resolve_mates=True, max_depth=1, compat="htslib").at([5])
    assert all(np.array_equal(*pair) for pair in zip(before, (batch.data, batch.records), strict=True))
    with pysam.AlignmentFile(str(bam)) as file:
        assert plain(cn.pileup(file, region)) == expected
        assert plain(cn.pileup(file.fetch("c", 100, 700), region)) == expected
        records = list(file.fetch())
    assert plain(cn.pileup(records, region)) == expected
    assert plain(cn.pileup(iter(records), region)) == expected
    assert plain(cn.pileup(io.BytesIO(bam.read_bytes()), region)) == expected
    with bam.open("rb") as stream:
        assert plain(cn.pileup(stream, region)) == expected
    fasta = make_fasta("ref.fa", {"c": "ACGTA" * 200})
    cram = tmp_path / "source.cram"
    pysam.samtools.view("-C", "-T", str(fasta), "-o", str(cram), str(bam), catch_stdout=False)
    pysam.samtools.index(str(cram))
    assert plain(cn.pileup(cram, region, reference=fasta)) == expected
    with pysam.AlignmentFile(str(cram), reference_filename=str(fasta)) as file:
        assert plain(cn.pileup(file, region)) == expected


def test_a_batch_needs_the_name_of_its_contig_and_takes_filters_of_records(bam: Path) -> None:
    handle = open_alignments(bam)
    (batch,) = read_batches([handle], cn.Region("c", 0, 1000), EVERY_READ, as_stored=True)
    handle.close()
    with pytest.raises(UsageError, match="a RecordBatch does not name its contig"):
        cn.pileup(batch)
    assert plain(cn.pileup(batch, "c")) == plain(cn.pileup(bam))
    assert {column.contig for column in cn.pileup(batch, "{HLA:01}:5-200")} == {"HLA:01"}
    assert [column.position for column in cn.pileup(batch, "c:101-103")] == [100, 101, 102]
    for condition in ({"min_mapq": 61}, {"require_flags": Flag.PAIRED}, {"any_flags": Flag.DUP}):
        assert list(cn.pileup(batch, "c", read_filter=cn.ReadFilter(**condition))) == []
    kept = cn.ReadFilter(drop_orphans=True, exclude_flags=Flag.DUP)
    assert plain(cn.pileup(batch, "c", read_filter=kept)) == plain(cn.pileup(bam, read_filter=kept))
    with pytest.raises(UsageError, match="trim5 cannot be applied to a RecordBatch"):
        list(cn.pileup(batch, "c", read_filter=cn.ReadFilter(trim5=3)))
    backwards = type(batch)(batch.data, batch.records[::-1])
    with pytest.raises(FormatError, match="the records given: records are not in coordinate order"):
        cn.pileup(backwards, "c")


def test_unsorted_records_are_refused(bam: Path) -> None:
    with pysam.AlignmentFile(str(bam)) as file:
        records = list(file)[::-1]
    with pytest.raises(FormatError, match="the records given: no index, and none can be made"):
        cn.pileup(records)


def test_no_records_give_no_columns() -> None:
    assert list(cn.pileup([])) == []


def test_what_is_no_source_is_told() -> None:
    with pytest.raises(UsageError, match="columns cannot be made of this; found int"):
        cn.pileup(5)
    with pytest.raises(UsageError, match="columns cannot be made of this"):
        cn.pileup([1, 2])
    with pytest.raises(ColonnadeError, match="the stream given: "):
        cn.pileup(io.BytesIO(b"nothing of the kind"))


@pytest.mark.parametrize("source", [["a.bam", "b.bam"], (Path("a.bam"),), b"a.bam"])
def test_one_file_is_asked_for_where_there_are_several_or_its_path_is_bytes(source: Any) -> None:
    with pytest.raises(UsageError, match="expected one file"):
        cn.pileup(source)


def test_a_file_opened_as_text_is_refused(bam: Path) -> None:
    with bam.open(encoding="latin-1") as text, pytest.raises(UsageError, match="expected one that is opened with mode"):
        cn.pileup(text)
    with pytest.raises(UsageError, match="a file of text cannot be read; found the stream given"):
        cn.pileup(io.StringIO("a"))


def test_a_stream_that_fails_leaves_no_temporary_folder(bam: Path, tmp_path: Path, monkeypatch) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 0:
                raise OSError("gone")
            return super().read(min(size or 0, 100))

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(OSError, match="gone") as caught:
        cn.pileup(Failing(bam.read_bytes()))
    assert list(folder.iterdir()) == []
    assert caught.value.args == ("gone",)


def test_sorted_records_may_be_from_a_file_that_was_sorted_by_name(bam: Path) -> None:
    with pysam.AlignmentFile(str(bam)) as file:
        fields = file.header.to_dict()
        fields["HD"]["SO"] = "queryname"
        header = pysam.AlignmentHeader.from_dict(fields)
        records = [pysam.AlignedSegment.from_dict(record.to_dict(), header) for record in file]
    assert plain(cn.pileup(records)) == plain(cn.pileup(bam))
    with pytest.raises(FormatError):
        cn.pileup(records[::-1])


def test_temporary_files_go_with_the_pileup(bam: Path, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pysam.AlignmentFile(str(bam)) as file:
        records = list(file)
    with cn.pileup(records) as pileup:
        assert len(list(folder.iterdir())) == 1
        assert next(iter(pileup)).depth
    assert list(folder.iterdir()) == []
    forgotten = cn.pileup(records)
    assert len(list(folder.iterdir())) == 1
    del forgotten
    gc.collect()
    assert list(folder.iterdir()) == []
    with pytest.raises(FormatError):
        cn.pileup(records[::-1])
    with pytest.raises(UsageError):
        cn.pileup(records, "nowhere")
    assert list(folder.iterdir()) == []


# Questions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compat": "samtools"}, "unknown rules; found 'samtools'"),
        ({"max_depth": -1}, "max_depth is out of range"),
        ({"threads": 0}, "threads is out of range"),
        ({"memory": 0}, "memory is out of range"),
        ({"region": "nowhere"}, "names an unknown contig"),
        ({"region": cn.Region("c", 5, 5)}, "is empty or outside its contig"),
    ],
)
def test_wrong_questions_are_told(bam: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cn.pileup(bam, **options)


@pytest.mark.parametrize("threads", [1, 2])
def test_one_may_stop_early_and_errors_come_through(bam: Path, threads: int) -> None:
    for column in cn.pileup(bam, threads=threads, memory=1):
        assert column.depth
        break
    assert next(cn.pileup(bam, threads=threads, memory=1).batches())

    def fails(batch):
        raise ValueError("of the user")

    with pytest.raises(ValueError, match="of the user"):
        list(cn.pileup(bam, threads=threads, memory=1, read_filter=fails))


@pytest.mark.parametrize("answer", [np.ones(3, np.bool_), 1, np.arange(200)])
def test_a_filter_that_does_not_answer_for_each_record_is_told(bam: Path, answer: Any) -> None:
    with pytest.raises(UsageError, match="the read filter does not say of each record whether to keep it"):
        list(cn.pileup(bam, read_filter=lambda batch: answer))


def test_a_pileup_is_short_to_print_and_can_be_read_again(bam: Path) -> None:
    pileup = cn.pileup(bam, "c:1-100")
    assert repr(pileup) == f"Pileup({bam}, c:1-100)"
    assert plain(pileup) == plain(pileup.columns()) == plain(column for batch in pileup.batches() for column in batch)
    pileup.close()
    pileup.close()


def test_a_pileup_of_a_whole_contig_prints_its_name_alone(bam: Path) -> None:
    assert repr(cn.pileup(bam)) == repr(cn.pileup(bam, "c:1-")) == f"Pileup({bam}, c)"


CLOSED = r"^the pileup is closed$"


@pytest.mark.parametrize("threads", [1, 2])
def test_a_closed_pileup_says_so_also_in_the_middle_of_a_pass(bam: Path, threads: int) -> None:
    pileup = cn.pileup(bam, threads=threads, memory=1)
    columns, batches, later = iter(pileup), pileup.batches(), pileup.at([100, 900])
    assert next(columns).depth == next(batches).depths[0]
    pileup.close()
    for iterator in (columns, batches, later):
        with pytest.raises(UsageError, match=CLOSED):
            list(iterator)
    for ask in (pileup.columns, pileup.batches, lambda: pileup.at([5])):
        with pytest.raises(UsageError, match=CLOSED):
            ask()


def test_a_closed_pileup_of_records_says_so_too(bam: Path) -> None:
    handle = open_alignments(bam)
    (batch,) = read_batches([handle], cn.Region("c", 0, 1000), EVERY_READ, as_stored=True)
    for source, region in ((handle, "c"), (batch, "c")):
        pileup = cn.pileup(source, region)
        pileup.close()
        with pytest.raises(UsageError, match=CLOSED):
            list(pileup)
    handle.close()


def test_a_pileup_cannot_be_pickled(bam: Path) -> None:
    with pytest.raises(TypeError, match="a Pileup cannot be pickled"):
        pickle.dumps(cn.pileup(bam))
