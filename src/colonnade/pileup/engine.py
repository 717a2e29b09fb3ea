"""Columns of one source: every position, or those that are asked for, one by one or in batches."""

import logging
import operator
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import TracebackType
from typing import Any, Final, Literal, NoReturn, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from colonnade.errors import UsageError
from colonnade.jit import announce_compilation
from colonnade.pileup import columns_kernels as kernels
from colonnade.pileup.columns import Column, ColumnBatch
from colonnade.pileup.flat import make_columns
from colonnade.pileup.input import Readable, Source, StrPath, open_source
from colonnade.pileup.sections import (
    BATCH_BYTES,
    Rules,
    Section,
    bytes_of_a_task,
    regions_of_columns,
    split_section,
)
from colonnade.pileup.segments import find_segments
from colonnade.pileup.segments_kernels import Wanted
from colonnade.records.batch import RecordBatch
from colonnade.records.batch_kernels import EXCLUDED, MAX_POSITION, NO_QUALITY
from colonnade.records.filters import EVERY_READ, ReadFilter
from colonnade.regions import Region
from colonnade.run.ordered import ordered_map

_log = logging.getLogger(__name__)

Predicate: TypeAlias = Callable[[RecordBatch], npt.NDArray[np.bool_]]
Locus: TypeAlias = tuple[str, SupportsIndex] | SupportsIndex

_ALIGNMENTS: Final = 1 << 19  # of a batch
_BYTES: Final = 16  # that an alignment takes, about
_COLUMNS: Final = 8  # of a batch at least, where reads are very deep
_APART: Final = 1 << 14  # positions between loci that are not worth reading


def pileup(
    source: Readable,
    region: str | Region | None = None,
    *,
    reference: StrPath | None = None,
    read_filter: ReadFilter | Predicate | None = None,
    max_depth: int = 0,
    deletions: bool = False,
    skips: bool = False,
    compat: Literal["htslib"] | None = None,
    resolve_mates: bool | None = None,
    threads: int = 1,
    memory: int = 1 << 30,
) -> "Pileup":
    """Columns: at each position the reads that are aligned there, and what each of them has there.

    A read is in the columns from its start to its end. Positions without reads have no column.

    Parameters
    ----------
    source
        Path of a coordinate-sorted BAM, CRAM or SAM file; such a file that is open (``AlignmentFile`` of ours or of pysam, which
        is opened anew, or a binary stream, which is read to its end); sorted records of pysam; or a ``RecordBatch``.
    region
        Text such as ``chr1`` or ``chr1:1,001-2,000`` (1-based), or a ``Region``. None: all contigs. With a ``RecordBatch`` it, or
        the name of the contig, is needed.
    reference
        FASTA, which a CRAM needs.
    read_filter
        Which reads, asked once for each when it enters: a ``ReadFilter``, or a function that takes a ``RecordBatch`` and returns
        which of its records to keep, bool (records,), by the fields of ``batch.records``: ``start``, ``end``, ``flag``,
        ``mapq``, ``template_length``, ``next_start``, ``next_contig``, ``contig``, ``l_seq``, ``n_cigar`` and ``l_name``.
        None: every mapped read. ``ReadFilter()`` has defaults of its own: ``min_mapq=10``, ``min_baseq=5``, and excluded flags
        UNMAP, SECONDARY, QCFAIL and DUP. Of a ``ReadFilter``, bases below ``min_baseq`` and trimmed ones are in no column, and
        masked positions have none. A base of a read without qualities is below any ``min_baseq`` but 0, unless the filter
        assumes one.
    max_depth
        Most alignments in a column: the first ones in file order; 0 for no limit. What is left out is counted in ``dropped``.
    deletions, skips
        Whether a read is in the columns of its deletions and of its skips (CIGAR D and N). An insertion right behind one is seen
        only where they are.
    compat
        ``"htslib"``: columns are those of htslib 1.24 (``bam_plp_auto``): deletions and skips are in; reads without span (no M, D,
        N, = or X) are in none; ``max_depth`` limits how many reads are open when one comes that is not the first at its start; in
        a deletion or skip a read has the quality of the base after it, which ``min_baseq`` is held against, as in pysam; bases
        without quality have 255, and are never low.
        None: colonnade's own rules. A read without span is in the one column at its start. In a deletion or skip, and without
        span, a read has no quality, and ``min_baseq`` leaves it.
    resolve_mates
        Whether only one of two overlapping mates keeps its quality; the other gets 0. None: only with ``compat``. Own rules
        resolve primary mates, so that it does not matter where a region is cut; htslib resolves proper pairs of any records.
        Mates without qualities count as if they had 255, as in htslib.
    threads
        Threads; the columns do not depend on it.
    memory
        Bytes that reads and columns in work may take, about; the columns do not depend on it.

    Raises
    ------
    ColonnadeError
        Input is damaged or not sorted, or the question makes no sense.

    Examples
    --------
    >>> with cn.pileup("wk4.bam", "chr1:1-1000") as columns:  # doctest: +SKIP
    ...     for column in columns:
    ...         print(column.position, column.depth, column.bases.tobytes())
    """
    if compat not in (None, "htslib"):
        raise UsageError("unknown rules", found=repr(compat), expected="compat='htslib', or None")
    for name, value, least in (("max_depth", max_depth, 0), ("threads", threads, 1), ("memory", memory, 1)):
        if value < least:
            raise UsageError(f"{name} is out of range", found=str(value), expected=f"{least} or more")
    announce_compilation("columns_kernels")
    opened = open_source(source, region, reference)
    try:
        regions = regions_of_columns(region, opened.lengths)
        chosen = read_filter if isinstance(read_filter, ReadFilter) else EVERY_READ
        request = _Request(
            read_filter=chosen.on(opened.lengths),
            predicate=None if isinstance(read_filter, ReadFilter) else read_filter,
            max_depth=max_depth,
            deletions=deletions or compat is not None,
            skips=skips or compat is not None,
            as_htslib=compat is not None,
            resolve_mates=compat is not None if resolve_mates is None else resolve_mates,
            threads=threads,
            memory=memory,
        )
    except BaseException:
        opened.close()
        raise
    return Pileup(opened, regions, request)


