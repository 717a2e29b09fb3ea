"""Batches: one layout for memory, wire and spool."""

import pickle

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


@pytest.mark.parametrize("batch", [pristine(), aligned()], ids=["pristine", "aligned"])
@pytest.mark.parametrize("protocol", [4, 5])
def test_a_batch_can_be_pickled(batch: Batch, protocol: int) -> None:
    copy = pickle.loads(pickle.dumps(batch, protocol))
    assert copy.phase == batch.phase
    assert copy.table.equals(batch.table, check_metadata=True)


def test_of_a_slice_the_rest_does_not_travel() -> None:
    data, offsets = np.zeros(1_000_000, np.uint8), np.arange(0, 1_000_001, 100)
    part = Batch.of_records(data, offsets[50:61])
    assert len(pickle.dumps(part)) < 3000
    copy, bounds = pickle.loads(pickle.dumps(part)).records()
    assert copy.size < 1100
    assert bounds.tolist() == list(range(0, 1001, 100))


def test_pickling_need_not_copy_what_a_batch_has() -> None:
    buffers: list[pickle.PickleBuffer] = []
    batch = Batch.of_records(np.zeros(100_000, np.uint8), np.arange(0, 100_001, 100))
    rest = pickle.dumps(batch, 5, buffer_callback=buffers.append)
    assert len(rest) < 200
    assert sum(buffer.raw().nbytes for buffer in buffers) > 100_000
    assert pickle.loads(rest, buffers=buffers).table.equals(batch.table)


@pytest.mark.parametrize("shift", range(9))
def test_arrays_are_aligned_and_only_for_reading_wherever_the_bytes_lie(shift: int) -> None:
    buffers: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(aligned(), 5, buffer_callback=buffers.append)
    content = bytes(shift) + buffers[0].raw()
    stream = bytes(shift) + aligned().to_bytes()
    for copy in (
        pickle.loads(rest, buffers=[memoryview(content)[shift:]]),
        Batch.from_bytes(memoryview(stream)[shift:]),
        aligned(),
    ):
        arrays = [*copy.records(), copy.column("length"), *copy.lists("hits")[1].values()]
        assert {(array.flags.aligned, array.flags.writeable) for array in arrays} == {(True, False)}
        assert copy.table.equals(aligned().table)
