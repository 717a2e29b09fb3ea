"""What workers do with batches in both passes: functions that travel, as the index stays where they are carried out."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.align.batch import Batch
from colonnade.align.finish import finish
from colonnade.align.fm_kernels import FmIndex
from colonnade.align.index import Index
from colonnade.align.insert_sizes import NO_INSERT_SIZES, InsertSizes, observe
from colonnade.align.locate import locate
from colonnade.align.options import AlignOptions
from colonnade.align.record_kernels import FLAG, KEPT, MATE_UNMAPPED, PAIRED, UNMAPPED
from colonnade.align.search import search
from colonnade.align.spool import Located, Packed, pack, pack_batch, unpack_batch
from colonnade.align.stretches import Pieces, deflated, undivided
from colonnade.align.summary import Counts
from colonnade.run.resource import Resource


class Reads(NamedTuple):
    """A task of the first pass.

    Attributes
    ----------
    start
        How many reads there are before these.
    batch
        The reads.
    waits
        Whether they wait for insert sizes.
    """

    start: int
    batch: Batch
    waits: bool

    @property
    def label(self) -> str:
        """Which reads these are, in words."""
        return _label(self.start, len(self.batch))


class Waiting(NamedTuple):
    """A task of the second pass.

    Attributes
    ----------
    start
        How many reads there are before these.
    reads
        How many these are.
    data
        A located batch.
    """

    start: int
    reads: int
    data: Packed

    @property
    def label(self) -> str:
        """Which reads these are, in words."""
        return _label(self.start, self.reads)


class Written(NamedTuple):
    """Records as they are written, and what they amount to."""

    pieces: Pieces
    counts: Counts


@dataclass(frozen=True)
class Search:
    """The first step of the first pass, which needs no more of the index than what is searched.

    Parameters
    ----------
    fm
        The index as searching wants it.
    options
        How reads are searched.
    """

    fm: Resource[FmIndex]
    options: AlignOptions

    def __call__(self, reads: Reads) -> Reads:
        """Search the reads."""
        return reads._replace(batch=search(reads.batch, self.fm.get(), self.options))


@dataclass(frozen=True)
class Locate:
    """The second step of the first pass: places; and final records, if the batch need not wait.

    Parameters
    ----------
    genome
        The index.
    options
        How places are chosen, and what is written.
    deflates
        Whether final records are deflated, as far as stretches are whole.
    packs_records
        Whether final records are packed, as they travel or are spooled.
    """

    genome: Resource[Index]
    options: AlignOptions
    deflates: bool
    packs_records: bool

    def __call__(self, reads: Reads) -> Located:
        """Locate searched reads."""
        genome = self.genome.get()
        batch = locate(reads.batch, genome, self.options)
        observed = observe(batch)
        if reads.waits:
            return Located(reads.start, len(batch), observed, None, pack_batch(batch))
        finished = finish(batch, genome, self.options, NO_INSERT_SIZES)
        (data, sizes), counts = _written(reads.start, batch, finished, self.options, deflates=self.deflates)
        packed = pack(data) if self.packs_records else Packed(data, data.size)
        return Located(reads.start, len(batch), observed, counts, packed, sizes)


@dataclass(frozen=True)
class Finish:
    """The second pass: what is located becomes final records.

    Parameters
    ----------
    genome
        The index.
    options
        Rules of pairs, and what is written.
    insert_sizes
        What the first pass has found.
    deflates
        As in the first pass.
    """

    genome: Resource[Index]
    options: AlignOptions
    insert_sizes: InsertSizes
    deflates: bool

    def __call__(self, waiting: Waiting) -> Written:
        """Finish a located batch."""
        located = unpack_batch(waiting.data)
        finished = finish(located, self.genome.get(), self.options, self.insert_sizes)
        return _written(waiting.start, located, finished, self.options, deflates=self.deflates)


def _written(start: int, located: Batch, finished: Batch, options: AlignOptions, *, deflates: bool) -> Written:
    kept = flags(located) & KEPT != 0
    written, begins = finished, np.arange(len(finished) + 1)
    if options.only_aligned:
        chosen = kept | have_places(flags(finished))
        written = Batch(finished.phase, finished.table.filter(pa.array(chosen)))
        begins = np.append(0, np.cumsum(chosen))
    counts = Counts.of(*finished.records(), kept, not_written=len(finished) - len(written))
    data, offsets = written.records()
    records = data[offsets[0] : offsets[-1]]
    bounds = offsets[begins] - offsets[0]
    return Written(deflated(records, bounds, start) if deflates else undivided(records), counts)


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


def _label(start: int, reads: int) -> str:
    return f"reads {start + 1:,}-{start + reads:,}"
