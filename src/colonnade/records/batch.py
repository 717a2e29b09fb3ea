"""Records of one sample and region: the inflated bytes, and where in them each part of each record is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.records import batch_kernels as kernels

#: One checked record. Positions are 0-based, ``end`` is exclusive; name, cigar, seq and qual are offsets into the bytes;
#: ``ordinal`` counts the records of a stream. Where a mate changed the base after a deletion or skip too late for some columns,
#: ``gap_query`` is that base, ``gap_quality`` the quality it has in columns before ``gap_until`` (0 elsewhere). ``refused`` marks a
#: record that htslib's depth limit keeps out.
RECORD: Final = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("ordinal", np.int64),
        ("gap_until", np.int64),
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
        ("gap_query", np.int32),
        ("flag", np.uint16),
        ("file", np.uint16),
        ("mapq", np.uint8),
        ("l_name", np.uint8),
        ("gap_quality", np.uint8),
        ("refused", np.bool_),
    ],
    align=True,
)

NO_MORE: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class RecordBatch:
    """Checked records of one contig in coordinate order.

    Parameters
    ----------
    data
        uint8, bytes of BAM records. Qualities in it are changed in place when mates are resolved.
    records
        Array of ``RECORD``; ``contig`` and ``next_contig`` count in the header of the record's file, ``file`` counts the files
        of the sample.
    complete
        Position below which no later batch of the same stream has a record; ``NO_MORE`` in the last.
    whole
        Whether records that are taken elsewhere keep all their bytes, tags too.
    """

    data: npt.NDArray[np.uint8]
    records: npt.NDArray[np.void]
    complete: int = 0
    whole: bool = False

    def __len__(self) -> int:
        return len(self.records)

    @classmethod
    def empty(cls) -> "RecordBatch":
        """A batch without records."""
        return cls(np.empty(0, np.uint8), new_records(0))

    def taken(self, chosen: npt.NDArray[np.bool_] | slice) -> "RecordBatch":
        """Some of the records with bytes of their own: names, CIGARs, sequences and qualities, and the rest only if ``whole``."""
        records = self.records[chosen].copy()
        data = np.empty(kernels.packed_size(self.data, records, self.whole), np.uint8)
        kernels.pack_records(self.data, records, self.whole, data)
        return RecordBatch(data, records, whole=self.whole)

    def without(self, left_out: npt.NDArray[np.bool_]) -> "RecordBatch":
        """The other records, on the same bytes."""
        if not left_out.any():
            return self
        return replace(self, records=self.records[~left_out])

    def ordered(self, chosen: npt.NDArray[np.bool_] | slice = slice(None)) -> "RecordBatch":
        """Some of the records, on the same bytes, by start; of those that start together, the earlier one comes first."""
        records = self.records[chosen]
        return replace(self, records=records[np.argsort(records["start"], kind="stable")])

    @classmethod
    def concatenated(cls, batches: Sequence["RecordBatch"]) -> "RecordBatch":
        """Batches as one, their records one after the other."""
        offsets = np.cumsum([0] + [len(batch.data) for batch in batches])
        parts = [batch.records.copy() for batch in batches]
        for part, offset in zip(parts, offsets[:-1], strict=True):
            for name in ("name", "cigar", "seq", "qual"):
                part[name] += offset
        data = np.concatenate([batch.data for batch in batches])
        return cls(data, np.concatenate(parts), whole=all(batch.whole for batch in batches))

    def overlapping(self, start: int, end: int) -> "RecordBatch":
        """The records that may overlap [start, end): a slice, wide enough to hold them all."""
        first = np.searchsorted(np.maximum.accumulate(self.records["end"]), start, side="right")
        last = np.searchsorted(self.records["start"], end, side="left")
        return replace(self, records=self.records[first:last])


def new_records(size: int) -> npt.NDArray[np.void]:
    """Room for so many records."""
    return np.empty(size, RECORD)
