"""Choosing among the hits of two mates: order, improbability, qualities, and work that is cut up."""

import math

import bwa
import numpy as np
import pytest
import stages
from hypothesis import given
from hypothesis import strategies as st
from made_pairs import made_pairs
from made_reads import hard_genome

from colonnade.align import discordant_kernels as discordant
from colonnade.align import pairing
from colonnade.align import pairing_kernels as kernels
from colonnade.align.laying_kernels import Genome, Reads
from colonnade.align.locate_kernels import Hits
from colonnade.align.options import AlignOptions
from colonnade.align.own_tags_kernels import Listed

MASK = (1 << 64) - 1


@given(st.lists(st.integers(0, 1 << 60), max_size=900))
def test_candidates_are_sorted(values: list[int]) -> None:
    array = np.array([*values, -1], np.int64)
    kernels.sort(array, len(values))
    assert array.tolist() == [*sorted(values), -1]


def test_many_candidates_are_sorted() -> None:
    values = np.random.default_rng(1).integers(0, 1 << 60, 200_000)
    expected = np.sort(values)
    kernels.sort(values, values.size)
    assert np.array_equal(values, expected)


@pytest.mark.parametrize("size", [100, 231, 250, 269, 400])
def test_an_insert_size_is_as_unlikely_as_that_or_a_rarer_one(size: int) -> None:
    expected = int(-4.343 * math.log(0.5 * math.erfc(abs(size - 250.0) / 30.0 / math.sqrt(2))) + 0.499)
    assert kernels.improbability(np.int64(size), 250.0, 30.0) == expected


def test_an_insert_size_that_is_out_of_the_question_is_no_better_than_any_score() -> None:
    assert kernels.improbability(np.int64(10), 2000.0, 1.0) == 1 << 31


@given(st.integers(0, MASK >> 32), st.integers(0, MASK >> 32))
def test_equal_pairs_are_told_apart_by_the_hash_of_bwa(left: int, right: int) -> None:
    key = left << 32 | right
    for shift, other in ((32, 22), (13, 8), (-3, 15), (27, 31)):
        key = (key + (key << 3) if shift < 0 else key + (~(key << shift) & MASK)) & MASK
        key ^= key >> other
    assert int(kernels.hash_places(np.int64(left), np.int64(right))) == key


@pytest.mark.parametrize(
    ("ahead", "n_best", "n_worse", "expected"),
    [(0, 2, 0, 0), (None, 1, 0, 29), (31, 1, 1, 23), (30, 1, 1, 15), (30, 1, 10, 5), (30, 1, 999, 0), (5, 1, 3, 0)],
)
def test_a_pair_is_as_sure_as_the_next_best_is_worse(
    ahead: int | None, n_best: int, n_worse: int, expected: int
) -> None:
    best = np.uint64(70 << 32 | 5)
    second = kernels.WORST if ahead is None else np.uint64((70 + ahead) << 32 | 3)
    assert kernels.pair_quality(best, second, n_best, n_worse, 3) == expected


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50), st.integers(1, 20))
def test_parts_are_small_and_leave_nothing_out(needed: list[int], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "_ROWS", most)
        parts = list(pairing._parts(np.array(needed)))
    assert [start for start, _ in parts] == [0, *(end for _, end in parts[:-1])]
    assert parts[-1][1] == len(needed)
    assert all(end - start == 1 or sum(needed[start:end]) <= most for start, end in parts)


@bwa.needs_bwa
def test_records_do_not_depend_on_how_many_rows_are_followed_at_a_time(tmp_path, monkeypatch) -> None:
    contigs = hard_genome(2)
    fasta = stages.write_fasta(contigs, tmp_path / "genome.fa")
    pairs = [template.reads for template in made_pairs(contigs, 200, seed=2) if len(template.reads) == 2]
    batch = stages.pristine_pairs(pairs, tmp_path)
    options = AlignOptions(listed_hits=10)
    whole = stages.by_us(fasta, batch, options)
    monkeypatch.setattr(pairing, "_ROWS", 3)
    assert stages.by_us(fasta, batch, options) == whole


def hits_of_two(first: list[tuple[int, ...]], last: list[tuple[int, ...]]) -> Hits:
    """Hits of two reads: (score, mismatches, gap opens, gap extensions, insertions, deletions), one row each."""
    table = np.array([*first, *last], np.int64)
    rows = np.arange(len(table))
    return Hits(np.array([0, len(first), len(table)]), rows, rows + 1, *table.T)


def two_mates(hits: Hits) -> Reads:
    """Two mates of 50 bases, each placed at its first hit: 1000 forward, 1200 reverse."""
    firsts = hits.offsets[:2]
    names = ("mismatches", "gap_opens", "gap_extensions")
    counts = np.diff(hits.offsets)
    columns = {name: getattr(hits, name)[firsts].copy() for name in names}
    return Reads(
        length=np.full(2, 50, np.int32),
        position=np.array([1000, 90_000]),
        reverse=np.array([0, 1], np.uint8),
        mapping_quality=np.array([37, 37]),
        single_quality=np.array([37, 37]),
        shift=(hits.deletions - hits.insertions)[firsts],
        best_hits=np.ones(2, np.int64),
        other_hits=counts - 1,
        is_proper=np.zeros(2, np.uint8),
        **columns,
    )


