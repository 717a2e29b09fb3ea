"""The two passes over the reads: all are searched and located, then insert sizes are known, then all are finished."""

import logging
import re
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np

from colonnade.align.index import Index
from colonnade.align.insert_sizes import Histogram, InsertSizes, group_key, group_names
from colonnade.align.options import AlignOptions
from colonnade.align.reads import Cut, ReadSource
from colonnade.align.recipes import IndexRecipe, SearchRecipe
from colonnade.align.spool import Located, Spool, unpack, unpack_batch
from colonnade.align.steps import Finish, Locate, Reads, Search, Waiting, Written, has_pairs
from colonnade.align.stretches import Pieces, StretchWriter
from colonnade.align.summary import Counts
from colonnade.errors import InputError
from colonnade.run.executor import Executor, Relay
from colonnade.run.progress import StageReport
from colonnade.run.resource import Resource

_log = logging.getLogger(__name__)

_READ_GROUP: Final = re.compile(r"^@RG\t(?:.*\t)?ID:([^\t\n]*)", re.MULTILINE)


class Intake:
    """The batches of a source, each with whether it waits for insert sizes: the first one that has a pair, and all that follow.

    Which reads wait depends on how batches are cut, but nothing that is written does: of what waits without need, no record
    depends on insert sizes.

    Attributes
    ----------
    total
        How many reads there will have been at the end, about; None as long as nothing tells, as of stdin, and of small files.
    """

    def __init__(self, source: ReadSource, cut: Cut) -> None:
        self._source = source
        self._cut = cut
        self._consumed = 0
        self.total: int | None = None

    def __iter__(self) -> Iterator[Reads]:
        reads = 0
        waits = False
        for batch in self._source.batches(self._cut):
            start, reads = reads, reads + len(batch)
            self._estimate(reads)
            waits = waits or has_pairs(batch)
            yield Reads(start, batch, waits)

    def _estimate(self, reads: int) -> None:
        """Estimate the total where more of the input is read: then the reads are those of what had been read before."""
        size, consumed = self._source.size, self._source.consumed
        if size and self._consumed and consumed > self._consumed:
            self.total = round(reads * size / self._consumed)
        self._consumed = consumed
        self.total = self.total and max(reads, self.total)


class Passes:
    """Both passes, by whatever carries them out.

    Parameters
    ----------
    genome
        The index.
    options
        How reads are aligned.
    executor
        Carries out what is done with batches.
    deflates
        Whether it deflates records as well.
    """

    def __init__(self, genome: Index, options: AlignOptions, executor: Executor, *, deflates: bool) -> None:
        self._contigs = genome.contigs
        self._fm = Resource(SearchRecipe.of(genome), genome.fm)
        self._genome = Resource(IndexRecipe.of(genome), genome)
        self._options = options
        self._executor = executor
        self._deflates = deflates

    def write(self, source: ReadSource, stream: StretchWriter, spool: Spool, *, progress: StageReport) -> Counts:
        """Align the reads of a source, and write them.

        What the spool has at first is not searched and located again. The second pass begins anew in any case; it takes a third of
        the CPU time with pairs of 2 x 75 bases and a genome of 5 Mb.

        Parameters
        ----------
        source
            Where the reads come from.
        stream
            Where they go.
        spool
            Where they wait for insert sizes, cut into batches as it says; the bytes do not depend on it.
        progress
            Told how far each pass is.
        """
        intake = Intake(source, spool.cut)
        written, histogram, reads = Counts(), Histogram(), 0
        for located in self._first_pass(intake, spool):
            reads += located.reads
            histogram.add(located.observed)
            if located.counts is not None:
                stream.write(Pieces(unpack(located.data), located.sizes))
                written = written.plus(located.counts)
            progress("aligning", reads, intake.total)
        progress("aligning", reads, reads)
        if written.reads == reads:
            return written
        _log.debug("%d reads wait in a file of %d bytes", reads - written.reads, spool.size)
        progress("pairing", written.reads, reads)
        insert_sizes = histogram.estimate(self._contigs.length, self._options)
        for line in insert_sizes.lines(_group_names(insert_sizes, source.header, spool)):
            _log.info("%s", line)
        for batch in self._second_pass(insert_sizes, spool):
            stream.write(batch.pieces)
            written = written.plus(batch.counts)
            progress("pairing", written.reads, reads)
        return written

    def _first_pass(self, intake: Intake, spool: Spool) -> Iterator[Located]:
        tasks = iter(intake)
        for located in spool:
            _require_same(next(tasks, None), located)
            yield located
        search = Search(self._fm, self._options)
        locate = Locate(self._genome, self._options, deflates=self._deflates, packs_records=spool.keeps_all)
        checksums: deque[int] = deque()

        def sent() -> Iterator[Reads]:
            for reads in tasks:
                checksums.append(_checksum(reads) if spool.keeps_all else 0)
                yield reads

        for located in self._executor.map(Relay(search, locate), sent(), label=lambda task: task.label):
            spool.add(located._replace(checksum=checksums.popleft()))
            yield located

    def _second_pass(self, insert_sizes: InsertSizes, spool: Spool) -> Iterator[Written]:
        waiting = (Waiting(at.start, at.reads, at.data) for at in spool if at.counts is None)
        finish = Finish(self._genome, self._options, insert_sizes, deflates=self._deflates)
        return self._executor.map(finish, waiting, label=lambda task: task.label)


def _group_names(insert_sizes: InsertSizes, header: str, spool: Spool) -> set[str]:
    """The names of read groups that the header has, and of those that only reads have."""
    names = set(_READ_GROUP.findall(header))
    for located in spool:
        missing = insert_sizes.groups - set(map(group_key, (*names, "")))
        if not missing:
            break
        if located.counts is None and np.isin(located.observed.groups, np.array([*missing], np.uint64)).any():
            names |= group_names(unpack_batch(located.data))
    return names


def _require_same(reads: Reads | None, located: Located) -> None:
    """Raise InputError unless a batch is the one that this was made of."""
    found = None if reads is None else (reads.start, len(reads.batch), reads.waits, _checksum(reads))
    if found != (located.start, located.reads, located.counts is None, located.checksum):
        raise InputError(
            "the reads are not those that the unfinished run began with",
            place=f"read {located.start + 1:,}",
            advice="start over with --force",
        )


def _checksum(reads: Reads) -> int:
    """CRC-32 of all there is of a batch: a few bytes of a file may change where nobody looks who looks at some of it."""
    data, offsets = reads.batch.records()
    return zlib.crc32(data[offsets[0] : offsets[-1]].data)
