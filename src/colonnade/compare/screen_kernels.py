"""Is the distance of two compositions, given counts, surely below or surely above a threshold?"""

import numpy as np

from colonnade.jit import kernel

NO_DATA, NO_REFERENCE, BELOW_MIN_DEPTH, UNCHANGED, AMBIGUOUS, CHANGED, UNDECIDED = 0, 1, 2, 3, 4, 5, 6

POINTS = 4096  # of the lattice, and of each quantile table
# Generating vector of an embedded rank-1 lattice, first eight components (Cools, Kuo, Nuyens 2006, exod2_base2_m20).
GENERATOR = np.array([1, 182667, 469891, 498753, 110745, 446247, 250185, 118627], np.int64)
REPLICATES = np.array([1, 4, 16, 64], np.int64)
MARGINS = np.array([0.02, 0.008, 0.003, 0.0], np.float64)  # how near a threshold more replicates are asked for


@kernel
def _major(counts):
    best = 0
    for base in range(1, 4):
        if counts[base] > counts[best]:
            best = base
    return best


@kernel
def certify(counts_1, counts_2, confidence, near, far, min_depth, states):
    """Fill ``states`` (positions,) with what two bounds prove, or ``UNDECIDED``.

    With u and v one minus the share of the major base of each sample: the same major base gives distance <= max(u, v),
    different ones give distance >= 1 - u - v. ``near`` and ``far`` hold P(u < d) and P(u < (1 - d) / 2) by (minor, major) count;
    larger major counts only raise them.
    """
    top = near.shape[0] - 1
    for i in range(states.size):
        depth_1 = counts_1[i, 0] + counts_1[i, 1] + counts_1[i, 2] + counts_1[i, 3]
        depth_2 = counts_2[i, 0] + counts_2[i, 1] + counts_2[i, 2] + counts_2[i, 3]
        if depth_1 == 0 or depth_2 == 0:
            states[i] = NO_DATA
            continue
        if depth_1 < min_depth or depth_2 < min_depth:
            states[i] = BELOW_MIN_DEPTH
            continue
        states[i] = UNDECIDED
        major_1 = _major(counts_1[i])
        major_2 = _major(counts_2[i])
        minor_1 = depth_1 - counts_1[i, major_1]
        minor_2 = depth_2 - counts_2[i, major_2]
        if minor_1 > top or minor_2 > top:
            continue
        m_1 = min(counts_1[i, major_1], top)
        m_2 = min(counts_2[i, major_2], top)
        if major_1 == major_2:
            if near[minor_1, m_1] * near[minor_2, m_2] >= confidence:
                states[i] = UNCHANGED
        elif far[minor_1, m_1] * far[minor_2, m_2] >= confidence:
            states[i] = CHANGED


@kernel
def canonical_keys(counts_1, counts_2, rows, keys):
    """Fill ``keys`` (rows, 8) with the two count vectors in one order for all permutations of bases and both orders of samples."""
    pairs = np.empty((4, 2), np.int64)
    best = np.empty(8, np.int64)
    for k in range(rows.size):
        i = rows[k]
        for swapped in range(2):
            for base in range(4):
                pairs[base, 0] = counts_2[i, base] if swapped else counts_1[i, base]
                pairs[base, 1] = counts_1[i, base] if swapped else counts_2[i, base]
            for a in range(3):  # falling, by insertion
                for b in range(a + 1, 4):
                    if pairs[b, 0] > pairs[a, 0] or (pairs[b, 0] == pairs[a, 0] and pairs[b, 1] > pairs[a, 1]):
                        for side in range(2):
                            kept = pairs[a, side]
                            pairs[a, side] = pairs[b, side]
                            pairs[b, side] = kept
            larger = swapped == 0
            if swapped:
                for j in range(8):
                    value = pairs[j & 3, j >> 2]
                    if value != best[j]:
                        larger = value > best[j]
                        break
            if larger:
                for j in range(8):
                    best[j] = pairs[j & 3, j >> 2]
        for j in range(8):
            keys[k, j] = best[j]


@kernel
def _fill_quantiles(shape, normal, row):
    """Quantiles of a gamma distribution of large shape (Wilson and Hilferty 1931)."""
    spread = 1.0 / np.sqrt(9.0 * shape)
    centre = 1.0 - 1.0 / (9.0 * shape)
    for point in range(normal.size):
        row[point] = shape * (centre + spread * normal[point]) ** 3


@kernel
def _mix(value):
    value = np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((value ^ (value >> np.uint64(29))) >> np.uint64(40))


@kernel
def _share_below(rows, squared, shifts):
    """Share of the lattice's points at which half the squared distance of the two compositions is below ``squared``."""
    mask = POINTS - 1
    below = 0
    for point in range(POINTS):
        a0 = rows[0, (point * GENERATOR[0] + shifts[0]) & mask]
        a1 = rows[1, (point * GENERATOR[1] + shifts[1]) & mask]
        a2 = rows[2, (point * GENERATOR[2] + shifts[2]) & mask]
        a3 = rows[3, (point * GENERATOR[3] + shifts[3]) & mask]
        b0 = rows[4, (point * GENERATOR[4] + shifts[4]) & mask]
        b1 = rows[5, (point * GENERATOR[5] + shifts[5]) & mask]
        b2 = rows[6, (point * GENERATOR[6] + shifts[6]) & mask]
        b3 = rows[7, (point * GENERATOR[7] + shifts[7]) & mask]
        a = 1.0 / (a0 + a1 + a2 + a3)
        b = 1.0 / (b0 + b1 + b2 + b3)
        d0 = a0 * a - b0 * b
        d1 = a1 * a - b1 * b
        d2 = a2 * a - b2 * b
        d3 = a3 * a - b3 * b
        if d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3 < 2.0 * squared:
            below += 1
    return below


@kernel
def probabilities_below(keys, distance, low, high, prior, table, normal, result):
    """Fill ``result`` with P(distance of two compositions < ``distance``) for keys (n, 8) of counts.

    The compositions are Dirichlet(counts + prior). Integrated over a lattice through gamma quantiles (``table``, one row per
    count, ``POINTS`` wide), in more shifted replicates the nearer the result is to the thresholds ``low`` and ``high``.
    A pure function of each key.
    """
    rows = np.empty((8, POINTS))
    shifts = np.empty(8, np.int64)
    for k in range(keys.shape[0]):
        for j in range(8):
            count = keys[k, j]
            if count < table.shape[0]:
                rows[j] = table[count]
            else:
                _fill_quantiles(count + prior, normal, rows[j])
        below = 0
        done = 0
        for stage in range(REPLICATES.size):
            while done < REPLICATES[stage]:
                for j in range(8):
                    shifts[j] = _mix(8 * done + j + 1) if done else 0
                below += _share_below(rows, distance * distance, shifts)
                done += 1
            result[k] = below / (done * POINTS)
            if min(abs(result[k] - low), abs(result[k] - high)) > MARGINS[stage]:
                break
