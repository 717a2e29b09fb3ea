"""Tables as text: one header line, empty fields for nulls, a fixed number of digits."""

import pyarrow as pa
import pytest

from colonnade.formats.table import Column, TableSchema, tsv_header, tsv_rows

SCHEMA = TableSchema(
    "some",
    (
        Column("name", "text", "a name"),
        Column("count", "integer", "how many", "nobody counted"),
        Column("share", "number", "0-1", "nothing to share"),
    ),
)


def test_header_is_one_line_of_names() -> None:
    assert tsv_header(SCHEMA.arrow) == tsv_header(SCHEMA.empty()) == "name\tcount\tshare\n"


def test_schema_says_types_and_which_columns_have_nulls() -> None:
    assert SCHEMA.arrow == pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("count", pa.int64()),
            pa.field("share", pa.float64()),
        ]
    )


def test_nulls_are_empty_fields_and_numbers_have_four_decimals() -> None:
    table = pa.table([["a", "b"], [1, None], [0.123456, None]], schema=SCHEMA.arrow)
    assert list(tsv_rows(table)) == ["a\t1\t0.1235\n", "b\t\t\n"]


def test_empty_table_has_no_rows() -> None:
    assert list(tsv_rows(SCHEMA.empty())) == []


def test_rows_come_from_all_chunks_in_order() -> None:
    part = [pa.table([[name], [n], [n / 2]], schema=SCHEMA.arrow) for n, name in enumerate("abc")]
    assert list(tsv_rows(pa.concat_tables(part))) == ["a\t0\t0.0000\n", "b\t1\t0.5000\n", "c\t2\t1.0000\n"]


@pytest.mark.parametrize(("value", "text"), [(2**53, "9007199254740992"), (-1, "-1"), (0, "0")])
def test_integers_are_written_in_full(value: int, text: str) -> None:
    table = pa.table([["a"], [value], [1.0]], schema=SCHEMA.arrow)
    assert list(tsv_rows(table)) == [f"a\t{text}\t1.0000\n"]


@pytest.mark.parametrize("value", [-0.0, -1e-9, 1e-9])
def test_nothing_is_negative_zero(value: float) -> None:
    table = pa.table([["a"], [1], [value]], schema=SCHEMA.arrow)
    assert list(tsv_rows(table)) == ["a\t1\t0.0000\n"]
