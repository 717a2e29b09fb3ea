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
#: record that htslib's depth limit keeps out, ``alone`` one that finds no mate.
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
        ("alone", np.bool_),
    ],
    align=True,
)

#: The same as bytes only: copied as a whole, where NumPy would copy field by field, which takes ten times as long.
_WHOLE_RECORD: Final = np.dtype((np.void, RECORD.itemsize))

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
    room
        How many bytes at the beginning of the data are free, for ``joined``.
    """

    data: npt.NDArray[np.uint8]
    records: npt.NDArray[np.void]
    complete: int = 0
    whole: bool = False
    room: int = 0

    def __len__(self) -> int:
        return len(self.records)

    @classmethod
    def empty(cls) -> "RecordBatch":
        """A batch without records."""
        return cls(np.empty(0, np.uint8), new_records(0))

    def taken(self, chosen: npt.NDArray[np.bool_] | slice) -> "RecordBatch":
        """Some of the records with bytes of their own: names, CIGARs, sequences and qualities, and the rest only if ``whole``."""
        records = chosen_records(self.records, chosen)
        data = np.empty(kernels.packed_size(self.data, records, self.whole), np.uint8)
        kernels.pack_records(self.data, records, self.whole, data)
        return RecordBatch(data, records, whole=self.whole)

    def without(self, left_out: npt.NDArray[np.bool_]) -> "RecordBatch":
        """The other records, on the same bytes."""
        if not left_out.any():
            return self
        return replace(self, records=chosen_records(self.records, ~left_out))

    def ordered(self, chosen: npt.NDArray[np.bool_] | slice = slice(None)) -> "RecordBatch":
        """Some of the records, on the same bytes, by start; of those that start together, the earlier one comes first."""
        records = chosen_records(self.records, chosen)
        return replace(self, records=chosen_records(records, np.argsort(records["start"], kind="stable")))

    @classmethod
    def concatenated(cls, batches: Sequence["RecordBatch"]) -> "RecordBatch":
        """Batches as one, their records one after the other."""
        records = joined_records([batch.records for batch in batches])
        row = offset = 0
        for batch in batches:
            for name in ("name", "cigar", "seq", "qual"):
                records[name][row : row + len(batch)] += offset
            row, offset = row + len(batch), offset + len(batch.data)
        data = np.concatenate([batch.data for batch in batches])
        return cls(data, records, whole=all(batch.whole for batch in batches if len(batch)))

    @classmethod
    def joined(cls, batches: Sequence["RecordBatch"]) -> "RecordBatch":
        """Batches as one, in any order of records; without copying the bytes of the largest if it has room for the others."""
        largest = max(batches, key=lambda batch: len(batch.data))
        others = [batch for batch in batches if batch is not largest]
        if not others:
            return largest
        if sum(len(batch.data) for batch in others) > largest.room:
            return cls.concatenated(batches)
        side = cls.concatenated(others)
        largest.data[: len(side.data)] = side.data
        return replace(largest, records=joined_records([side.records, largest.records]), room=0)

    def overlapping(self, start: int, end: int) -> "RecordBatch":
        """The records that may overlap [start, end), one without span at its start: a slice, wide enough to hold them all."""
        starts, ends = self.records["start"], self.records["end"]
        first = np.searchsorted(np.maximum.accumulate(np.maximum(ends, starts + 1)), start, side="right")
        last = np.searchsorted(starts, end, side="left")
        return replace(self, records=self.records[first:last])


def chosen_records(
    records: npt.NDArray[np.void], chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice
) -> npt.NDArray[np.void]:
    """A copy of some records: by a mask, by numbers or as a slice."""
    whole = records.view(_WHOLE_RECORD)
    return (whole[chosen].copy() if isinstance(chosen, slice) else whole[chosen]).view(RECORD)


def joined_records(parts: Sequence[npt.NDArray[np.void]]) -> npt.NDArray[np.void]:
    """A copy of records, one part after the other."""
    return np.concatenate([part.view(_WHOLE_RECORD) for part in parts]).view(RECORD)


def new_records(size: int) -> npt.NDArray[np.void]:
    """Room for so many records."""
    return np.empty(size, RECORD)
