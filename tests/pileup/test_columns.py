"""Batches of columns and single columns: shapes, pickling, Arrow without copies."""

import gzip
import pickle
from pathlib import Path

import numpy as np
import pysam
import pytest

import colonnade as cn
from colonnade.errors import UsageError
from colonnade.pileup.columns import FLAT, Alignment, State

LINES = [
    "a\t99\tc\t11\t20\t4M2I3M\t=\t14\t9\tACGTACGTA\tABCDEFGHI",
    "b\t16\tc\t13\t30\t2M3D2M\t*\t0\t0\tGGCC\tJKLM",
    "a\t147\tc\t14\t40\t3M2N2M\t=\t11\t-9\tTTTTT\t*",
    "z\t0\tc\t15\t50\t4S\t*\t0\t0\tACGT\tABCD",
    "n\t0\tc\t16\t60\t3M1I2D1M\t*\t0\t0\t*\t*",
]


@pytest.fixture
def path(make_bam) -> Path:
    return make_bam("columns.bam", {"c": 100}, LINES)


@pytest.fixture
def batch(path: Path) -> cn.ColumnBatch:
    (batch,) = cn.pileup(path, deletions=True, skips=True).batches()
    return batch


def contents(column: cn.Column) -> tuple:
    return column.contig, column.position, list(column)


def test_a_batch_has_one_item_per_alignment_in_each_flat_array(batch: cn.ColumnBatch) -> None:
    assert (len(batch), batch.contig, batch.positions.tolist()) == (11, "c", list(range(10, 21)))
    assert (batch.positions.dtype, batch.offsets.dtype) == (np.int64, np.int64)
    assert batch.offsets[0] == 0
    assert batch.depths.tolist() == [1, 1, 2, 3, 4, 4, 4, 3, 3, 2, 1]
    for name, kind in FLAT.items():
        array = getattr(batch, name)
        assert (array.dtype, len(array)) == (kind, batch.offsets[-1])
    assert repr(batch) == "ColumnBatch(c:11-21, 11 columns, 28 alignments of 5 reads)"
    assert repr(batch.part(slice(0, 0))) == "ColumnBatch(no columns)"


def test_records_are_those_that_reach_into_the_columns(path: Path, batch: cn.ColumnBatch) -> None:
    assert batch.names == ["a", "b", "a", "z", "n"]
    assert batch.flags.tolist() == [99, 16, 147, 0, 0]
    assert batch.mapping_qualities.tolist() == [20, 30, 40, 50, 60]
    assert batch.records["start"].tolist() == [10, 12, 13, 14, 15]
    (part,) = cn.pileup(path, "c:18-20").batches()
    assert (part.names, set(part.record.tolist())) == (["b", "a", "n"], {0, 1, 2})


def test_states_lengths_and_marks_are_those_of_the_cigar(batch: cn.ColumnBatch) -> None:
    reads = {name: [batch.record == row] for row, name in enumerate(["a", "b", "a2", "z", "n"])}
    of = {
        name: lambda field, chosen=chosen: getattr(batch, field)[tuple(chosen)].tolist()
        for name, chosen in reads.items()
    }
    assert of["a"]("insertion") == [0, 0, 0, 2, 0, 0, 0]
    assert of["a"]("query") == [0, 1, 2, 3, 6, 7, 8]
    assert of["b"]("deletion") == [0, 3, 0, 0, 0, 0, 0]
    assert of["b"]("gap") == [0, 0, 3, 3, 3, 0, 0]
    assert of["b"]("query") == [0, 1, 2, 2, 2, 2, 3]
    assert of["b"]("state") == [State.MATCH] * 2 + [State.DELETION] * 3 + [State.MATCH] * 2
    assert of["a2"]("state") == [State.MATCH] * 3 + [State.SKIP] * 2 + [State.MATCH] * 2
    assert of["a2"]("gap") == [0, 0, 0, 2, 2, 0, 0]
    assert of["a2"]("quality") == [255] * 7
    assert (of["n"]("insertion"), of["n"]("deletion")) == ([0, 0, 1, 0, 0, 0], [0, 0, 2, 0, 0, 0])
    assert bytes(of["n"]("base")) == b"NNN**N"
    assert (of["z"]("state"), of["z"]("head"), of["z"]("tail")) == ([State.NO_SPAN], [True], [True])
    assert of["b"]("head") == [True] + [False] * 6
    assert of["b"]("tail") == [False] * 6 + [True]


