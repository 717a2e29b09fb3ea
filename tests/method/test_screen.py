"""The screen's states: right, whoever asks, in whatever order, and however often."""

import itertools
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from colonnade.method import screen_kernels as kernels
from colonnade.method.screen import Screen
from colonnade.method.screen_kernels import (
    AMBIGUOUS,
    BELOW_MIN_DEPTH,
    CHANGED,
    DISTANCE_UNITS,
    NO_DATA,
    NO_REFERENCE,
    UNCHANGED,
)

PRIOR = 0.1
CONFIDENCE = 0.99
REF_DEPTH = 1_000_000
PROMISE = 0.001  # how far from a threshold p may be where a state is wrong
Keys = NDArray[np.int64]


def make_screen(distance: float = 0.2, confidence: float = CONFIDENCE, **options: int) -> Screen:
    return Screen(min_distance=distance, confidence=confidence, prior=PRIOR, **options)


def states_of(screen: Screen, keys: Keys) -> NDArray[np.int8]:
    counts = keys.astype(np.int32)
    return screen.states(np.ascontiguousarray(counts[:, :4]), np.ascontiguousarray(counts[:, 4:]))


def sampled(key: Keys, distance: float, points: int = 200_000) -> float:
    """P(distance < ``distance``) by plain sampling."""
    rng = np.random.default_rng([7, *key.tolist()])
    shares = rng.standard_gamma(key[:, np.newaxis] + PRIOR, (8, points))
    gap = shares[:4] / shares[:4].sum(0) - shares[4:] / shares[4:].sum(0)
    return float(((gap**2).sum(0) < 2 * distance**2).mean())


def random_keys(rng: np.random.Generator, n: int, depths: tuple[float, float] = (0.3, 3.0)) -> Keys:
    """Pairs of samples at depths 10^depths, mostly not far apart."""
    keys = []
    for _ in range(n):
        first, aim = rng.dirichlet([0.3] * 4), rng.dirichlet([0.3] * 4)
        second = first + (aim - first) * rng.choice([0.0, 0.1, 0.3, 1.0])
        depth = (10 ** rng.uniform(*depths, 2)).astype(int)
        keys.append([*rng.multinomial(depth[0], first), *rng.multinomial(depth[1], second)])
    return np.array(keys)


@pytest.mark.parametrize("distance", [0.02, 0.05, 0.2, 0.5])
def test_probabilities_are_those_of_plain_sampling(distance: float) -> None:
    rng = np.random.default_rng(1)
    keys = np.concatenate([random_keys(rng, 12), random_keys(rng, 4, (4.0, 6.0))])
    keys[0, 4:] = [REF_DEPTH, 0, 0, 0]
    mine = make_screen(distance).probabilities(keys)
    truth = np.array([sampled(key, distance) for key in keys])
    assert abs(mine - truth).max() < 0.02  # far from thresholds one replicate will do
    close = np.minimum(truth, 1 - truth) < 0.02
    assert abs(mine - truth)[close].max(initial=0) < 0.004


# The worst of 4,000 keys near a threshold, by the spread of a lattice over its shifts.
NEAR_A_THRESHOLD = [
    (0.2, [20, 1, 0, 0, 12, 3, 1, 0]),
    (0.2, [0, 2, 0, 0, 3, 5, 9, 4]),
    (0.02, [6, 33, 94, 0, 0, 11, 30, 0]),
    (0.05, [4, 6, 15, 11, 7, 2, 23, 11]),
    (0.5, [1, 1, 5, 0, 2, 0, 0, 9]),
    (0.5, [55, 14, 134, 0, 480, 488, 298, 653]),
]


@pytest.mark.parametrize(("distance", "key"), NEAR_A_THRESHOLD)
def test_at_a_threshold_the_error_is_far_below_a_thousandth(distance: float, key: list[int]) -> None:
    """The confidence is set to put a threshold where p is, so that all replicates are used."""
    keys = np.array([key])
    truth = sampled(keys[0], distance, 1_500_000)
    confidence = max(truth, 1 - truth)
    mine = make_screen(distance, confidence).probabilities(keys)[0]
    error = np.sqrt(truth * (1 - truth) / 1_500_000)
    wider = max(1.0, np.sqrt(truth * (1 - truth) / 0.0099))
    assert abs(mine - truth) < 4 * error + 0.0003 * wider


