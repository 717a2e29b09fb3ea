"""Results of ranges as bytes, which travel and are kept: Arrow's stream format for tables, NumPy's for the rest."""

import io
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.compare.ranges import RangeResult, Task
from colonnade.compare.schemas import working_schemas
from colonnade.compare.subject import Subject
from colonnade.compare.totals import STATISTICS, UNLISTED, Totals
from colonnade.compare.windows import WindowSums
from colonnade.errors import FormatError
from colonnade.method.false_share import SAMPLE, SAMPLED
from colonnade.records.source import new_outcomes
from colonnade.regions import Region

_SIZE: Final = struct.Struct("<Q")
_CODEC: Final = "zstd"  # its window holds all comparisons, whose samples of loci share positions and counts

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Packed:
    """A function of a range whose results come as bytes."""

    compare: Callable[[Task], RangeResult]

    def __call__(self, task: Task) -> bytes:
        """The result of a range, packed."""
        return packed(self.compare(task))


def packed(result: RangeResult) -> bytes:
    """A result as compressed sections, each after its size: JSON, then arrays and tables in the order that it names them in."""
    windows, totals = result.windows, result.totals
    unlisted = [sample for samples in totals.unlisted for sample in samples]
    arrays = {
        "positions": windows.positions,
        "comparisons": windows.comparisons,
        "samples": windows.samples,
        "statistics": totals.statistics,
        "outcomes": np.stack(list(totals.outcomes.values())),
        "unlisted": np.concatenate(unlisted),
        "unlisted_sizes": np.array([len(sample) for sample in unlisted], np.int64),
    }
    region = result.region
    head = {
        "region": [region.contig, region.start, region.end],
        "first": windows.first,
        "arrays": list(arrays),
        "tables": list(result.tables),
    }
    contents = [*map(_array_bytes, arrays.values()), *map(_table_bytes, result.tables.values())]
    sections = [json.dumps(head).encode(), *contents]
    together = b"".join(part for section in sections for part in (_SIZE.pack(len(section)), section))
    compressed: bytes = pa.compress(together, codec=_CODEC, asbytes=True)
    return _SIZE.pack(len(together)) + compressed


class ResultReader:
    """Reads what ``packed`` made of results of a run, and checks it.

    Parameters
    ----------
    subject
        What the run is about.
    """

    def __init__(self, subject: Subject) -> None:
        self._schemas = working_schemas(subject.options.quantiles)
        self._window = subject.options.window
        self._samples = subject.samples
        self._n_comparisons = len(subject.comparisons)
        self._lengths = subject.lengths

    def read(self, data: bytes, *, path: Path | None = None) -> RangeResult:
        """A result; raises FormatError, which names the file that it is from, where the bytes are none of this run."""
        try:
            return self._read(data)
        except Exception as error:  # Arrow, NumPy and JSON raise all sorts at bytes that are not theirs
            raise FormatError(
                "not results of this run",
                path=path,
                found=f"{type(error).__name__} {error}".rstrip(),
                advice="make them again",
            ) from None

    def _read(self, data: bytes) -> RangeResult:
        (size,) = _SIZE.unpack_from(data)
        sections = _sections(pa.decompress(memoryview(data)[_SIZE.size :], size, codec=_CODEC, asbytes=True))
        head = json.loads(next(sections, b""))
        arrays = {name: _read_array(next(sections, b"")) for name in head["arrays"]}
        region = Region(*head["region"])
        _require(0 <= region.start < region.end <= self._lengths[region.contig], f"region {region}")
        tables = {
            name: _read_table(section, self._schemas[name])
            for name, section in zip(head["tables"], sections, strict=True)
        }
        windows = self._windows(region, head["first"], arrays)
        return RangeResult(region, tables, windows, self._totals(arrays))

    def _windows(self, region: Region, first: int, arrays: Mapping[str, Array]) -> WindowSums:
        _require(first == region.start // self._window, f"window {first}")
        n = (region.end - 1) // self._window - first + 1
        return WindowSums(
            region.contig,
            first,
            _checked(arrays["positions"], (n,)),
            _checked(arrays["comparisons"], (n, self._n_comparisons, 3)),
            _checked(arrays["samples"], (n, len(self._samples), 3)),
        )

    def _totals(self, arrays: Mapping[str, Array]) -> Totals:
        sizes = _checked(arrays["unlisted_sizes"], (self._n_comparisons * len(UNLISTED),))
        _require(bool(((sizes >= 0) & (sizes <= SAMPLE)).all()), f"samples of {sizes.tolist()} loci")
        together = _checked(arrays["unlisted"], (int(sizes.sum()),), SAMPLED)
        samples = np.split(together, np.cumsum(sizes)[:-1])
        unlisted = [samples[start : start + len(UNLISTED)] for start in range(0, len(samples), len(UNLISTED))]
        outcomes = _checked(arrays["outcomes"], (len(self._samples), len(new_outcomes())))
        statistics = _checked(arrays["statistics"], (self._n_comparisons, STATISTICS))
        return Totals(statistics, unlisted, dict(zip(self._samples, outcomes, strict=True)))


def _array_bytes(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _read_array(data: bytes) -> Array:
    array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    return array


def _table_bytes(table: pa.Table) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def _read_table(data: bytes, schema: pa.Schema) -> pa.Table:
    table = pa.ipc.open_stream(data).read_all()
    _require(table.schema.equals(schema), f"a table of {', '.join(table.schema.names)}")
    table.validate(full=True)
    return table


def _sections(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        (size,) = _SIZE.unpack_from(data, at)
        at += _SIZE.size + size
        _require(at <= len(data), f"a section of {size} bytes, {at - len(data)} too many")
        yield data[at - size : at]


def _checked(array: Array, shape: tuple[int, ...], dtype: npt.DTypeLike = np.int64) -> Array:
    _require(array.shape == shape and array.dtype == dtype, f"an array of {array.shape} {array.dtype}")
    return array


def _require(holds: bool, found: str) -> None:
    if not holds:
        raise ValueError(found)
