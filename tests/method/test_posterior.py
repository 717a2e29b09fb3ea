"""Draws of compositions come from the exact posterior, whatever the depth and the qualities."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp
from scipy.stats import beta, binom, chisquare, ks_2samp, kstest, norm
from scipy.stats import gamma as gamma_distribution

from colonnade.method import gibbs_kernels, mixture_kernels, posterior_kernels, random_kernels
from colonnade.method.posterior import composition_draws, distance_draws, event_draws, reference_draws, stream_key

PRIOR = 0.1
QUALITIES = 64
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def seen(*reads: tuple[int, int, int]) -> Counts:
    """Counts (4, qualities) from (base, quality, how many)."""
    counts = np.zeros((4, QUALITIES), np.int64)
    for base, quality, n in reads:
        counts[base, quality] += n
    return counts


def draw(counts: Counts, n: int = 20_000, prior: float = PRIOR, key: int = 1) -> Floats:
    return composition_draws(evidence_of(counts)[np.newaxis], np.zeros(1, np.int64), prior=prior, draws=n, key=key)[0]


def evidence_of(counts: Counts) -> NDArray[np.int32]:
    """Evidence (4, qualities, 2) of one locus, on both strands."""
    return np.stack([counts // 2, counts - counts // 2], axis=2).astype(np.int32)


# The oracle: all mixtures of Dirichlets, enumerated.


def likelihood(quality: int) -> tuple[float, float]:
    """(a, b) of P(read | share) = a + b * share."""
    error = 10 ** (-min(quality, 45) / 10)
    return (1.0, 0.0) if error >= 0.75 else (error / 3, 1 - 4 * error / 3)


def log_weights(counts: Counts) -> Floats:
    """Logarithms of the coefficients of the product over reads of a + b * share, by power."""
    total = np.zeros(1)
    for quality in np.flatnonzero(counts):
        a, b = likelihood(int(quality))
        n = int(counts[quality])
        if b == 0:
            continue
        power = np.arange(n + 1)
        factor = gammaln(n + 1) - gammaln(power + 1) - gammaln(n - power + 1)
        factor += power * math.log(b) + (n - power) * math.log(a)
        product = np.full(total.size + n, -np.inf)
        for i, value in enumerate(total) if total.size < factor.size else enumerate(factor):
            other = factor if total.size < factor.size else total
            product[i : i + other.size] = np.logaddexp(product[i : i + other.size], other + value)
        total = product
    return total


def exact_moments(counts: Counts, prior: float = PRIOR) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each base's share, by summing over how many reads of each base come from it.

    The weights are tilted towards the likely total before they are cut, which changes nothing but where they are large.
    """
    tilt = likely_total(counts, prior)
    tables = []
    for base in range(4):
        logs = log_weights(counts[base])
        logs = logs + gammaln(prior + np.arange(logs.size)) - np.arange(logs.size) * math.log(tilt)
        weights = np.exp(logs - logs.max())
        kept = np.flatnonzero(weights > 1e-30)
        tables.append((kept[0], weights[kept[0] : kept[-1] + 1]))
    mean, square = np.empty(4), np.empty(4)
    for base in range(4):
        first, own = tables[base]
        lowest, rest = 0, np.ones(1)
        for other in {0, 1, 2, 3} - {base}:
            lowest, rest = lowest + tables[other][0], np.convolve(rest, tables[other][1])
        total = first + lowest + np.arange(own.size + rest.size - 1)
        common = total * math.log(tilt) - gammaln(4 * prior + total)
        common = np.exp(common - common.max())
        alpha, whole = prior + first + np.arange(own.size), 4 * prior + total
        weight = own * np.correlate(common, rest, "valid")
        assert weight.sum() > 1e-4 * own.sum() * rest.sum(), "the tilt is too far off for tables that are cut"
        mean[base] = (own * alpha * np.correlate(common / whole, rest, "valid")).sum() / weight.sum()
        twice = np.correlate(common / whole / (whole + 1), rest, "valid")
        square[base] = (own * alpha * (alpha + 1) * twice).sum() / weight.sum()
    return mean, np.sqrt(square - mean**2)


