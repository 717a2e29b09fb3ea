"""Segments of the reads of a section, or a clear word on the record that has none."""

from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import FormatError
from colonnade.pileup import segments_kernels as kernels
from colonnade.records.batch import RecordBatch
from colonnade.regions import Region

ALL_STATES: Final = kernels.Wanted(deletions=True, skips=True, no_span=False)


def find_segments(
    batch: RecordBatch, region: Region, wanted: kernels.Wanted, *, path: str
) -> npt.NDArray[np.void]:
    """Runs of columns of a region in which a read is in the same state: array of ``SEGMENT``, in the order of the records.

    Raises
    ------
    FormatError
        A CIGAR has an operation without length.
    """
    records = batch.records
    segments = np.empty(int(records["n_cigar"].sum(dtype=np.int64)) + len(records), kernels.SEGMENT)
    filled = kernels.find_segments(batch.data, records, region.start, region.end, wanted, segments)
    if filled < 0:
        record = records[-1 - filled]
        name = batch.data[record["name"] : record["name"] + record["l_name"] - 1].tobytes().decode(errors="replace")
        raise FormatError(
            "a CIGAR has an operation of length 0",
            path=path,
            place=f"read {name} at {region.contig}:{record['start'] + 1}",
            expected="lengths of 1 or more",
            advice="align or write the reads again with a tool that leaves empty operations out",
        )
    return segments[:filled]


def reach_of(segments: npt.NDArray[np.void]) -> int:
    """The end of the columns of segments and of the deletions that follow them, at least 0."""
    ends = segments["start"] + segments["length"] + segments["deletion"]
    return int(ends.max(initial=0))
