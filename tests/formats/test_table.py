"""Tables as text: one header line, empty fields for nulls, a fixed number of digits."""

import math

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from colonnade.formats.table import Column, TableSchema

SCHEMA = TableSchema(
    "some",
    (
        Column("name", "text", "a name"),
        Column("count", "integer", "how many", "nobody counted"),
        Column("share", "number", "0-1", "nothing to share"),
        Column("p", "p_value", "p-value of nothing", "no test"),
    ),
)


def text(table: pa.Table, schema: TableSchema = SCHEMA) -> str:
    return b"".join(schema.rows(table)).decode()


def some(*rows: tuple[str | None, int | None, float | None, float | None]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=SCHEMA.arrow)


def column_text(kind: str, values: list) -> list[str]:
    """Values of one column as fields."""
    schema = TableSchema("one", (Column("x", kind, "x", "none"),))
    return text(pa.table([values], schema=schema.arrow), schema).split("\n")[:-1]


def test_header_is_one_line_of_names() -> None:
    assert SCHEMA.header == "name\tcount\tshare\tp\n"


def test_schema_says_types_and_which_columns_have_nulls() -> None:
    assert SCHEMA.arrow == pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("count", pa.int64()),
            pa.field("share", pa.float64()),
            pa.field("p", pa.float64()),
        ]
    )


def test_fields_carry_what_the_schema_says_of_them() -> None:
    assert SCHEMA.arrow.field("name").metadata == {b"type": b"text", b"meaning": b"a name"}
    assert SCHEMA.arrow.field("p").metadata == {
        b"type": b"p_value",
        b"meaning": b"p-value of nothing",
        b"null": b"no test",
    }


def test_nulls_are_empty_fields_and_numbers_have_four_decimals() -> None:
    assert text(some(("a", 1, 0.123456, 0.05), ("b", None, None, None))) == "a\t1\t0.1235\t0.05\nb\t\t\t\n"


def test_no_rows_are_no_text() -> None:
    assert text(SCHEMA.empty()) == ""
    assert text(pa.concat_tables([SCHEMA.empty(), some(("a", 1, 0, 1)), SCHEMA.empty()])) == "a\t1\t0.0000\t1.0\n"


def test_rows_come_from_all_chunks_and_slices_in_order() -> None:
    rows = [(f"row {n}", n, n / 2, None) for n in range(9)]
    whole = text(some(*rows))
    assert text(pa.concat_tables([some(row) for row in rows])) == whole
    assert text(some(*rows).slice(2, 3)) == "".join(whole.splitlines(keepends=True)[2:5])


def test_many_rows_are_written_in_several_pieces() -> None:
    schema = TableSchema("one", (Column("x", "integer", "x"),))
    n = 200_000
    pieces = list(schema.rows(pa.table([range(n)], schema=schema.arrow)))
    assert len(pieces) > 1
    assert b"".join(pieces).decode() == "".join(f"{i}\n" for i in range(n))


def test_text_is_utf8() -> None:
    assert column_text("text", ["é", "a,b", None, ""]) == ["é", "a,b", "", ""]


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_are_written_in_full(values: list[int | None]) -> None:
    assert column_text("integer", values) == ["" if value is None else str(value) for value in values]


@given(
    st.lists(
        st.floats(0, 1)
        | st.floats(-1e30, 1e30)
        | st.floats(-1e-3, 1e-3)
        | st.integers(0, 10**6).map(lambda n: n / 10**5),
        min_size=1,
    )
)
@example([0.00005, 0.00015, 0.99995, 0.12345, 2.00005, -0.00005, -0.00004999])
def test_numbers_equal_those_of_python(values: list[float]) -> None:
    assert column_text("number", values) == [f"{value:z.4f}" for value in values]


@pytest.mark.parametrize("value", [-0.0, -1e-9, 1e-9])
def test_nothing_is_negative_zero(value: float) -> None:
    assert column_text("number", [value]) == ["0.0000"]


@pytest.mark.parametrize("kind", ["number", "p_value"])
def test_not_a_number_is_null(kind: str) -> None:
    assert column_text(kind, [math.nan, 1.0, None])[::2] == ["", ""]


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e35])
def test_infinite_numbers_are_refused(value: float) -> None:
    with pytest.raises(pa.ArrowInvalid):
        column_text("number", [value])


def test_p_values_have_three_digits_however_small_they_are_and_a_point() -> None:
    values = [1.23456e-15, 0.0, 1.0, 0.04999, 5e-324, 0.12345]
    assert column_text("p_value", values) == ["1.23e-15", "0.0", "1.0", "0.05", "4.94e-324", "0.123"]


@pytest.mark.parametrize(
    ("names", "interval"),
    [
        (("contig", "position", "x"), (0, 1, 1)),
        (("x", "contig", "start", "end"), (1, 2, 3)),
        (("sample_1", "loci"), None),
        (("contig", "start"), None),
    ],
)
def test_interval_is_where_contig_and_position_stand(names: tuple[str, ...], interval: tuple[int, ...] | None) -> None:
    assert TableSchema("t", tuple(Column(name, "text", name) for name in names)).interval == interval
