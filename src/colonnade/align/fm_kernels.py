"""The FM-index: where the rows of an interval go when a base is put before what they spell.

Rows are those of the suffix array of the genome, its reverse complement behind it, and the end of text. An interval of rows is
[start, end). The text has ``length`` bases; row ``primary`` holds the end of text, which the stored bases leave out, so that row
``r`` has its base at place ``r - (r > primary)``.

A block is 64 bytes, one cache line, for 128 bases: four counts, one of each base, and two planes of bits. A count is the first row
of all that begins with its base, plus how often the base stands before the block.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from colonnade.jit import kernel

BLOCK_SHIFT = 7  # 128 bases
BLOCK_WORDS = 8
HIGH_PLANE, LOW_PLANE = 4, 6  # words of a block: counts of A, C, G, T; high bits of its bases; low bits

# As unsigned numbers, for words and for places in the array of blocks: those need no look at whether they are negative.
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
U0, U1, U2, U3, U4, U5, U6, U7, U63 = (np.uint64(number) for number in (0, 1, 2, 3, 4, 5, 6, 7, 63))


class FmIndex(NamedTuple):
    """What searching needs of a genome."""

    blocks: np.ndarray  # uint64 (blocks * BLOCK_WORDS,)
    primary: int
    length: int  # bases of both strands


if config.DISABLE_JIT:

    def popcount(word):
        """How many bits are set."""
        return int(word).bit_count()

    def prefetch(array, index):
        """Nothing to do without a compiler."""

else:

    @intrinsic
    def popcount(_typing, _word):
        """How many bits of a uint64 are set."""

        def emit(_context, builder, _signature, arguments):
            return builder.ctpop(arguments[0])

        return types.int64(types.uint64), emit

    @intrinsic
    def prefetch(_typing, array, index):
        """Ask for the cache line of an element that will be read soon."""

        def emit(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
            number = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
            function = builder.module.globals.get("llvm.prefetch.p0i8") or ir.Function(
                builder.module, kind, "llvm.prefetch.p0i8"
            )
            builder.call(function, [place, number(0), number(3), number(1)])
            return context.get_dummy_value()

        return types.void(array, index), emit


@kernel
def block_of(fm, row):
    """Where the block of a row begins in ``fm.blocks``."""
    return np.uint64(row - (row > fm.primary)) >> U7 << U3


@kernel
def _before(fm, row):
    """Where the block of a row begins, and which bits of its two words stand before the row."""
    place = np.uint64(row - (row > fm.primary))
    bits = (U1 << (place & U63)) - U1
    is_second = U0 - (place >> U6 & U1)  # all bits or none, as no branch would be guessed well
    return place >> U7 << U3, bits | is_second, bits & is_second


@kernel
def step_all(fm, row):
    """Where a bound of an interval goes, for each of the four bases."""
    blocks = fm.blocks
    word, first, second = _before(fm, row)
    high1 = blocks[word + U4] & first
    high2 = blocks[word + U5] & second
    low1 = blocks[word + U6] & first
    low2 = blocks[word + U7] & second
    t = popcount(high1 & low1) + popcount(high2 & low2)
    g = popcount(high1 & ~low1) + popcount(high2 & ~low2)
    c = popcount(low1 & ~high1) + popcount(low2 & ~high2)
    a = popcount(first & ~(high1 | low1)) + popcount(second & ~(high2 | low2))
    return (
        np.int64(blocks[word]) + a,
        np.int64(blocks[word + U1]) + c,
        np.int64(blocks[word + U2]) + g,
        np.int64(blocks[word + U3]) + t,
    )


@kernel
def step(fm, row, base):
    """Where a bound of an interval goes, for one base (0 to 3)."""
    blocks = fm.blocks
    word, first, second = _before(fm, row)
    high = np.uint64(base >> 1) - U1
    low = np.uint64(base & 1) - U1
    first &= (blocks[word + U4] ^ high) & (blocks[word + U6] ^ low)
    second &= (blocks[word + U5] ^ high) & (blocks[word + U7] ^ low)
    return np.int64(blocks[word + np.uint64(base)]) + popcount(first) + popcount(second)


@kernel
def base_of(fm, row):
    """The base (0 to 3) that stands before what a row spells; not for the row ``primary``, which has none."""
    place = np.uint64(row - (row > fm.primary))
    word = (place >> U7 << U3) + (place >> U6 & U1)
    bit = place & U63
    high = fm.blocks[word + U4] >> bit & U1
    low = fm.blocks[word + U6] >> bit & U1
    return np.int64(high << U1 | low)
