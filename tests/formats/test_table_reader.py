"""Tables come back from their files as they were written, and a damaged line is told by its number."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.errors import ColonnadeError, FormatError, InputError
from colonnade.formats import table_reader
from colonnade.formats.table import Column, TableSchema
from colonnade.formats.table_files import KINDS, Kind, open_table
from colonnade.formats.table_reader import read_batches

SCHEMA = TableSchema(
    "some",
    (
        Column("contig", "text", "contig"),
        Column("position", "integer", "position, 1-based"),
        Column("depth", "integer", "bases", "no data"),
        Column("share", "number", "share, 0-1", "no data"),
        Column("p", "p_value", "p-value", "no data"),
    ),
)
FACTS = {"version": "1.2", "options": {"seed": 1}}
HEADER = "contig\tposition\tdepth\tshare\tp\n"

texts = st.text(st.characters(exclude_characters="\t\r\n\0", exclude_categories=["Cs"]), min_size=1)
integers = st.integers(-(2**62), 2**62)
rows = st.tuples(
    texts | st.sampled_from(["NA", "null", "nan", "None", '"', "#", " a ", "1e5", "-"]),
    integers,
    st.none() | integers,
    st.none() | st.integers(-(10**9), 10**9).map(lambda ticks: ticks / 10_000),
    st.none() | st.sampled_from([0.0, 1.0, 0.125, 1.5e-300]),
)


def table(values: list[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*values, strict=True)) or [()] * len(SCHEMA.columns)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA.arrow, strict=True)], SCHEMA.arrow
    )


def write(path: Path, kind: Kind, content: pa.Table) -> Path:
    sink = io.BytesIO()
    file = open_table(sink, SCHEMA, kind)
    file.write(content)
    file.finish(FACTS)
    path.write_bytes(sink.getvalue())
    return path


def read(path: Path, kind: Kind = "tsv") -> pa.Table:
    return pa.Table.from_batches(read_batches(path, SCHEMA, kind, FACTS), SCHEMA.arrow)


@pytest.fixture(params=[64, 1 << 22])
def piece(request: pytest.FixtureRequest) -> Iterator[int]:
    """Bytes that become a batch: a few lines, and all."""
    with mock.patch.object(table_reader, "_PIECE", request.param):
        yield request.param


@settings(max_examples=50)
@given(values=st.lists(rows, max_size=20))
def test_every_kind_gives_back_what_was_written(
    values: list[tuple[object, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = table(values)
    path = tmp_path_factory.getbasetemp() / "some"
    with mock.patch.object(table_reader, "_PIECE", 100):
        for kind in KINDS:
            assert read(write(path, kind, content), kind).equals(content)


def test_a_file_is_read_in_pieces(tmp_path: Path) -> None:
    content = table([("chr1", k, None, k / 4, None) for k in range(200_000)])
    for kind in KINDS:
        batches = list(read_batches(write(tmp_path / "x", kind, content), SCHEMA, kind, FACTS))
        assert len(batches) > 1
        assert all(batch.schema.equals(SCHEMA.arrow, check_metadata=True) for batch in batches)
        assert pa.Table.from_batches(batches).equals(content)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"line 1, column 1: not a table some of this run; found ''; expected 'contig'"),
        ("chrom\tposition\n", r"line 1, column 1: .*; found 'chrom'; expected 'contig'"),
        (HEADER.replace("\tp\n", "\n"), r"line 1, column 5: .*; found nothing; expected 'p'"),
        (HEADER.replace("\n", "\tq\n"), r"line 1: .*; found 6 columns; expected 5"),
        (HEADER.replace("\n", "\r\n"), r"line 1, column 5: .*; found 'p\\r'"),
        (HEADER.strip(), r"line 1: wrong header; found no end of the line"),
        (HEADER + "c\t1\t\t\t\n" * 40 + "c\t1\t\t\n", r"line 42: wrong number of fields; found 4; expected 5"),
        (HEADER + "c\t1\t\t\t\t\n", r"line 2: wrong number of fields; found 6; expected 5"),
        (HEADER + "c\t1\t\t\t\n" * 40 + "c\tx\t\t\t\n", r"line 42: position cannot be read; found 'x'; expected integer"),
        (HEADER + "c\t1\t\t0,5\t\n", r"line 2: share cannot be read; found '0,5'; expected number"),
        (HEADER + "c\t1\t\t\t\n" * 40 + "c\t\t\t\t\n", r"line 42: position is empty; expected position, 1-based"),
        (HEADER + "c\t1\t\t\t\n\nc\t1\t\t\t\n", r"line 3: contig is empty"),
        (HEADER + "c\t1\t\t\t\nc\t2\t", r"truncated; found a last line without its end"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_named(text: str, said: str, tmp_path: Path, piece: int) -> None:
    (tmp_path / "x.tsv").write_bytes(text.encode())
    with pytest.raises(FormatError, match=said) as caught:
        read(tmp_path / "x.tsv")
    assert str(caught.value).startswith(str(tmp_path / "x.tsv"))
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf_8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_bytes(HEADER.encode() + b"c\t1\t\t\t\n\xff\t1\t\t\t\n")
    with pytest.raises(FormatError, match="line 3: contig cannot be read; found invalid UTF8 data; expected text"):
        read(tmp_path / "x.tsv")


def test_compressed_text_that_is_cut_or_damaged_anywhere_is_refused(tmp_path: Path, piece: int) -> None:
    path = write(tmp_path / "x.tsv.gz", "tsv.gz", table([("chr1", k, k, 0.5, None) for k in range(3000)]))
    raw = path.read_bytes()
    for cut in (0, 1, 10, len(raw) // 2, len(raw) - 28, len(raw) - 1):
        path.write_bytes(raw[:cut])
        with pytest.raises(FormatError):
            read(path, "tsv.gz")
    for at in range(30, len(raw) - 28, 97):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 8]) + raw[at + 1 :])
        with pytest.raises(FormatError):
            read(path, "tsv.gz")


def test_text_that_its_owner_has_compressed_or_unpacked_is_read(tmp_path: Path) -> None:
    content = table([("chr1", 1, None, 0.5, None)])
    text = write(tmp_path / "x", "tsv", content).read_bytes()
    for raw in (text, gzip.compress(text)):
        (tmp_path / "x").write_bytes(raw)
        assert read(tmp_path / "x", "tsv.gz").equals(content)


def test_parquet_of_other_columns_types_or_facts_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", "parquet", table([("chr1", 1, None, 0.5, None)]))
    with pytest.raises(InputError, match="of another run"):
        list(read_batches(path, SCHEMA, "parquet", {**FACTS, "version": "1.3"}))
    whole = pq.read_table(path)
    others = {
        r"columns, column 5: not a table some of this run; found nothing; expected 'p'": whole.drop_columns(["p"]),
        "columns of other types": whole.set_column(1, "position", pa.array(["1"])),
        "no facts about the run": whole.replace_schema_metadata({}),
    }
    for said, other in others.items():
        pq.write_table(other, path)
        with pytest.raises(FormatError, match=said):
            read(path, "parquet")


def test_damaged_parquet_ends_in_one_line_and_is_hardly_ever_read_as_something_else(tmp_path: Path) -> None:
    content = table([("chr1", k, k * k, k / 16, None) for k in range(500)])
    path = write(tmp_path / "x.parquet", "parquet", content)
    raw = path.read_bytes()
    for cut in (0, 1, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:cut])
        with pytest.raises(FormatError, match="cannot be read as Parquet"):
            read(path, "parquet")
    unnoticed, places, lines = 0, range(0, len(raw), 11), set()
    for at in places:
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 16]) + raw[at + 1 :])
        try:
            unnoticed += not read(path, "parquet").equals(content)
        except ColonnadeError as error:
            lines.update(str(error).splitlines()[1:])
    assert not lines
    assert unnoticed <= len(places) // 100  # checksums are of pages, not of what tells where these are