@dataclass(frozen=True)
class _Request:
    """The arguments of ``pileup``, checked and filled in."""

    read_filter: ReadFilter
    predicate: Predicate | None
    max_depth: int
    deletions: bool
    skips: bool
    as_htslib: bool
    resolve_mates: bool
    threads: int
    memory: int

    @property
    def depends_on_start(self) -> bool:
        """Whether a column may depend on reads that are not in it, so that reading must begin where the region does."""
        return self.as_htslib and (self.max_depth > 0 or self.resolve_mates)

    @property
    def wanted(self) -> Wanted:
        """States that are part of a column."""
        return Wanted(self.deletions, self.skips, no_span=not self.as_htslib, empty=self.as_htslib)

    @cached_property
    def style(self) -> kernels.Style:
        """Which alignments a column keeps."""
        min_baseq = self.read_filter.min_baseq
        bases = np.arange(256) >= min_baseq
        gaps = bases.copy() if self.as_htslib else np.ones(256, np.bool_)
        if self.read_filter.trim5 or self.read_filter.trim3:
            bases[EXCLUDED] = gaps[EXCLUDED] = False
        if not self.as_htslib and min_baseq:
            bases[NO_QUALITY] = False
        keeps_all = bool(bases.all() and gaps.all())
        return kernels.Style(bases, gaps, keeps_all, self.as_htslib, 0 if self.as_htslib else NO_QUALITY)

    def rules(self, refused: npt.NDArray[np.int64]) -> Rules:
        """How records become reads of columns."""
        predicate = self.predicate
        return Rules(
            self.read_filter,
            as_htslib=self.as_htslib,
            max_depth=self.max_depth if self.as_htslib else 0,
            resolve_mates=self.resolve_mates,
            steps=() if predicate is None else (lambda batch: _chosen(batch, predicate),),
            refused=refused,
        )


