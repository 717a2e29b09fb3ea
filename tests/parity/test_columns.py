"""With ``compat="htslib"`` columns are those of ``pysam.AlignmentFile.pileup``: on all real data, and on made records."""

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_records import LENGTH, segments, written
from samtools_table import Sample, UnusableError, data_files, make_sample

import colonnade as cn
from colonnade.formats.alignments import open_alignments
from colonnade.pileup.columns import State
from colonnade.records.filters import NO_FLAGS, Flag

FILES = data_files()
EVERY_CASE = os.environ.get("COLONNADE_ALL") == "1"
UNLIMITED = 10**8  # pysam takes 0 for its own default
ALIGNMENTS = 25_000  # that are compared of a file, unless all are
STEP = 5  # every how many cases are run on a file that is not small
EQUAL = str.maketrans(".,", "==")  # pysam writes = as mpileup writes a match
DEFAULT = Flag.UNMAP | Flag.SECONDARY | Flag.QCFAIL | Flag.DUP


@dataclass(frozen=True)
class Case:
    """The same question to both.

    Attributes
    ----------
    stepper
        pysam's; "nofilter" has no filter at all, "all" only the excluded flags.
    max_depth, resolve_mates
        Of both.
    filters
        Parameters of ``ReadFilter``.
    """

    stepper: str = "nofilter"
    max_depth: int = 0
    resolve_mates: bool = True
    filters: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        filters = ",".join(f"{name}={value:d}" for name, value in self.filters.items())
        return f"{self.stepper}-depth{self.max_depth}-{'mates' if self.resolve_mates else 'nomates'}-{filters}"

    @property
    def ours(self) -> dict[str, Any]:
        conditions = {"min_mapq": 0, "min_baseq": 0, "exclude_flags": NO_FLAGS, **self.filters}
        return {
            "compat": "htslib",
            "max_depth": self.max_depth,
            "resolve_mates": self.resolve_mates,
            "read_filter": cn.ReadFilter(**conditions) if self.filters else None,
        }

    @property
    def theirs(self) -> dict[str, Any]:
        filters = self.filters
        return {
            "stepper": self.stepper,
            "max_depth": self.max_depth or UNLIMITED,
            "ignore_overlaps": self.resolve_mates,
            "flag_filter": int(filters.get("exclude_flags", 0)),
            "flag_require": int(filters.get("any_flags", 0)),
            "ignore_orphans": filters.get("drop_orphans", False),
            "min_mapping_quality": filters.get("min_mapq", 0),
            "min_base_quality": filters.get("min_baseq", 0),
            "compute_baq": False,
            "redo_baq": False,
        }


CASES = (
    Case(),
    Case(resolve_mates=False),
    Case(max_depth=1),
    Case(max_depth=1, resolve_mates=False),
    Case(max_depth=4),
    Case(max_depth=20, resolve_mates=False),
    Case("all", filters={"exclude_flags": DEFAULT}),
    Case("all", max_depth=7, filters={"exclude_flags": Flag.REVERSE}),
    Case("samtools", max_depth=8000, filters={"exclude_flags": DEFAULT, "drop_orphans": True, "min_baseq": 13}),
    Case("samtools", filters={"min_mapq": 30, "min_baseq": 30}),
    Case("samtools", filters={"any_flags": Flag.PROPER_PAIR | Flag.REVERSE, "exclude_flags": Flag.SUPPLEMENTARY}),
    Case("samtools", resolve_mates=False, filters={"drop_orphans": True, "exclude_flags": Flag.READ1}),
    Case("samtools", max_depth=3, filters={"any_flags": Flag.PAIRED, "min_baseq": 1}),
    Case("samtools", resolve_mates=False, filters={"min_baseq": 93}),
    Case("samtools", max_depth=50, filters={"min_mapq": 1, "exclude_flags": Flag.DUP | Flag.MREVERSE}),
)


