"""Files of result tables: text, BGZF-compressed text, and Parquet; the bytes do not depend on how rows arrive."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO, Final, Literal, Protocol, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.formats.table import TableSchema

Kind = Literal["tsv", "tsv.gz", "parquet"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

#: The key of Parquet's file metadata under which the facts about the run are, as JSON.
FACTS_KEY: Final = b"colonnade"

#: The key of ``run.json`` under which the number of rows of each table is: text that is cut behind a line looks whole.
ROWS_KEY: Final = "rows"

ROW_GROUP: Final = 1 << 16  # rows


class TableFile(Protocol):
    """A table being written."""

    def write(self, table: pa.Table) -> None:
        """Append rows: any number, in any chunks."""

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Complete the file; ``facts`` about the run go into its metadata if it can have any. The sink stays open."""


def open_table(sink: BinaryIO, schema: TableSchema, kind: Kind) -> TableFile:
    r"""Begin a file of one of ``KINDS``, which are also the ends of their names.

    Parameters
    ----------
    sink
        Where the bytes go; it is neither closed nor moved in.
    schema
        The table's columns; all rows must have them.

    Examples
    --------
    >>> import io
    >>> from colonnade.formats.table import Column
    >>> schema = TableSchema("lengths", (Column("contig", "text", "name"), Column("length", "integer", "bases")))
    >>> sink = io.BytesIO()
    >>> file = open_table(sink, schema, "tsv")
    >>> file.write(pa.table([["chr1"], [248956422]], schema=schema.arrow))
    >>> file.finish({})
    >>> sink.getvalue()
    b'contig\tlength\nchr1\t248956422\n'
    """
    if kind == "parquet":
        return _ParquetFile(sink, schema)
    return _PlainText(sink, schema) if kind == "tsv" else _CompressedText(sink, schema)


class _PlainText:
    """Tab-separated text: a header line, and a line per row."""

    def __init__(self, sink: BinaryIO | BgzfWriter, schema: TableSchema) -> None:
        self._sink = sink
        self._schema = schema
        sink.write(schema.header.encode())

    def write(self, table: pa.Table) -> None:
        for lines in self._schema.rows(table):
            self._sink.write(lines)

    def finish(self, _facts: Mapping[str, Any]) -> None:
        """Text has no place for facts that would not come before the header line."""


class _CompressedText(_PlainText):
    """The same as BGZF."""

    def __init__(self, sink: BinaryIO, schema: TableSchema) -> None:
        self._stream = BgzfWriter(sink)
        super().__init__(self._stream, schema)

    def finish(self, _facts: Mapping[str, Any]) -> None:
        self._stream.close()


class _Writer(pq.ParquetWriter):  # type: ignore[misc]
    """A writer that does not complete its file when it is forgotten: after an error the sink is closed."""

    def __del__(self) -> None:
        pass


class _ParquetFile:
    """Parquet in row groups of ``ROW_GROUP`` rows; only the last has fewer."""

    def __init__(self, sink: BinaryIO, schema: TableSchema) -> None:
        self._writer = _Writer(sink, schema.arrow, compression="zstd", write_page_checksum=True)
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0

    def write(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._n_waiting += len(table)
        if self._n_waiting >= ROW_GROUP:
            self._write_groups(self._n_waiting // ROW_GROUP * ROW_GROUP)

    def finish(self, facts: Mapping[str, Any]) -> None:
        if self._n_waiting:
            self._write_groups(self._n_waiting)
        self._writer.add_key_value_metadata({FACTS_KEY: json.dumps(facts)})
        self._writer.close()

    def _write_groups(self, n: int) -> None:
        """Write so many of the waiting rows; what is left is less than a group."""
        rows = pa.concat_tables(self._waiting)
        for start in range(0, n, ROW_GROUP):
            group = rows.slice(start, min(ROW_GROUP, n - start)).combine_chunks()  # pages end where chunks do
            self._writer.write_table(group, row_group_size=ROW_GROUP)
        self._waiting = [rows.slice(n)]
        self._n_waiting = len(rows) - n
