"""Overlapping mates, resolved so that no template counts twice at a position."""

from typing import Final

import numpy as np

from colonnade.records import overlap_kernels as kernels
from colonnade.records.batch import RecordBatch

#: Quality that marks a base for which the read's mate answers: it counts nowhere, not even as low quality.
DROPPED: Final = kernels.DROPPED

#: Largest quality that a base can have after its mate agreed with it.
MAX_QUALITY: Final = kernels.MAX_SUM

#: How far before a region records are loaded, so that mates are resolved the same wherever regions are cut.
LOOK_BACK: Final = 2048


def resolve_overlaps(batch: RecordBatch, *, proper_only: bool = False) -> int:
    """Leave each template one base per position, in place, as htslib does where two mates overlap.

    The better (or, where both agree, one chosen by the name's hash) keeps a changed quality; the other gets ``DROPPED``, where
    htslib writes 0. Mates of which one has no sequence are left alone.

    Parameters
    ----------
    batch
        Records in coordinate order; reads without qualities must have been given some.
    proper_only
        Only mates flagged as a proper pair, as htslib; else all mapped mates.

    Returns
    -------
    int
        How many pairs of mates were resolved.
    """
    n = len(batch)
    heads = np.full(1 << max(4, (2 * n).bit_length()), -1, np.int32)
    scratch = np.full(n, -1, np.int32), np.zeros(n, np.uint32), np.zeros(n, np.int64), np.zeros(n, np.bool_)
    return int(kernels.resolve_overlaps(batch.data, batch.records, proper_only, heads, *scratch))