@pytest.mark.parametrize("distance", [0.02, 0.05, 0.2, 0.5])
def test_states_are_those_of_the_probabilities_whether_proved_by_bounds_or_integrated(distance: float) -> None:
    rng = np.random.default_rng(3)
    pure = np.zeros((1000, 8), np.int64)
    for side in (0, 4):
        pure[np.arange(1000), side + rng.integers(0, 2, 1000)] = (10 ** rng.uniform(1, 4, 1000)).astype(int)
        pure[np.arange(1000), side + rng.integers(0, 4, 1000)] += rng.integers(0, 8, 1000)
    keys = np.concatenate([random_keys(np.random.default_rng(2), 2000, (0.3, 4.0)), pure])
    screen = make_screen(distance)
    states, p = states_of(screen, keys), screen.probabilities(keys)
    assert min(np.count_nonzero(states == state) for state in (CHANGED, AMBIGUOUS, UNCHANGED)) > 20
    assert p[states == UNCHANGED].min() >= CONFIDENCE - PROMISE
    assert p[states == CHANGED].max() <= 1 - CONFIDENCE + PROMISE
    assert p[states == AMBIGUOUS].min() >= 1 - CONFIDENCE - PROMISE
    assert p[states == AMBIGUOUS].max() <= CONFIDENCE + PROMISE


def test_the_bounds_behind_certificates_hold_for_all_compositions() -> None:
    """Same major base: D <= max(u, v). Different: D >= 1 - u - v. u, v: one minus the share of that base, whichever it is."""
    rng = np.random.default_rng(4)
    a, b = rng.dirichlet([0.2] * 4, 100_000), rng.dirichlet([0.2] * 4, 100_000)
    corners = np.array(list(itertools.product(np.eye(4), np.eye(4))))
    a, b = np.concatenate([a, corners[:, 0]]), np.concatenate([b, corners[:, 1]])
    distance = np.sqrt(0.5 * ((a - b) ** 2).sum(1))
    for base in range(4):
        assert (distance <= np.maximum(1 - a[:, base], 1 - b[:, base]) + 1e-12).all()
        other = (base + 1) % 4
        assert (distance >= a[:, base] + b[:, other] - 1 - 1e-12).all()


@pytest.mark.parametrize("seed", [5, 6])
def test_states_survive_permuted_bases_and_swapped_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = random_keys(rng, 200)
    screen = make_screen(0.1, remembered=1)
    expected = states_of(screen, keys)
    assert {CHANGED, AMBIGUOUS, UNCHANGED} == set(expected.tolist())
    for order in itertools.permutations(range(4)):
        permuted = np.concatenate([keys[:, :4][:, order], keys[:, 4:][:, order]], axis=1)
        if rng.random() < 0.5:
            permuted = np.concatenate([permuted[:, 4:], permuted[:, :4]], axis=1)
        np.testing.assert_array_equal(states_of(screen, permuted), expected)


def test_canonical_key_is_one_per_class_and_keeps_the_counts() -> None:
    rng = np.random.default_rng(7)
    key = np.empty(8, np.int64)
    for first, second in rng.integers(0, 3, (300, 2, 4)):
        seen = set()
        for order in itertools.permutations(range(4)):
            for a, b in ((first, second), (second, first)):
                kernels.canonical_key(a[list(order)], b[list(order)], key)
                seen.add(tuple(key.tolist()))
        assert len(seen) == 1
        columns = sorted(zip(key[:4].tolist(), key[4:].tolist(), strict=True))
        given = sorted(zip(first.tolist(), second.tolist(), strict=True))
        assert columns in (given, sorted((b, a) for a, b in given))


def test_each_of_many_repeated_loci_gets_the_state_that_it_gets_alone() -> None:
    """The forerunner's cache held stale entries, and half of the real changes were lost."""
    rng = np.random.default_rng(8)
    distinct = random_keys(rng, 300, (0.3, 2.0))
    which = rng.integers(0, len(distinct), 20_000)
    forgetful = make_screen(remembered=1)
    alone = np.array([states_of(forgetful, key[np.newaxis])[0] for key in distinct])
    assert min(np.count_nonzero(alone == state) for state in (CHANGED, AMBIGUOUS, UNCHANGED)) > 5
    screen = make_screen()
    for _ in range(2):  # cold, then from memory
        np.testing.assert_array_equal(states_of(screen, distinct[which]), alone[which])


def test_order_and_company_of_loci_do_not_matter() -> None:
    rng = np.random.default_rng(9)
    keys = random_keys(rng, 2000)
    expected = states_of(make_screen(), keys)
    order = rng.permutation(len(keys))
    np.testing.assert_array_equal(states_of(make_screen(), keys[order]), expected[order])
    screen = make_screen()
    pieces = [states_of(screen, piece) for piece in np.array_split(keys, 37)]
    np.testing.assert_array_equal(np.concatenate(pieces), expected)


def test_a_memory_that_is_far_too_small_changes_no_state() -> None:
    rng = np.random.default_rng(10)
    keys = random_keys(rng, 400, (0.3, 2.0))[rng.integers(0, 400, 4000)]
    expected = states_of(make_screen(), keys)
    tiny = make_screen(remembered=4)
    pieces = [states_of(tiny, piece) for piece in np.array_split(keys, 40)]
    np.testing.assert_array_equal(np.concatenate(pieces), expected)