def likely_total(counts: Counts, prior: float) -> float:
    """Prior counts and reads that show a true base, at the most likely composition (found by expectation-maximisation)."""
    shares = (counts.sum(1) + prior) / (counts.sum() + 4 * prior)
    true = np.zeros(4)
    for _ in range(3000):
        true[:] = prior
        for base, quality in zip(*np.nonzero(counts), strict=True):
            a, b = likelihood(int(quality))
            true[base] += counts[base, quality] * b * shares[base] / (a + b * shares[base])
        shares = true / true.sum()
    return float(true.sum())


CASES = {
    "one read, quality 2": seen((0, 2, 1)),
    "one read, quality 40": seen((2, 40, 1)),
    "two reads that differ": seen((0, 20, 1), (3, 5, 1)),
    "every base, mixed": seen((0, 2, 2), (0, 30, 4), (1, 5, 3), (1, 37, 1), (2, 10, 2), (3, 40, 1)),
    "depth 30": seen((0, 37, 20), (0, 12, 4), (1, 12, 2), (1, 37, 3), (2, 11, 1)),
    "depth 30, quality 2 and 5": seen((0, 2, 11), (0, 5, 9), (1, 2, 4), (1, 5, 2), (2, 2, 2), (3, 5, 2)),
    "depth 500, half and half": seen((0, 20, 100), (0, 30, 150), (1, 20, 120), (1, 35, 130)),
    "330 at quality 2": seen((0, 2, 150), (1, 2, 60), (2, 2, 60), (3, 2, 60)),
    "120 at quality 2, all alike": seen((0, 2, 30), (1, 2, 30), (2, 2, 30), (3, 2, 30)),
    "600 at quality 2, all alike": seen((0, 2, 150), (1, 2, 150), (2, 2, 150), (3, 2, 150)),
    "20 of 10,000 at quality 20": seen((0, 20, 9933), (1, 20, 20), (2, 20, 32), (3, 20, 15)),
    "minor bases at the error rate, quality 10": seen((0, 10, 9000), (1, 10, 300), (2, 10, 340), (3, 10, 360)),
    "deep, minor bases at the error rate": seen((0, 10, 13_430), (1, 10, 500), (2, 10, 510), (3, 10, 560)),
    "deeper, minor bases at the error rate": seen((0, 10, 26_820), (1, 10, 1000), (2, 10, 1060), (3, 10, 1120)),
    "deep, two qualities": seen((0, 8, 6000), (0, 12, 8000), (1, 8, 330), (1, 12, 200), (2, 8, 380), (2, 12, 190)),
    "50,000 at quality 5": seen((0, 5, 34_800), (1, 5, 4900), (2, 5, 5000), (3, 5, 5300)),
    "100,000 of high quality": seen((0, 40, 99_000), (1, 40, 900), (2, 40, 70), (3, 40, 30)),
}


@pytest.mark.parametrize("case", CASES)
def test_moments_are_those_of_the_enumerated_mixture(case: str) -> None:
    counts = CASES[case]
    points = draw(counts)
    mean, spread = exact_moments(counts)
    error = spread / math.sqrt(len(points))
    assert (abs(points.mean(0) - mean) < 4.5 * error).all()
    quartic = ((points - mean) ** 4).mean(0)
    error_of_variance = np.sqrt(quartic / len(points))
    assert (abs(((points - mean) ** 2).mean(0) - spread**2) < 4.5 * error_of_variance).all()
    np.testing.assert_allclose(points.sum(1), 1, rtol=1e-12)


def draw_chain(counts: Counts, n: int, prior: float = PRIOR, key: int = 1) -> Floats:
    points = np.empty((n, 4))
    cells = mixture_kernels.cells_of(evidence_of(counts))
    gibbs_kernels.draw_by_turns(*cells, prior, np.uint64(key), points)
    return points


@pytest.mark.parametrize("case", ["one read, quality 2", "every base, mixed", "depth 30", "depth 500, half and half"])
def test_distributions_are_those_of_gibbs_sampling(case: str) -> None:
    points, chain = draw(CASES[case], 40_000), draw_chain(CASES[case], 40_000)
    for base in range(4):
        assert ks_2samp(points[:, base], chain[:, base]).statistic < 0.016


