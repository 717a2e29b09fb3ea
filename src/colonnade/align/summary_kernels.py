"""Counting what final records say."""

import numpy as np

from colonnade.align.bounds_kernels import LONGEST_READ
from colonnade.align.record_kernels import BASES, FIRST, ITEMS, PAIRED, PROPER, QUALITY, UNMAPPED, flag_of, sequence_of
from colonnade.formats.integers_kernels import read_i32, read_u16
from colonnade.formats.tags_kernels import tag_end
from colonnade.jit import kernel

_X, _T = (np.uint8(letter) for letter in b"XT")
_RESCUED = np.uint8(ord("M"))  # value of XT of a mate that Smith-Waterman has found (bwape.c)


@kernel
def count_records(data, records, kept, confident):
    """Counts of reads, those aligned, confident, too long, and kept; of pairs, and proper ones; of rescued mates.

    Parameters
    ----------
    data, records
        Uint8 bytes of final records, and int64 (reads + 1,) where each begins and the last one ends.
    kept
        Bool (reads,): those that stay as they were; they count as reads, and as nothing else.
    confident
        Mapping quality from which on a place counts as sure.
    """
    n_kept = n_aligned = n_confident = n_too_long = n_pairs = n_proper = n_rescued = 0
    for read in range(kept.size):
        record = records[read]
        if kept[read]:
            n_kept += 1
            continue
        flag = flag_of(data, record)
        if flag & PAIRED and flag & FIRST:
            n_pairs += 1
            n_proper += 1 if flag & PROPER else 0
        n_too_long += read_i32(data, record + BASES) > LONGEST_READ
        if flag & UNMAPPED == 0:
            n_aligned += 1
            n_confident += data[record + QUALITY] >= confident
            n_rescued += 1 if flag & PAIRED and is_rescued(data, record, records[read + 1]) else 0
    return kept.size, n_aligned, n_confident, n_too_long, n_kept, n_pairs, n_proper, n_rescued


@kernel
def is_rescued(data, record, end):
    """Whether its tag XT says that a record was found by the place of its mate."""
    bases = read_i32(data, record + BASES)
    tag = sequence_of(data, record) + 4 * read_u16(data, record + ITEMS) + (bases + 1) // 2 + bases
    while tag < end:
        if data[tag] == _X and data[tag + 1] == _T:
            return data[tag + 3] == _RESCUED
        tag = tag_end(data, tag, end)
    return False
