"""Is the strand of a read independent of its base, in two samples at once: an exact conditional test.

A 2x2 table is four counts (a, b, c, d): bases that rise, on forward and on reverse reads, then bases that fall. Weights are
probabilities relative to the most probable table of the same margins, found by stepping outwards from it: exact at any depth.
"""

import numpy as np

from colonnade.jit import kernel

AS_PROBABLE = 1.0 + 1e-7  # tables this much more probable than the observed one count as equal, as in R's fisher.test
NEGLIGIBLE = 1e-22  # weight, relative to the observed one, at which tails end
LEAST = 1e-280  # observed weights below this are not resolved: p is far below any threshold


@kernel
def strand_p_values(counts_1, counts_2, p_values):
    """Fill ``p_values`` (loci,), given base counts (loci, 4, 2 strands) of two samples."""
    for i in range(p_values.size):
        gains = _gains(counts_1[i], counts_2[i])
        first = _collapse(counts_1[i], gains)
        second = _collapse(counts_2[i], gains)
        p_values[i] = np.nan
        if _has_both_strands(first) or _has_both_strands(second):
            p_values[i] = _joint_p_value(_smaller(first, second), _larger(first, second))


@kernel
def _gains(counts_1, counts_2):
    """By how much the share of each base rises, times both depths: integers, so that ties are exact."""
    gains = np.empty(4, np.int64)
    for base in range(4):
        gains[base] = counts_2[base].sum() * counts_1.sum() - counts_1[base].sum() * counts_2.sum()
    return gains


@kernel
def _collapse(counts, gains):
    """The 2x2 table of the bases that rise and fall by at least half of what the foremost one does.

    In the one of its four orders of rows and columns that comes first: of no consequence but for rounding, so that the same
    question gets the same bits.
    """
    highest = gains.max()
    lowest = gains.min()
    a = b = c = d = 0
    for base in range(4):
        if gains[base] > 0 and gains[base] >= highest - gains[base]:
            a += counts[base, 0]
            b += counts[base, 1]
        elif gains[base] < 0 and gains[base] <= lowest - gains[base]:
            c += counts[base, 0]
            d += counts[base, 1]
    return _smaller(_smaller((a, b, c, d), (b, a, d, c)), _smaller((c, d, a, b), (d, c, b, a)))


@kernel
def _smaller(table, other):
    return table if table <= other else other


@kernel
def _larger(table, other):
    return other if table <= other else table


@kernel
def _has_both_strands(table):
    a, b, c, d = table
    return a + c > 0 and b + d > 0


@kernel
def _most_probable(table):
    """The mode of the hypergeometric distribution of tables with the same margins."""
    a, b, c, d = table
    mode = (a + b + 1) * (a + c + 1) // (a + b + c + d + 2)
    return mode, a + b - mode, a + c - mode, d - a + mode


@kernel
def _observed_weight(table):
    a, b, c, d = _most_probable(table)
    steps = table[0] - a
    if steps < 0:
        a, b, c, d = b, a, d, c
    weight = 1.0
    for _ in range(abs(steps)):
        a, b, c, d, weight = _step(a, b, c, d, weight)
        if weight < LEAST:
            break
    return weight


@kernel
def _step(a, b, c, d, weight):
    """The next table with more on the diagonal a, d, and its weight."""
    return a + 1, b - 1, c - 1, d + 1, weight * (float(b) * c / (float(a + 1) * (d + 1)))


@kernel
def _tail(a, b, c, d, least):
    """Weights from a table on, outwards, that are at least ``least``."""
    weights = np.empty(min(b, c) + 1)
    weight = 1.0
    n = 0
    while weight >= least:
        weights[n] = weight
        n += 1
        a, b, c, d, weight = _step(a, b, c, d, weight)
    return weights[:n]


@kernel
def _weights(table, least):
    """Weights of all tables of the same margins that are at least ``least``, rising."""
    a, b, c, d = _most_probable(table)
    weights = np.concatenate((_tail(a, b, c, d, least), _tail(b, a, d, c, least)[1:]))
    weights.sort()
    return weights


@kernel
def _joint_p_value(first, second):
    """Probability of all pairs of tables that are no more probable than the observed pair."""
    observed = _observed_weight(first) * _observed_weight(second)
    if observed < LEAST:
        return 0.0
    weights_1 = _weights(first, observed * NEGLIGIBLE)
    weights_2 = _weights(second, observed * NEGLIGIBLE)
    cumulated = np.cumsum(weights_2)
    limit = observed * AS_PROBABLE
    extreme = 0.0
    total = 0.0
    for weight in weights_1:
        n = np.searchsorted(weights_2, limit / weight, side="right")
        if n > 0:
            extreme += weight * cumulated[n - 1]
        total += weight * cumulated[-1]
    return extreme / total