@pytest.mark.parametrize("quirks", [False, True])
def test_a_mate_is_moved_with_the_gaps_of_the_hit_that_it_is_moved_to(quirks: bool) -> None:
    length = 100_000  # of the genome; of two strands, the mate lies on the first
    hits = hits_of_two([(0, 0, 0, 0, 0, 0)], [(0, 0, 0, 0, 0, 0), (18, 1, 1, 2, 0, 3)])
    reads = two_mates(hits)
    pairs = np.array([[0, 1, 50, 0]])
    needed = np.empty((1, 2), np.int64)
    rules = kernels.Rules(100, 3, 10, 3, 500, False, quirks)
    kernels.count_rows(pairs, reads, rules, needed)
    assert needed.tolist() == [[0, 2]]
    sizes = kernels.Sizes(*(np.array([value]) for value in (np.uint64(1), 250.0, 10.0, 400, 1e-5)))
    contigs = np.array([0]), np.array([length])
    nothing = np.zeros(1, np.int64)
    genome = Genome(np.zeros(1, np.uint8), length, *contigs, np.zeros(1, np.uint8), nothing, nothing, nothing)
    listed = Listed(*np.zeros((2, 2), np.int64), *np.zeros((5, 9), np.int64))
    positions = np.array([90_000, 1200])
    size = kernels.pair_mates(
        hits, pairs, needed, positions, genome, sizes, rules, reads, np.empty(9, np.int64), listed, 0
    )
    assert reads.is_proper.tolist() == [1, 1]
    assert (reads.position.tolist(), reads.reverse.tolist()) == ([1000, 1200], [0, 1])
    moved = (reads.mismatches[1], reads.gap_opens[1], reads.gap_extensions[1], reads.shift[1])
    assert moved == (1, 1, 2, 0 if quirks else 3)
    assert (size, listed.position[0], listed.starts.tolist(), listed.ends.tolist()) == (1, 90_000, [0, 0], [0, 1])


def candidate(position: int, reverse: int) -> int:
    return position << kernels.POSITION_SHIFT | reverse << 1


@pytest.mark.parametrize(
    ("before", "places", "quality", "after"),
    [
        ((37, 20), (1000, 90_000), 29, (57, 57)),  # both stay: together
        ((37, 37), (1000, 90_000), 0, (60, 60)),
        ((0, 37), (1000, 90_000), 20, (27, 37)),  # one was not sure: what the pair tells, and a bonus
        ((37, 0), (1000, 90_000), 37, (37, 37)),
        ((0, 0), (1000, 90_000), 20, (0, 0)),
        ((25, 37), (1000, 1200), 29, (25, 25)),  # the last one is moved: no surer than the pair, and than its mate
        ((37, 37), (1000, 1200), 29, (37, 29)),
        ((37, 37), (2000, 90_000), 23, (23, 37)),
        ((37, 37), (2000, 1200), 29, (9, 9)),  # both are
        ((37, 37), (2000, 1200), 15, (0, 0)),
    ],
)
def test_qualities_tell_which_mates_were_moved(
    before: tuple[int, int], places: tuple[int, int], quality: int, after: tuple[int, int]
) -> None:
    reads = two_mates(hits_of_two([(0,) * 6], [(0,) * 6]))
    reads.mapping_quality[:] = before
    kernels.set_qualities(0, 1, reads, np.array([candidate(places[0], 0), candidate(places[1], 1)]), quality)
    assert tuple(reads.mapping_quality.tolist()) == after
    moved = [place != own for place, own in zip(places, (1000, 90_000), strict=True)]
    assert reads.single_quality.tolist() == [0 if is_moved else 37 for is_moved in moved]


@pytest.mark.parametrize(
    ("position", "reverse", "expected"),
    [
        (1000, 0, (1165, 1385)),
        (1000, 1, (665, 885)),
        (4700, 0, (4865, 5000)),  # up to the end of the genome
        (150, 1, (0, 35)),  # from its start
        (100, 1, (0, 100)),  # a mate that would lie before it is looked for all the way
    ],
)
def test_a_mate_is_looked_for_three_deviations_around_where_it_ought_to_be(
    position: int, reverse: int, expected: tuple[int, int]
) -> None:
    reads = two_mates(hits_of_two([(0,) * 6], [(0,) * 6]))
    reads.position[0], reads.reverse[0] = position, reverse
    assert discordant.window(reads, 0, 1, 300.0, 20.0, 5000) == expected


@pytest.mark.parametrize(
    ("stretch", "expected"),
    [((110, 190), (110, 190)), ((90, 150), (100, 150)), ((150, 230), (150, 200)), ((50, 90), (100, 90))],
)
def test_a_mate_is_looked_for_on_the_contig_of_the_other_one_only(
    stretch: tuple[int, int], expected: tuple[int, int]
) -> None:
    nothing, letters = np.zeros(1, np.int64), np.zeros(1, np.uint8)
    genome = Genome(
        letters, 300, np.array([0, 100, 200]), np.array([100, 100, 100]), letters, nothing, nothing, nothing
    )
    assert discordant.on_contig(genome, 120, *stretch) == expected
