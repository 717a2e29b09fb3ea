"""Segments of the reads of a section."""

from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.pileup import segments_kernels as kernels
from colonnade.records.batch import RecordBatch
from colonnade.regions import Region

ALL_STATES: Final = kernels.Wanted(deletions=True, skips=True, no_span=False, empty=True)


def find_segments(batch: RecordBatch, region: Region, wanted: kernels.Wanted) -> npt.NDArray[np.void]:
    """Runs of columns of a region in which a read is in the same state: array of ``SEGMENT``, in the order of the records."""
    segments = np.empty(int(batch.records["n_cigar"].sum(dtype=np.int64)) + len(batch), kernels.SEGMENT)
    filled = kernels.find_segments(batch.data, batch.records, region.start, region.end, wanted, segments)
    return segments[:filled]


def reach_of(segments: npt.NDArray[np.void]) -> int:
    """The end of the columns of segments and of the deletions that follow them, at least 0."""
    ends = segments["start"] + segments["length"] + segments["deletion"]
    return int(ends.max(initial=0))
