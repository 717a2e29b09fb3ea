"""Files of tables: every kind gives back what was written, in bytes that do not depend on how rows arrived."""

import gc
import gzip
import io
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.formats import table_files
from colonnade.formats.output import OutputSet
from colonnade.formats.table import Column, TableSchema
from colonnade.formats.table_files import FACTS_KEY, KINDS, ROW_GROUP, Kind, open_table

SCHEMA = TableSchema(
    "some",
    (
        Column("contig", "text", "contig"),
        Column("position", "integer", "position, 1-based"),
        Column("share", "number", "share, 0-1", "no data"),
    ),
)
FACTS = {"version": "1.2", "options": {"seed": 1}}


def table(n: int, *, start: int = 0) -> pa.Table:
    """Rows with repeated texts, rising positions, and some nulls."""
    numbers = range(start, start + n)
    columns = [[f"chr{i // 1000}" for i in numbers], list(numbers), [None if i % 7 == 3 else i / 10 for i in numbers]]
    return pa.table(columns, schema=SCHEMA.arrow)


def written(kind: Kind, tables: Sequence[pa.Table]) -> bytes:
    sink = io.BytesIO()
    file = open_table(sink, SCHEMA, kind)
    for part in tables:
        file.write(part)
    file.finish(FACTS)
    return sink.getvalue()


def parquet(tables: Sequence[pa.Table]) -> pq.ParquetFile:
    return pq.ParquetFile(io.BytesIO(written("parquet", tables)))


def expected_text(rows: pa.Table) -> bytes:
    return b"contig\tposition\tshare\n" + b"".join(SCHEMA.rows(rows))


def test_text_is_a_header_and_the_rows() -> None:
    assert written("tsv", [table(4)]) == (
        b"contig\tposition\tshare\nchr0\t0\t0.0000\nchr0\t1\t0.1000\nchr0\t2\t0.2000\nchr0\t3\t\n"
    )


def test_compressed_text_is_the_same_text() -> None:
    assert gzip.decompress(written("tsv.gz", [table(5000)])) == expected_text(table(5000))


def test_parquet_gives_the_table_back() -> None:
    file = parquet([table(5000)])
    assert file.read().equals(table(5000))
    assert file.schema_arrow.equals(SCHEMA.arrow, check_metadata=True)


def test_parquet_says_which_columns_have_nulls() -> None:
    schema = parquet([]).schema
    assert [schema.column(i).max_definition_level for i in range(3)] == [0, 0, 1]


def test_parquet_holds_the_facts() -> None:
    assert json.loads(parquet([table(3)]).metadata.metadata[FACTS_KEY]) == FACTS


def test_row_groups_are_full_but_the_last() -> None:
    n = 2 * ROW_GROUP + 5
    metadata = parquet([table(1), table(ROW_GROUP, start=1), table(n - ROW_GROUP - 1, start=ROW_GROUP + 1)]).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [ROW_GROUP, ROW_GROUP, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_rows_is_complete(kind: Kind) -> None:
    data = written(kind, [])
    assert written(kind, [SCHEMA.empty()]) == data
    if kind == "parquet":
        assert pq.read_table(io.BytesIO(data)).equals(SCHEMA.empty())
    else:
        assert (gzip.decompress(data) if kind == "tsv.gz" else data) == b"contig\tposition\tshare\n"


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3000), max_size=20), st.sampled_from([7, 1000, 1 << 16]))
def test_bytes_do_not_depend_on_how_rows_arrive(cuts: list[int], row_group: int) -> None:
    rows = table(3000)
    ends = [0, *sorted(cuts), 3000]
    pieces = [rows.slice(start, end - start) for start, end in pairwise(ends)]
    joined = [pa.concat_tables(pieces[:3]), *pieces[3:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_files, "ROW_GROUP", row_group)
        for kind in KINDS:
            assert written(kind, pieces) == written(kind, joined) == written(kind, [rows])


def test_pages_of_long_texts_do_not_end_where_chunks_do() -> None:
    """Parquet cuts a column of more than 1 MiB into pages."""
    n = 20_000
    rows = pa.table([[f"{i:0>100}" for i in range(n)], list(range(n)), [0.5] * n], schema=SCHEMA.arrow)
    pieces = [rows.slice(0, 7), rows.slice(7, 1500), rows.slice(1507)]
    assert written("parquet", pieces) == written("parquet", [rows])


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_of_the_rows_do_not_matter(kind: Kind) -> None:
    other = table(10).replace_schema_metadata({"facts": "{}"})
    assert written(kind, [other, table(10)]) == written(kind, [table(10), table(10)])


@pytest.mark.parametrize("kind", KINDS)
def test_the_sink_stays_open_and_is_used_from_where_it_stands(kind: Kind) -> None:
    sink = io.BytesIO()
    sink.write(b"before")
    file = open_table(sink, SCHEMA, kind)
    file.write(table(3))
    file.finish(FACTS)
    sink.write(b"after")
    del file
    gc.collect()
    assert sink.getvalue() == b"before" + written(kind, [table(3)]) + b"after"


def test_null_where_the_schema_has_none_is_refused_by_parquet() -> None:
    wrong = pa.table([pa.array([None], pa.string()), [1], [0.5]], schema=SCHEMA.arrow)
    with pytest.raises(pa.ArrowInvalid, match="non-nullable"):
        written("parquet", [wrong])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_given_up_says_nothing(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "a"
    with pytest.raises(ValueError, match="stop"):
        write_and_raise(path, kind)
    gc.collect()
    assert not path.exists()


def write_and_raise(path: Path, kind: Kind) -> None:
    with OutputSet([path]) as output:
        file = open_table(output.sink(path), SCHEMA, kind)
        file.write(table(ROW_GROUP + 1))
        raise ValueError("stop")
