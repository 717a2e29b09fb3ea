"""Integration over pairs of compositions of any number of categories, held against plain sampling."""

import numpy as np
import pytest
from numpy.typing import NDArray

from colonnade.method.quadrature import Quadrature
from colonnade.method.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED

Counts = NDArray[np.int64]


def sampled(counts: Counts, distance: float, prior: float, points: int = 100_000) -> float:
    """P(distance < ``distance``) of counts (categories, 2) by plain sampling."""
    rng = np.random.default_rng([5, *counts.ravel().tolist()])
    gammas = rng.standard_gamma(counts[:, :, np.newaxis] + prior, (*counts.shape, points))
    shares = gammas / gammas.sum(axis=0)
    return float((((shares[:, 0] - shares[:, 1]) ** 2).sum(axis=0) < 2 * distance**2).mean())


def random_counts(rng: np.random.Generator, categories: int, depth: int) -> Counts:
    """Two samples, (categories, 2), not far apart."""
    first = rng.dirichlet([0.5] * categories)
    second = first + (rng.dirichlet([0.5] * categories) - first) * rng.choice([0.0, 0.1, 0.3])
    return np.stack([rng.multinomial(depth, first), rng.multinomial(depth, second)], axis=1)


@pytest.mark.parametrize("categories", [2, 3, 4, 5, 12, 29, 32, 33, 64])
@pytest.mark.parametrize("depth", [6, 600, 300_000])
def test_probabilities_are_those_of_plain_sampling(categories: int, depth: int) -> None:
    rng = np.random.default_rng([categories, depth])
    counts = np.stack([random_counts(rng, categories, depth) for _ in range(8)])
    distance = 0.2 if depth < 100 else 0.05  # at 600 counts are on both sides of the end of the table
    found = Quadrature(min_distance=distance, confidence=0.99, prior=0.1).probabilities(counts)
    truth = np.array([sampled(key, distance, 0.1) for key in counts])
    assert abs(found - truth).max() < 0.02
    near = np.minimum(abs(truth - 0.99), abs(truth - 0.01)) < 0.01
    assert abs(found - truth)[near].max(initial=0) < 0.002


@pytest.mark.parametrize("prior", [0.001, 10.0])
def test_other_priors_too(prior: float) -> None:
    rng = np.random.default_rng(2)
    counts = np.stack([random_counts(rng, 5, 30) for _ in range(10)])
    found = Quadrature(min_distance=0.2, confidence=0.99, prior=prior).probabilities(counts)
    truth = np.array([sampled(key, 0.2, prior) for key in counts])
    assert abs(found - truth).max() < 0.02


@pytest.mark.parametrize("confidence", [0.6, 0.95, 0.99, 0.999])
def test_the_first_look_gives_the_states_of_the_whole_integral(confidence: float) -> None:
    rng = np.random.default_rng(3)
    counts = np.stack([random_counts(rng, 4, int(depth)) for depth in rng.integers(5, 300, 3000)])
    quadrature = Quadrature(min_distance=0.2, confidence=confidence, prior=0.1)
    states = quadrature.states(counts)
    assert np.array_equal(states, quadrature.states_of(quadrature.probabilities(counts)))
    assert {UNCHANGED, AMBIGUOUS, CHANGED} == set(states.tolist())


@pytest.mark.parametrize("categories", [3, 7])
def test_large_counts_go_on_where_the_table_ends(categories: int) -> None:
    counts = np.zeros((3, categories, 2), np.int64)
    counts[:, 0], counts[:, 1] = [[254, 300], [255, 300], [256, 300]], 40
    below = Quadrature(min_distance=0.05, confidence=0.99, prior=0.1).probabilities(counts)
    assert abs(np.diff(below)).max() < 0.02
    assert abs(below[2] - sampled(counts[2], 0.05, 0.1)) < 0.02


def test_nothing_asked_is_nothing_answered() -> None:
    quadrature = Quadrature(min_distance=0.2, confidence=0.99, prior=0.1)
    assert quadrature.states(np.zeros((0, 4, 2), np.int64)).tolist() == []