def test_threads_may_share_a_screen() -> None:
    keys = random_keys(np.random.default_rng(11), 1500)
    expected = states_of(make_screen(), keys)
    screen, results = make_screen(), {}
    threads = [
        threading.Thread(target=lambda n=n: results.update({n: states_of(screen, np.roll(keys, n * 300, axis=0))}))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        np.testing.assert_array_equal(np.roll(results[n], -n * 300), expected)


def test_absent_data_is_not_zero_distance() -> None:
    keys = np.array([[0] * 8, [30, 0, 0, 0] + [0] * 4, [0] * 4 + [0, 30, 0, 0], [3, 0, 0, 0, 30, 0, 0, 0]])
    assert states_of(make_screen(min_depth=4), keys).tolist() == [NO_DATA, NO_DATA, NO_DATA, BELOW_MIN_DEPTH]


@pytest.mark.parametrize("depth", [60, 1000, 100_000])
def test_pure_loci_against_the_reference(depth: int) -> None:
    pure = [depth, 0, 0, 0]
    keys = np.array([[*pure, REF_DEPTH, 0, 0, 0], [*pure, 0, REF_DEPTH, 0, 0], [*pure, *pure]])
    assert states_of(make_screen(), keys).tolist() == [UNCHANGED, CHANGED, UNCHANGED]


def test_a_mixed_locus_that_stays_mixed_is_unchanged_at_any_depth_that_tells() -> None:
    keys = np.array([[230, 770, 0, 0, 270, 730, 0, 0], [23_000, 77_000, 0, 0, 27_000, 73_000, 0, 0]])
    assert states_of(make_screen(), keys).tolist() == [UNCHANGED, UNCHANGED]


def many_samples(rng: np.random.Generator, samples: int, positions: int) -> NDArray[np.int32]:
    """Counts (samples, positions, 4) at depths up to 60, some of them empty or shallow."""
    shares = rng.dirichlet([0.3] * 4, (samples, positions))
    counts = rng.multinomial(rng.integers(0, 60, (samples, positions)), shares).astype(np.int32)
    counts[rng.random((samples, positions)) < 0.1] = 0
    return counts


def test_each_of_many_comparisons_gets_the_states_that_it_gets_alone() -> None:
    counts = many_samples(np.random.default_rng(12), 4, 500)
    pairs = np.array(list(itertools.combinations(range(4), 2)))
    screened = make_screen(min_depth=5).screen(counts, pairs, start=123, window=100)
    assert {NO_DATA, BELOW_MIN_DEPTH, CHANGED, AMBIGUOUS} <= set(screened.states.ravel().tolist())
    for (one, two), states in zip(pairs.tolist(), screened.states, strict=True):
        np.testing.assert_array_equal(make_screen(min_depth=5).states(counts[one], counts[two]), states)


@pytest.mark.parametrize("window", [7, 100, 10_000])
def test_windows_have_the_compared_positions_and_the_sum_of_their_observed_distances(window: int) -> None:
    counts, start = many_samples(np.random.default_rng(13), 2, 5000), 1234
    screened = make_screen().screen(counts, np.array([[0, 1]]), start=start, window=window)
    compared = (counts.sum(axis=2) > 0).all(axis=0)
    shares = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
    distances = np.sqrt(0.5 * ((shares[0] - shares[1]) ** 2).sum(axis=1)) * compared
    which = (start + np.arange(5000)) // window - start // window
    np.testing.assert_array_equal(screened.tested[0], np.bincount(which, compared))
    expected = np.bincount(which, distances)
    np.testing.assert_allclose(screened.distances[0] / float(DISTANCE_UNITS), expected, rtol=1e-5, atol=1e-6)


def test_windows_add_up_wherever_a_stretch_is_cut() -> None:
    counts, pairs = many_samples(np.random.default_rng(14), 3, 900), np.array([[0, 1], [0, 2]])
    screen = make_screen()
    whole = screen.screen(counts, pairs, start=0, window=300)
    first, second = (
        screen.screen(part, pairs, start=s, window=300) for part, s in ((counts[:, :450], 0), (counts[:, 450:], 450))
    )
    np.testing.assert_array_equal(np.concatenate([first.states, second.states], axis=1), whole.states)
    for name in ("tested", "distances"):
        together = np.zeros((2, 3), np.int64)
        together[:, :2] += getattr(first, name)
        together[:, 1:] += getattr(second, name)
        np.testing.assert_array_equal(together, getattr(whole, name))


def test_a_reference_without_a_base_is_told_from_a_sample_without_data() -> None:
    counts = np.array(
        [[[30, 0, 0, 0], [30, 0, 0, 0], [0, 0, 0, 0]], [[REF_DEPTH, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]], np.int32
    )
    screened = make_screen().screen(counts, np.array([[0, 1]]), start=0, window=1000, reference=1)
    assert screened.states.tolist() == [[UNCHANGED, NO_REFERENCE, NO_REFERENCE]]
    assert screened.tested.tolist() == [[1]]
