"""What bounds prove of the distance of two compositions, given counts; keys of what they leave; a memory of keys."""

import numpy as np

from colonnade.jit import kernel

# States. Those from UNCHANGED on are of positions that are compared; the first three stand in for a major base (0-3), the larger
# one winning where the samples' differ.
BELOW_MIN_DEPTH, NO_DATA, NO_REFERENCE, UNCHANGED, AMBIGUOUS, CHANGED, UNDECIDED = 4, 5, 6, 7, 8, 9, 10
EMPTY = 0  # in the memory of keys

STRETCH = 4096  # positions of all samples at a time
DISTANCE_UNITS = np.float32(1 << 30)  # integers add up to the same in any order
PROBES = 8  # slots of the memory that a key may take


@kernel
def _major(counts):
    best = 0
    for base in range(1, 4):
        if counts[base] > counts[best]:
            best = base
    return best


@kernel
def _describe(counts, near, far, min_depth, without, majors, nears, fars, shares):
    """What the screen needs of one sample at some positions: its major bases, its bounds, and observed shares (4, positions).

    ``near`` and ``far`` hold P(u < d) and P(u < (1 - d) / 2) by (minor, major) count, u one minus the share of the major base;
    larger major counts only raise them. Positions that cannot be compared have a state in place of the major base: ``without``
    where there is no base at all.
    """
    top = near.shape[0] - 1
    for i in range(counts.shape[0]):
        major = _major(counts[i])
        depth = counts[i, 0] + counts[i, 1] + counts[i, 2] + counts[i, 3]
        minor = depth - counts[i, major]
        if minor > top:
            nears[i] = fars[i] = 0.0
        else:
            column = min(counts[i, major], top)
            nears[i] = near[minor, column]
            fars[i] = far[minor, column]
        majors[i] = major if depth >= min_depth else BELOW_MIN_DEPTH if depth else without
        scale = np.float32(1.0) / np.float32(max(depth, 1))
        for base in range(4):
            shares[base, i] = counts[i, base] * scale


@kernel
def _certify(majors_1, nears_1, fars_1, majors_2, nears_2, fars_2, confidence, states):
    """What two bounds prove, or ``UNDECIDED``; returns how many positions are compared.

    With u and v one minus the share of the major base of each sample: the same major base gives distance <= max(u, v),
    different ones give distance >= 1 - u - v.
    """
    tested = 0
    for i in range(states.size):
        one = majors_1[i]
        two = majors_2[i]
        worse = max(one, two)
        same = one == two
        bound = nears_1[i] * nears_2[i] if same else fars_1[i] * fars_2[i]
        proven = UNCHANGED if same else CHANGED
        states[i] = worse if worse > 3 else proven if bound >= confidence else UNDECIDED
        tested += worse <= 3
    return tested


@kernel
def _add_distances(shares_1, shares_2, states):
    """Sum over compared positions of the distance of observed compositions, in units of 1 / ``DISTANCE_UNITS``."""
    total = np.int64(0)
    for i in range(states.size):
        d0 = shares_1[0, i] - shares_2[0, i]
        d1 = shares_1[1, i] - shares_2[1, i]
        d2 = shares_1[2, i] - shares_2[2, i]
        d3 = shares_1[3, i] - shares_2[3, i]
        distance = np.int64(np.sqrt(np.float32(0.5) * (d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3)) * DISTANCE_UNITS)
        total += distance if states[i] >= UNCHANGED else 0
    return total


