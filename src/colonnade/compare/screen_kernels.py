"""Is the distance of two compositions, given counts, surely below or surely above a threshold?"""

import numpy as np

from colonnade.jit import kernel

NO_DATA, NO_REFERENCE, BELOW_MIN_DEPTH, UNCHANGED, AMBIGUOUS, CHANGED, UNDECIDED = 0, 1, 2, 3, 4, 5, 6

POINTS = 4096  # of the Latin hypercube, and of each quantile table
REPLICATES = np.array([1, 4, 16, 64], np.int64)
# How near a threshold more replicates are asked for where thresholds are 0.01 and 0.99 (wider in proportion for those nearer
# to 0.5). With the 0.001 that is allowed, each is more than 5 standard errors of the worst keys (validation/screen.py).
MARGINS = np.array([0.007, 0.004, 0.0015, 0.0], np.float64)
PROBES = 8  # slots of the memory that a key may take


def _permutations():
    """Order in which the hypercube visits the entries of the quantile tables: (8, POINTS), fixed for all platforms.

    Random permutations (McKay, Beckman, Conover 1979), by sorting SplitMix64. No key does much worse than with independent points;
    a rank-1 lattice does better on average and 2.5 times as bad on some keys.
    """
    z = np.arange(1, 8 * POINTS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort((z ^ (z >> np.uint64(31))).reshape(8, POINTS), axis=1).astype(np.int32)


VISITS = _permutations()


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
def mark_counts(counts_1, counts_2, rows, marked):
    """Set ``marked`` at each count that occurs in ``rows`` of either sample; counts beyond its end are left out."""
    for row in rows:
        for base in range(4):
            if counts_1[row, base] < marked.size:
                marked[counts_1[row, base]] = True
            if counts_2[row, base] < marked.size:
                marked[counts_2[row, base]] = True


@kernel
def _order(first, second, pairs, key):
    """Fill ``key`` (8,) with the counts of two samples (4,), bases in falling order of (first, second)."""
    for base in range(4):
        pairs[base, 0] = first[base]
        pairs[base, 1] = second[base]
    for a in range(3):
        for b in range(a + 1, 4):
            if pairs[b, 0] > pairs[a, 0] or (pairs[b, 0] == pairs[a, 0] and pairs[b, 1] > pairs[a, 1]):
                for side in range(2):
                    kept = pairs[a, side]
                    pairs[a, side] = pairs[b, side]
                    pairs[b, side] = kept
    for j in range(8):
        key[j] = pairs[j & 3, j >> 2]


@kernel
def canonical_key(counts_1, counts_2, pairs, other, key):
    """Fill ``key`` (8,) with two count vectors in one order for all permutations of bases and both orders of samples.

    ``pairs`` (4, 2) and ``other`` (8,) are scratch.
    """
    _order(counts_1, counts_2, pairs, key)
    _order(counts_2, counts_1, pairs, other)
    for j in range(8):
        if other[j] != key[j]:
            if other[j] > key[j]:
                key[:] = other
            return


@kernel
def _fill_quantiles(shape, normal, row):
    """Quantiles of a gamma distribution of large shape (Wilson and Hilferty 1931)."""
    spread = 1.0 / np.sqrt(9.0 * shape)
    centre = 1.0 - 1.0 / (9.0 * shape)
    for point in range(normal.size):
        row[point] = shape * (centre + spread * normal[point]) ** 3


@kernel
def _mix(value):
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a weaker hash gives shifts that all lie on one line."""
    z = np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(40))


@kernel
def _fill_rows(key, prior, table, normal, spare, rows, held):
    """Fill ``rows`` (8, 2 * POINTS) with gamma quantiles in the order of visits, twice over; ``held`` (8,) says what is there."""
    for j in range(8):
        count = key[j]
        if held[j] == count:
            continue
        held[j] = count
        if count < table.shape[0]:
            quantiles = table[count]
        else:
            _fill_quantiles(count + prior, normal, spare)
            quantiles = spare
        for point in range(POINTS):
            rows[j, point] = quantiles[VISITS[j, point]]
        rows[j, POINTS:] = rows[j, :POINTS]


@kernel
def _count_below(rows, squared, shifts):
    """At how many points, rows moved by ``shifts``, two compositions have a squared distance (not halved) below ``squared``."""
    row_0 = rows[0, shifts[0] : shifts[0] + POINTS]
    row_1 = rows[1, shifts[1] : shifts[1] + POINTS]
    row_2 = rows[2, shifts[2] : shifts[2] + POINTS]
    row_3 = rows[3, shifts[3] : shifts[3] + POINTS]
    row_4 = rows[4, shifts[4] : shifts[4] + POINTS]
    row_5 = rows[5, shifts[5] : shifts[5] + POINTS]
    row_6 = rows[6, shifts[6] : shifts[6] + POINTS]
    row_7 = rows[7, shifts[7] : shifts[7] + POINTS]
    below = 0
    for point in range(POINTS):
        a = 1.0 / (row_0[point] + row_1[point] + row_2[point] + row_3[point])
        b = 1.0 / (row_4[point] + row_5[point] + row_6[point] + row_7[point])
        d0 = row_0[point] * a - row_4[point] * b
        d1 = row_1[point] * a - row_5[point] * b
        d2 = row_2[point] * a - row_6[point] * b
        d3 = row_3[point] * a - row_7[point] * b
        below += d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3 < squared
    return below


@kernel
def _probability_below(rows, distance, low, high, shifts):
    """Integral over as many replicates of the hypercube as the nearness of ``low`` and ``high`` asks for."""
    below = 0
    done = 0
    share = 0.0
    wider = max(1.0, np.sqrt(low * (1.0 - low) / (0.01 * 0.99)))
    for stage in range(REPLICATES.size):
        while done < REPLICATES[stage]:
            for j in range(8):
                shifts[j] = _mix(8 * done + j + 1) & (POINTS - 1) if done else 0
            below += _count_below(rows, 2.0 * distance * distance, shifts)
            done += 1
        share = below / (done * POINTS)
        if min(abs(share - low), abs(share - high)) > wider * MARGINS[stage]:
            break
    return share


@kernel
def probabilities_below(keys, distance, low, high, prior, table, normal, result):
    """Fill ``result`` with P(distance of two compositions < ``distance``) for keys (n, 8) of counts.

    The compositions are Dirichlet(counts + prior). Integrated over a Latin hypercube through gamma quantiles (``table``, a row per
    count, ``POINTS`` wide), in more shifted replicates the nearer the result is to the thresholds ``low`` and ``high``.
    A pure function of each key.
    """
    rows = np.empty((8, 2 * POINTS))
    spare = np.empty(POINTS)
    held = np.full(8, -1, np.int64)
    shifts = np.empty(8, np.int64)
    for k in range(keys.shape[0]):
        _fill_rows(keys[k], prior, table, normal, spare, rows, held)
        result[k] = _probability_below(rows, distance, low, high, shifts)


@kernel
def _find(known_keys, known_states, key):
    """The slot of ``key``, else a slot that it may take; and whether it was found."""
    mask = known_states.size - 1
    first = np.uint64(0)
    for j in range(8):
        first = (first ^ np.uint64(key[j])) * np.uint64(0x9E3779B97F4A7C15)
        first ^= first >> np.uint64(32)
    home = np.int64(first) & mask
    for probe in range(PROBES):
        slot = (home + probe) & mask
        if known_states[slot] == NO_DATA:
            return slot, False
        same = True
        for j in range(8):
            same &= known_keys[slot, j] == key[j]
        if same:
            return slot, True
    return home, False


@kernel
def decide(counts_1, counts_2, open_rows, distance, confidence, prior, table, normal, known_keys, known_states, states):
    """Fill ``states`` at ``open_rows`` by ``probabilities_below``, asked once per canonical key that the memory holds.

    ``known_keys`` (slots, 8) and ``known_states`` (slots,) are the memory, slots a power of two, ``NO_DATA`` where empty. It is
    compared by whole keys, and a full neighbourhood gives up its first slot, so it changes the cost and never the answer.
    """
    low = 1.0 - confidence
    key = np.empty(8, np.int64)
    other = np.empty(8, np.int64)
    pairs = np.empty((4, 2), np.int64)
    rows = np.empty((8, 2 * POINTS))
    spare = np.empty(POINTS)
    held = np.full(8, -1, np.int64)
    shifts = np.empty(8, np.int64)
    for row in open_rows:
        canonical_key(counts_1[row], counts_2[row], pairs, other, key)
        slot, found = _find(known_keys, known_states, key)
        if not found:
            _fill_rows(key, prior, table, normal, spare, rows, held)
            below = _probability_below(rows, distance, low, confidence, shifts)
            known_keys[slot] = key
            known_states[slot] = CHANGED if below <= low else UNCHANGED if below >= confidence else AMBIGUOUS
        states[row] = known_states[slot]
