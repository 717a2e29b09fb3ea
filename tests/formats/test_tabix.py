"""Indexes: a query gives exactly the rows of an interval, in files of any layout."""

from pathlib import Path

import pyarrow as pa
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colonnade.errors import OutputError
from colonnade.formats.output import OutputSet
from colonnade.formats.tabix import TBI_END, Suffix, index_text, text_suffix
from colonnade.formats.table import Column, TableSchema
from colonnade.formats.table_files import open_table

SCHEMAS = {
    "positions": TableSchema(
        "positions",
        (
            Column("row", "integer", "number"),
            Column("contig", "text", "contig"),
            Column("position", "integer", "position, 1-based"),
        ),
    ),
    "windows": TableSchema(
        "windows",
        (
            Column("contig", "text", "contig"),
            Column("start", "integer", "first position, 1-based"),
            Column("end", "integer", "last position, 1-based"),
            Column("row", "integer", "number"),
        ),
    ),
}

Row = tuple[str, int, int]


def write(path: Path, rows: list[Row], *, layout: str, suffix: Suffix) -> None:
    """Write contig, start, end (1-based, inclusive) and their numbers as a table with its index."""
    schema = SCHEMAS[layout]
    columns = {
        "row": range(len(rows)),
        "contig": [row[0] for row in rows],
        "position": [row[1] for row in rows],
        "start": [row[1] for row in rows],
        "end": [row[2] for row in rows],
    }
    index = path.with_name(path.name + suffix)
    with OutputSet([path, index], force=True) as output:
        file = open_table(output.sink(path), schema, "tsv.gz")
        file.write(pa.table([columns[column.name] for column in schema.columns], schema=schema.arrow))
        file.finish({})
        assert schema.interval is not None
        index_text(output.part(path), output.part(index), suffix, columns=schema.interval)


def fetched(path: Path, suffix: Suffix, layout: str, contig: str, start: int, end: int) -> list[int]:
    """Numbers of the rows of [start, end)."""
    column = SCHEMAS[layout].arrow.names.index("row")
    with pysam.TabixFile(str(path), index=f"{path}{suffix}") as file:
        if contig not in file.contigs:
            return []
        return [int(line.split("\t")[column]) for line in file.fetch(contig, start, end)]


starts = st.integers(1, 200) | st.integers(1, TBI_END - 1000)
rows_on = st.lists(st.tuples(starts, st.integers(0, 100)), max_size=30)


@settings(max_examples=60)
@given(
    st.fixed_dictionaries({"chr2": rows_on, "chr1": rows_on}),
    st.sampled_from(["positions", "windows"]),
    st.sampled_from([".tbi", ".csi"]),
    starts,
    st.integers(1, 1000),
)
def test_a_query_gives_the_rows_that_overlap(
    tmp_path_factory, found: dict[str, list[tuple[int, int]]], layout: str, suffix: Suffix, start: int, length: int
) -> None:
    path = tmp_path_factory.mktemp("tabix") / "a.tsv.gz"
    size = 0 if layout == "positions" else 1
    rows = [(contig, at, at + size * more) for contig, on in found.items() for at, more in sorted(on)]
    write(path, rows, layout=layout, suffix=suffix)
    for contig in ("chr1", "chr2"):
        expected = [i for i, (c, s, e) in enumerate(rows) if c == contig and s <= start + length and e > start]
        assert fetched(path, suffix, layout, contig, start, start + length) == expected


def test_positions_beyond_tbi_are_found_by_csi(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    rows = [("chr1", 5, 5), ("chr1", TBI_END, TBI_END), ("chr1", TBI_END + 1, TBI_END + 1), ("chr1", 1 << 30, 1 << 30)]
    write(path, rows, layout="positions", suffix=text_suffix(1 << 30))
    assert fetched(path, ".csi", "positions", "chr1", TBI_END, TBI_END + 1) == [2]
    assert fetched(path, ".csi", "positions", "chr1", 0, 1 << 30) == [0, 1, 2, 3]


def test_the_index_is_tbi_as_long_as_it_reaches(tmp_path: Path) -> None:
    assert [text_suffix(longest) for longest in (1, TBI_END, TBI_END + 1)] == [".tbi", ".tbi", ".csi"]
    write(tmp_path / "a.tsv.gz", [("chr1", TBI_END, TBI_END)], layout="positions", suffix=".tbi")
    assert fetched(tmp_path / "a.tsv.gz", ".tbi", "positions", "chr1", TBI_END - 1, TBI_END) == [0]


def test_a_position_that_the_index_cannot_hold_is_an_error_and_nothing_is_left(tmp_path: Path, capfd) -> None:
    with pytest.raises(OutputError, match="cannot be indexed"):
        write(tmp_path / "a.tsv.gz", [("chr1", TBI_END + 1, TBI_END + 1)], layout="positions", suffix=".tbi")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_a_contig_may_begin_with_any_letter_and_the_header_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    write(path, [("#1", 3, 3), ("contig", 1, 1), ("contig", 2, 2)], layout="windows", suffix=".tbi")
    with pysam.TabixFile(str(path)) as file:
        assert file.contigs == ["#1", "contig"]
    assert fetched(path, ".tbi", "windows", "contig", 0, 10) == [1, 2]


def test_a_table_without_rows_has_an_index(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.gz"
    write(path, [], layout="windows", suffix=".tbi")
    assert fetched(path, ".tbi", "windows", "chr1", 0, 10) == []


def test_index_bytes_do_not_depend_on_the_name(tmp_path: Path) -> None:
    for name in ("a.tsv.gz", "other.tsv.gz"):
        write(tmp_path / name, [("chr1", 7, 9)], layout="windows", suffix=".tbi")
    assert (tmp_path / "a.tsv.gz.tbi").read_bytes() == (tmp_path / "other.tsv.gz.tbi").read_bytes()
