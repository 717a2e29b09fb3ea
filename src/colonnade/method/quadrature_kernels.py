"""P(distance of two compositions < d), given counts of any number of categories, by integration over fixed points."""

import numpy as np

from colonnade.jit import kernel
from colonnade.method.random_kernels import GOLDEN, mix

NAMED = 4  # categories that the innermost loop names
DIMENSIONS = 8  # that have an order of visits of their own


def latin_hypercube(points):
    """Order in which dimensions visit the entries of tables of so many quantiles: (DIMENSIONS, points), fixed for all platforms.

    Random permutations (McKay, Beckman, Conover 1979), by sorting SplitMix64. No key does much worse than with independent points;
    a rank-1 lattice does better on average and 2.5 times as bad on some keys.
    """
    z = np.arange(1, DIMENSIONS * points + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort((z ^ (z >> np.uint64(31))).reshape(DIMENSIONS, points), axis=1).astype(np.int32)


@kernel
def _fill_quantiles(shape, normal, row):
    """Quantiles of a gamma distribution of large shape (Wilson and Hilferty 1931)."""
    spread = 1.0 / np.sqrt(9.0 * shape)
    centre = 1.0 - 1.0 / (9.0 * shape)
    for point in range(normal.size):
        row[point] = shape * (centre + spread * normal[point]) ** 3


@kernel
def _shift(replicate, dimension, categories, points):
    """How far a replicate moves the points of a dimension; those that share an order of visits are apart, but for rare chances."""
    if replicate == 0 and dimension < DIMENSIONS:
        return 0
    # A weaker hash gives shifts that all lie on one line.
    return np.int64(mix(np.uint64(2 * categories * replicate + dimension + 1) * GOLDEN) >> np.uint64(40)) % points


@kernel
def _fill_row(count, dimension, prior, normal, visits, quantiles, row):
    """Fill ``row`` (2 points) with gamma quantiles of a large count as the table has those of small ones."""
    points = normal.size
    _fill_quantiles(count + prior, normal, quantiles)
    for point in range(points):
        row[point] = quantiles[visits[dimension % DIMENSIONS, point]]
    row[points:] = row[:points]


@kernel
def _variates(counts, dimension, replicate, prior, table, normal, visits, rows):
    """Gamma variates (points,) of one dimension in a replicate: those of the first sample's categories, then the second's.

    Large counts of named categories are in the first ``rows`` already, those of others go through the ninth.
    """
    points = normal.size
    categories = counts.shape[0]
    side = dimension // categories
    category = dimension - side * categories
    count = counts[category, side]
    shift = _shift(replicate, dimension, categories, points)
    if count < table.shape[1]:
        return table[dimension % DIMENSIONS, count, shift : shift + points]
    row = rows[2 * min(category, NAMED) + side]
    if category >= NAMED:
        _fill_row(count, dimension, prior, normal, visits, rows[rows.shape[0] - 1, :points], row)
    return row[shift : shift + points]


@kernel
def _add_category(one, two, sums):
    """Add the gamma variates of one category of both samples to ``sums`` (5, points): both totals, squares and products."""
    for point in range(one.size):
        a = one[point]
        b = two[point]
        sums[0, point] += a
        sums[1, point] += b
        sums[2, point] += a * a
        sums[3, point] += b * b
        sums[4, point] += a * b


@kernel
def _count_below(squared, a0, a1, a2, a3, b0, b1, b2, b3, sums):
    """At how many points two compositions have a squared distance (not halved) below ``squared``.

    Four categories by name, any others in ``sums``: a loop that stores nothing is one that becomes vector instructions.
    """
    one = np.float32(1.0)
    two = np.float32(2.0)
    below = 0
    for point in range(a0.size):
        a = one / (sums[0, point] + a0[point] + a1[point] + a2[point] + a3[point])
        b = one / (sums[1, point] + b0[point] + b1[point] + b2[point] + b3[point])
        d0 = a0[point] * a - b0[point] * b
        d1 = a1[point] * a - b1[point] * b
        d2 = a2[point] * a - b2[point] * b
        d3 = a3[point] * a - b3[point] * b
        others = (sums[2, point] * a - two * sums[4, point] * b) * a + sums[3, point] * b * b
        below += others + d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3 < squared
    return below


@kernel
def _probability_below(counts, distance, low, high, replicates, margins, prior, table, normal, visits, rows, sums):
    """Integral over as many replicates of the hypercube as the nearness of ``low`` and ``high`` asks for."""
    n = counts.shape[0]
    one = np.int64(0)  # where each sample's dimensions begin
    two = np.int64(n)
    for category in range(min(n, NAMED)):
        for side in range(2):
            if counts[category, side] >= table.shape[1]:
                row = rows[2 * category + side]
                spare = rows[rows.shape[0] - 1, : normal.size]
                _fill_row(counts[category, side], side * n + category, prior, normal, visits, spare, row)
    nothing = np.zeros(normal.size, np.float32)
    below = 0
    done = 0
    share = 0.0
    for stage in range(replicates.size):
        while done < replicates[stage]:
            if n > NAMED:
                sums[:] = 0.0
            for category in range(NAMED, n):
                a = _variates(counts, one + category, done, prior, table, normal, visits, rows)
                b = _variates(counts, two + category, done, prior, table, normal, visits, rows)
                _add_category(a, b, sums)
            a0 = _variates(counts, one, done, prior, table, normal, visits, rows)
            a1 = _variates(counts, one + 1, done, prior, table, normal, visits, rows)
            a2 = _variates(counts, one + 2, done, prior, table, normal, visits, rows) if n > 2 else nothing
            a3 = _variates(counts, one + 3, done, prior, table, normal, visits, rows) if n > 3 else nothing
            b0 = _variates(counts, two, done, prior, table, normal, visits, rows)
            b1 = _variates(counts, two + 1, done, prior, table, normal, visits, rows)
            b2 = _variates(counts, two + 2, done, prior, table, normal, visits, rows) if n > 2 else nothing
            b3 = _variates(counts, two + 3, done, prior, table, normal, visits, rows) if n > 3 else nothing
            below += _count_below(np.float32(2.0 * distance * distance), a0, a1, a2, a3, b0, b1, b2, b3, sums)
            done += 1
        share = below / (done * normal.size)
        if min(abs(share - low), abs(share - high)) > margins[stage]:
            break
    return share


@kernel
def probabilities_below(counts, distance, low, high, replicates, margins, prior, table, normal, visits, result):
    """Fill ``result`` (n,) with P(distance of two compositions < ``distance``) for ``counts`` (n, categories, 2).

    The compositions are Dirichlet(counts + prior). Integrated over a Latin hypercube (``visits``) through gamma quantiles in the
    order of its visits (``table``, float32 (DIMENSIONS, counts, 2 points), each twice over; ``normal``, quantiles of the normal
    distribution, for counts beyond it), in ``replicates`` that rise as long as the result is within ``margins`` of ``low`` or
    ``high``. A pure function of the counts.
    """
    points = normal.size
    rows = np.empty((2 * NAMED + 3, 2 * points), np.float32)
    sums = np.zeros((5, points), np.float32)
    for k in range(counts.shape[0]):
        result[k] = _probability_below(
            counts[k], distance, low, high, replicates, margins, prior, table, normal, visits, rows, sums
        )
