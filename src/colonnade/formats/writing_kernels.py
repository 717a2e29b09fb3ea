"""Numbers, bytes and text into uint8 arrays, for BAM and what is written in its tags.

Each function returns the offset behind what it wrote. Constants that are passed to them are ``np.int64``: of a plain int Numba
compiles a version for each value.
"""

import numpy as np

from colonnade.formats.bases import REVERSE_COMPLEMENT_OF_PAIR
from colonnade.jit import kernel

NOWHERE = np.int64(-1)  # no contig, no position
NOTHING = np.int64(0)
UNPLACED_BIN = np.int64(4680)  # reg2bin(-1, 0) (SAM specification, section 4.2.1)


@kernel
def put_u8(out, at, value):
    """Write a byte."""
    out[at] = value
    return at + 1


@kernel
def put_u16(out, at, value):
    """Write the two low bytes of an integer, little-endian."""
    wide = np.int64(value)
    out[at] = wide & 255
    out[at + 1] = wide >> 8 & 255
    return at + 2


@kernel
def put_u32(out, at, value):
    """Write the four low bytes of an integer, little-endian; signed ones as two's complement."""
    wide = np.int64(value)
    out[at] = wide & 255
    out[at + 1] = wide >> 8 & 255
    out[at + 2] = wide >> 16 & 255
    out[at + 3] = wide >> 24 & 255
    return at + 4


@kernel
def put_bytes(out, at, data, start, end):
    """Copy data[start:end]."""
    source = data[start:end]
    target = out[at : at + end - start]  # loops over slices are compiled to vector code
    for i in range(source.size):
        target[i] = source[i]
    return at + end - start


@kernel
def put_reversed(out, at, data, start, length):
    """Write bytes, the last one first."""
    source = data[start : start + length]
    target = out[at : at + length]
    for i in range(length):
        target[i] = source[length - 1 - i]
    return at + length


@kernel
def put_reverse_complement(out, at, data, sequence, length):
    """Write the reverse complement of a sequence, 4 bits a base."""
    size = (length + 1) >> 1
    source = data[sequence : sequence + size]
    target = out[at : at + size]
    if length & 1 == 0:
        for i in range(size):
            target[i] = REVERSE_COMPLEMENT_OF_PAIR[source[size - 1 - i]]
        return at + size
    # The last byte has one base, in its high bits: each pair is of two bytes.
    for i in range(size):
        last = np.int64(source[size - 1 - i])
        before = np.int64(source[size - 2 - i]) if i + 1 < size else np.int64(0)
        target[i] = REVERSE_COMPLEMENT_OF_PAIR[(before << 4 & 240) | last >> 4]
    return at + size


@kernel
def put_number(out, at, number):
    """Write a number that is not negative, in decimal."""
    size = 1
    rest = number // 10
    while rest > 0:
        size += 1
        rest //= 10
    for i in range(size):
        out[at + size - 1 - i] = 48 + number % 10
        number //= 10
    return at + size


@kernel
def put_unaligned_head(out, at, size, name_length, flag, length):
    """Write what a BAM record without a place has before its name; ``size`` is that of the whole, block size included."""
    at = put_u32(out, at, size - 4)
    at = put_u32(out, at, NOWHERE)
    at = put_u32(out, at, NOWHERE)
    at = put_u8(out, at, name_length)
    at = put_u8(out, at, NOTHING)  # mapping quality
    at = put_u16(out, at, UNPLACED_BIN)
    at = put_u16(out, at, NOTHING)  # CIGAR
    at = put_u16(out, at, flag)
    at = put_u32(out, at, length)
    at = put_u32(out, at, NOWHERE)
    at = put_u32(out, at, NOWHERE)
    return put_u32(out, at, NOTHING)