def our_columns(source: Any, region: cn.Region, case: Case, **options: Any) -> Iterator[tuple]:
    for column in cn.pileup(source, region, **case.ours, **options).columns():
        is_gap = column.states != 0
        yield (
            column.position,
            column.names,
            column.flags.tolist(),
            column.query_positions_or_next.tolist(),
            is_gap.tolist(),
            (column.states == 2).tolist(),
            column.indels.tolist(),
            column.heads.tolist(),
            column.tails.tolist(),
            column.mapping_qualities.tolist(),
            column.qualities.tolist(),
            column.bases[~is_gap].astype(str).tolist(),
        )


def their_columns(file: pysam.AlignmentFile, region: cn.Region, case: Case) -> Iterator[tuple]:
    for column in file.pileup(region.contig, region.start, region.end, truncate=True, **case.theirs):
        reads = column.pileups
        if not reads:  # all below the minimum quality
            continue
        yield (
            column.reference_pos,
            column.get_query_names(),
            [read.alignment.flag for read in reads],
            column.get_query_positions()
            if case.theirs["min_base_quality"] == 0
            else [r.query_position_or_next for r in reads],
            [bool(read.is_del) for read in reads],
            [bool(read.is_refskip) for read in reads],
            [read.indel for read in reads],
            [bool(read.is_head) for read in reads],
            [bool(read.is_tail) for read in reads],
            column.get_mapping_qualities(),
            column.get_query_qualities(),
            [base.upper().translate(EQUAL) for base in column.get_query_sequences() if base],
        )


def first_difference(ours: Iterator[tuple], theirs: Iterator[tuple]) -> str | None:
    for our, their in zip_longest(ours, theirs):
        if our != their:
            return f"  ours:   {our}\n  theirs: {their}"
    return None


# Real data


@dataclass(frozen=True)
class Opened:
    """A file, open for both, where to look, and whether all cases are run."""

    source: Any
    file: pysam.AlignmentFile
    regions: list[cn.Region]
    is_small: bool

    def cases(self, number: int) -> list[Case]:
        """Those that are run on the file, which is the so-and-so-many-th."""
        return [case for n, case in enumerate(CASES) if self.is_small or EVERY_CASE or (n + number) % STEP == 0]


@pytest.fixture(scope="session")
def opened(shared_data: Path, tmp_path_factory) -> Iterator[dict[str, Opened | str]]:
    """Every file of the data, or why not."""
    folder = tmp_path_factory.mktemp("columns")
    found: dict[str, Opened | str] = {}
    for name in FILES:
        try:
            found[name] = open_both(make_sample(name, folder))
        except UnusableError as error:
            found[name] = str(error)
    yield found
    for both in found.values():
        if isinstance(both, Opened):
            both.source.close()
            both.file.close()


def open_both(sample: Sample) -> Opened:
    path = sample.path
    if path.name.endswith(".sam.gz"):
        path = path.with_name("as.bam")
        pysam.samtools.view("-b", "-o", str(path), str(sample.path), catch_stdout=False)
        pysam.samtools.index(str(path))
    reference = sample.reference and str(sample.reference)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = pysam.AlignmentFile(str(path), reference_filename=reference)
    source = open_alignments(path, reference=reference)
    bases = dict.fromkeys(file.references, 0)
    for read in file.fetch(until_eof=True):
        if not read.is_unmapped and read.reference_start >= 0:
            bases[read.reference_name] += read.reference_length or 1
    is_small = sample.is_small and sum(bases.values()) < ALIGNMENTS
    if sample.is_small or EVERY_CASE:
        regions = [cn.Region(contig, 0, file.get_reference_length(contig)) for contig, n in bases.items() if n]
    else:
        regions = [small_region(sample, bases)]
    return Opened(source, file, regions, is_small)


def small_region(sample: Sample, bases: dict[str, int]) -> cn.Region:
    """From the second third of the reads on the busiest contig."""
    contig, _, interval = sample.values["region"].rpartition(":")
    contig = contig.strip("{}")
    first, last = map(int, interval.split("-"))
    depth = bases[contig] / (3 * (last - first + 1))
    return cn.Region(contig, first - 1, min(last, first + max(20, int(ALIGNMENTS / depth))))