@pytest.mark.parametrize("case", ["one read, quality 2", "depth 30, quality 2 and 5", "20 of 10,000 at quality 20"])
def test_means_of_gibbs_sampling_are_those_of_the_enumerated_mixture(case: str) -> None:
    chain = draw_chain(CASES[case], 4000)
    mean, spread = exact_moments(CASES[case])
    assert (abs(chain.mean(0) - mean) < 5 * spread / math.sqrt(len(chain))).all()


@pytest.mark.parametrize(
    "case", ["every base, mixed", "depth 30, quality 2 and 5", "330 at quality 2", "20 of 10,000 at quality 20"]
)
def test_kept_draws_of_a_chain_are_nearly_independent(case: str) -> None:
    chain = draw_chain(CASES[case], 4000)
    for base in range(4):
        assert abs(np.corrcoef(chain[:-1, base], chain[1:, base])[0, 1]) < 0.15


@pytest.mark.parametrize("most_proposals", [0, 1])
def test_a_locus_whose_proposals_are_used_up_is_drawn_by_gibbs_sampling(most_proposals: int) -> None:
    counts = CASES["depth 30, quality 2 and 5"]
    evidence, points, again = evidence_of(counts), np.empty((4000, 4)), np.empty((4000, 4))
    for target in (points, again):
        posterior_kernels.draw_composition(evidence, PRIOR, most_proposals, np.uint64(5), target)
    np.testing.assert_array_equal(points, again)
    mean, spread = exact_moments(counts)
    assert (abs(points.mean(0) - mean) < 5 * spread / math.sqrt(len(points))).all()
    if not most_proposals:
        chain = draw_chain(counts, 4000, key=5)
        np.testing.assert_array_equal(points, chain)


def test_bases_that_say_nothing_leave_the_prior() -> None:
    points = draw(seen((0, 0, 50), (1, 1, 70)))
    assert kstest(points[:, 0], beta(PRIOR, 3 * PRIOR).cdf).pvalue > 0.001
    np.testing.assert_array_equal(draw(seen((0, 0, 9), (2, 30, 5))), draw(seen((2, 30, 5))))


def test_perfect_reads_give_the_dirichlet_of_their_counts() -> None:
    points = draw(seen((0, 45, 30), (1, 45, 10)))
    assert kstest(points[:, 0], beta(30 + PRIOR, 10 + 3 * PRIOR).cdf).statistic < 0.012


def test_qualities_above_45_count_as_45() -> None:
    np.testing.assert_array_equal(draw(seen((0, 60, 20), (1, 50, 7))), draw(seen((0, 45, 20), (1, 45, 7))))


def test_strands_count_alike() -> None:
    evidence = np.zeros((2, 4, QUALITIES, 2), np.int32)
    evidence[0, 0, 30], evidence[0, 1, 20] = (7, 0), (0, 2)
    evidence[1, 0, 30], evidence[1, 1, 20] = (3, 4), (1, 1)
    first = composition_draws(evidence[:1], np.zeros(1, np.int64), prior=PRIOR, draws=100, key=5)
    second = composition_draws(evidence[1:], np.zeros(1, np.int64), prior=PRIOR, draws=100, key=5)
    np.testing.assert_array_equal(first, second)


def test_whole_and_cut_tables_agree_where_they_meet() -> None:
    """Tables are cut beyond 128 bases: one more read must not change more than one read can."""
    for minor in (127, 130):
        counts = seen((0, 10, 3400), (1, 10, minor), (2, 10, minor))
        mean, spread = exact_moments(counts)
        assert (abs(draw(counts).mean(0) - mean) < 4.5 * spread / math.sqrt(20_000)).all()