def test_a_column_is_a_slice_of_its_batch(batch: cn.ColumnBatch) -> None:
    column = batch[4]
    assert repr(column) == "Column(c:15, 4 alignments)"
    assert (column.position, column.depth, len(column)) == (14, 4, 4)
    assert column.names == ["a", "b", "a", "z"]
    assert column.bases.tolist() == [b"G", b"*", b"T", b"N"]
    assert np.shares_memory(column.bases, batch.base)
    assert np.shares_memory(column.query_positions_or_next, batch.query)
    assert column.query_positions.tolist() == [6, -1, 1, -1]
    assert column.query_positions_or_next.tolist() == [6, 2, 1, -1]
    assert column.qualities.tolist() == [ord("G") - 33, 255, 255, 255]
    assert contents(batch[-1]) == contents(list(batch)[10])
    with pytest.raises(IndexError):
        batch[11]


def test_an_alignment_says_all_of_one_read(batch: cn.ColumnBatch) -> None:
    first, second, third = batch[3]
    assert first == (0, "a", 99, 3, "T", ord("D") - 33, State.MATCH, 2, False, False, 20, False)
    assert (second.indel, second.name, second.query_position) == (-3, "b", 1)
    assert (third.is_head, third.quality) == (True, 255)
    gap = list(batch[4])[1]
    assert (gap.query_position, gap.base, gap.state) == (None, "*", State.DELETION)


def test_columns_that_were_kept_do_not_change_and_pickle_alone(path: Path) -> None:
    pileup = cn.pileup(path, deletions=True, skips=True, memory=1)
    kept = list(pileup)
    before = [contents(column) for column in kept]
    pileup.close()
    assert [contents(column) for column in kept] == before
    for column, content in zip(kept, before, strict=True):
        other = pickle.loads(pickle.dumps(column))
        assert (*contents(other)[:2], [read[1:] for read in other]) == (*content[:2], [read[1:] for read in content[2]])
        assert len(other.batch) == 1
        assert len(other.batch.records) == len(set(column.records.tolist()))


def test_a_batch_pickles_with_what_it_needs(make_bam, batch: cn.ColumnBatch) -> None:
    other = pickle.loads(pickle.dumps(batch))
    assert [contents(column) for column in other] == [contents(column) for column in batch]
    many = make_bam(
        "many.bam", {"c": 9000}, [f"r{n}\t0\tc\t{n}\t9\t99M\t*\t0\t0\t{'A' * 99}\t*" for n in range(1, 8000)]
    )
    batches = list(cn.pileup(many, memory=1_000_000).batches())
    assert len(batches) > 10
    assert len(pickle.dumps(batches[5])) < len(pickle.dumps(batches)) / 5
    assert len(pickle.dumps(batches[5][7])) < 40_000


def test_a_part_of_a_batch_is_like_a_batch_of_its_own(batch: cn.ColumnBatch) -> None:
    part = batch.part(slice(3, 7))
    for column, whole in zip(part, list(batch)[3:7], strict=True):
        assert [read[1:] for read in column] == [read[1:] for read in whole]
        for name in ("gaps", "insertions", "deletions", "heads", "tails", "flags", "mapping_qualities", "reverse"):
            assert getattr(column, name).tolist() == getattr(whole, name).tolist()
    assert part.names == ["a", "b", "a", "z", "n"]
    assert batch.part(slice(0, 1)).names == ["a"]


def test_a_slice_of_a_batch_is_its_part_and_leaves_no_columns_out(batch: cn.ColumnBatch) -> None:
    part = batch[2:5]
    assert isinstance(part, cn.ColumnBatch)
    assert part.positions.tolist() == [12, 13, 14]
    assert list(map(contents, part)) == list(map(contents, batch.part(slice(2, 5))))
    assert len(batch[5:2]) == 0
    assert len(batch[::1]) == len(batch[:]) == len(batch)
    for step in (2, -1):
        with pytest.raises(UsageError, match=f"found step {step}"):
            batch[::step]
    with pytest.raises(UsageError, match="found step 3"):
        batch.part(slice(0, 5, 3))


