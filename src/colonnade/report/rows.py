"""The rows of ``dist`` and ``idist`` as columns of small integers: what the table of a page holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.compare.samples import REF
from colonnade.compare.schemas import table_schemas
from colonnade.compare.stored import StoredResult
from colonnade.formats.fasta import REFERENCE_LETTERS
from colonnade.formats.table import DECIMALS, Column, TableSchema
from colonnade.report.embedding import MISSING_2, MISSING_4, Array, pack_columns

#: In the order of their codes.
STATES: Final = ("changed", "ambiguous", "unchanged")

#: A number of a table is so many of its last decimal; all are 0-1, so that two bytes hold them.
UNIT: Final = 10**DECIMALS

#: Rows that a page holds of one table. Those with the largest distances, the changed ones first, if there are more:
#: a browser lays no more out in a list that scrolls (17 million pixels in Firefox), and they take about 40 bytes each.
MOST_ROWS: Final = 400_000

_KEY: Final = 1 << 32  # more than any position
_CHANGED_FIRST: Final = UNIT + 1
_DECIMAL: Final = pa.decimal128(38, DECIMALS)
_P_VALUE: Final = TableSchema("p", (Column("p", "p_value", "a p-value", "there is none"),))
_NAMED: Final = ("contig", "reference", "state", "sample_1", "sample_2")


@dataclass(frozen=True)
class Rows:
    """Rows of ``dist`` or ``idist``.

    Parameters
    ----------
    columns
        One array per column, of as many numbers: uint16 ``contig`` and ``comparison``, indexes of those of the run; uint32
        ``position``, 1-based, and depths; uint8 ``reference`` (``REFERENCE_LETTERS``) and ``state`` (``STATES``); uint16 of
        ``1 / UNIT`` for all numbers; uint32 indexes of ``texts`` for p-values and texts.
    texts
        By column: its different texts.
    total
        Rows of the table; more than ``MOST_ROWS`` are not all here.
    """

    columns: Mapping[str, Array]
    texts: Mapping[str, Sequence[str]]
    total: int

    def __len__(self) -> int:
        return len(self.columns["position"])

    @cached_property
    def keys(self) -> npt.NDArray[np.int64]:
        """Contig and position of each row in one number, which rises with the genome."""
        return make_keys(self.columns["contig"], self.columns["position"])

    @cached_property
    def loci(self) -> npt.NDArray[np.int64]:
        """The keys of all loci that there are rows of, rising."""
        return np.unique(self.keys)

    @property
    def has_changed(self) -> npt.NDArray[np.bool_]:
        """Which rows are of state changed."""
        return np.asarray(self.columns["state"] == STATES.index("changed"))

    def pack(self, **more: Array) -> str:
        """All columns as text for a page, the number of each row's locus, and more columns."""
        locus = np.searchsorted(self.loci, self.keys).astype(np.uint32)
        return pack_columns({**self.columns, "locus": locus, **more}, self.texts)


def make_keys(contig: Array, position: Array) -> npt.NDArray[np.int64]:
    """One number for a contig's index and a position, which rises with the genome."""
    return contig.astype(np.int64) * _KEY + position


def split_key(key: int) -> tuple[int, int]:
    """The contig's index and the position, 1-based, of a key."""
    return divmod(int(key), _KEY)


def read_rows(
    result: StoredResult, table: str, *, most: int = MOST_ROWS, progress: Callable[[int], None] | None = None
) -> Rows:
    """Take in ``dist`` or ``idist``, and keep the rows that a page has room for, in their order.

    Parameters
    ----------
    most
        How many rows to keep.
    progress
        Called with the number of rows that are read.
    """
    reader = _Reader(result)
    schema = table_schemas(result.facts["options"]["quantiles"])[table].arrow
    kept = [
        reader.columns_of(pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema))
    ]
    total = 0
    for batch in result.batches(table):
        kept.append(reader.columns_of(batch))
        total += len(batch)
        if sum(len(columns["position"]) for columns in kept) > 2 * most:
            kept = [_foremost(_joined(kept), most)]
        if progress is not None:
            progress(len(batch))
    return Rows(_foremost(_joined(kept), most), {name: list(codes) for name, codes in reader.texts.items()}, total)


