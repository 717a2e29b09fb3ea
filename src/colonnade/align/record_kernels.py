"""Where the fields of a BAM record are (SAM specification, section 4.2), its block size counted, its flags, and its bases."""

import numpy as np

from colonnade.formats.bases import AMBIGUOUS, BASE_OF_CODE
from colonnade.formats.integers_kernels import read_u16
from colonnade.jit import kernel

CONTIG, POSITION, NAME_LENGTH, QUALITY, BIN, ITEMS, FLAG, BASES, MATE_CONTIG, MATE_POSITION, TEMPLATE_LENGTH, NAME = (
    np.int64(offset) for offset in (4, 8, 12, 13, 14, 16, 18, 20, 24, 28, 32, 36)
)

# Flags (SAM specification, section 1.4). The two mates of a pair follow each other, PAIRED, one of them FIRST and the other LAST.
# A record that is FIRST or LAST but not PAIRED has lost its mate.
PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE, FIRST, LAST = (np.int64(1 << bit) for bit in range(8))
SECONDARY, QCFAIL, DUPLICATE, SUPPLEMENTARY = (np.int64(1 << bit) for bit in range(8, 12))

# Marks of our own, in bits of the flag that SAM does not use; final records have none. A record that is KEPT goes through as it
# is, place and all; one that is PASSED is not searched for, and stays unaligned.
KEPT, PASSED = np.int64(1 << 15), np.int64(1 << 14)

FNV_BASIS, FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a of 64 bits


@kernel
def flag_of(data, record):
    """Flag of a record, marks and all."""
    return read_u16(data, record + FLAG)


@kernel
def is_mate(data, record):
    """Whether a record is one of two mates that follow each other."""
    return flag_of(data, record) & (PAIRED | KEPT) == PAIRED


@kernel
def hash_bytes(data, start, end):
    """FNV-1a of data[start:end], uint64."""
    code = FNV_BASIS
    for i in range(start, end):
        code = np.uint64((code ^ np.uint64(data[i])) * FNV_PRIME)
    return code


@kernel
def sequence_of(data, record):
    """Where the bases of an unaligned record begin, which has no CIGAR before them."""
    return record + NAME + np.int64(data[record + NAME_LENGTH])


@kernel
def read_bases(data, sequence, length, reverse, bases):
    """Fill ``bases`` with the first ``length`` of a record's sequence, reverse-complemented if ``reverse``."""
    for i in range(length):
        base = BASE_OF_CODE[data[sequence + (i >> 1)] >> (0 if i & 1 else 4) & 15]
        if reverse:
            bases[length - 1 - i] = base if base == AMBIGUOUS else 3 - base
        else:
            bases[i] = base
