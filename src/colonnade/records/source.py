"""From a region of a sample's files to batches of checked records, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import FormatError
from colonnade.formats.alignments import AlignmentFile
from colonnade.formats.bgzf import Piece, VirtualOffset
from colonnade.records import batch_kernels as kernels
from colonnade.records.batch import NO_MORE, RecordBatch, joined_records, new_records
from colonnade.records.filters import ReadFilter
from colonnade.regions import Region
from colonnade.run.ordered import check_stopped

DEFAULT_SIZE: Final = 64 << 20

#: Inflated and compressed data, record arrays and what is held of them: bytes for each uncompressed byte of BAM in work.
BYTES_PER_BAM_BYTE: Final = 4

_USUAL_RECORD: Final = 128  # bytes; only a first guess of how many records fit a buffer

_COMPLAINTS: Final = {
    kernels.INCOMPLETE: ("a record is cut short", "one of {} bytes"),
    kernels.BAD_SIZE: ("a record's size is impossible", "{} bytes"),
    kernels.BAD_LENGTHS: ("a record's parts do not fit into it", "lengths that add up to {}"),
    kernels.BAD_NAME: ("a read name does not end with NUL", "a name of {} bytes"),
    kernels.BAD_OPERATION: ("unknown CIGAR operation", "code {}"),
    kernels.CIGAR_NOT_SEQUENCE: ("CIGAR and sequence differ in length", "a CIGAR over {} bases"),
    kernels.BAD_CONTIG: ("a record names a contig that the header lacks", "contig number {}"),
    kernels.BAD_POSITION: ("impossible position", "{}"),
    kernels.OUT_OF_ORDER: ("records are not in coordinate order", "position {} (0-based) after a later one"),
    kernels.BAD_TAGS: ("the tags of a record cannot be read", "types or lengths that do not add up"),
    kernels.BAD_END: ("a record reaches beyond position 2,147,483,647, the last that BAM can hold", "an end at {}"),
}


def new_outcomes() -> npt.NDArray[np.int64]:
    """Counters for ``read_batches``; ``ReadFilter.explain`` says what they mean."""
    return np.zeros(kernels.N_OUTCOMES, np.int64)


def read_batches(
    files: Sequence[AlignmentFile],
    region: Region,
    read_filter: ReadFilter,
    *,
    size: int = DEFAULT_SIZE,
    outcomes: npt.NDArray[np.int64] | None = None,
    counted_to: int = 0,
    threads: int = 1,
    as_stored: bool = False,
    room: int = 0,
) -> Iterator[RecordBatch]:
    """Read the records of a sample that overlap a region and pass a filter, in coordinate order.

    The records are those that ``samtools view`` gives for the region with the same filter. Several files are merged: of
    records that start together, those of the earlier file come first. A contig that a file lacks gives none.

    Parameters
    ----------
    files
        Of one sample.
    region
        Where.
    read_filter
        Which records.
    size
        Uncompressed bytes of BAM to hold at a time, about; the records do not depend on it.
    outcomes
        Counters, to which the records that overlap the region are added,
    counted_to
        except those that start before this position, the end of the last region that was counted on this contig.
    threads
        Threads that inflate.
    as_stored
        Leave qualities as they are in the file, 255 where there are none, unless the filter assumes one.
    room
        Bytes to leave free in each batch.

    Raises
    ------
    FormatError
        A block or a record is damaged, or records are out of order.
    """
    window = kernels.Window(contig=-1, start=region.start, end=region.end, counted_to=counted_to)
    counters = new_outcomes() if outcomes is None else outcomes
    conditions = conditions_of(read_filter, as_stored=as_stored)
    streams = [
        _FileReader(file, number, region, window, conditions, counters, size // len(files), threads, room).batches()
        for number, file in enumerate(files)
        if region.contig in file.contigs
    ]
    return streams[0] if len(streams) == 1 else merge_batches(streams)


def merge_batches(streams: Sequence[Iterator[RecordBatch]]) -> Iterator[RecordBatch]:
    """Join streams of batches into one in coordinate order; of records that start together, the earlier stream's come first."""
    heads = {number: batch for number, stream in enumerate(streams) if (batch := _next(stream)) is not None}
    while heads:
        # What may be passed on: nothing that a stream still holds can come before it.
        last, limit = min((int(batch.records["start"][-1]), number) for number, batch in heads.items())
        ready = []
        for number, batch in list(heads.items()):
            n_ready = int(np.searchsorted(batch.records["start"], last, side="right" if number <= limit else "left"))
            if n_ready:
                ready.append(batch.taken(slice(0, n_ready)))
                heads[number] = replace(batch, records=batch.records[n_ready:])
            if n_ready == len(batch):
                following = _next(streams[number])
                if following is None:
                    del heads[number]
                else:
                    heads[number] = following
        yield replace(RecordBatch.concatenated(ready).ordered(), complete=last if heads else NO_MORE)


def _next(stream: Iterator[RecordBatch]) -> RecordBatch | None:
    """The next batch that is not empty."""
    return next((batch for batch in stream if len(batch)), None)


