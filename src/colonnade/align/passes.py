"""The two passes over the reads: all are searched and located, then insert sizes are known, then all are finished."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.align.batch import Batch
from colonnade.align.finish import finish
from colonnade.align.index import Index
from colonnade.align.insert_sizes import NO_INSERT_SIZES, Histogram, InsertSizes, Observed, observe
from colonnade.align.locate import locate
from colonnade.align.options import AlignOptions
from colonnade.align.reads import ReadSource
from colonnade.align.record_kernels import FLAG, KEPT, MATE_UNMAPPED, PAIRED, UNMAPPED
from colonnade.align.search import search
from colonnade.align.spool import Packed, Spool, pack, unpack
from colonnade.align.summary import Counts
from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.run.ordered import ordered_map

_log = logging.getLogger(__name__)

#: Called with what is done (``aligning``, ``pairing``), the reads done, and those there are in all, about, where that can be told.
Progress: TypeAlias = Callable[[str, int, int | None], None]

_READ_GROUP: Final = re.compile(r"^@RG\t(?:.*\t)?ID:([^\t\n]*)", re.MULTILINE)


class Written(NamedTuple):
    """Records as they are written, one behind the other, and what they amount to."""

    data: npt.NDArray[np.uint8]
    counts: Counts


class Located(NamedTuple):
    """What the first pass makes of a batch: insert sizes, and the batch itself, packed for the second pass or written."""

    reads: int
    observed: Observed
    batch: Packed | Written


class Intake:
    """The batches of a source, each with whether it waits for insert sizes: the first one that has a pair, and all that follow.

    Which reads wait depends on how batches are cut, but nothing that is written does: of what waits without need, no record
    depends on insert sizes.

    Attributes
    ----------
    total
        How many reads there will have been at the end, about; None as long as nothing tells, as of stdin, and of small files.
    """

    def __init__(self, source: ReadSource) -> None:
        self._source = source
        self._consumed = 0
        self.total: int | None = None

    def __iter__(self) -> Iterator[tuple[Batch, bool]]:
        reads = 0
        waits = False
        for batch in self._source.batches():
            reads += len(batch)
            self._estimate(reads)
            waits = waits or has_pairs(batch)
            yield batch, waits

    def _estimate(self, reads: int) -> None:
        """Estimate the total where more of the input is read: then the reads are those of what had been read before."""
        size, consumed = self._source.size, self._source.consumed
        if size and self._consumed and consumed > self._consumed:
            self.total = round(reads * size / self._consumed)
        self._consumed = consumed
        self.total = self.total and max(reads, self.total)


@dataclass(frozen=True)
class Stages:
    """The stages of both passes, as functions of a batch."""

    genome: Index
    options: AlignOptions

    def locate(self, task: tuple[Batch, bool]) -> Located:
        """The first pass over a batch; one that need not wait is finished as well."""
        batch, waits = task
        located = locate(search(batch, self.genome.fm, self.options), self.genome, self.options)
        result = pack(located) if waits else self._finish(located, NO_INSERT_SIZES)
        return Located(len(batch), observe(located), result)

    def finish(self, packed: Packed, *, insert_sizes: InsertSizes) -> Written:
        """The second pass over a batch."""
        return self._finish(unpack(packed), insert_sizes)

    def _finish(self, located: Batch, insert_sizes: InsertSizes) -> Written:
        finished = finish(located, self.genome, self.options, insert_sizes)
        kept = flags(located) & KEPT != 0
        written = finished
        if self.options.only_aligned:
            chosen = kept | have_places(flags(finished))
            written = Batch(finished.phase, finished.table.filter(pa.array(chosen)))
        counts = Counts.of(*finished.records(), kept, not_written=len(finished) - len(written))
        data, offsets = written.records()
        return Written(data[offsets[0] : offsets[-1]], counts)


def write_aligned(
    source: ReadSource, stages: Stages, stream: BgzfWriter, spool: Spool, *, threads: int, progress: Progress
) -> Counts:
    """Align the reads of a source, and write them.

    Parameters
    ----------
    source
        Where they come from.
    stages
        What is done with them.
    stream
        Where they go.
    spool
        Where they wait for insert sizes.
    threads
        Threads over batches; the bytes do not depend on it.
    progress
        Told how far each pass is.
    """
    written, histogram, reads = _first_pass(source, stages, stream, spool, threads, progress)
    if not spool:
        return written
    _log.debug("%d reads wait in a temporary file of %d bytes", reads - written.reads, spool.size)
    insert_sizes = histogram.estimate(stages.genome.contigs.length, stages.options)
    for line in insert_sizes.lines(_READ_GROUP.findall(source.header)):
        _log.info("%s", line)
    finish = partial(stages.finish, insert_sizes=insert_sizes)
    for batch in ordered_map(finish, spool, threads=threads):
        stream.write(batch.data)
        written = written.plus(batch.counts)
        progress("pairing", written.reads, reads)
    return written


def _first_pass(
    source: ReadSource, stages: Stages, stream: BgzfWriter, spool: Spool, threads: int, progress: Progress
) -> tuple[Counts, Histogram, int]:
    """Counts of what has been written, insert sizes, and how many reads there are, written or waiting."""
    written = Counts()
    histogram = Histogram()
    reads = 0
    intake = Intake(source)
    for located in ordered_map(stages.locate, intake, threads=threads):
        reads += located.reads
        histogram.add(located.observed)
        if isinstance(located.batch, Packed):
            spool.add(located.batch)
        else:
            stream.write(located.batch.data)
            written = written.plus(located.batch.counts)
        progress("aligning", reads, intake.total)
    progress("aligning", reads, reads)
    return written, histogram, reads


def has_pairs(batch: Batch) -> bool:
    """Whether there are mates to be paired."""
    marked = flags(batch)
    return bool(((marked & PAIRED != 0) & (marked & KEPT == 0)).any())


def have_places(flags: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Which of the reads with these flags are aligned, both mates of a pair."""
    unplaced = np.where(flags & PAIRED, UNMAPPED | MATE_UNMAPPED, UNMAPPED)
    are_placed: npt.NDArray[np.bool_] = flags & unplaced == 0
    return are_placed


def flags(batch: Batch) -> npt.NDArray[np.uint16]:
    """Flags of all records with their marks, (reads,)."""
    data, offsets = batch.records()
    both_bytes: npt.NDArray[np.uint8] = data[offsets[:-1, None] + FLAG + np.arange(2)]
    return both_bytes.view("<u2").reshape(-1).astype(np.uint16)