@pytest.mark.parametrize("name", FILES)
def test_columns_are_those_of_pysam_whatever_the_options(opened: dict, name: str) -> None:
    both = opened[name]
    if isinstance(both, str):
        pytest.skip(both)
    cases = both.cases(FILES.index(name))
    failures = []
    for n, case in enumerate(cases):
        for region in both.regions:
            ours = our_columns(both.source, region, case, threads=1 + n % 2, memory=1 << (30 - 6 * (n % 3)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pysam's, of CRAM
                difference = first_difference(ours, their_columns(both.file, region, case))
            if difference:
                failures.append(f"{case} {region}\n{difference}")
    if failures:
        pytest.fail(
            f"{len(failures)} of {len(cases)} differ; of {name}:\n" + "\n".join(failures[:3])[:3000], pytrace=False
        )


@pytest.mark.parametrize("name", FILES)
def test_own_rules_give_the_columns_of_pysam_without_deletions_and_skips(opened: dict, name: str) -> None:
    both = opened[name]
    if isinstance(both, str):
        pytest.skip(both)
    for region in both.regions:
        ours = (
            (column.position, names_and_places(column.names, column.flags, column.query_positions, column.states))
            for column in cn.pileup(both.source, region)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = (
                (position, names_and_places(names, flags, places, [2 * is_gap for is_gap in gaps]))
                for position, names, flags, places, gaps, *_ in their_columns(both.file, region, CASES[1])
            )
            assert not first_difference(filter(itemgetter(1), ours), filter(itemgetter(1), theirs))


def names_and_places(names, flags, places, states) -> list[tuple[str, int, int]]:
    """Of the alignments that have a base there."""
    reads = zip(names, flags, places, states, strict=True)
    return [(name, int(flag), int(place)) for name, flag, place, state in reads if state == State.MATCH]


def test_every_case_meets_several_large_files_and_many_small_ones(opened: dict) -> None:
    files = [(FILES.index(name), both) for name, both in opened.items() if isinstance(both, Opened)]
    assert len(set(map(str, CASES))) == len(CASES) >= 12
    for case in CASES:
        assert sum(case in both.cases(number) for number, both in files if not both.is_small) >= 3
    assert sum(both.is_small for _, both in files) > 50


# Made records

MADE = cn.Region("c", 0, LENGTH)


@settings(max_examples=150)
@given(
    records=segments(),
    case=st.sampled_from(CASES),
    region=st.sampled_from([MADE, cn.Region("c", 20, 50)]),
    threads=st.sampled_from([1, 2]),
    memory=st.sampled_from([1, 400, 1 << 30]),
)
def test_columns_of_any_records_are_those_of_pysam(tmp_path_factory, records, case, region, threads, memory) -> None:
    path = written(records, tmp_path_factory.mktemp("made") / "made.bam")
    with pysam.AlignmentFile(str(path)) as file:
        ours = our_columns(path, region, case, threads=threads, memory=memory)
        assert first_difference(ours, their_columns(file, region, case)) is None


@pytest.mark.parametrize("cigar", ["5S0M3D", "0M5M", "2M0D3M", "3M0I2M", "1M0M4M2D", "2M0N0D3M", "0D2M3I", "5M0M"])
def test_operations_of_length_0_do_what_they_do_in_pysam(make_bam, cigar: str) -> None:
    lines = [f"{name}\t0\tc\t11\t60\t{text}\t*\t0\t0\tACGTA\tABCDE" for name, text in (("a", cigar), ("b", "5M"))]
    path = make_bam("zero.bam", {"c": LENGTH}, lines)
    for case in CASES[1:10:8]:
        with pysam.AlignmentFile(str(path)) as file:
            assert first_difference(our_columns(path, MADE, case), their_columns(file, MADE, case)) is None
