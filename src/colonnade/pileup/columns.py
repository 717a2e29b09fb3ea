"""Columns as objects: many at once as flat arrays, one at a time as slices of those, one alignment at a time as a tuple."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from colonnade.errors import UsageError
from colonnade.formats.html import Bar, note, panel, table
from colonnade.pileup.segments_kernels import IS_DELETION, IS_MATCH, IS_NO_SPAN, IS_SKIP
from colonnade.records.batch import RecordBatch
from colonnade.records.filters import Flag

if TYPE_CHECKING:
    import pyarrow as pa

#: The flat arrays of a ``ColumnBatch`` and their types.
FLAT: Final = {"record": np.int32, "query": np.int32, "base": np.uint8, "quality": np.uint8, "state": np.uint8}

#: Letter to its row in ``ColumnBatch.base_counts``; 4 for all others.
_CODES: Final = np.full(256, 4, np.uint8)
_CODES[list(b"ACGT")] = range(4)

_MOST_SHOWN: Final = 8  # columns in a notebook


class State(IntEnum):
    """What a read is in a column."""

    MATCH = IS_MATCH
    DELETION = IS_DELETION
    SKIP = IS_SKIP
    NO_SPAN = IS_NO_SPAN


class Alignment(NamedTuple):
    """One read in one column.

    Parameters
    ----------
    record
        Row in ``records`` of the batch.
    name, flag
        Of the read.
    query_position
        0-based position in the read; None in a deletion or skip, and for a read without span.
    base
        One letter; ``*`` in a deletion, ``>`` in a skip, N where the read has no sequence or no span.
    quality
        As ``ColumnBatch.quality``.
    state
        Match, deletion, skip, or no span.
    indel
        htslib's ``indel``: length of the insertion that follows, else minus that of the deletion that follows, else 0.
    is_head, is_tail
        Whether this is the first, and the last, column of the read.
    mapping_quality
        Of the read.
    reverse
        Whether the read is on the reverse strand.
    """

    record: int
    name: str
    flag: int
    query_position: int | None
    base: str
    quality: int
    state: State
    indel: int
    is_head: bool
    is_tail: bool
    mapping_quality: int
    reverse: bool


@dataclass(frozen=True, eq=False)
class ColumnBatch:
    """Columns of one contig as flat arrays; those of column i are the items ``offsets[i]`` to ``offsets[i + 1]``, in file order.

    It owns its data: nothing changes when the next batch is made, and it can be pickled.

    Parameters
    ----------
    contig
        Name.
    positions
        int64 (columns,): 0-based, rising.
    offsets
        int64 (columns + 1,): where each column begins in the flat arrays.
    reads
        The records that reach into these columns, in file order.
    record
        int32 (alignments,): row in ``records``.
    query
        int32 (alignments,): 0-based position in the read; in a deletion or skip that of the base after it; -1 without span.
    base
        uint8 (alignments,): ASCII; ``*`` in a deletion, ``>`` in a skip, N where the read has no sequence or no span.
    quality
        uint8 (alignments,): base quality, 255 where there is none. With ``compat="htslib"`` a deletion or skip has that of the base
        after it, and a read without sequence has 0.
    state
        uint8 (alignments,): ``State``.
    indels
        Array of ``columns_kernels.INDEL`` by ``at``: alignments before an insertion or deletion, or in a deletion or skip.
    """

    contig: str
    positions: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    reads: RecordBatch
    record: npt.NDArray[np.int32]
    query: npt.NDArray[np.int32]
    base: npt.NDArray[np.uint8]
    quality: npt.NDArray[np.uint8]
    state: npt.NDArray[np.uint8]
    indels: npt.NDArray[np.void]

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, number: int) -> "Column": ...

    @overload
    def __getitem__(self, number: slice) -> "ColumnBatch": ...

    def __getitem__(self, number: int | slice) -> "Column | ColumnBatch":
        if isinstance(number, slice):
            return self.part(number)
        number = range(len(self))[number]
        start, stop = self.offsets[number : number + 2].tolist()
        return Column(self, int(self.positions[number]), start, stop)

    def __iter__(self) -> Iterator["Column"]:
        bounds = self.offsets.tolist()
        return map(Column, repeat(self), self.positions.tolist(), bounds, bounds[1:])

    def __repr__(self) -> str:
        if not len(self):
            return "ColumnBatch(no columns)"
        where = f"{self.contig}:{self.positions[0] + 1}-{self.positions[-1] + 1}"
        return f"ColumnBatch({where}, {len(self)} columns, {len(self.record)} alignments of {len(self.records)} reads)"

    def _repr_html_(self) -> str:
        first = self.part(slice(0, _MOST_SHOWN))
        counts = zip(first.positions + 1, first.depths, first.base_counts(), strict=True)
        rows = [(int(position), int(depth), *map(int, bases)) for position, depth, bases in counts]
        more = len(self) - len(first)
        seen = table(("position", "depth", *"ACGT"), rows)
        return panel(f"{self!r}", seen, note(f"and {more:,} columns more") if more else "")

    def __reduce__(self) -> tuple[Any, ...]:
        arrays = (self.record, self.query, self.base, self.quality, self.state, self.indels)
        return ColumnBatch, (self.contig, self.positions, self.offsets, self.reads.taken(slice(None)), *arrays)

    @property
    def depths(self) -> npt.NDArray[np.int64]:
        """int64 (columns,): alignments in each column."""
        return np.diff(self.offsets)

    @cached_property
    def query_or_none(self) -> npt.NDArray[np.int32]:
        """int32 (alignments,): ``query``, but -1 in a deletion or skip too."""
        return np.where(self.state == IS_MATCH, self.query, np.int32(-1)) if self.state.any() else self.query

    @cached_property
    def letters(self) -> npt.NDArray[np.bytes_]:
        """S1 (alignments,): ``base`` as letters, on the same memory."""
        return self.base.view("S1")

    @cached_property
    def insertion(self) -> npt.NDArray[np.int32]:
        """int32 (alignments,): length of the insertion that follows."""
        return self._from_indels("insertion")

    @cached_property
    def deletion(self) -> npt.NDArray[np.int32]:
        """int32 (alignments,): length of the deletion that begins after this column."""
        return self._from_indels("deletion")

    @cached_property
    def gap(self) -> npt.NDArray[np.int32]:
        """int32 (alignments,): whole length of the deletion or skip that the read is in."""
        return self._from_indels("gap")

    @cached_property
    def head(self) -> npt.NDArray[np.bool_]:
        """Whether this is the first column of the read: bool (alignments,)."""
        starts: npt.NDArray[np.int64] = self.records["start"]
        heads: npt.NDArray[np.bool_] = self._position == starts[self.record]
        return heads

    @cached_property
    def tail(self) -> npt.NDArray[np.bool_]:
        """Whether this is the last column of the read: bool (alignments,)."""
        ends: npt.NDArray[np.int64] = np.maximum(self.records["end"], self.records["start"] + 1)
        tails: npt.NDArray[np.bool_] = self._position == ends[self.record] - 1
        return tails

    @cached_property
    def reverse(self) -> npt.NDArray[np.bool_]:
        """Whether the read is on the reverse strand: bool (alignments,)."""
        is_reverse: npt.NDArray[np.bool_] = self.flags & np.uint16(Flag.REVERSE) != 0
        return is_reverse[self.record]

    def base_counts(self, *, by_strand: bool = False) -> npt.NDArray[np.int32]:
        """How many alignments of each column have A, C, G and T; other letters, deletions and skips are in none of them.

        Parameters
        ----------
        by_strand
            Whether reads on the forward and on the reverse strand are counted apart.

        Returns
        -------
        int32 (columns, 4); by strand (2, columns, 4), the forward one first.
        """
        n_strands, n = 1 + by_strand, len(self)
        cells = np.repeat(5 * np.arange(n), self.depths) + _CODES[self.base]
        if by_strand:
            cells += 5 * n * self.reverse
        counts = np.bincount(cells, minlength=5 * n * n_strands).reshape(n_strands, n, 5)[:, :, :4].astype(np.int32)
        return counts if by_strand else counts[0]

    @property
    def records(self) -> npt.NDArray[np.void]:
        """Array of ``RECORD``: the reads, of which ``record`` gives the row."""
        return self.reads.records

    @cached_property
    def names(self) -> list[str]:
        """Name of each read in ``records``."""
        raw = self.reads.data.tobytes()
        starts = self.records["name"]
        ends = starts + self.records["l_name"] - 1
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return [raw[start:end].decode(errors="surrogateescape") for start, end in pairs]

    @property
    def flags(self) -> npt.NDArray[np.uint16]:
        """uint16 (reads,): FLAG of each read in ``records``."""
        return self._of_records("flag", np.uint16)

    @property
    def mapping_qualities(self) -> npt.NDArray[np.uint8]:
        """uint8 (reads,): MAPQ of each read in ``records``."""
        return self._of_records("mapq", np.uint8)

    def part(self, columns: slice) -> "ColumnBatch":
        """Some of the columns, with arrays of their own and only the reads in them; ``batch[2:5]`` is the same.

        Raises
        ------
        UsageError
            The slice has a step other than 1.
        """
        first, last, step = columns.indices(len(self))
        if step != 1:
            raise UsageError("a part of a batch leaves no columns out", found=f"step {step}", expected="step 1")
        start, stop = self.offsets[[first, max(first, last)]].tolist()
        chosen = np.zeros(len(self.records), np.bool_)
        chosen[self.record[start:stop]] = True
        rows = np.cumsum(chosen, dtype=np.int32) - np.int32(1)
        indels = self.indels[
            np.searchsorted(self.indels["at"], start) : np.searchsorted(self.indels["at"], stop)
        ].copy()
        indels["at"] -= start
        return ColumnBatch(
            self.contig,
            self.positions[first:last].copy(),
            self.offsets[first : max(first, last) + 1] - start,
            self.reads.taken(chosen),
            rows[self.record[start:stop]],
            self.query[start:stop].copy(),
            self.base[start:stop].copy(),
            self.quality[start:stop].copy(),
            self.state[start:stop].copy(),
            indels,
        )

    def to_arrow(self) -> "pa.Table":
        """One row per column: contig, position, and for each property of the alignments a list.

        ``record``, ``query``, ``base``, ``quality`` and ``state`` are the flat arrays themselves, not copies; they live as long as
        the table. ``name`` is a dictionary of the distinct names, which mates share, with an int32 array of its own as indices;
        in a name that is not UTF-8, U+FFFD stands for what cannot be read.
        """
        import pyarrow as pa

        offsets = pa.array(self.offsets)
        flat = {name: pa.array(getattr(self, name)) for name in FLAT}
        numbers: dict[str, int] = {}
        rows = np.array([numbers.setdefault(_as_utf8(name), len(numbers)) for name in self.names], np.int32)
        flat["name"] = pa.DictionaryArray.from_arrays(rows[self.record], pa.array(list(numbers), pa.string()))
        flat["flag"] = pa.array(self.flags[self.record])
        flat["mapping_quality"] = pa.array(self.mapping_qualities[self.record])
        for name in ("insertion", "deletion", "gap", "head", "tail", "reverse"):
            flat[name] = pa.array(getattr(self, name))
        contig = pa.DictionaryArray.from_arrays(np.zeros(len(self), np.int32), pa.array([_as_utf8(self.contig)]))
        lists = {name: pa.LargeListArray.from_arrays(offsets, values) for name, values in flat.items()}
        return pa.table({"contig": contig, "position": pa.array(self.positions), **lists})

    @cached_property
    def _position(self) -> npt.NDArray[np.int64]:
        return np.repeat(self.positions, self.depths)

    def _from_indels(self, name: str) -> npt.NDArray[np.int32]:
        values = np.zeros(len(self.record), np.int32)
        values[self.indels["at"]] = self.indels[name]
        return values

    def _of_records(self, name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
        return np.ascontiguousarray(self.records[name], kind)


class Column:
    """The reads at one position: slices of the arrays of a batch, which it keeps alive. Pickled, it carries its own part only.

    Iterating gives an ``Alignment`` for each.

    Parameters
    ----------
    batch
        Where it is from.
    position
        0-based.
    start, stop
        Which items of the flat arrays.
    """

    __slots__ = ("batch", "position", "start", "stop")

    def __init__(self, batch: ColumnBatch, position: int, start: int, stop: int) -> None:
        self.batch = batch
        self.position = position
        self.start = start
        self.stop = stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __repr__(self) -> str:
        return f"Column({self.contig}:{self.position + 1}, {len(self)} alignments)"

    def _repr_html_(self) -> str:
        letters, codes, counts = np.unique(self.bases, return_inverse=True, return_counts=True)
        reverse = np.bincount(codes, self.reverse, len(letters)).astype(np.int64)
        rows = [
            (letters[i].decode(), int(counts[i] - reverse[i]), int(reverse[i]), Bar(counts[i] / len(self)))
            for i in np.argsort(-counts, kind="stable")
        ]
        return panel(f"{self!r}", table(("base", "forward", "reverse", "share"), rows))

    def __reduce__(self) -> tuple[Any, ...]:
        number = int(np.searchsorted(self.batch.positions, self.position))
        return ColumnBatch.__getitem__, (self.batch.part(slice(number, number + 1)), 0)

    def __iter__(self) -> Iterator[Alignment]:
        names, flags = self.batch.names, self.flags.tolist()
        numbers = (self.query_positions, self.qualities, self.states, self.indels)
        columns = zip(self.records.tolist(), flags, *(n.tolist() for n in numbers), strict=True)
        others = (self.heads, self.tails, self.mapping_qualities, self.reverse)
        marks = zip(self.bases.tolist(), *(n.tolist() for n in others), strict=True)
        for (row, flag, query, quality, state, indel), (base, *rest) in zip(columns, marks, strict=True):
            place = query if state == IS_MATCH else None
            yield Alignment(row, names[row], flag, place, base.decode(), quality, State(state), indel, *rest)

    @property
    def contig(self) -> str:
        """Name of the contig."""
        return self.batch.contig

    @property
    def depth(self) -> int:
        """How many alignments."""
        return self.stop - self.start

    @property
    def records(self) -> npt.NDArray[np.int32]:
        """int32 (depth,): rows in ``batch.records``."""
        return self.batch.record[self.start : self.stop]

    @property
    def query_positions(self) -> npt.NDArray[np.int32]:
        """int32 (depth,): 0-based positions in the reads; -1 in a deletion or skip, and for reads without span."""
        return self.batch.query_or_none[self.start : self.stop]

    @property
    def query_positions_or_next(self) -> npt.NDArray[np.int32]:
        """int32 (depth,): the same, but in a deletion or skip that of the base after it."""
        return self.batch.query[self.start : self.stop]

    @property
    def bases(self) -> npt.NDArray[np.bytes_]:
        """S1 (depth,): letters, as of ``ColumnBatch.base``."""
        return self.batch.letters[self.start : self.stop]

    @property
    def qualities(self) -> npt.NDArray[np.uint8]:
        """uint8 (depth,): base qualities, as of ``ColumnBatch.quality``."""
        return self.batch.quality[self.start : self.stop]

    @property
    def states(self) -> npt.NDArray[np.uint8]:
        """uint8 (depth,): ``State``."""
        return self.batch.state[self.start : self.stop]

    @property
    def insertions(self) -> npt.NDArray[np.int32]:
        """int32 (depth,): lengths of the insertions that follow."""
        return self.batch.insertion[self.start : self.stop]

    @property
    def deletions(self) -> npt.NDArray[np.int32]:
        """int32 (depth,): lengths of the deletions that begin after this column."""
        return self.batch.deletion[self.start : self.stop]

    @property
    def gaps(self) -> npt.NDArray[np.int32]:
        """int32 (depth,): whole lengths of the deletions and skips that reads are in."""
        return self.batch.gap[self.start : self.stop]

    @property
    def indels(self) -> npt.NDArray[np.int32]:
        """int32 (depth,): htslib's ``indel``: the insertion that follows, else minus the deletion that follows, else 0."""
        return np.where(self.insertions > 0, self.insertions, -self.deletions)

    @property
    def heads(self) -> npt.NDArray[np.bool_]:
        """Whether it is the first column of the read: bool (depth,)."""
        return self.batch.head[self.start : self.stop]

    @property
    def tails(self) -> npt.NDArray[np.bool_]:
        """Whether it is the last column of the read: bool (depth,)."""
        return self.batch.tail[self.start : self.stop]

    @property
    def reverse(self) -> npt.NDArray[np.bool_]:
        """Whether the read is on the reverse strand: bool (depth,)."""
        return self.batch.reverse[self.start : self.stop]

    @property
    def names(self) -> list[str]:
        """Names of the reads."""
        names = self.batch.names
        return [names[row] for row in self.records.tolist()]

    @property
    def flags(self) -> npt.NDArray[np.uint16]:
        """uint16 (depth,): FLAG of the reads."""
        flags: npt.NDArray[np.uint16] = self.batch.records["flag"][self.records]
        return flags

    @property
    def mapping_qualities(self) -> npt.NDArray[np.uint8]:
        """uint8 (depth,): MAPQ of the reads."""
        mapping_qualities: npt.NDArray[np.uint8] = self.batch.records["mapq"][self.records]
        return mapping_qualities


def _as_utf8(name: str) -> str:
    """A name as text that can be written."""
    return name.encode(errors="surrogateescape").decode(errors="replace")
