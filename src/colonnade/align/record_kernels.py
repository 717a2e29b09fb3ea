"""Where the fields of an unaligned BAM record are (SAM specification, section 4.2), its block size counted, and its bases."""

import numpy as np

from colonnade.formats.bases import AMBIGUOUS, BASE_OF_CODE
from colonnade.jit import kernel

CONTIG, POSITION, NAME_LENGTH, QUALITY, BIN, ITEMS, FLAG, BASES, NAME = 4, 8, 12, 13, 14, 16, 18, 20, 36


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