def test_reverse_says_the_strand_of_each_alignment(batch: cn.ColumnBatch) -> None:
    assert batch.reverse.tolist() == [bool(batch.flags[row] & 16) for row in batch.record]
    assert batch.reverse.dtype == np.bool_
    for column in batch:
        assert column.reverse.tolist() == [read.reverse for read in column]
        assert column.mapping_qualities.tolist() == [read.mapping_quality for read in column]
    assert [(read.name, read.mapping_quality, read.reverse) for read in batch[3]] == [
        ("a", 20, False),
        ("b", 30, True),
        ("a", 40, True),
    ]


def test_base_counts_are_those_of_a_c_g_and_t_by_strand_when_asked_for(batch: cn.ColumnBatch) -> None:
    for table, strands in (
        (batch.base_counts()[None], [{False, True}]),
        (batch.base_counts(by_strand=True), [{False}, {True}]),
    ):
        assert (table.dtype, table.shape) == (np.int32, (len(strands), len(batch), 4))
        for counts, chosen in zip(table, strands, strict=True):
            expected = [
                [sum(r.base == base and r.reverse in chosen for r in column) for base in "ACGT"] for column in batch
            ]
            assert counts.tolist() == expected
    assert batch.base_counts().sum() > 10
    assert batch[0:0].base_counts().shape == (0, 4)
    assert batch[0:0].base_counts(by_strand=True).shape == (2, 0, 4)


def test_names_of_the_package_are_those_of_its_modules() -> None:
    assert (cn.State, cn.Alignment) == (State, Alignment)
    assert {"State", "Alignment"} <= set(cn.__all__)
    assert not hasattr(cn, "_package")


def test_an_arrow_table_shares_the_flat_arrays(batch: cn.ColumnBatch) -> None:
    table = batch.to_arrow()
    assert table.num_rows == 11
    for name in FLAT:
        (chunk,) = table[name].chunks
        _, offsets, _, values = chunk.buffers()
        assert values.address == getattr(batch, name).ctypes.data
        assert offsets.address == batch.offsets.ctypes.data
    (positions,) = table["position"].chunks
    assert positions.buffers()[1].address == batch.positions.ctypes.data


def test_an_arrow_table_has_each_name_once_though_mates_share_it(batch: cn.ColumnBatch) -> None:
    (names,) = batch.to_arrow()["name"].chunks
    assert names.values.dictionary.to_pylist() == ["a", "b", "z", "n"]
    assert names.to_pylist() == [column.names for column in batch]


def test_names_that_are_not_utf8_are_written_to_arrow_with_a_replacement(tmp_path: Path) -> None:
    path = tmp_path / "name.bam"
    header = pysam.AlignmentHeader.from_references(["c"], [100])
    text = "nXme\t0\tc\t11\t60\t2M\t*\t0\t0\tAC\tII"
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        file.write(pysam.AlignedSegment.fromstring(text, header))
    content = gzip.decompress(path.read_bytes()).replace(b"nXme", b"n\xffme")
    assert b"n\xffme" in content
    pysam.tabix_compress(str(written(tmp_path / "raw", content)), str(path), force=True)
    (batch,) = cn.pileup(path).batches()
    assert batch.names == ["n\udcffme"]
    assert batch.to_arrow()["name"].to_pylist() == [["n\ufffdme"]] * 2


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_an_arrow_table_says_what_the_columns_say(batch: cn.ColumnBatch) -> None:
    rows = batch.to_arrow().to_pylist()
    for row, column in zip(rows, batch, strict=True):
        assert (row["contig"], row["position"]) == ("c", column.position)
        assert row["name"] == column.names
        assert bytes(row["base"]) == column.bases.tobytes()
        found = {
            "record": column.records,
            "query": column.query_positions_or_next,
            "quality": column.qualities,
            "state": column.states,
            "flag": column.flags,
            "mapping_quality": column.mapping_qualities,
            "insertion": column.insertions,
            "deletion": column.deletions,
            "gap": column.gaps,
            "head": column.heads,
            "tail": column.tails,
            "reverse": column.reverse,
        }
        assert {name: row[name] for name in found} == {name: array.tolist() for name, array in found.items()}


def test_no_batch_is_empty(path: Path) -> None:
    nothing = cn.pileup(path, read_filter=cn.ReadFilter(min_mapq=255))
    assert list(nothing.batches()) == []
    for memory in (1, 1000, 1 << 30):
        assert all(len(batch) and len(batch.record) for batch in cn.pileup(path, memory=memory).batches())
