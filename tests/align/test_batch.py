"""Batches: one layout for memory, wire and spool."""

import numpy as np
import pyarrow as pa
import pytest

from colonnade.align.batch import HIT, SCHEMAS, Batch, Phase, list_column
from colonnade.errors import FormatError


def pristine() -> Batch:
    return Batch.of_records(np.frombuffer(b"abcdef", np.uint8), np.array([0, 2, 2, 6]))


def aligned() -> Batch:
    fields = {field.name: np.arange(3, dtype=field.type.to_pandas_dtype()) for field in HIT}
    hits = list_column(np.array([0, 1, 1, 3]), HIT, fields)
    return pristine().advanced(length=np.array([1, 0, 4], np.int32), hits=hits)


def test_records_are_what_was_put_in() -> None:
    data, offsets = pristine().records()
    assert data.tobytes() == b"abcdef"
    assert offsets.tolist() == [0, 2, 2, 6]


@pytest.mark.parametrize("batch", [pristine(), aligned()], ids=["pristine", "aligned"])
def test_a_batch_survives_the_wire(batch: Batch) -> None:
    copy = Batch.from_bytes(batch.to_bytes())
    assert copy.phase == batch.phase
    assert copy.table.equals(batch.table, check_metadata=True)
    assert copy.to_bytes() == batch.to_bytes()


def test_lists_point_into_their_fields() -> None:
    offsets, fields = Batch.from_bytes(aligned().to_bytes()).lists("hits")
    assert offsets.tolist() == [0, 1, 1, 3]
    assert list(fields) == [field.name for field in HIT]
    assert fields["row_end"].tolist() == [0, 1, 2]


def test_a_stage_keeps_the_columns_and_goes_one_phase_on() -> None:
    assert aligned().phase == Phase.ALIGNED
    assert aligned().records()[0].tobytes() == b"abcdef"
    assert aligned().column("length").tolist() == [1, 0, 4]


def test_an_empty_batch_is_a_batch() -> None:
    empty = Batch.from_bytes(Batch.of_records(np.empty(0, np.uint8), np.zeros(1, np.int64)).to_bytes())
    assert len(empty) == 0
    assert empty.records()[1].tolist() == [0]


def test_a_batch_of_the_wrong_phase_is_refused() -> None:
    aligned().require(Phase.ALIGNED)
    with pytest.raises(FormatError, match="wrong phase; found pristine; expected aligned"):
        pristine().require(Phase.ALIGNED)


@pytest.mark.parametrize(
    "schema",
    [
        pa.schema([("record", pa.large_binary())]),
        SCHEMAS[Phase.PRISTINE].with_metadata({"phase": "finished soon"}),
        SCHEMAS[Phase.PRISTINE].with_metadata({"phase": "aligned"}),
    ],
    ids=["no phase", "no such phase", "columns of another phase"],
)
def test_another_stream_is_refused(schema: pa.Schema) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(pa.RecordBatch.from_pylist([{"record": b""}], schema=schema))
    with pytest.raises(FormatError, match="not a batch of reads"):
        Batch.from_bytes(bytes(sink.getvalue()))
