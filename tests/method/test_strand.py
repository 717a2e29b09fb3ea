"""The strand test is Fisher's exact test over one table, and over two what listing all pairs of tables says."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import fisher_exact, hypergeom

from colonnade.formats.bam import BamFile
from colonnade.method.strand import reference_strand_p_values, strand_p_values
from colonnade.records.filters import ReadFilter
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import read_batches
from colonnade.regions import Region
from colonnade.tally.counts import evidence as count_evidence

Counts = NDArray[np.int64]
QUALITIES = 5

few = st.integers(0, 12)
strand_counts = st.lists(st.tuples(few, few), min_size=4, max_size=4).map(np.array)


def evidence(counts: Counts) -> NDArray[np.int32]:
    """Evidence of one locus from counts (4, 2 strands), spread over qualities."""
    spread = np.zeros((1, 4, QUALITIES, 2), np.int32)
    for quality in range(QUALITIES):
        spread[0, :, quality] = (counts + quality) // QUALITIES
    return spread


def p_value(first: Counts, second: Counts) -> float:
    return float(strand_p_values(evidence(np.asarray(first)), evidence(np.asarray(second)))[0])


def p_against_reference(counts: Counts, reference: int) -> float:
    depths = np.zeros((1, 4), np.int32)
    depths[0, reference] = 1_000_000
    return float(reference_strand_p_values(evidence(np.asarray(counts)), depths)[0])


def all_tables(rising: Counts, falling: Counts) -> tuple[NDArray[np.float64], float]:
    """Probabilities of all tables with these margins, and of the observed one."""
    rows, forward = int(rising.sum()), int(rising[0] + falling[0])
    total = rows + int(falling.sum())
    tables = hypergeom(total, rows, forward)
    return tables.pmf(np.arange(max(0, rows + forward - total), min(rows, forward) + 1)), float(tables.pmf(rising[0]))


def listed_p_value(first: Counts, second: Counts) -> float:
    """The same p-value by listing all pairs of tables."""
    gains = second.sum(1) * first.sum() - first.sum(1) * second.sum()
    pairs, observed = np.ones(1), 1.0
    says_something = False
    for counts in (first, second):
        rising = counts[(gains > 0) & (2 * gains >= gains.max())].sum(0)
        falling = counts[(gains < 0) & (2 * gains <= gains.min())].sum(0)
        tables, own = all_tables(rising, falling)
        pairs, observed = np.outer(pairs, tables).ravel(), observed * own
        says_something |= bool(((rising + falling) > 0).all())
    return float(pairs[pairs <= observed * (1 + 1e-7)].sum()) if says_something else math.nan


@given(strand_counts, strand_counts)
def test_p_is_the_sum_over_all_pairs_that_are_no_more_probable(first: Counts, second: Counts) -> None:
    assert p_value(first, second) == pytest.approx(listed_p_value(first, second), rel=1e-9, nan_ok=True)


@given(st.lists(st.integers(0, 3000), min_size=4, max_size=4), st.integers(0, 3))
def test_p_against_the_reference_is_that_of_fishers_test(cells: list[int], reference: int) -> None:
    a, b, c, d = cells
    assume(a + b > 0 and a + c > 0 and b + d > 0)
    counts = np.zeros((4, 2), np.int64)
    counts[reference] = c, d
    counts[(reference + 1) % 4], counts[(reference + 2) % 4] = (a // 2, b - b // 2), (a - a // 2, b // 2)
    expected = fisher_exact([[a, b], [c, d]]).pvalue
    assume(expected > 1e-250)
    assert p_against_reference(counts, reference) == pytest.approx(expected, rel=1e-8)


@given(strand_counts, strand_counts, st.permutations(range(4)))
def test_p_is_the_same_bits_whatever_the_order_of_samples_strands_and_bases(
    first: Counts, second: Counts, order: list[int]
) -> None:
    p = p_value(first, second)
    others = (
        p_value(second, first),
        p_value(first[order], second[order]),
        p_value(first[:, ::-1], second[:, ::-1]),
        p_value(first[:, ::-1], second),
        p_value(first, second[:, ::-1]),
    )
    assert all(other == p or (math.isnan(other) and math.isnan(p)) for other in others)


def test_a_change_that_is_only_a_shift_of_the_strand_mix_is_refused() -> None:
    """Two amplicons, one per strand: all C on forward, all T on reverse reads, in both samples."""
    assert p_value([[0, 0], [880, 2], [0, 0], [0, 118]], [[0, 0], [690, 6], [0, 0], [0, 304]]) < 1e-100


def test_an_allele_on_one_strand_only_is_refused() -> None:
    assert p_value([[500, 500], [0, 0], [0, 0], [0, 0]], [[400, 500], [100, 0], [0, 0], [0, 0]]) < 1e-25


def test_a_change_that_both_strands_show_is_kept() -> None:
    assert p_value([[500, 250], [0, 0], [0, 0], [0, 0]], [[400, 204], [100, 46], [0, 0], [0, 0]]) > 0.5
    assert p_value([[500, 500], [0, 0], [0, 0], [0, 0]], [[0, 0], [50, 400], [0, 0], [0, 0]]) == 1.0


def test_a_sample_on_one_strand_does_not_alter_p() -> None:
    mixed = np.array([[8, 2], [3, 9], [0, 0], [0, 0]])
    one_strand = np.array([[20, 0], [1, 0], [0, 0], [0, 0]])
    assert p_value(one_strand, mixed) == pytest.approx(fisher_exact(mixed[:2]).pvalue)
    assert p_value(one_strand, mixed) == p_value(one_strand[:, ::-1], mixed)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([[9, 0], [3, 0], [0, 0], [0, 0]], [[0, 2], [0, 8], [0, 0], [0, 0]]),  # one strand each
        ([[9, 2], [3, 4], [0, 0], [0, 0]], [[9, 2], [3, 4], [0, 0], [0, 0]]),  # no change
        ([[0, 0], [0, 0], [0, 0], [0, 0]], [[9, 2], [3, 4], [0, 0], [0, 0]]),  # no reads
        ([[9, 0], [0, 0], [3, 0], [5, 8]], [[0, 0], [9, 0], [3, 0], [5, 8]]),  # the second strand shows what stays
    ],
)
def test_p_is_nan_where_there_is_nothing_to_compare(first: Counts, second: Counts) -> None:
    assert math.isnan(p_value(first, second))


def test_bases_whose_share_stays_do_not_count() -> None:
    changed = [[30, 10], [5, 12]]
    after = [[9, 8], [20, 20]]
    assert p_value([*changed, [40, 0], [0, 17]], [*after, [0, 40], [17, 0]]) == p_value(
        [*changed, [0, 0], [0, 0]], [*after, [0, 0], [0, 0]]
    )


@pytest.mark.parametrize("depth", [10_000, 1_000_000, 100_000_000])
def test_p_is_exact_at_any_depth(depth: int) -> None:
    """Near the middle of its distribution a deep table is normal: p is that of its standard score, to a few per cent."""
    for score in (1.0, 3.0, 8.0):
        quarter = depth // 4
        shift = round(score * math.sqrt(depth) / 4)
        table = [[quarter + shift, quarter - shift], [quarter - shift, quarter + shift], [0, 0], [0, 0]]
        near = [math.erfc((shift + step) * 4 / math.sqrt(2 * depth)) for step in (0.0, -1.0)]
        assert 0.97 * near[0] < p_against_reference(table, 0) < 1.03 * near[1]


def test_stray_errors_do_not_decide() -> None:
    """One T on the rarer strand, beside a change from G to A."""
    with_error = [[0, 0], [0, 0], [1848, 35], [0, 1]], [[171, 8], [0, 0], [825, 18], [2, 0]]
    without = [[0, 0], [0, 0], [1848, 35], [0, 0]], [[171, 8], [0, 0], [825, 18], [0, 0]]
    assert p_value(*with_error) == p_value(*without)


def test_alleles_that_rise_by_half_of_the_foremost_count() -> None:
    before = [[100, 100], [0, 0], [0, 0], [0, 0]]
    both, one = [[60, 98], [20, 1], [10, 1], [0, 0]], [[60, 98], [20, 1], [9, 1], [0, 0]]
    assert p_value(before, both) == pytest.approx(fisher_exact([[30, 2], [60, 98]]).pvalue)
    assert p_value(before, one) == pytest.approx(fisher_exact([[20, 1], [60, 98]]).pvalue)


def test_p_too_small_for_a_float_is_zero() -> None:
    assert p_against_reference([[500_000, 0], [0, 500_000], [0, 0], [0, 0]], 0) == 0.0


@given(strand_counts, strand_counts)
def test_a_threshold_is_passed_no_more_often_than_it_says(first: Counts, second: Counts) -> None:
    """Given the margins, the probability of p-values up to x is at most x: for every x that occurs."""
    first, second = np.concatenate([first[:2], 0 * first[2:]]), np.concatenate([second[:2], 0 * second[2:]])
    assume(first[0].sum() * second.sum() != second[0].sum() * first.sum())
    probabilities, p_values = [], []
    for table_1 in same_margins(first):
        for table_2 in same_margins(second):
            own = [all_tables(table[0], table[1])[1] for table in (table_1, table_2)]
            probabilities.append(own[0] * own[1])
            p_values.append(p_value(table_1, table_2))
    if not np.isnan(p_values).any():
        order = np.argsort(p_values)
        reached = np.cumsum(np.array(probabilities)[order])
        assert (reached <= np.array(p_values)[order] * (1 + 1e-6)).all()


def same_margins(counts: Counts) -> list[Counts]:
    """All tables of two bases with the margins of one."""
    steps = range(-min(counts[0, 0], counts[1, 1]), min(counts[0, 1], counts[1, 0]) + 1)
    return [counts + step * np.array([[1, -1], [-1, 1], [0, 0], [0, 0]]) for step in steps]


def test_loci_of_an_hiv_patient_are_told_apart(shared_data: Path) -> None:
    """Real amplicons: 698 and 788 are one base per strand; 557, 609 and 827 are new alleles; 1041 has reverse reads only."""
    loci = np.array([557, 609, 698, 788, 827, 1041]) - 1
    counted = []
    for week in ("wk4", "wk30"):
        bam = BamFile(shared_data / "hiv_caprisa" / f"CAP188_{week}.cons.bwamem.bam")
        region = Region("CAP188_wk4_consensus", 0, 1303)
        counted.append(count_evidence(resolve_overlaps(read_batches([bam], region, ReadFilter())), loci, min_baseq=5))
        bam.close()
    p = dict(zip((loci + 1).tolist(), strand_p_values(counted[0], counted[1]).tolist(), strict=True))
    assert max(p[698], p[788]) < 1e-50
    assert min(p[557], p[609], p[827]) > 0.05
    assert math.isnan(p[1041])