@kernel
def certify(counts, pairs, reference, start, window, confidence, near, far, min_depth, states, sums):
    """Screen positions by bounds, and gather what the windows show, some positions of all samples at a time.

    Parameters
    ----------
    counts
        int32 (samples, positions, 4).
    pairs
        int64 (comparisons, 2): indices of samples.
    reference
        Index of the sample that is the reference, or -1.
    start, window
        Position of the first row on its contig, and how many positions a window has; windows begin at multiples of it.
    confidence, near, far, min_depth
        As in ``Screen``.
    states
        int8 (comparisons, positions), filled.
    sums
        int64 (comparisons, windows, 2): compared positions, and the sum of their distances.
    """
    n_samples, n, _ = counts.shape
    majors = np.empty((n_samples, STRETCH), np.int8)
    nears = np.empty((n_samples, STRETCH), np.float32)
    fars = np.empty((n_samples, STRETCH), np.float32)
    shares = np.empty((n_samples, 4, STRETCH), np.float32)
    row = 0
    while row < n:
        number = (start + row) // window
        stop = min(n, row + STRETCH, (number + 1) * window - start)
        m = stop - row
        for sample in range(n_samples):
            without = NO_REFERENCE if sample == reference else NO_DATA
            some = counts[sample, row:stop]
            _describe(some, near, far, min_depth, without, majors[sample], nears[sample], fars[sample], shares[sample])
        for k in range(pairs.shape[0]):
            one, two = pairs[k]
            found = states[k, row:stop]
            here = sums[k, number - start // window]
            here[0] += _certify(
                majors[one, :m], nears[one], fars[one], majors[two, :m], nears[two], fars[two], confidence, found
            )
            here[1] += _add_distances(shares[one], shares[two], found)
        row = stop


@kernel
def _sorted_pairs(first, second):
    """The counts of each base in two samples, packed into one integer each, in falling order."""
    a = np.int64(first[0]) << 32 | np.int64(second[0])
    b = np.int64(first[1]) << 32 | np.int64(second[1])
    c = np.int64(first[2]) << 32 | np.int64(second[2])
    d = np.int64(first[3]) << 32 | np.int64(second[3])
    a, b = max(a, b), min(a, b)
    c, d = max(c, d), min(c, d)
    a, c = max(a, c), min(a, c)
    b, d = max(b, d), min(b, d)
    b, c = max(b, c), min(b, c)
    return a, b, c, d


@kernel
def canonical_key(counts_1, counts_2, key):
    """Fill ``key`` (8,) with two count vectors in one order for all permutations of bases and both orders of samples."""
    pairs = _sorted_pairs(counts_1, counts_2)
    other = _sorted_pairs(counts_2, counts_1)
    if other > pairs:
        pairs = other
    for base in range(4):
        key[base] = pairs[base] >> 32
        key[base + 4] = pairs[base] & 0xFFFFFFFF


@kernel
def canonical_keys(counts_1, counts_2, rows, keys):
    """Fill ``keys`` (rows, 8) with the canonical keys of some rows of two samples' counts (positions, 4)."""
    for i in range(rows.size):
        canonical_key(counts_1[rows[i]], counts_2[rows[i]], keys[i])


@kernel
def _hash(key):
    value = np.uint64(0)
    for j in range(key.size):
        value = (value ^ np.uint64(key[j])) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(32)
    return np.int64(value >> np.uint64(1))


@kernel
def _is_same(one, other):
    for j in range(one.size):
        if one[j] != other[j]:
            return False
    return True


@kernel
def number_keys(keys, slots, numbers, firsts):
    """Number distinct keys by first appearance: fill ``numbers`` (keys,) and ``firsts``, where each is first; returns how many.

    ``slots`` (a power of two more than there are keys) is filled with -1.
    """
    mask = slots.size - 1
    distinct = 0
    for i in range(keys.shape[0]):
        slot = _hash(keys[i]) & mask
        while slots[slot] >= 0 and not _is_same(keys[firsts[slots[slot]]], keys[i]):
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = distinct
            firsts[distinct] = i
            distinct += 1
        numbers[i] = slots[slot]
    return distinct


@kernel
def _find(known_keys, known_states, key):
    """The slot of ``key``, else a slot that it may take; and whether it was found."""
    mask = known_states.size - 1
    home = _hash(key) & mask
    for probe in range(PROBES):
        slot = (home + probe) & mask
        if known_states[slot] == EMPTY:
            return slot, False
        if _is_same(known_keys[slot], key):
            return slot, True
    return home, False


@kernel
def recall(known_keys, known_states, keys, states):
    """Fill ``states`` (keys,) with those remembered, or ``UNDECIDED``.

    ``known_keys`` (slots, 8) and ``known_states`` (slots,) are the memory, slots a power of two. It is compared by whole keys,
    and a full neighbourhood gives up its first slot, so it changes the cost and never the answer.
    """
    for i in range(states.size):
        slot, found = _find(known_keys, known_states, keys[i])
        states[i] = known_states[slot] if found else UNDECIDED


@kernel
def remember(known_keys, known_states, keys, states):
    """Put keys and their states into the memory."""
    for i in range(states.size):
        slot = _find(known_keys, known_states, keys[i])[0]
        known_keys[slot] = keys[i]
        known_states[slot] = states[i]
