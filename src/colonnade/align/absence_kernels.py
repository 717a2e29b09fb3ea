"""Reads that have no hit, found out faster than by a search for hits: foreign DNA is most of what old bones give.

Parts of a read of which the genome has nothing with one difference or none have two at least. The bounds that follow from this are
higher than those of the search, which only asks for parts without any difference, so less remains to be looked at. They hold until
a hit is found; where one may be, the search itself has to decide.
"""

import numpy as np

from colonnade.align.fm_kernels import base_of, block_of, prefetch, step, step_all
from colonnade.jit import kernel

MOST_STATES = 2048  # partial alignments at a time
MOST_WORK = 1 << 14  # in all, beyond which the read is searched
MOST_CHILDREN = 8  # of a partial alignment
MATCH, INSERTION, DELETION = (np.int64(kind) for kind in range(3))
OPENS, KIND = (
    np.int64(8),
    np.int64(16),
)  # in the marks of a partial alignment, behind its differences: gaps, and in what it ends
NO_BASE = np.int64(4)
NONE = np.int64(0)


@kernel
def is_hopeless(fm, codes, length, bound, most, most_opens, margin, bounds, states):
    """Whether a read has more than ``most`` differences wherever it lies.

    A difference is a base that is another one, is inserted, or is deleted.

    Parameters
    ----------
    fm
        The index of both strands.
    codes
        uint8: bases of the read's reverse complement.
    length
        How many there are.
    bound
        Parts of the read that the genome does not have, as many as there are.
    most
        Differences that are allowed.
    most_opens
        Gaps that are allowed.
    margin
        Bases at both ends of the read that no gap is in.
    bounds
        int64 (length,): scratch.
    states
        int64 (2, MOST_STATES, 3): scratch.
    """
    if 2 * bound < most:
        return False
    told = tighten(fm, codes, length, most, most_opens > 0, bounds, states[0])
    return told > most or (told == most and not may_lie(fm, codes, length, most, most_opens, margin, bounds, states))


@kernel
def tighten(fm, codes, length, most, has_gaps, bounds, kept):
    """Bound the differences of each part that the read begins with, in ``bounds``; returns that of the read, or more than ``most``.

    The read is cut into parts that the genome does not have with one difference or none.
    """
    told = NONE
    lo, hi = NONE, np.int64(fm.length + 1)  # of a part without a difference
    size = NONE  # of its intervals with one
    for j in range(length):
        base = 3 - np.int64(codes[j]) if codes[j] < 4 else NO_BASE
        going_on = NONE
        for at in range(size):
            low, high = follow(fm, kept[at, 0], kept[at, 1], base)
            if low < high:
                kept[going_on, 0] = low
                kept[going_on, 1] = high
                going_on += 1
                prefetch(fm.blocks, block_of(fm, low))
                prefetch(fm.blocks, block_of(fm, high))
        size = going_on
        if lo < hi:
            if size + MOST_CHILDREN > MOST_STATES:
                return NONE
            size = branch(fm, lo, hi, base, has_gaps, kept, size)
            lo, hi = follow(fm, lo, hi, base)
        if size == 0 and lo >= hi:
            told += 2
            lo, hi = NONE, np.int64(fm.length + 1)
        bounds[j] = told + (lo >= hi)
        if bounds[j] > most:
            break
    return bounds[j]


@kernel
def follow(fm, lo, hi, base):
    """The interval of a part that is longer by one base; empty if there is none, as for ``NO_BASE``."""
    if base == NO_BASE:
        return NONE, NONE
    if hi - lo > 1:
        return step(fm, lo, base), step(fm, hi, base)
    if lo == fm.primary or base_of(fm, lo) != base:
        return NONE, NONE
    low = step(fm, lo, base)
    return low, low + 1


@kernel
def branch(fm, lo, hi, base, has_gaps, kept, size):
    """Add what a part becomes if it goes on with a difference; returns how many intervals there are."""
    if has_gaps:
        kept[size, 0] = lo
        kept[size, 1] = hi
        size += 1
    lows, highs = step_all(fm, lo), step_all(fm, hi)
    for other in range(4):
        low, high = lows[other], highs[other]
        if low >= high:
            continue
        if other != base:
            kept[size, 0] = low
            kept[size, 1] = high
            size += 1
        if has_gaps:
            low, high = follow(fm, low, high, base)
            if low < high:
                kept[size, 0] = low
                kept[size, 1] = high
                size += 1
    return size


@kernel
def may_lie(fm, codes, length, most, most_opens, margin, bounds, states):
    """Whether the read lies anywhere with the differences allowed; also True where that takes too long to tell.

    Partial alignments go from the end of the read to its start, all of them base by base.
    """
    work = NONE
    size = keep(fm, states, NONE, NONE, NONE, np.int64(fm.length + 1), NONE)
    now = NONE
    for left in range(length - 1, -1, -1):
        base = np.int64(codes[left]) if codes[left] < 4 else NO_BASE
        allowed = most - (bounds[left - 1] if left > 0 else NONE)  # behind this base
        allowed_here = most - bounds[left]  # before it, as what is deleted is; no more than behind it
        takes_gaps = left >= margin and length - left >= margin
        following, n_following, at = 1 - now, NONE, NONE
        while at < size:
            if max(n_following, size) + MOST_CHILDREN > MOST_STATES:
                return True
            lo, hi, marks = states[now, at, 0], states[now, at, 1], states[now, at, 2]
            used, opens, kind = marks & 255, marks >> OPENS & 255, marks >> KIND
            at += 1
            if used <= allowed:
                low, high = follow(fm, lo, hi, base)
                if low < high:
                    n_following = keep(fm, states, following, n_following, low, high, used | opens << OPENS)
            if used >= allowed:
                continue
            has_gap = takes_gaps and (kind != MATCH or opens < most_opens)
            gap = used + 1 | (opens + (kind == MATCH)) << OPENS
            if has_gap and kind != DELETION:
                n_following = keep(fm, states, following, n_following, lo, hi, gap | INSERTION << KIND)
            lows, highs = step_all(fm, lo), step_all(fm, hi)
            for other in range(4):
                low, high = lows[other], highs[other]
                if low < high and other != base:
                    n_following = keep(fm, states, following, n_following, low, high, used + 1 | opens << OPENS)
                if low < high and has_gap and kind != INSERTION and used < allowed_here:
                    size = keep(fm, states, now, size, low, high, gap | DELETION << KIND)
        work += size
        if work > MOST_WORK:
            return True
        size, now = n_following, following
    return size > 0


@kernel
def keep(fm, states, level, count, lo, hi, marks):
    """Add a partial alignment; returns how many there are."""
    states[level, count, 0] = lo
    states[level, count, 1] = hi
    states[level, count, 2] = marks
    prefetch(fm.blocks, block_of(fm, lo))
    prefetch(fm.blocks, block_of(fm, hi))
    return count + 1
