"""From files to sections: columns that are complete, with all reads of each file that have a part in them, in file order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats.alignments import AlignmentFile
from colonnade.pileup.admission import Admission, LeftOpen
from colonnade.records.batch import NO_MORE, RecordBatch, chosen_records
from colonnade.records.batch_kernels import MAX_POSITION
from colonnade.records.filters import ReadFilter
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import read_batches
from colonnade.regions import Region, check_region, parse_region
from colonnade.run.ahead import ahead

#: Changes a batch of new records in place, or says which of them to keep.
Step = Callable[[RecordBatch], RecordBatch]

BATCH_BYTES: Final = 4 << 20
MOST_COLUMNS: Final = 1 << 16
MOST_EMPTY: Final = 1 << 10  # columns without reads that are not worth a section of their own


@dataclass(frozen=True)
class Rules:
    """How the records of a file become reads of columns.

    Parameters
    ----------
    read_filter
        Which records.
    as_htslib
        Whether reads come in, and mates find each other, in htslib's order of events.
    max_depth
        Depth limit of htslib; only with ``as_htslib``. 0 for none.
    resolve_mates
        Whether one of two overlapping mates loses its quality.
    steps
        What happens to each batch before that.
    whole
        Whether the tags of records are needed.
    refused
        int64 (1,): to which the records are added that the depth limit kept out.
    left_open
        For each file, what the contig before leaves behind; changed to what this one leaves.
    """

    read_filter: ReadFilter
    as_htslib: bool = False
    max_depth: int = 0
    resolve_mates: bool = False
    steps: tuple[Step, ...] = ()
    whole: bool = False
    refused: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    left_open: list[LeftOpen] | None = None


@dataclass(frozen=True)
class Section:
    """Columns and their reads.

    Parameters
    ----------
    region
        The columns.
    batches
        For each file the records that may have a part in them, in file order.
    """

    region: Region
    batches: tuple[RecordBatch, ...]

    def __reduce__(self) -> tuple[type["Section"], tuple[Region, tuple[RecordBatch, ...]]]:
        # What travels are the reads of these columns alone: batches share the bytes of all that was read at a time.
        start, end = self.region.start, self.region.end
        return Section, (self.region, tuple(_across(batch, start, end) for batch in self.batches))


def read_sections(
    files: Sequence[AlignmentFile], region: Region, rules: Rules, *, size: int = BATCH_BYTES, threads: int = 1
) -> Iterator[Section]:
    """Sections of a region, one after the other, without gaps.

    Parameters
    ----------
    files
        Each is a sample of its own.
    region
        Where.
    rules
        The same for all files.
    size
        Bytes of BAM to read of a file before columns are given out; more where reads are deep.
    threads
        Threads that inflate.
    """
    streams = []
    for number, file in enumerate(files):
        batches = read_batches(
            [file], region, rules.read_filter, size=size, threads=threads, as_stored=True, room=size // 8
        )
        if len(files) < threads:
            batches = ahead(batches)
        left_open = rules.left_open[number] if rules.left_open is not None else None
        streams.append(prepared_batches(batches, rules, left_open))
    return join_streams(streams, region, size=size)


def prepared_batches(
    batches: Iterator[RecordBatch], rules: Rules, left_open: LeftOpen | None = None
) -> Iterator[RecordBatch]:
    """The same records, numbered, filtered, let in and resolved; in the order in which mates allow."""
    let_in = _let_in(batches, rules, left_open)
    if not rules.resolve_mates:
        return _without_refused(let_in)
    return _without_refused(resolve_overlaps(let_in, as_htslib=rules.as_htslib, lost=0))


def _let_in(batches: Iterator[RecordBatch], rules: Rules, left_open: LeftOpen | None) -> Iterator[RecordBatch]:
    admission = Admission(rules.max_depth, rules.refused)
    if left_open is not None:
        left_open.begin()
    number = 0
    for batch in batches:
        batch.records["ordinal"] = np.arange(number, number + len(batch))
        number += len(batch)
        for step in rules.steps:
            batch = step(batch)
        if rules.as_htslib:
            batch = admission.admitted(batch)
        if left_open is not None:
            left_open.pass_on(batch)
        yield replace(batch, whole=rules.whole)
        del batch


def _without_refused(batches: Iterator[RecordBatch]) -> Iterator[RecordBatch]:
    for batch in batches:
        yield batch.without(batch.records["refused"])
        del batch


def join_streams(streams: Sequence[Iterator[RecordBatch]], region: Region, *, size: int) -> Iterator[Section]:
    """Columns that are complete in all streams, as soon as there are enough new records."""
    readers = [_Reader(stream) for stream in streams]
    start = region.start
    while start < region.end:
        while True:
            reader = min(readers, key=lambda reader: reader.complete)
            new, carried = sum(r.new for r in readers), sum(r.carried for r in readers)
            if reader.complete == NO_MORE or (reader.complete > start and new >= max(size, carried) // 4):
                break
            reader.advance()
        end = min(region.end, reader.complete)
        yield Section(Region(region.contig, start, end), tuple(r.take_until(end) for r in readers))
        start = end


class _Reader:
    """The records of a stream that are open: not yet behind the columns given out."""

    def __init__(self, stream: Iterator[RecordBatch]) -> None:
        self._stream = stream
        self._parts: list[RecordBatch] = []
        self.complete = 0
        self.new = 0  # bytes since columns were given out last
        self.carried = 0  # bytes from before

    def advance(self) -> None:
        """Take one more batch."""
        batch = next(self._stream, None)
        if batch is None:
            self.complete = NO_MORE
            return
        self.complete = max(self.complete, batch.complete)
        if len(batch):
            self._parts.append(batch)
            self.new += _size(batch.records)

    def take_until(self, end: int) -> RecordBatch:
        """The open records in file order; those that reach ``end`` stay open."""
        parts, self._parts = self._parts, []
        merged = in_file_order(parts)
        del parts
        records = merged.records
        later = (records["end"] > end) | (records["start"] >= end)
        self._parts = [merged.taken(later)] if later.any() else []
        self.carried = _size(records[later])
        self.new = 0
        return merged


def regions_of_columns(region: str | Region | None, lengths: Mapping[str, int]) -> list[Region]:
    """Where columns are wanted; reads may hang over the end of a contig, and have columns there too."""
    if isinstance(region, Region):
        return [check_region(region, lengths)]
    if region is None:
        return [Region(contig, 0, MAX_POSITION) for contig in lengths]
    parse_region(region, lengths)
    return [parse_region(region, dict.fromkeys(lengths, MAX_POSITION))]


def bytes_of_a_task(memory: int, threads: int) -> int:
    """What of the memory one task may take: each thread has one, and two more are begun or wait, with input and output."""
    return memory // (4 * (threads + 2))


def split_section(section: Section, *, reads: int, columns: int = MOST_COLUMNS) -> Iterator[Section]:
    """Sections within one that leave out long stretches without reads, and hold no more columns or reads in columns than asked for.

    Parameters
    ----------
    section
        What is split.
    reads
        Most reads in columns, all files together; a single column may have more.
    columns
        Most columns.
    """
    region = section.region
    starts = np.concatenate([batch.records["start"] for batch in section.batches])
    ends = np.concatenate([batch.records["end"] for batch in section.batches])
    ends = np.minimum(np.maximum(ends, starts + 1), region.end)
    starts = np.maximum(starts, region.start)
    overlapping = starts < ends
    starts, ends = starts[overlapping], ends[overlapping]
    if not len(starts):
        return
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    reached = np.maximum.accumulate(ends)
    first_of_span = np.flatnonzero(np.concatenate([[True], starts[1:] > reached[:-1] + MOST_EMPTY]))
    for first, last in zip(first_of_span, [*first_of_span[1:], len(starts)], strict=True):
        for start in range(int(starts[first]), int(reached[last - 1]), columns):
            end = min(start + columns, int(reached[last - 1]))
            for piece in _cut(starts[first:last], ends[first:last], start, end, reads):
                yield Section(
                    Region(region.contig, *piece), tuple(batch.overlapping(*piece) for batch in section.batches)
                )


def _cut(
    starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], start: int, end: int, reads: int
) -> list[tuple[int, int]]:
    """Cut [start, end) so that no piece has more reads in its columns, unless it is one column."""
    clipped = np.clip(starts - start, 0, end - start), np.clip(ends - start, 0, end - start)
    if (clipped[1] - clipped[0]).sum() <= reads:
        return [(start, end)]
    changes = [np.bincount(places, minlength=end - start + 1) for places in clipped]
    totals = np.cumsum(np.cumsum(changes[0] - changes[1])[:-1])
    cuts = [0]
    while cuts[-1] < end - start:
        before = totals[cuts[-1] - 1] if cuts[-1] else 0
        cuts.append(max(cuts[-1] + 1, int(np.searchsorted(totals, before + reads, side="right"))))
    return [(start + a, start + min(b, end - start)) for a, b in pairwise(cuts)]


def in_file_order(parts: Sequence[RecordBatch]) -> RecordBatch:
    """Batches as one, in the order in which their records were read."""
    if not parts:
        return RecordBatch.empty()
    merged = RecordBatch.joined(parts)
    ordinals = merged.records["ordinal"]
    if np.all(ordinals[1:] > ordinals[:-1]):
        return merged
    return replace(merged, records=chosen_records(merged.records, np.argsort(ordinals, kind="stable")))


def _across(batch: RecordBatch, start: int, end: int) -> RecordBatch:
    """The records that may overlap [start, end), one without span at its start, on bytes of their own."""
    starts, ends = batch.records["start"], batch.records["end"]
    return batch.taken((np.maximum(ends, starts + 1) > start) & (starts < end))


def _size(records: npt.NDArray[np.void]) -> int:
    """Bytes that records take, about."""
    return int(records["l_seq"].sum(dtype=np.int64)) * 3 // 2 + records.nbytes
