"""Histograms of the distance of two compositions, and the mixture of true distances that explains many of them."""

import numpy as np

from colonnade.jit import kernel
from colonnade.method.random_kernels import next_uniform, stream

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
def _foremost(points_1, points_2):
    """The base whose mean rises most from draws (n, 4) of one sample to those of the other, and the one that rises least."""
    rises = np.zeros(4)
    for i in range(points_1.shape[0]):
        for o in range(4):
            rises[o] += points_2[i, o] - points_1[i, o]
    return np.argmax(rises), np.argmin(rises)


@kernel
def _fill_contrasts(points, up, down, contrasts):
    """Fill ``contrasts`` (n,) with the share of base ``up`` less that of ``down`` in ``points`` (draws, 4), over and over."""
    i = 0
    for k in range(contrasts.size):
        contrasts[k] = points[i, up] - points[i, down]
        i = i + 1 if i + 1 < points.shape[0] else 0


@kernel
def _fill_shares(points, shares):
    """Fill ``shares`` (4, n) with ``points`` (draws, 4), over and over."""
    i = 0
    for k in range(shares.shape[1]):
        for o in range(4):
            shares[o, k] = points[i, o]
        i = i + 1 if i + 1 < points.shape[0] else 0


@kernel
def _count_up_to(values, most):
    """How many values do not exceed ``most``."""
    n = 0
    for k in range(values.size):
        n += np.int64(values[k] <= most)
    return n


@kernel
def _fill_squares(point, a, c, g, t, totals):
    """Fill ``totals`` (n,) with the squared distances (not halved) of ``point`` (4,) to compositions of these shares (n,) each.

    Bases by name: such a loop becomes vector instructions.
    """
    point_a, point_c, point_g, point_t = point[0], point[1], point[2], point[3]
    for k in range(totals.size):
        da = point_a - a[k]
        dc = point_c - c[k]
        dg = point_g - g[k]
        dt = point_t - t[k]
        totals[k] = da * da + dc * dc + dg * dg + dt * dt


@kernel
def count_distances(points_1, points_2, edges, pairings, counts):
    """Fill ``counts`` (loci, bins) with how many pairs of draws (loci, draws, 4) have a distance in each bin.

    Draw i is paired with draws i, i + 1, ... of the other sample, ``pairings`` in all: the samples are independent, so each
    pairing is as good as the first. ``edges`` (bins,) are the lower edges, from 0 up; a distance on an edge is below it.

    Most pairs are far above the last edge, and one number tells so. Let r be the difference of two compositions, and a and b
    two bases: D² = ½ Σ r² ≥ ½ (r_a² + r_b²) ≥ ¼ (r_a - r_b)². So D is above the edge where r_a - r_b, the difference of
    the contrasts θ_a - θ_b, is above twice the edge; only draws with a pair where it is not need all bases.
    """
    draws = points_1.shape[1]
    squares = 2.0 * edges * edges
    top = edges.size - 1
    far = 2.0 * edges[top] + ROUNDING
    contrasts_1 = np.empty(draws)
    contrasts_2 = np.empty(draws + pairings - 1)
    shares = np.empty((4, contrasts_2.size))
    totals = np.empty(pairings)
    up_to = np.zeros(edges.size + 1, np.int64)  # pairs that are no further apart than each edge; all, at the end
    for locus in range(counts.shape[0]):
        one, two = points_1[locus], points_2[locus]
        up, down = _foremost(one[:pairings], two[:pairings])
        _fill_contrasts(one, up, down, contrasts_1)
        _fill_contrasts(two, up, down, contrasts_2)
        up_to[: top + 1] = 0
        up_to[top + 1] = draws * pairings
        if contrasts_2.min() - contrasts_1.max() <= far:
            _fill_shares(two, shares)
            a, c, g, t = shares[0], shares[1], shares[2], shares[3]
            for i in range(draws):
                end = i + pairings
                if _count_up_to(contrasts_2[i:end], contrasts_1[i] + far) == 0:
                    continue
                _fill_squares(one[i], a[i:end], c[i:end], g[i:end], t[i:end], totals)
                for b in range(top, 0, -1):
                    n = _count_up_to(totals, squares[b])
                    if n == 0:
                        break
                    up_to[b] += n
        counts[locus] = np.diff(up_to)


@kernel
def fit_shares(likelihoods, weights, prior, steps, shares):
    """Fill ``shares`` (bins,) with those of a mixture, by expectation-maximisation from ``prior`` (bins,).

    Each row of ``likelihoods`` (loci, bins) stands for ``weights`` (loci,) loci; one more locus follows ``prior``, so no share
    falls to 0. Sums run in the order of loci: a matrix product may add in another order on another number of threads.
    """
    shares[:] = prior
    gathered = np.empty(shares.size)
    for _ in range(steps):
        gathered[:] = prior
        for locus in range(weights.size):
            total = 0.0
            for b in range(shares.size):
                total += likelihoods[locus, b] * shares[b]
            scale = weights[locus] / total
            for b in range(shares.size):
                gathered[b] += scale * likelihoods[locus, b] * shares[b]
        shares[:] = gathered / gathered.sum()