class _Reader:
    """Turns batches into columns; texts that are no names are numbered as they come."""

    def __init__(self, result: StoredResult) -> None:
        self._contigs = pa.array(list(result.facts["reference"]["md5"]), pa.string())
        self._names = pa.array([*result.samples, REF], pa.string())
        index = {name: code for code, name in enumerate(self._names.to_pylist())}
        self._comparisons = np.full((len(index), len(index)), MISSING_2, np.uint16)
        for number, comparison in enumerate(result.comparisons):
            self._comparisons[index[comparison.sample_1], index[comparison.sample_2]] = number
        self.texts: dict[str, dict[str, int]] = {}

    def columns_of(self, batch: pa.RecordBatch) -> dict[str, Array]:
        """All columns of some rows."""
        columns: dict[str, Array] = {
            "contig": _codes(
                batch["contig"], self._contigs, np.uint16 if len(self._contigs) < MISSING_2 else np.uint32
            ),
            "reference": _codes(batch["reference"], pa.array(list(REFERENCE_LETTERS)), np.uint8),
            "state": _codes(batch["state"], pa.array(STATES), np.uint8),
            "comparison": self._comparisons[
                _codes(batch["sample_1"], self._names, np.int64), _codes(batch["sample_2"], self._names, np.int64)
            ],
        }
        for field in batch.schema:
            if field.name not in _NAMED:
                columns[field.name] = self._others(field, batch[field.name])
        return columns

    def _others(self, field: pa.Field, values: pa.Array) -> Array:
        kind = field.metadata[b"type"].decode()
        if kind == "integer":
            return np.asarray(pc.fill_null(values, int(MISSING_4))).astype(np.uint32)
        if kind == "number":
            return in_units(values)
        codes = self.texts.setdefault(field.name, {})
        texts = (p_value_texts(values) if kind == "p_value" else values).dictionary_encode()
        numbers = np.array([codes.setdefault(text, len(codes)) for text in texts.dictionary.to_pylist()], np.uint32)
        places = np.asarray(pc.fill_null(texts.indices, -1))
        return np.asarray(np.append(numbers, np.uint32(MISSING_4))[places])


def in_units(values: pa.Array) -> npt.NDArray[np.uint16]:
    """Numbers of 0-1 in whole units of the last decimal that text has; ``MISSING_2`` for null and NaN."""
    decimals = pc.if_else(pc.is_nan(values), None, values).cast(_DECIMAL)
    whole = np.frombuffer(decimals.buffers()[1], np.int64)[::2][decimals.offset : decimals.offset + len(decimals)]
    missing = np.asarray(pc.is_null(decimals))
    return np.where(missing, MISSING_2, whole).astype(np.uint16)


def p_value_texts(values: pa.Array) -> pa.Array:
    """P-values as text has them; null for null and NaN."""
    table = pa.table([values.cast(_P_VALUE.arrow.field(0).type)], _P_VALUE.arrow.names)
    text = b"".join(_P_VALUE.rows(table)).decode()
    return pa.array([line or None for line in text.split("\n")[:-1]], pa.string())


def _codes(values: pa.Array, names: pa.Array, kind: type[np.integer]) -> Array:
    return np.asarray(pc.index_in(values, names)).astype(kind)


def _joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _foremost(columns: dict[str, Array], most: int) -> dict[str, Array]:
    """So many rows, changed ones first, then those with the largest distance, then the first; in their order."""
    if len(columns["position"]) <= most:
        return columns
    changed = columns["state"] == STATES.index("changed")
    rank = changed * _CHANGED_FIRST + columns["distance_mean"].astype(np.int64)
    chosen = np.sort(np.argsort(-rank, kind="stable")[:most])
    return {name: values[chosen] for name, values in columns.items()}
