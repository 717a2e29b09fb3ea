"""Result tables: one declared schema each, and their text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

Type = Literal["text", "integer", "number", "p_value"]

#: Digits after the point of a number: as many as are stable between platforms and worth reading.
DECIMALS: Final = 4

#: Digits of a p-value, which may be far smaller than any number of decimals shows.
P_VALUE_DIGITS: Final = 3

_ARROW: Final = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "p_value": pa.float64()}
_INTERVALS: Final = (("contig", "position", "position"), ("contig", "start", "end"))
_DECIMAL: Final = pa.decimal128(38, DECIMALS)
_ROWS_AT_ONCE: Final = 1 << 16  # well below the 2 GiB of text that one array of strings can hold


@dataclass(frozen=True)
class Column:
    """One column: its name, type, meaning with unit, and what a null (an empty field) says; without that it has none."""

    name: str
    type: Type
    meaning: str
    null: str | None = None

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field; type, meaning and null are its metadata."""
        said = {"type": self.type, "meaning": self.meaning}
        if self.null is not None:
            said["null"] = self.null
        return pa.field(self.name, _ARROW[self.type], nullable=self.null is not None, metadata=said)


@dataclass(frozen=True)
class TableSchema:
    """A table's name and columns, for writers, docs and tests alike."""

    name: str
    columns: tuple[Column, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema."""
        return pa.schema([column.arrow for column in self.columns])

    @property
    def header(self) -> str:
        """The header line of its text, with its newline."""
        return "\t".join(column.name for column in self.columns) + "\n"

    @property
    def interval(self) -> tuple[int, int, int] | None:
        """Which columns, 0-based, say contig, start and end of a row, for an index; None if no columns do."""
        names = [column.name for column in self.columns]
        for interval in _INTERVALS:
            if set(interval) <= set(names):
                contig, start, end = map(names.index, interval)
                return contig, start, end
        return None

    def empty(self) -> pa.Table:
        """A table without rows."""
        return self.arrow.empty_table()

    def rows(self, table: pa.Table) -> Iterator[memoryview]:
        """The rows as tab-separated UTF-8 text, in pieces of whole lines.

        Numbers have ``DECIMALS`` decimals and equal Python's ``f"{x:z.4f}"``, p-values have ``P_VALUE_DIGITS`` digits
        and always a point or an exponent; a null is an empty field, and so is a number that is NaN.

        Raises
        ------
        pyarrow.ArrowInvalid
            A number is infinite, or 1e34 or more.
        """
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            fields = [_texts(values, column.type) for values, column in zip(batch.columns, self.columns, strict=True)]
            yield _join(fields)


def _texts(values: pa.Array, kind: Type) -> pa.Array:
    """A column as strings, null where there is nothing to say."""
    if kind == "number":
        return _without_nan(values).cast(_DECIMAL).cast(pa.string())
    if kind == "p_value":
        return pa.array([None if p is None else _p_value(p) for p in _without_nan(values).to_pylist()], pa.string())
    return values.cast(pa.string())


def _p_value(p: float) -> str:
    """With a point also where it is 0 or 1: readers that guess types from the first rows would take those for integers."""
    text = f"{p:.{P_VALUE_DIGITS}g}"
    return f"{text}.0" if text.isdecimal() else text


def _without_nan(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_nan(values), None, values)


def _join(fields: list[pa.Array]) -> memoryview:
    """Lines of tab-separated fields: the characters of one string array, which lie end to end."""
    lines = pc.binary_join_element_wise(*fields, "\t", null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(lines, "", "\n")
    _, offsets, characters = lines.buffers()
    ends = memoryview(offsets).cast("i")
    return memoryview(characters)[ends[lines.offset] : ends[lines.offset + len(lines)]]