class Pileup:
    """The columns of a source; made by ``pileup``.

    Columns can be asked for any number of times. Iterating gives ``columns()``. What was opened for it is closed at the end of a
    ``with`` block, by ``close``, or when nothing refers to it any more.

    Attributes
    ----------
    dropped
        What ``max_depth`` has left out in the pass that ended last, or was given up last: alignments, or with
        ``compat="htslib"`` reads.
    """

    def __init__(self, source: Source, regions: Sequence[Region], request: _Request) -> None:
        self.dropped = 0
        self._source = source
        self._regions = regions
        self._request = request
        self._finalizer = weakref.finalize(self, source.close)

    def __enter__(self) -> "Pileup":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Column]:
        return self.columns()

    def __repr__(self) -> str:
        where = _shown(self._regions[0]) if len(self._regions) == 1 else f"{len(self._regions)} contigs"
        return f"Pileup({self._source.path}, {where})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Pileup cannot be pickled: it has a file open; pickle its columns or batches")

    def close(self) -> None:
        """Close what was opened; safe to call twice. After it there are no more columns."""
        self._finalizer()

    def columns(self) -> Iterator[Column]:
        """Each column, left to right."""
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[ColumnBatch]:
        """The columns as flat arrays, many at a time; no batch is empty or has columns of two contigs."""
        return self._batches([(region, None) for region in self._regions])

    def at(self, loci: Iterable[Locus]) -> Iterator[ColumnBatch]:
        """The columns at some positions, equal to those of ``columns()``, without making the others.

        Only what is near the positions is read, unless columns depend on what was before (``compat`` with ``max_depth`` or
        ``resolve_mates``).

        Parameters
        ----------
        loci
            Pairs of contig and 0-based position, in any order; or positions alone where there is but one contig. A position may
            lie behind the end of its contig, where reads hang over it.

        Yields
        ------
        ColumnBatch
            By contig and position, each once. Positions without column, or outside the region, are not there.

        Raises
        ------
        UsageError
            A locus is not on a contig, or is no locus; or the pileup is closed.
        """
        self._check_open()
        wanted = _by_contig(loci, self._source.lengths, self._regions)
        tasks = []
        for region in self._regions:
            positions = wanted.get(region.contig, np.empty(0, np.int64))
            positions = positions[(positions >= region.start) & (positions < region.end)]
            if self._request.depends_on_start:
                clusters = [(region.start, positions)] if len(positions) else []
            else:
                clusters = [(int(cluster[0]), cluster) for cluster in _clusters(positions)]
            for start, cluster in clusters:
                tasks.append((Region(region.contig, start, int(cluster[-1]) + 1), cluster))
        return self._batches(tasks)

    def _batches(self, tasks: Sequence[tuple[Region, npt.NDArray[np.int64] | None]]) -> Iterator[ColumnBatch]:
        """The columns of regions, or only those at some positions of each."""
        self._check_open()
        return self._one_pass(tasks)

    def _one_pass(self, tasks: Sequence[tuple[Region, npt.NDArray[np.int64] | None]]) -> Iterator[ColumnBatch]:
        """The same; a pass has counts of its own, as several may be under way."""
        request = self._request
        refused, dropped = np.zeros(1, np.int64), 0
        rules = request.rules(refused)
        pieces = (piece for region, positions in tasks for piece in self._pieces(region, positions, rules))
        try:
            for batch, n_dropped in ordered_map(self._make, pieces, threads=request.threads):
                self._check_open()
                dropped += n_dropped
                if len(batch):
                    yield batch
                    self._check_open()
        finally:
            self._end_pass(dropped + int(refused[0]))

    def _end_pass(self, dropped: int) -> None:
        """Say what a pass has left out."""
        self.dropped = dropped
        if dropped:
            kind = "reads" if self._request.as_htslib else "alignments"
            _log.warning("%d %s were left out by max_depth %d", dropped, kind, self._request.max_depth)

    def _check_open(self) -> None:
        if not self._finalizer.alive:
            raise UsageError("the pileup is closed")

    def _pieces(
        self, region: Region, positions: npt.NDArray[np.int64] | None, rules: Rules
    ) -> Iterator[tuple[Section, npt.NDArray[np.int64] | None]]:
        """What batches are made of: sections, and which of their positions."""
        request = self._request
        share = bytes_of_a_task(request.memory, request.threads)
        size = max(1, min(BATCH_BYTES, share))
        alignments = min(_ALIGNMENTS, share // _BYTES)
        self._check_open()
        for section in self._source.sections(region, rules, size=size, threads=request.threads):
            enough = _COLUMNS * len(section.batches[0])  # so that reads are not looked through again for each column
            for piece in split_section(section, reads=max(1, alignments, enough)):
                if positions is None:
                    yield piece, None
                elif len(inside := _inside(positions, piece.region)):
                    yield piece, inside

    def _make(self, piece: tuple[Section, npt.NDArray[np.int64] | None]) -> tuple[ColumnBatch, int]:
        """The columns of a piece, and how many alignments were dropped."""
        section, positions = piece
        request, region = self._request, section.region
        (reads,) = section.batches
        segments = find_segments(reads, region, request.wanted)
        max_depth = 0 if request.as_htslib else request.max_depth
        return make_columns(
            reads, segments, region, positions, request.style, max_depth=max_depth, mask=request.read_filter.masked
        )


def _chosen(batch: RecordBatch, predicate: Predicate) -> RecordBatch:
    """The records that a function of the user keeps."""
    chosen = np.asarray(predicate(batch))
    if chosen.dtype != np.bool_ or chosen.shape != (len(batch),):
        raise UsageError(
            "the read filter does not say of each record whether to keep it",
            found=f"{chosen.dtype} {chosen.shape}",
            expected=f"bool ({len(batch)},)",
        )
    return batch.without(~chosen)


def _shown(region: Region) -> str:
    """A region as text; of a whole contig its name."""
    return region.contig if region.start == 0 and region.end == MAX_POSITION else str(region)


def _by_contig(
    loci: Iterable[Locus], lengths: dict[str, int], regions: Sequence[Region]
) -> dict[str, npt.NDArray[np.int64]]:
    """Contig to its positions, rising and each once."""
    found: dict[str, list[int]] = {}
    for locus in loci:
        contig, position = _contig_and_position(locus, regions)
        if contig not in lengths or not 0 <= position < MAX_POSITION:
            raise UsageError(
                "a locus is not on a contig",
                found=f"{contig}, position {position} (0-based)",
                expected="a position from 0 on" if contig in lengths else "a contig of the file",
            )
        found.setdefault(contig, []).append(position)
    return {contig: np.unique(np.array(positions, np.int64)) for contig, positions in found.items()}


def _contig_and_position(locus: Any, regions: Sequence[Region]) -> tuple[str, int]:
    """The two parts of a locus, of which a position alone is on the only contig."""
    try:
        position = operator.index(locus)
    except TypeError:
        return _pair(locus)
    if len(regions) != 1:
        raise UsageError("a position without contig", found=str(locus), expected="pairs of contig and position")
    return regions[0].contig, position


def _pair(locus: Any) -> tuple[str, int]:
    try:
        contig, position = locus
        if isinstance(contig, str):
            return contig, operator.index(position)
    except (TypeError, ValueError):
        pass
    raise UsageError("not a locus", found=repr(locus), expected="a pair of contig and position")


def _clusters(positions: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Positions in groups that are read together."""
    if not len(positions):
        return []
    return np.split(positions, np.flatnonzero(np.diff(positions) > _APART) + 1)


def _inside(positions: npt.NDArray[np.int64], region: Region) -> npt.NDArray[np.int64]:
    first, last = np.searchsorted(positions, [region.start, region.end])
    return positions[first:last]
