"""Result tables read back from their files, batch by batch, and checked against their schemas."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from colonnade.errors import FormatError, InputError, shortened
from colonnade.formats.stream import FileSource, InputStream
from colonnade.formats.table import TableSchema
from colonnade.formats.table_files import FACTS_KEY, ROW_GROUP, Kind

_ADVICE: Final = "make it again"
_LONGEST_HEADER: Final = 1 << 16
_PIECE: Final = 1 << 22  # bytes of text that become one batch

# What Arrow says of a line that it cannot take; the number of the line is among it.
_ROW: Final = re.compile(r"Row #(\d+)")
_FIELDS: Final = re.compile(r"Expected (\d+) columns, got (\d+)")
_VALUE: Final = re.compile(r"CSV column #(\d+).*?(?:conversion error to (\w+): )(?:invalid value )?(.*)", re.DOTALL)


def read_batches(path: Path, schema: TableSchema, kind: Kind, facts: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """The rows of a file that ``open_table`` began, in batches whose size does not depend on the file's.

    Parameters
    ----------
    path
        The file.
    schema
        The columns that it must have; the batches have exactly these.
    kind
        One of ``KINDS``. Text may also be compressed by plain gzip, or not at all.
    facts
        About the run; the file must say the same if it says any, as only Parquet does.

    Raises
    ------
    FormatError
        The file has other columns, or is damaged or cut short. Text that was cut behind a line is not noticed.
    InputError
        The file is of another run.
    """
    return _parquet_batches(path, schema, facts) if kind == "parquet" else _text_batches(path, schema)


def _parquet_batches(path: Path, schema: TableSchema, facts: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_columns(path, "columns", file.schema_arrow.names, schema)
            if not file.schema_arrow.equals(schema.arrow):
                raise FormatError("columns of other types", path=path, expected=", ".join(map(str, schema.arrow.types)))
            _check_facts(path, file.metadata.metadata or {}, facts)
            for batch in file.iter_batches(batch_size=ROW_GROUP):
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema.arrow)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(
            "cannot be read as Parquet", path=path, found=shortened(str(error).splitlines()[0]), advice=_ADVICE
        ) from None


def _check_facts(path: Path, metadata: Mapping[bytes, bytes], facts: Mapping[str, Any]) -> None:
    try:
        own = json.loads(metadata.get(FACTS_KEY, b""))
    except ValueError:
        raise FormatError("no facts about the run in its metadata", path=path, advice=_ADVICE) from None
    if own != facts:
        raise InputError("of another run than its run.json tells of", path=path, advice="remove it, or compare again")


def _text_batches(path: Path, schema: TableSchema) -> Iterator[pa.RecordBatch]:
    with closing(FileSource(path)) as source:
        stream = InputStream(source)
        _take_header(stream, schema)
        n_lines = 1
        for lines in _whole_lines(stream):
            batch = _parse(lines, schema, path, n_lines)
            n_lines += len(batch)
            yield batch
        if stream.packing == "bgzf":
            stream.require_end_block()


def _take_header(stream: InputStream, schema: TableSchema) -> None:
    expected = schema.header.encode()
    if stream.peek(len(expected)) == expected:
        stream.take(len(expected))
        return
    line, newline, _ = stream.peek(_LONGEST_HEADER).partition(b"\n")
    names = line.decode(errors="replace").split("\t")
    _check_columns(Path(stream.path), "line 1", names, schema)
    raise FormatError(
        "wrong header",
        path=stream.path,
        place="line 1",
        found="no end of the line" if not newline else shortened(names[-1]),
    )


def _check_columns(path: Path, place: str, names: Sequence[str], schema: TableSchema) -> None:
    """Raise at the first column that has another name than it must have."""
    for number, column in enumerate(schema.columns):
        found = names[number] if number < len(names) else None
        if found != column.name:
            raise FormatError(
                f"not a table {schema.name} of this run",
                path=path,
                place=f"{place}, column {number + 1}",
                found="nothing" if found is None else repr(shortened(found)),
                expected=repr(column.name),
                advice=_ADVICE,
            )
    if len(names) > len(schema.columns):
        raise FormatError(
            f"not a table {schema.name} of this run",
            path=path,
            place=place,
            found=f"{len(names)} columns",
            expected=str(len(schema.columns)),
            advice=_ADVICE,
        )


def _whole_lines(stream: InputStream) -> Iterator[bytes]:
    """What is left of a stream, in pieces that end where lines do."""
    rest = b""
    while part := stream.take(_PIECE):
        end = part.rfind(b"\n") + 1
        if end:
            yield rest + part[:end]
            rest = b""
        rest += part[end:]
    if rest:
        raise FormatError("truncated", path=stream.path, found="a last line without its end", advice=_ADVICE)


def _parse(lines: bytes, schema: TableSchema, path: Path, n_before: int) -> pa.RecordBatch:
    """Rows of whole lines, before which there are so many."""
    names = [column.name for column in schema.columns]
    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(lines),
            # Row numbers of errors need one block, read by one thread.
            pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(lines)),
            pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
            pyarrow.csv.ConvertOptions(
                column_types=schema.arrow,
                null_values=[""],  # so that a sample may be called NA
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _bad_line(str(error), schema, path, n_before) from None
    _check_nulls(table, schema, path, n_before)
    columns = [values.combine_chunks() for values in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=schema.arrow)


def _check_nulls(table: pa.Table, schema: TableSchema, path: Path, n_before: int) -> None:
    for values, column in zip(table.columns, schema.columns, strict=True):
        if column.null is None and values.null_count:
            line = n_before + 1 + pc.index(pc.is_null(values), True).as_py()
            raise FormatError(
                f"{column.name} is empty", path=path, place=f"line {line}", expected=column.meaning, advice=_ADVICE
            )


def _bad_line(said: str, schema: TableSchema, path: Path, n_before: int) -> FormatError:
    """Arrow's words about a line in ours."""
    row = _ROW.search(said)
    place = f"line {n_before + int(row[1])}" if row else None
    if fields := _FIELDS.search(said):
        expected, found = fields.groups()
        return FormatError(
            "wrong number of fields", path=path, place=place, found=found, expected=expected, advice=_ADVICE
        )
    if value := _VALUE.search(said):
        column = schema.columns[int(value[1])]
        return FormatError(
            f"{column.name} cannot be read",
            path=path,
            place=place,
            found=shortened(value[3]),
            expected=column.type,
            advice=_ADVICE,
        )
    return FormatError("cannot be read", path=path, place=place, found=shortened(said.splitlines()[0]), advice=_ADVICE)
