"""Reads on their way to alignments: one layout for memory, wire and spool, and the phase that it is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.errors import FormatError


class Phase(IntEnum):
    """How far a batch has come; each stage takes one phase and gives the next."""

    PRISTINE = 0  #: as read
    ALIGNED = 1  #: searched: rows of the suffix array
    POSITIONED = 2  #: located: places on the reference
    FINISHED = 3  #: records as they are written


_PHASE_KEY: Final = b"phase"
_ALIGNMENT: Final = 8  # bytes, of the widest numbers

#: One hit of the search: the rows [row_start, row_end) of the suffix array, and what the read differs by.
HIT: Final = pa.struct(
    [
        pa.field("row_start", pa.int64(), nullable=False),
        pa.field("row_end", pa.int64(), nullable=False),
        pa.field("score", pa.int32(), nullable=False),
        pa.field("mismatches", pa.int16(), nullable=False),
        pa.field("gap_opens", pa.int16(), nullable=False),
        pa.field("gap_extensions", pa.int16(), nullable=False),
        pa.field("insertions", pa.int16(), nullable=False),
        pa.field("deletions", pa.int16(), nullable=False),
    ]
)

#: A place other than the chosen one: 0-based position on the concatenated contigs, gaps (opens and extensions), and by how
#: many bases its stretch of the reference is longer than the read.
PLACE: Final = pa.struct(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("reverse", pa.uint8(), nullable=False),
        pa.field("mismatches", pa.int16(), nullable=False),
        pa.field("gaps", pa.int16(), nullable=False),
        pa.field("shift", pa.int16(), nullable=False),
    ]
)

_RECORD: Final = [pa.field("record", pa.large_binary(), nullable=False)]
_SEARCHED: Final = [
    pa.field("length", pa.int32(), nullable=False),
    pa.field("hits", pa.large_list(pa.field("hit", HIT, nullable=False)), nullable=False),
]
_LOCATED: Final = [
    pa.field("position", pa.int64(), nullable=False),
    pa.field("reverse", pa.uint8(), nullable=False),
    pa.field("mapping_quality", pa.uint8(), nullable=False),
    pa.field("score", pa.int32(), nullable=False),
    pa.field("mismatches", pa.int16(), nullable=False),
    pa.field("gap_opens", pa.int16(), nullable=False),
    pa.field("gap_extensions", pa.int16(), nullable=False),
    pa.field("shift", pa.int16(), nullable=False),
    pa.field("best_hits", pa.int64(), nullable=False),
    pa.field("other_hits", pa.int64(), nullable=False),
    pa.field("places", pa.large_list(pa.field("place", PLACE, nullable=False)), nullable=False),
]

#: Columns of each phase. ``record`` is a BAM record with its block size, so that the records of a batch are a stretch of a BAM
#: stream; before the last phase it is unaligned and as sequenced. ``length`` counts the bases searched, less than the read has
#: if it was trimmed by quality. ``position`` is 0-based on the concatenated contigs, -1 for a read without a place;
#: ``best_hits`` and ``other_hits`` count rows (X0, X1).
SCHEMAS: Final[Mapping[Phase, pa.Schema]] = {
    phase: pa.schema(fields, metadata={_PHASE_KEY: phase.name.lower().encode()})
    for phase, fields in (
        (Phase.PRISTINE, _RECORD),
        (Phase.ALIGNED, _RECORD + _SEARCHED),
        (Phase.POSITIONED, _RECORD + _SEARCHED + _LOCATED),
        (Phase.FINISHED, _RECORD),
    )
}


@dataclass(frozen=True)
class Batch:
    """Some reads, side by side, in one phase.

    Parameters
    ----------
    phase
        How far they have come.
    table
        Their columns, as ``SCHEMAS`` has them for the phase.
    """

    phase: Phase
    table: pa.RecordBatch

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @classmethod
    def of_records(
        cls, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], *, phase: Phase = Phase.PRISTINE
    ) -> "Batch":
        """A batch of records alone: uint8 ``data``, and int64 ``offsets`` (reads + 1,) into it. Nothing is copied."""
        return cls(phase, pa.RecordBatch.from_arrays([_binary(data, offsets)], schema=SCHEMAS[phase]))

    def advanced(self, **columns: Any) -> "Batch":
        """The same reads in the next phase, with the columns that it adds: arrays, or Arrow arrays."""
        phase = Phase(self.phase + 1)
        schema = SCHEMAS[phase]
        arrays = [
            self.table.column(field.name)
            if field.name in self.table.schema.names
            else pa.array(columns[field.name], field.type)
            for field in schema
        ]
        return Batch(phase, pa.RecordBatch.from_arrays(arrays, schema=schema))

    def require(self, phase: Phase) -> None:
        """Raise FormatError unless the batch is in this phase."""
        if self.phase != phase:
            raise FormatError(
                "a batch of reads is in the wrong phase", found=self.phase.name.lower(), expected=phase.name.lower()
            )

    def records(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Uint8 bytes of all records, and int64 offsets (reads + 1,) into them."""
        column = self.table.column("record")
        _, offsets, values = column.buffers()
        bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
        data = np.frombuffer(values, np.uint8) if values is not None else np.empty(0, np.uint8)
        for array in (data, bounds):  # kernels are compiled for one kind: that of batches that have travelled
            array.flags.writeable = False
        return data, bounds

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column of numbers, (reads,)."""
        values: npt.NDArray[Any] = self.table.column(name).to_numpy(zero_copy_only=True)
        return values

    def lists(self, name: str) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[Any]]]:
        """A column of lists: int64 offsets (reads + 1,), and the fields of the structures that these point into."""
        column = self.table.column(name)
        values = column.values
        fields = {field.name: values.field(field.name).to_numpy(zero_copy_only=True) for field in values.type}
        return column.offsets.to_numpy(zero_copy_only=True), fields

    def to_bytes(self) -> bytes:
        """The batch as an Arrow stream."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.table.schema) as stream:
            stream.write_batch(self.table)
        return bytes(sink.getvalue())

    @classmethod
    def from_bytes(cls, data: bytes | memoryview) -> "Batch":
        """The inverse of ``to_bytes``; columns stay where they are in ``data``."""
        with pa.ipc.open_stream(_aligned(pa.py_buffer(data))) as stream:
            table = stream.read_next_batch()
        name = (table.schema.metadata or {}).get(_PHASE_KEY, b"").decode()
        for phase, schema in SCHEMAS.items():
            if name == phase.name.lower() and table.schema.equals(schema):
                return cls(phase, table)
        raise FormatError("not a batch of reads", found=name or "no phase", expected="a batch that colonnade made")

    def __reduce__(self) -> tuple[Any, ...]:
        """One buffer that pickling need not copy; of what a batch is a slice of, the rest stays behind."""
        return Batch._arrived, (self.phase, self.table.serialize())

    @classmethod
    def _arrived(cls, phase: Phase, data: pa.Buffer) -> "Batch":
        return cls(phase, pa.ipc.read_record_batch(_aligned(data), SCHEMAS[phase]))


def list_column(
    offsets: npt.NDArray[np.int64], item: pa.StructType, fields: Mapping[str, npt.NDArray[Any]]
) -> pa.LargeListArray:
    """A column of lists of structures, for ``Batch.advanced``: what ``Batch.lists`` gives back."""
    values = pa.StructArray.from_arrays([pa.array(fields[field.name], field.type) for field in item], fields=list(item))
    name = "hit" if item == HIT else "place"
    return pa.LargeListArray.from_arrays(
        pa.array(offsets, pa.int64()), values, type=pa.large_list(pa.field(name, item, nullable=False))
    )


def _binary(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> pa.LargeBinaryArray:
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, np.int64)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)


def _aligned(data: pa.Buffer) -> pa.Buffer:
    """The same bytes where arrays may begin, as what has travelled need not be."""
    return pa.py_buffer(np.frombuffer(data, np.uint8).copy()) if data.address % _ALIGNMENT else data