class _FileReader:
    """One file's records of a window."""

    def __init__(
        self,
        file: AlignmentFile,
        number: int,
        region: Region,
        window: kernels.Window,
        conditions: kernels.Conditions,
        outcomes: npt.NDArray[np.int64],
        size: int,
        threads: int,
        room: int,
    ) -> None:
        self._file = file
        self._number = number
        self._region = region
        self._window = window._replace(contig=file.contigs[region.contig])
        self._conditions = conditions
        self._outcomes = outcomes
        self._size = max(1, size)
        self._threads = threads
        self._room = room
        self._order = np.array([0, -1], np.int64)  # contig and position of the last record

    def batches(self) -> Iterator[RecordBatch]:
        """One batch per piece of the file, or several pieces if a record is larger than one."""
        with self._file.opened(self._region.contig, self._window.start, self._window.end) as (blocks, chunks):
            buffer = _Buffer(self._room)
            chunks_left = len(chunks)
            for piece in blocks.pieces(chunks, size=self._size):
                check_stopped()
                buffer.add(piece)
                chunks_left -= piece.is_last
                if buffer.suffices:
                    batch = self._batch(buffer, threads=self._threads)
                    yield batch if chunks_left else replace(batch, complete=NO_MORE)
                    del batch  # before the next one is read

    def _batch(self, buffer: "_Buffer", *, threads: int) -> RecordBatch:
        data, offset, end = buffer.inflated(threads=threads)
        records = new_records((end - offset) // _USUAL_RECORD + 1)
        filled = 0
        while True:
            filled, status, offset, found = kernels.load_records(
                data,
                offset,
                end,
                len(self._file.contigs),
                self._window,
                self._conditions,
                self._number,
                self._order,
                self._outcomes,
                records,
                filled,
            )
            if status != kernels.FULL:
                break
            records = joined_records([records, new_records(len(records))])
        if status not in (kernels.OK, kernels.INCOMPLETE) or (status == kernels.INCOMPLETE and buffer.is_last):
            raise self._error(status, found, buffer.place(offset))
        buffer.keep(data, offset, end, needed=4 + found if found else 4)
        contig, position = self._order.tolist()
        complete = position if contig == self._window.contig else 0
        return RecordBatch(data, records[:filled], complete, room=self._room)

    def _error(self, status: int, found: int, place: VirtualOffset) -> FormatError:
        message, template = _COMPLAINTS[status]
        return FormatError(
            message,
            path=self._file.path,
            place=f"region {self._region}, record at virtual offset {place.block}:{place.within}",
            found=template.format(found),
            advice="the BAM is damaged, or its index belongs to another file: make both again (samtools sort, samtools index)",
        )


def conditions_of(read_filter: ReadFilter, *, as_stored: bool = False) -> kernels.Conditions:
    """A filter as kernels take it."""
    groups = read_filter.exclude_read_groups if read_filter.read_groups is None else read_filter.read_groups
    names = [name.encode("utf-8", "surrogateescape") for name in groups]
    missing_quality = kernels.NO_QUALITY if as_stored else 0
    return kernels.Conditions(
        min_mapq=read_filter.min_mapq,
        require_flags=int(read_filter.require_flags),
        any_flags=int(read_filter.any_flags),
        exclude_flags=int(read_filter.exclude_flags),
        drop_orphans=read_filter.drop_orphans,
        by_read_group=read_filter.read_groups is not None or bool(names),
        read_groups_excluded=read_filter.read_groups is None,
        read_groups=np.array(list(b"".join(names)), np.uint8),
        read_group_ends=np.cumsum([len(name) for name in names], dtype=np.int64),
        missing_quality=missing_quality if read_filter.assume_quality is None else read_filter.assume_quality,
        max_quality=kernels.NO_QUALITY if as_stored else kernels.MAX_QUALITY,
        trim5=read_filter.trim5,
        trim3=read_filter.trim3,
    )


class _Buffer:
    """Pieces of a file that wait to be inflated, and the beginning of the record that the last ones were cut in."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._left = np.empty(0, np.uint8)
        self._left_place = VirtualOffset(0, 0)
        self._needed = 0
        self._pieces: list[Piece] = []

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)

    @property
    def is_last(self) -> bool:
        """Whether the chunk ends here."""
        return self._pieces[-1].is_last

    @property
    def suffices(self) -> bool:
        """Whether there is a whole record, or no more to come."""
        return self.is_last or self._left.size + sum(piece.size for piece in self._pieces) >= self._needed

    def inflated(self, *, threads: int) -> tuple[npt.NDArray[np.uint8], int, int]:
        """All bytes, behind some free ones, and where those of the chunk begin and end in them."""
        at = self._room + self._left.size
        data = np.empty(at + sum(piece.size for piece in self._pieces), np.uint8)
        data[self._room : at] = self._left
        start = self._room if self._left.size else at + self._pieces[0].wanted.start
        for piece in self._pieces:
            piece.inflate(data[at : at + piece.size], threads=threads)
            at += piece.size
        last = self._pieces[-1]
        return data, start, at - last.size + last.wanted.stop

    def keep(self, data: npt.NDArray[np.uint8], offset: int, end: int, *, needed: int) -> None:
        """Start anew with the bytes [offset, end); ``needed`` is how many a whole record takes."""
        if offset < end:
            self._left_place = self.place(offset)
        self._left = data[offset:end].copy()
        self._needed = needed
        self._pieces = []

    def place(self, offset: int) -> VirtualOffset:
        """Where in the file an inflated byte is from."""
        offset -= self._room + self._left.size
        if offset < 0:
            return self._left_place
        for piece in self._pieces:
            if offset < piece.size:
                ends = np.cumsum(piece.blocks[:, 3])
                block = int(np.searchsorted(ends, offset, side="right"))
                within = offset - int(ends[block]) + int(piece.blocks[block, 3])
                return VirtualOffset(piece.origin + int(piece.blocks[block, 0]), within)
            offset -= piece.size
        return VirtualOffset(0, 0)
