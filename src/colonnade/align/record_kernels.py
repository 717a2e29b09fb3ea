"""Where the fields of a BAM record are (SAM specification, section 4.2), its block size counted."""

import numpy as np

from colonnade.jit import kernel

CONTIG, POSITION, NAME_LENGTH, QUALITY, BIN, ITEMS, FLAG, BASES, NAME = 4, 8, 12, 13, 14, 16, 18, 20, 36


@kernel
def sequence_of(data, record):
    """Where the bases of an unaligned record begin, which has no CIGAR before them."""
    return record + NAME + np.int64(data[record + NAME_LENGTH])
