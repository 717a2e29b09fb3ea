"""Rows of one table, gathered column by column."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from colonnade.formats.table import TableSchema


class Rows:
    """Columns that grow together; columns never given stay null.

    Parameters
    ----------
    schema
        The table that they will become.
    """

    def __init__(self, schema: TableSchema) -> None:
        self._schema = schema
        self._columns: dict[str, list[Any]] = {column.name: [] for column in schema.columns}
        self._length = 0

    def extend(self, columns: Mapping[str, Any], n: int) -> None:
        """Add ``n`` rows: lists by column name; a single value stands for all rows."""
        for name, values in self._columns.items():
            given = columns.get(name)
            values.extend(given if isinstance(given, list) else [given] * n)
        self._length += n

    def __len__(self) -> int:
        return self._length

    def table(self, *, sort_by: str | None = None) -> pa.Table:
        """The Arrow table, rows in the order added or stably sorted by one column."""
        table = pa.table(self._columns, schema=self._schema.arrow)
        if sort_by is None or not len(self):
            return table
        order = sorted(range(len(self)), key=self._columns[sort_by].__getitem__)
        return table.take(order)
