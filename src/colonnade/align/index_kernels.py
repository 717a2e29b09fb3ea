"""From bwa's blocks of the FM-index to those that searching uses; the sampled suffix array."""

from typing import NamedTuple

import numpy as np

from colonnade.align.fm_kernels import BLOCK_SHIFT, BLOCK_WORDS, HIGH_PLANE, LOW_PLANE, popcount
from colonnade.jit import kernel

BLOCK_BASES = 1 << BLOCK_SHIFT
BLOCK_BYTES = 8 * BLOCK_WORDS  # of bwa's blocks, too

_RAW_BASES = 4  # first of the words that hold bases, behind four counts

_EVEN_BITS = np.uint64(0x5555555555555555)
_PAIRS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x00FF00FF00FF00FF)
_QUARTERS = np.uint64(0x0000FFFF0000FFFF)
_HALF = np.uint64(0x00000000FFFFFFFF)

_1, _2, _4, _8, _16, _32 = (np.uint64(1 << power) for power in range(6))


class Suffixes(NamedTuple):
    """Where in the text the suffixes of some rows begin."""

    samples: np.ndarray  # int64: of the rows 0, interval, 2 * interval, ...; -1 of row 0, which is the end of text
    interval: int


@kernel
def repack(raw, bases, first_rows, counts, blocks):
    """Turn blocks of a ``.bwt`` file into blocks of an FmIndex.

    Parameters
    ----------
    raw
        uint64 (blocks * BLOCK_WORDS,): as in the file, four counts and 128 bases in 2 bits each; a pair of 32-bit words to
        an element, the first base of each in its highest bits (``bwt_bwtupdate_core``, bwtindex.c).
    bases
        How many bases there are from the first of these blocks on; those behind are zero.
    first_rows
        int64 (4,): the first of all rows that begin with each base.
    counts
        int64 (4,): of each base before these blocks; left as those behind them.
    blocks
        uint64, like ``raw``: to be filled.

    Returns
    -------
    The first block whose counts are not those of the bases before it, or the number of blocks if all are right.
    """
    n_blocks = raw.size // BLOCK_WORDS
    for block in range(n_blocks):
        word = block * BLOCK_WORDS
        for base in range(4):
            if np.int64(raw[word + base]) != counts[base]:
                return block
            blocks[word + base] = np.uint64(counts[base] + first_rows[base])
        c = g = t = 0
        for half in range(2):
            first = _bases_ascending(raw[word + _RAW_BASES + 2 * half])
            second = _bases_ascending(raw[word + _RAW_BASES + 2 * half + 1])
            low = _even_bits(first) | _even_bits(second) << _32
            high = _even_bits(first >> _1) | _even_bits(second >> _1) << _32
            blocks[word + HIGH_PLANE + half] = high
            blocks[word + LOW_PLANE + half] = low
            both = popcount(high & low)
            t += both
            g += popcount(high) - both
            c += popcount(low) - both
        counts[0] += min(max(bases - block * BLOCK_BASES, 0), BLOCK_BASES) - c - g - t
        counts[1] += c
        counts[2] += g
        counts[3] += t
    return n_blocks


@kernel
def _bases_ascending(word):
    """Reverse the sixteen pairs of bits in each half, so that the first base is in the lowest bits."""
    word = (word >> _2) & _PAIRS | (word & _PAIRS) << _2
    word = (word >> _4) & _NIBBLES | (word & _NIBBLES) << _4
    word = (word >> _8) & _BYTES | (word & _BYTES) << _8
    return (word >> _16) & _QUARTERS | (word & _QUARTERS) << _16


@kernel
def _even_bits(word):
    """Every second bit, side by side in the lower half."""
    word &= _EVEN_BITS
    word = (word | word >> _1) & _PAIRS
    word = (word | word >> _2) & _NIBBLES
    word = (word | word >> _4) & _BYTES
    word = (word | word >> _8) & _QUARTERS
    return (word | word >> _16) & _HALF
