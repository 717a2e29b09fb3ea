"""The expected share of false entries: a mean of doubts, which are learned from all loci."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from colonnade.method import false_share
from colonnade.method.false_share import (
    BINS,
    EDGES,
    SAMPLE,
    distance_counts,
    false_shares,
    learned_p_changed,
    merge_samples,
    sample_loci,
    within_false_share,
)
from colonnade.method.false_share_kernels import count_distances, fit_shares
from colonnade.method.posterior import event_draws, reference_draws
from colonnade.method.screen import Screen
from colonnade.method.screen_kernels import CHANGED

Floats = NDArray[np.float64]
Loci = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]

probabilities = arrays(np.float64, st.integers(0, 60), elements=st.integers(0, 40).map(lambda n: n / 40))
any_probabilities = arrays(np.float64, st.integers(0, 60), elements=st.floats(0, 1))


def by_definition(p: Floats) -> Floats:
    return np.array([np.mean(1 - p[p >= row]) for row in p])


@given(probabilities)
def test_each_row_has_the_mean_doubt_of_all_rows_at_least_as_probable(p: Floats) -> None:
    assert np.allclose(false_shares(p), by_definition(p), rtol=1e-12, atol=0)


def test_rows_of_equal_probability_share_one_value() -> None:
    assert false_shares(np.array([0.9, 1.0, 0.9, 0.9])).tolist() == pytest.approx([0.075, 0, 0.075, 0.075])


@given(probabilities, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(p: Floats, random: object) -> None:
    order = np.array(random.sample(range(p.size), p.size), np.int64)  # type: ignore[attr-defined]
    assert false_shares(p[order]).tobytes() == false_shares(p)[order].tobytes()


@given(any_probabilities)
def test_values_lie_between_the_smallest_doubt_and_the_doubt_of_the_row(p: Floats) -> None:
    shares = false_shares(p)
    assert shares.shape == p.shape
    assert np.all(shares >= np.min(1 - p, initial=1) * (1 - 1e-12))
    assert np.all(shares <= (1 - p) * (1 + 1e-12))


@given(any_probabilities)
def test_less_probable_rows_never_have_a_smaller_share(p: Floats) -> None:
    assert np.all(np.diff(false_shares(p)[np.argsort(-p, kind="stable")]) >= 0)


def test_rounding_cannot_make_a_longer_list_look_better() -> None:
    """The mean of fifty equal numbers comes out larger than that of these and a slightly larger one."""
    doubt = 0.7294965609839984
    shares = false_shares(1 - np.array([doubt] * 50 + [np.nextafter(doubt, 1)]))
    assert shares[-1] >= shares[0]


def test_an_empty_list_has_no_shares() -> None:
    assert false_shares(np.empty(0)).shape == (0,)


@given(probabilities, st.integers(0, 40).map(lambda n: n / 40))
def test_the_list_kept_is_the_longest_that_holds(p: Floats, most: float) -> None:
    kept = within_false_share(false_shares(p), most=most)
    lists = [p >= cut for cut in np.unique(p)]
    holding = [rows for rows in lists if false_shares(p)[rows].max() <= most]
    assert kept.tolist() == (max(holding, key=np.count_nonzero).tolist() if holding else [False] * p.size)


def test_a_list_of_certain_changes_is_kept_whole() -> None:
    assert within_false_share(false_shares(np.ones(5)), most=0.0).all()


def binned(p: Floats, pairs: int = 128_000) -> NDArray[np.int32]:
    """Histograms of rows that are above the threshold with probability p, else just below it."""
    counts = np.zeros((p.size, BINS), np.int32)
    counts[:, -1] = np.round(p * pairs)
    counts[:, -2] = pairs - counts[:, -1]
    return counts


def sampled(counts_1: list[int], counts_2: list[int], n: int) -> NDArray[np.void]:
    some = np.tile(np.array([counts_1, counts_2], np.int32)[:, np.newaxis], (1, n, 1))
    return sample_loci(some[0], some[1], np.arange(n), start=0, key=3)


def learned(rows: NDArray[np.int32], *others: tuple[NDArray[np.void], int]) -> Floats:
    return learned_p_changed(rows, others, min_distance=0.2, prior=0.1)


def sample_of(loci: Loci, start: int, end: int, key: int = 9) -> NDArray[np.void]:
    counts_1, counts_2, rows = loci
    inside = rows[(rows >= start) & (rows < end)]
    return sample_loci(counts_1[start:end], counts_2[start:end], inside - start, start=start, key=key)


@pytest.fixture
def random_loci() -> Loci:
    rng = np.random.default_rng(1)
    n = 4 * SAMPLE
    chosen = np.flatnonzero(rng.random(n) < 0.8)
    return rng.integers(0, 30, (n, 4), np.int32), rng.integers(0, 30, (n, 4), np.int32), chosen


@pytest.mark.parametrize("cuts", [[], [0], [1, 2, 3], [SAMPLE], [700, 701, 1200]])
def test_the_sample_does_not_depend_on_how_the_loci_were_cut(random_loci: Loci, cuts: list[int]) -> None:
    borders = [0, *cuts, 4 * SAMPLE]
    pieces = merge_samples([sample_of(random_loci, *ends) for ends in itertools.pairwise(borders)])
    assert len(pieces) == SAMPLE
    assert pieces.tobytes() == sample_of(random_loci, 0, 4 * SAMPLE).tobytes()


def test_only_the_loci_asked_for_are_sampled(random_loci: Loci) -> None:
    counts_1, counts_2, rows = random_loci
    counts_1[rows, 0] = 99
    assert np.all(sample_of((counts_1, counts_2, rows), 0, 4 * SAMPLE)["counts_1"][:, 0] == 99)


def test_another_key_samples_other_loci(random_loci: Loci) -> None:
    one, other = (sample_of(random_loci, 0, 4 * SAMPLE, key)["priority"] for key in (9, 10))
    assert not np.isin(one, other).any()


def test_a_sample_of_few_loci_has_them_all() -> None:
    assert len(sampled([9, 0, 0, 0], [9, 0, 0, 0], 3)) == 3
    assert merge_samples([]).size == 0


def test_distances_are_counted_in_their_bins_and_one_on_the_threshold_is_not_above_it() -> None:
    points_1 = np.zeros((1, 5, 4))
    points_1[..., 0] = 1
    rows = []
    for distance in (0.0, 0.126, 0.25, 0.26, 1.0):
        points_2 = np.zeros((1, 5, 4))
        points_2[..., :2] = 1 - distance, distance
        rows.append(distance_counts(points_1, points_2, min_distance=0.25)[0])
    assert [np.flatnonzero(row).tolist() for row in rows] == [[0], [7], [10], [11], [11]]
    assert {row.sum() for row in rows} == {5 * 64}


def test_each_draw_meets_many_of_the_other_sample() -> None:
    points_1, points_2 = np.zeros((2, 1, 100, 4))
    points_1[..., 0] = points_2[..., 1] = 1
    points_2[0, 30] = 1, 0, 0, 0
    assert distance_counts(points_1, points_2, min_distance=0.2)[0].tolist() == [64] + [0] * (BINS - 2) + [6336]


def counted_plainly(points_1: Floats, points_2: Floats, edges: Floats, pairings: int) -> NDArray[np.int32]:
    counts = np.zeros((len(points_1), edges.size), np.int32)
    for shift in range(pairings):
        differences = points_1 - np.roll(points_2, -shift, axis=1)
        squares = sum(differences[..., o] ** 2 for o in range(4))
        bins = np.searchsorted(2 * edges * edges, squares, side="left") - 1
        for locus, found in enumerate(np.maximum(bins, 0)):
            counts[locus] += np.bincount(found, minlength=edges.size).astype(np.int32)
    return counts


count_vectors = arrays(np.int32, (2, 4), elements=st.one_of(st.integers(0, 3), st.integers(0, 400)))


@given(
    st.lists(count_vectors, min_size=1, max_size=3), st.sampled_from([0.001, 0.02, 0.2, 0.7, 1.0]), st.integers(1, 70)
)
def test_no_pair_is_passed_over_that_is_not_far(loci: list[NDArray[np.int32]], distance: float, draws: int) -> None:
    sides = np.stack(loci, axis=1)
    points_1, points_2 = (
        np.stack(
            [event_draws(counts.astype(np.int64), i, prior=0.1, draws=draws, key=key) for i, counts in enumerate(side)]
        )
        for key, side in enumerate(sides)
    )
    for one, two in ((points_1, points_2), (points_1, points_1)):
        counts = np.empty((len(loci), BINS), np.int32)
        count_distances(one, two, EDGES * distance, 16, counts)
        assert counts.tolist() == counted_plainly(one, two, EDGES * distance, 16).tolist()


@pytest.mark.parametrize("above", [0, 1])
def test_a_pair_is_told_from_the_threshold_by_the_last_bit(above: int) -> None:
    """Where one base gains what another loses, the bound is the distance itself."""
    edge = np.nextafter(0.25, above)
    points_1, points_2 = np.zeros((2, 1, 1, 4))
    points_1[..., 0] = 1
    points_2[..., :2] = 0.75, 0.25
    counts = np.empty((1, BINS), np.int32)
    count_distances(points_1, points_2, EDGES * edge, 1, counts)
    assert np.flatnonzero(counts[0]).tolist() == [BINS - 1 - above]


def test_loci_without_data_are_in_no_bin_below() -> None:
    nothing = np.full((1, 3, 4), np.nan)
    assert distance_counts(nothing, nothing, min_distance=0.2)[0].tolist() == [0] * (BINS - 1) + [3 * 64]


def test_with_nothing_known_of_other_loci_rows_that_are_certain_stay_so() -> None:
    assert learned(binned(np.ones(3))).tolist() == [1, 1, 1]


def test_many_loci_just_below_the_threshold_make_rows_near_it_doubtful_and_leave_clear_ones() -> None:
    rows = binned(np.array([0.99, 0.995, 1.0]))
    near = (sampled([30, 0, 0, 0], [25, 5, 0, 0], SAMPLE), 5000)
    pure = (sampled([30, 0, 0, 0], [30, 0, 0, 0], SAMPLE), 95_000)
    doubtful, alone = learned(rows, near, pure), learned(rows, pure)
    assert np.all(doubtful[:2] < 0.5)
    assert np.all(alone[:2] > doubtful[:2])
    assert doubtful[2] == 1


def test_many_clear_changes_make_a_doubtful_row_more_credible() -> None:
    one = binned(np.array([0.99]))
    near = (sampled([30, 0, 0, 0], [25, 5, 0, 0], 100), 100)
    few = learned(one, near)[0]
    many = learned(np.concatenate([one, binned(np.ones(1000))]), near)[0]
    assert many > few


def test_samples_count_for_the_loci_they_stand_for() -> None:
    rows = binned(np.array([0.99, 1.0, 1.0]))
    near = sampled([30, 0, 0, 0], [25, 5, 0, 0], 50)
    more, fewer = (learned(rows, (near, n))[0] for n in (5000, 50))
    assert more < fewer


def test_it_does_not_matter_what_is_remembered_of_other_comparisons() -> None:
    rows, other = binned(np.array([0.99, 0.995, 1.0])), (sampled([30, 1, 0, 0], [25, 6, 0, 0], 20), 500)
    false_share._draws_of_sorted.cache_clear()
    first = learned(rows, other)
    learned(rows, (sampled([31, 2, 1, 0], [3, 30, 0, 1], 5), 80))
    assert learned(rows, other).tobytes() == first.tobytes()


def test_sampled_loci_have_the_distance_of_their_counts_whatever_the_order_of_bases() -> None:
    """0.1, which is 0.69 of the threshold."""
    sample = sampled([100_000, 300_000, 0, 600_000], [100_000, 400_000, 0, 500_000], 1)
    counts = false_share._sample_counts(sample, min_distance=0.145, prior=0.1)
    assert counts.tolist() == [[0] * 8 + [200 * 16] + [0] * 3]


def test_samples_with_the_same_counts_do_not_have_the_same_draws() -> None:
    """A draw that met itself would be one of 16 at no distance; two of a thousand mixed reads hardly come as near."""
    counts = false_share._sample_counts(
        sampled([500, 300, 150, 50], [500, 300, 150, 50], 1), min_distance=0.2, prior=0.1
    )
    assert counts.sum() == 200 * 16
    assert counts[0, 0] < 0.02 * counts.sum()


def test_a_list_without_rows_or_other_loci_is_no_trouble() -> None:
    nothing = np.empty((0, BINS), np.int32)
    assert learned(nothing).shape == (0,)
    assert learned(nothing, (merge_samples([]), 0)).shape == (0,)


def test_shares_of_a_mixture_are_found_again() -> None:
    """Two bins, told apart by a count of ten: 0.3 of 20,000 loci come from the second."""
    rng = np.random.default_rng(5)
    chances = np.array([0.3, 0.6])
    seen = np.bincount(rng.binomial(10, chances[(rng.random(20_000) < 0.3).astype(int)]), minlength=11)
    hits = np.arange(11)[:, np.newaxis]
    shares = np.empty(2)
    fit_shares(chances**hits * (1 - chances) ** (10 - hits), seen.astype(float), np.array([0.5, 0.5]), 200, shares)
    assert shares[1] == pytest.approx(0.3, abs=0.015)
    assert shares.sum() == pytest.approx(1)


def test_probabilities_hold_where_most_calls_of_a_list_are_false() -> None:
    """20,000 loci of 30 reads just below the threshold, and 100 clear changes; by p_changed alone all calls would be kept."""
    rng = np.random.default_rng(2)
    minor = np.concatenate([np.full(20_000, 0.18), np.full(100, 0.9)])
    counts_1 = np.tile(np.array([30, 0, 0, 0], np.int32), (minor.size, 1))
    hits = rng.binomial(30, minor).astype(np.int32)
    counts_2 = np.stack([30 - hits, hits, 0 * hits, 0 * hits], axis=1)
    states = Screen(min_distance=0.2, confidence=0.99, prior=0.1).states(counts_1, counts_2)
    rows, rest = np.flatnonzero(states == CHANGED), np.flatnonzero(states != CHANGED)
    points = [reference_draws(c[rows], rows, prior=0.1, draws=2000, key=k) for k, c in enumerate((counts_1, counts_2))]
    counts = distance_counts(points[0], points[1], min_distance=0.2)
    p = learned(counts, (sample_loci(counts_1, counts_2, rest, start=0, key=4), len(rest)))
    false = minor[rows] < 0.2
    assert np.count_nonzero(false) > 30
    assert (1 - p).sum() == pytest.approx(np.count_nonzero(false), rel=0.3)
    assert np.mean(false[within_false_share(false_shares(p), most=0.1)]) < 0.15
    assert np.all(p[~false] > 0.9)
