"""Histograms of the distance of two compositions, and the mixture of true distances that explains many of them."""

import numpy as np

from colonnade.compare.random_kernels import next_uniform, stream
from colonnade.jit import kernel

ROUNDING = 1e-12  # more than sums of shares can be off by; distances are 0-1


@kernel
def find_low(key, rows, start, below, low, priorities):
    """Fill ``low`` and ``priorities`` with the rows whose priority is under ``below``, in their order; returns how many.

    The priority, in (0, 1), is a function of key and position (row + ``start``), the same whenever it is asked for.
    """
    n = 0
    for row in rows:
        priority = next_uniform(stream(key, row + start))[1]
        if priority < below:
            low[n] = row
            priorities[n] = priority
            n += 1
    return n


@kernel
def _contrast(points_1, points_2):
    """The category whose mean rises most from draws (draws, categories) of one sample to those of the other, and least."""
    rises = np.zeros(points_1.shape[1])
    for i in range(points_1.shape[0]):
        for o in range(rises.size):
            rises[o] += points_2[i, o] - points_1[i, o]
    return np.argmax(rises), np.argmin(rises)


@kernel
def _count_near(points_1, points_2, i, projected, limit, squares, counts):
    """Move the pairs of draw ``i`` that may not be in the top bin from there to their bins."""
    draws, categories = points_2.shape
    top = squares.size - 1
    for k in range(projected.size):
        if projected[k] <= limit:
            j = (i + k) % draws
            total = 0.0
            for o in range(categories):
                difference = points_1[i, o] - points_2[j, o]
                total += difference * difference
            b = top
            while b > 0 and total <= squares[b]:
                b -= 1
            counts[top] -= 1
            counts[b] += 1


@kernel
def count_distances(points_1, points_2, edges, pairings, counts):
    """Fill ``counts`` (loci, bins) with how many pairs of draws (loci, draws, categories) have a distance in each bin.

    Draw i is paired with draws i, i + 1, ... of the other sample, ``pairings`` in all: the samples are independent, so each
    pairing is as good as the first. ``edges`` (bins,) are the lower edges, from 0 up; a distance on an edge is below it.

    Most pairs are far above the last edge, and one number tells so. Let r be the difference of two compositions, and a and b
    two categories: D² = ½ Σ r² ≥ ½ (r_a² + r_b²) ≥ ¼ (r_a - r_b)². So D is above the edge where r_a - r_b, which is
    the difference of the contrast θ_a - θ_b, is above twice the edge; only the other pairs need all categories.
    """
    squares = 2.0 * edges * edges
    top = edges.size - 1
    far = 2.0 * edges[top] + ROUNDING
    draws = points_1.shape[1]
    contrast_1 = np.empty(draws)
    contrast_2 = np.empty(draws + pairings - 1)  # its beginning again at its end
    for locus in range(counts.shape[0]):
        one, two = points_1[locus], points_2[locus]
        a, b = _contrast(one, two)
        for i in range(draws):
            contrast_1[i] = one[i, a] - one[i, b]
        for i in range(contrast_2.size):
            contrast_2[i] = two[i % draws, a] - two[i % draws, b]
        counts[locus] = 0
        counts[locus, top] = draws * pairings
        if contrast_2.min() - contrast_1.max() > far:
            continue
        for i in range(draws):
            limit = contrast_1[i] + far
            near = 0
            for k in range(i, i + pairings):
                near += contrast_2[k] <= limit
            if near > 0:
                _count_near(one, two, i, contrast_2[i : i + pairings], limit, squares, counts[locus])


@kernel
def fit_shares(likelihoods, weights, prior, most_steps, settled, shares):
    """Fill ``shares`` (bins,) with those of a mixture, by expectation-maximisation from ``prior`` (bins,); returns its steps.

    Each row of ``likelihoods`` (loci, bins) stands for ``weights`` (loci,) loci; one more locus follows ``prior``, so no share
    falls to 0. It ends when no share changes by more than a part ``settled`` of itself in a step. Sums run in the order of
    loci: a matrix product may add in another order on another number of threads.
    """
    shares[:] = prior
    gathered = np.empty(shares.size)
    for step in range(most_steps):
        gathered[:] = prior
        for locus in range(weights.size):
            total = 0.0
            for b in range(shares.size):
                total += likelihoods[locus, b] * shares[b]
            scale = weights[locus] / total
            for b in range(shares.size):
                gathered[b] += scale * likelihoods[locus, b] * shares[b]
        gathered /= gathered.sum()
        change = np.max(np.abs(gathered - shares) / shares)
        shares[:] = gathered
        if change <= settled:
            return step + 1
    return most_steps
