"""Result tables: one declared schema each, and TSV text from Arrow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

Type = Literal["text", "integer", "number"]

#: Digits after the point: as many as are stable between platforms and worth reading.
DECIMALS: Final = 4

_ARROW: Final = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64()}


@dataclass(frozen=True)
class Column:
    """One column: its name, type, meaning with unit, and what a null (an empty field) says; without that it has none."""

    name: str
    type: Type
    meaning: str
    null: str | None = None


@dataclass(frozen=True)
class TableSchema:
    """A table's name and columns, for writers, docs and tests alike."""

    name: str
    columns: tuple[Column, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema."""
        return pa.schema(
            [pa.field(column.name, _ARROW[column.type], nullable=column.null is not None) for column in self.columns]
        )

    def empty(self) -> pa.Table:
        """A table without rows."""
        return self.arrow.empty_table()


def tsv_header(table: pa.Table | pa.Schema) -> str:
    """The header line, with its newline."""
    return "\t".join((table.schema if isinstance(table, pa.Table) else table).names) + "\n"


def tsv_rows(table: pa.Table) -> Iterator[str]:
    """The rows as lines of tab-separated text; a null is an empty field."""
    for row in zip(*(_texts(column) for column in table.columns), strict=True):
        yield "\t".join(row) + "\n"


def _texts(column: pa.ChunkedArray) -> list[str]:
    values = column.to_pylist()
    if pa.types.is_floating(column.type):
        return ["" if value is None else f"{value:z.{DECIMALS}f}" for value in values]
    return ["" if value is None else str(value) for value in values]
