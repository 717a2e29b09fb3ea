"""Tables of all ranges, kept in order until the last pass over them."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import pyarrow as pa

from colonnade.errors import OutputError

_ROWS_AT_ONCE: Final = 1 << 16  # of all tables together, about
_COMPRESSED: Final = pa.ipc.IpcWriteOptions(compression="lz4")

Tables = dict[str, pa.Table]


class Spool:
    """Tables in stretches: what is added at once stays together, in memory or in nameless files. A context manager.

    Parameters
    ----------
    schemas
        Of the tables that are kept; others are dropped.
    folder
        Where the files are; None keeps everything in memory.
    """

    def __init__(self, schemas: Mapping[str, pa.Schema], folder: Path | None) -> None:
        self._schemas = schemas
        self._waiting: list[Mapping[str, pa.Table]] = []
        self._n_waiting = 0
        self._kept: list[Tables] = []
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._writers: dict[str, pa.ipc.RecordBatchFileWriter] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._stack.close()

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Add the tables of a stretch; those that are missing have no rows."""
        self._waiting.append(tables)
        self._n_waiting += sum(len(table) for table in tables.values())
        if self._n_waiting >= _ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """End adding."""
        self._flush()
        for writer in self._writers.values():
            writer.close()

    def stretches(self, names: Sequence[str] = ()) -> Iterator[Tables]:
        """Once closed: some tables, or all, stretch by stretch, as often as wanted."""
        chosen = names or list(self._schemas)
        for tables in self._kept:
            yield {name: tables[name] for name in chosen}
        readers = {}
        for name in chosen:
            if name in self._files:
                self._files[name].seek(0)
                readers[name] = pa.ipc.open_file(self._files[name])
        for number in range(min((reader.num_record_batches for reader in readers.values()), default=0)):
            yield {name: pa.Table.from_batches([reader.get_batch(number)]) for name, reader in readers.items()}

    def _flush(self) -> None:
        """Keep what waits as one stretch."""
        if not self._n_waiting:
            return
        joined = {}
        for name, schema in self._schemas.items():
            parts = [tables[name] for tables in self._waiting if name in tables]
            joined[name] = pa.concat_tables([schema.empty_table(), *parts]).combine_chunks()
        self._waiting, self._n_waiting = [], 0
        if self._folder is None:
            self._kept.append(joined)
        else:
            self._append(joined, self._folder)

    def _append(self, tables: Tables, folder: Path) -> None:
        try:
            self._write(tables, folder)
        except OSError as error:
            raise OutputError(
                "working files cannot be written",
                path=folder,
                found=error.strerror or str(error),
                advice="is there space?",
            ) from None

    def _write(self, tables: Tables, folder: Path) -> None:
        for name, schema in self._schemas.items():
            if name not in self._files:
                self._files[name] = self._stack.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
                self._writers[name] = pa.ipc.new_file(self._files[name], schema, options=_COMPRESSED)
            batches = tables[name].to_batches() or [pa.RecordBatch.from_pylist([], schema)]
            self._writers[name].write_batch(batches[0])