@pytest.mark.parametrize(
    "counts",
    [
        seen(*[(base, 2, 250_000) for base in range(4)]),
        seen((0, 2, 1_000_000)),
        seen((0, 2, 370_000), (1, 2, 210_000), (2, 2, 210_000), (3, 2, 210_000)),
        seen((0, 45, 1_000_000)),
        seen((0, 3, 3)),
        seen((0, 45, 1), (1, 45, 1_000_000), (1, 2, 1_000_000)),
    ],
)
def test_extreme_evidence_neither_overflows_nor_stalls(counts: Counts) -> None:
    points = draw(counts, 500)
    assert np.isfinite(points).all()
    assert points.min() >= 0
    np.testing.assert_allclose(points.sum(1), 1, rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_shares_under_the_tilt_add_up_to_one(case: str) -> None:
    """Newton's method alone swings between two values for 120 reads of quality 2 in equal parts."""
    reads, odds, totals = mixture_kernels.cells_of(evidence_of(CASES[case]))
    tilt = mixture_kernels.find_tilt(reads, odds, totals, PRIOR)
    scales = [mixture_kernels.solve_scale(reads[o], odds[o], totals[o], PRIOR, tilt)[0] for o in range(4)]
    assert sum(1 / scale for scale in scales) == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize("size", [1, 3, 10, 20, 30, 60, 100, 300, 1000, 3000])
@pytest.mark.parametrize("quality", [2, 3, 5, 8, 13, 20])
def test_enough_proposals_are_accepted(size: int, quality: int) -> None:
    """A tilt that is only about right accepts none: 600 reads of quality 2 in equal parts, or 330 in parts of 5, 2, 2, 2."""
    for parts in ((1, 0, 0, 0), (1, 1, 1, 1), (5, 2, 2, 2), (4, 1, 1, 1), (20, 3, 3, 1), (1, 1, 0, 0), (3, 1, 0, 0)):
        counts = seen(*[(base, quality, size * part) for base, part in enumerate(parts)])
        assert acceptance(counts) > 0.2


def acceptance(counts: Counts, prior: float = PRIOR) -> float:
    """Share of proposed (k_0, ..., k_3) that are accepted, from the kernels' own tables."""
    reads, odds, totals = mixture_kernels.cells_of(evidence_of(counts))
    tilt, tables, firsts = mixture_kernels.propose(reads, odds, totals, prior)
    proposed = np.ones(1)
    for table in tables:
        proposed = np.convolve(proposed, np.diff(table, prepend=0.0))
    chances = posterior_kernels.acceptance(totals.sum() - sum(firsts), proposed.size, prior, tilt)
    return float((proposed * chances).sum())


@pytest.mark.parametrize("prior", [0.001, 0.01, 1.0, 10.0])
def test_any_prior_that_options_allow_gives_its_posterior(prior: float) -> None:
    """With a prior of 0.001 all four gamma draws can be too small for a float."""
    counts = seen((0, 2, 1), (1, 30, 1), (0, 10, 1))
    for case in (counts, seen((0, 2, 1))):
        points = draw(case, prior=prior)
        mean, spread = exact_moments(case, prior)
        assert np.isfinite(points).all()
        assert (abs(points.mean(0) - mean) < 4.5 * spread / math.sqrt(len(points))).all()


@pytest.mark.parametrize("shape", [0.1, 0.5, 0.99, 1.0, 5.0, 1e6])
def test_gamma_draws_have_the_gamma_distribution(shape: float) -> None:
    state, values = np.uint64(11), np.empty(40_000)
    for i in range(values.size):
        state, values[i] = random_kernels.draw_gamma(np.uint64(state), shape)
    assert abs(values.mean() - shape) < 4 * math.sqrt(shape / values.size)
    assert abs(values.var() / shape - 1) < 4 * math.sqrt((2 + 6 / shape) / values.size)
    assert kstest(values, gamma_distribution(shape).cdf).statistic < 0.01


def test_normal_draws_have_the_normal_distribution() -> None:
    """In the middle, at the edges of layers, and in the tail that the ziggurat leaves to another method."""
    state, values = np.uint64(12), np.empty(400_000)
    for i in range(values.size):
        state, values[i] = random_kernels.draw_normal(np.uint64(state))
    assert kstest(values, "norm").statistic < 1.95 / math.sqrt(values.size)
    edges = norm.ppf(np.linspace(0, 1, 1001))
    assert chisquare(np.histogram(values, edges)[0]).pvalue > 1e-4
    beyond = values[abs(values) > 3.2]
    assert len(beyond) == pytest.approx(2 * norm.sf(3.2) * values.size, abs=4.5 * math.sqrt(550))
    assert kstest(norm.sf(abs(beyond)) / norm.sf(3.2), "uniform").pvalue > 1e-4


def test_the_layers_of_the_ziggurat_have_equal_areas_and_reach_the_top() -> None:
    edges = random_kernels.EDGES
    heights = np.exp(-0.5 * edges**2)
    np.testing.assert_allclose(edges[1:-1] * np.diff(heights[1:]), random_kernels.LAYER_AREA, rtol=1e-8)
    tail = norm.sf(random_kernels.BASE_EDGE) * math.sqrt(2 * math.pi)
    assert edges[1] * heights[1] + tail == pytest.approx(random_kernels.LAYER_AREA, rel=1e-8)


@pytest.mark.parametrize("weights", [[1.0], [0.0, 1.0, 0.0], [1e-12, 0.2, 0.5, 1e-3, 0.3], [*range(300)]])
def test_indices_are_drawn_as_a_search_would_find_them(weights: list[float]) -> None:
    cumulated = np.cumsum(weights) / np.sum(weights)
    cumulated[-1] = 1.0
    guide, state = random_kernels.guide_to(cumulated), np.uint64(14)
    for _ in range(5000):
        _, u = random_kernels.next_uniform(np.uint64(state))
        state, index = random_kernels.draw_index(np.uint64(state), cumulated, guide)
        assert index == np.searchsorted(cumulated, u)


@pytest.mark.parametrize(
    ("n", "p"),
    [
        (1, 0.3),
        (7, 0.0),
        (7, 1.0),
        (20, 0.95),
        (40, 0.5),
        (41, 0.5),
        (300, 0.2),
        (10_000, 0.001),
        (10_000, 0.7),
        (10**7, 0.4),
    ],
)
def test_binomial_draws_have_the_binomial_distribution(n: int, p: float) -> None:
    state, values = np.uint64(13), np.empty(40_000, np.int64)
    for i in range(values.size):
        state, values[i] = random_kernels.draw_binomial(np.uint64(state), n, p)
    assert values.min() >= 0
    assert values.max() <= n
    expected = binom(n, p)
    numbers = np.unique(values)
    reached = np.searchsorted(np.sort(values), numbers, side="right") / values.size
    assert abs(reached - expected.cdf(numbers)).max() < 1.95 / math.sqrt(values.size)
    assert abs(values.mean() - n * p) <= 4.5 * expected.std() / math.sqrt(values.size)


def test_uniforms_are_uniform_and_streams_of_neighbours_differ() -> None:
    firsts = np.array(
        [random_kernels.next_uniform(np.uint64(random_kernels.stream(np.uint64(3), i)))[1] for i in range(20_000)]
    )
    assert kstest(firsts, "uniform").statistic < 0.0125
    assert abs(np.corrcoef(firsts[:-1], firsts[1:])[0, 1]) < 0.03
    state, values = np.uint64(0), np.empty(20_000)
    for i in range(values.size):
        state, values[i] = random_kernels.next_uniform(np.uint64(state))
    assert kstest(values, "uniform").statistic < 0.0125


def test_a_locus_draws_the_same_alone_and_among_others() -> None:
    rng = np.random.default_rng(2)
    evidence = rng.poisson(0.3, (9, 4, QUALITIES, 2)).astype(np.int32)
    evidence[4] = 0
    loci = np.arange(100, 109)
    together = composition_draws(evidence, loci, prior=PRIOR, draws=50, key=9)
    for i in range(9):
        alone = composition_draws(evidence[i : i + 1], loci[i : i + 1], prior=PRIOR, draws=50, key=9)
        np.testing.assert_array_equal(alone[0], together[i])
    assert np.isnan(together[4]).all()
    assert not np.isnan(together[[0, 8]]).any()


def test_reference_and_events_are_dirichlets_of_their_counts() -> None:
    counts = np.array([[1_000_000, 0, 0, 0], [0, 0, 0, 0]], np.int32)
    points = reference_draws(counts, np.arange(2), prior=PRIOR, draws=4000, key=1)
    assert kstest(1 - points[0, :, 0], beta(0.3, 1e6 + 0.1).cdf).statistic < 0.03
    assert np.isnan(points[1]).all()
    events = event_draws(np.array([5, 0, 2]), 17, prior=PRIOR, draws=4000, key=1)
    assert kstest(events[:, 2], beta(2.1, 5.2).cdf).statistic < 0.03


def test_distance_is_euclidean_over_root_two() -> None:
    points = np.array([[[1.0, 0, 0, 0], [0.5, 0.5, 0, 0]]]), np.array([[[0.0, 1, 0, 0], [0.5, 0, 0.5, 0]]])
    np.testing.assert_allclose(distance_draws(*points), [[1, 0.5]])


def test_streams_depend_on_every_part_of_their_name() -> None:
    keys = {
        stream_key(*name) for name in [(1, "a", "b", "c"), (2, "a", "b", "c"), (1, "ab", "", "c"), (1, "a", "bc", "")]
    }
    assert len(keys) == 4


def simulate(rng: np.random.Generator, depth: int, loci: int) -> tuple[Floats, NDArray[np.int32]]:
    """Truths from the prior, and evidence whose errors follow qualities of 10 to 40."""
    truths = rng.dirichlet([PRIOR] * 4, loci)
    locus = np.repeat(np.arange(loci), depth)
    base = (rng.random(locus.size)[:, np.newaxis] > np.cumsum(truths, axis=1)[locus, :3]).sum(1)
    quality = rng.integers(10, 41, locus.size)
    wrong = rng.random(locus.size) < 10 ** (-quality / 10)
    base = np.where(wrong, (base + rng.integers(1, 4, locus.size)) % 4, base)
    evidence = np.zeros((loci, 4, QUALITIES, 2), np.int32)
    np.add.at(evidence, (locus, base, quality, rng.integers(0, 2, locus.size)), 1)
    return truths, evidence


def held(truths: Floats, draws: Floats, rate: float) -> float:
    """Share of truths (n,) within the central interval of draws (n, m), by ranks, so that m need not be large."""
    ranks = (draws < truths[:, np.newaxis]).sum(1)
    outside = round((1 - rate) / 2 * (draws.shape[1] + 1))
    return float(((ranks >= outside) & (ranks <= draws.shape[1] - outside)).mean())


def test_intervals_hold_truths_from_the_prior_at_their_rate() -> None:
    rng = np.random.default_rng(12)
    shares: list[tuple[Floats, Floats]] = []
    distances: list[tuple[Floats, Floats]] = []
    for depth, loci in ((30, 3000), (100, 2500), (500, 1000)):
        points, truths = [], []
        for key in (1, 2):
            truth, evidence = simulate(rng, depth, loci)
            points.append(composition_draws(evidence, np.arange(loci), prior=PRIOR, draws=399, key=key))
            truths.append(truth)
            shares.append((truth[:, 0], points[-1][:, :, 0]))
        distance = np.sqrt(0.5 * ((truths[0] - truths[1]) ** 2).sum(1))
        distances.append((distance, distance_draws(*points)))
    for pairs in (shares, distances):
        truth, drawn = (np.concatenate(part) for part in zip(*pairs, strict=True))
        assert held(truth, drawn, 0.9) == pytest.approx(0.9, abs=0.015)
        assert held(truth, drawn, 0.99) == pytest.approx(0.99, abs=0.006)


def test_the_oracle_agrees_with_plain_sums_for_two_reads() -> None:
    """A read of base 0 and one of base 1: weights of (0, 0), (1, 0), (0, 1), (1, 1) true ones."""
    (a, b), (c, d) = likelihood(10), likelihood(5)
    total = 4 * PRIOR
    weights = np.array([a * c, b * c * PRIOR / total, a * d * PRIOR / total, b * d * PRIOR**2 / total / (total + 1)])
    shares = np.array([PRIOR / total, (PRIOR + 1) / (total + 1), PRIOR / (total + 1), (PRIOR + 1) / (total + 2)])
    mean, _ = exact_moments(seen((0, 10, 1), (1, 5, 1)))
    assert mean[0] == pytest.approx((weights * shares).sum() / weights.sum())
    assert logsumexp(log_weights(seen((0, 10, 3))[0])) == pytest.approx(3 * math.log(a + b))
