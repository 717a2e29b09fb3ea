"""Records of one file and region: the inflated bytes, and where in them each part of each record is."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

#: One checked record. Positions are 0-based, ``end`` is exclusive; name, cigar, seq and qual are offsets into the bytes.
RECORD: Final = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("name", np.int64),
        ("cigar", np.int64),
        ("seq", np.int64),
        ("qual", np.int64),
        ("template_length", np.int32),
        ("next_start", np.int32),
        ("next_contig", np.int32),
        ("n_cigar", np.int32),
        ("l_seq", np.int32),
        ("contig", np.int32),
        ("flag", np.uint16),
        ("mapq", np.uint8),
        ("l_name", np.uint8),
    ],
    align=True,
)


@dataclass(frozen=True)
class RecordBatch:
    """Checked records in coordinate order.

    Parameters
    ----------
    data
        uint8, inflated BAM records. Qualities in it are changed in place when mates are resolved.
    records
        Array of ``RECORD``.
    """

    data: npt.NDArray[np.uint8]
    records: npt.NDArray[np.void]

    def __len__(self) -> int:
        return len(self.records)

    def overlapping(self, start: int, end: int) -> "RecordBatch":
        """The records that may overlap [start, end): a slice, wide enough to hold them all."""
        first = np.searchsorted(np.maximum.accumulate(self.records["end"]), start, side="right")
        last = np.searchsorted(self.records["start"], end, side="left")
        return RecordBatch(self.data, self.records[first:last])
