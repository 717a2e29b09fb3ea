"""Columns as text, byte for byte that of ``samtools mpileup -B``."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from os import fspath
from typing import Final

import numpy as np

from colonnade.formats.alignments import AlignmentFile, common_lengths, open_all
from colonnade.formats.fasta import Fasta
from colonnade.jit import announce_compilation
from colonnade.pileup import text_kernels
from colonnade.pileup.admission import LeftOpen
from colonnade.pileup.baq import apply_baq, reach
from colonnade.pileup.extras import extras_of, joined
from colonnade.pileup.lines import FastaRecipe, Lines, Part, Renderer
from colonnade.pileup.options import StrPath, TextOptions
from colonnade.pileup.positions import Positions
from colonnade.pileup.sections import (
    BATCH_BYTES,
    MOST_COLUMNS,
    Rules,
    Section,
    Step,
    bytes_of_a_task,
    read_sections,
    regions_of_columns,
    split_section,
)
from colonnade.records.batch import RecordBatch
from colonnade.records.filters import ReadFilter
from colonnade.regions import Region
from colonnade.run.executor import Executor, Threads
from colonnade.run.progress import Report, no_report
from colonnade.run.resource import Resource

_log = logging.getLogger(__name__)

_EMPTY_COLUMNS: Final = 1 << 14  # lines without reads that are made at a time

_FAR_BYTES: Final = 16 << 20  # what travels is worth more than what does not; where it is larger, kernels become slower
_FAR_COLUMNS: Final = 1 << 18


def write_text(
    paths: Sequence[StrPath],
    write: Callable[[memoryview], object],
    options: TextOptions,
    *,
    threads: int = 1,
    memory: int = 1 << 30,
    executor: Executor | None = None,
    progress: Report = no_report,
) -> None:
    """Write the columns of one or several files as text, as ``samtools mpileup`` 1.24 with the same options.

    Contigs are told apart by name, in the order of the first file; samtools takes their numbers.

    Parameters
    ----------
    paths
        Coordinate-sorted BAM, CRAM or SAM files, each a sample.
    write
        Takes the text, piece by piece.
    options
        Which columns, and what is said of them.
    threads
        Threads that read here; the text does not depend on it.
    memory
        Bytes that reads and text in work may take here, about, unless more reads than that are open at a position.
    executor
        What makes the text; None: so many threads. Files are read here, but for the reference, which workers read themselves.
    progress
        Called with the positions done and the positions in all.

    Raises
    ------
    ColonnadeError
        Input is damaged or does not fit together.
    """
    announce_compilation("text_kernels")
    with ExitStack() as stack:
        fasta = None if options.reference is None else stack.enter_context(closing(Fasta(fspath(options.reference))))
        files = stack.enter_context(open_all(paths, reference=options.reference))
        text = _Text(files, fasta, options, threads, memory, executor or Threads(threads))
        for piece in text.pieces(progress):
            write(piece)
        if text.refused:
            _log.warning(
                "%d reads were left out where %d of a file were open (-d); 0 lifts the limit",
                text.refused,
                options.max_depth,
            )


class _Text:
    """The text of some files."""

    def __init__(
        self,
        files: Sequence[AlignmentFile],
        fasta: Fasta | None,
        options: TextOptions,
        threads: int,
        memory: int,
        executor: Executor,
    ) -> None:
        self._files = files
        self._fasta = fasta
        self._options = options
        self._threads = threads
        self._executor = executor
        self._share = bytes_of_a_task(memory, executor.slots)
        self._lengths = common_lengths(files)
        self._positions = None if options.positions is None else Positions.read(fspath(options.positions))
        self._extras = extras_of(options)
        self._refused = np.zeros(1, np.int64)
        self._left_open = [LeftOpen() for _ in files]
        self._render = self._renderer()

    @property
    def refused(self) -> int:
        """How many records the depth limit kept out."""
        return int(self._refused[0])

    def _renderer(self) -> Renderer:
        options, fasta = self._options, self._fasta
        style = text_kernels.Style(
            options.min_baseq, options.insertions, options.deletions, options.ends, options.reverse_deletions
        )
        shows_contigs = any(extra.shows_contigs for extra in self._extras)
        names = [joined([contig.encode() for contig in file.contigs if shows_contigs]) for file in self._files]
        reference = None if fasta is None else Resource(FastaRecipe.of(fasta), fasta)
        return Renderer(self._files[0].path, style, tuple(self._extras), tuple(names), reference, self._share)

    def pieces(self, progress: Report) -> Iterator[memoryview]:
        """All lines, in pieces of any size, while somebody is told how far they have come."""
        regions = regions_of_columns(self._options.region, self._lengths)
        parts = (part for region in regions for part in self._parts(region))
        within = [Region(of.contig, of.start, min(of.end, self._lengths[of.contig])) for of in regions]
        lines = _followed(self._executor.map(self._render, parts, label=str), within, progress)
        by_contig = groupby(lines, key=lambda of_part: of_part.region.contig)
        contig, found = next(by_contig, (None, iter(())))
        for region in regions:
            if region.contig != contig:
                yield from self._of_region(region, iter(()))
                continue
            yield from self._of_region(region, found)
            contig, found = next(by_contig, (None, iter(())))

    def _of_region(self, region: Region, parts: Iterator[Lines]) -> Iterator[memoryview]:
        everywhere = self._options.all_positions
        done, has_columns = region.start, False
        for lines in parts:
            has_columns = has_columns or lines.has_reads
            if not has_columns:
                continue
            if everywhere:
                end = min(lines.region.start, self._lengths[region.contig])
                yield from self._empty(Region(region.contig, done, end))
            if len(lines.text):
                yield lines.text.data
            done = lines.region.end
        if everywhere and (has_columns or everywhere > 1):
            yield from self._empty(Region(region.contig, done, min(region.end, self._lengths[region.contig])))

    def _parts(self, region: Region) -> Iterator[Part]:
        where = region
        if self._positions is not None and not self._options.all_positions:
            hull = self._positions.hull(region)  # other records are left out anyway
            if hull is None:
                return
            where = hull
        size, reads, columns = self._sizes()
        for section in read_sections(self._files, where, self._rules(region.contig), size=size, threads=self._threads):
            for piece in split_section(section, reads=reads, columns=columns):
                yield self._part(piece)

    def _part(self, section: Section) -> Part:
        region = section.region
        bare_until = self._lengths[region.contig] if self._options.all_positions else 0
        return Part(section, bare_until, self._positions and self._positions.within(region))

    def _sizes(self) -> tuple[int, int, int]:
        """Bytes of records of a file to read at a time, and most reads in columns, and most columns, of a part."""
        is_remote = self._executor.is_remote
        size = min(_FAR_BYTES if is_remote else BATCH_BYTES, self._share // len(self._files))
        reads = self._share // (2 + 10 * len(self._extras))
        return max(1, size), max(1, reads), _FAR_COLUMNS if is_remote else MOST_COLUMNS

    def _rules(self, contig: str) -> Rules:
        options = self._options
        return Rules(
            ReadFilter(
                min_mapq=options.min_mapq,
                min_baseq=0,
                any_flags=options.any_flags,
                exclude_flags=options.exclude_flags,
                drop_orphans=not options.count_orphans,
                exclude_read_groups=options.exclude_read_groups,
            ),
            as_htslib=True,
            max_depth=options.max_depth,
            resolve_mates=options.resolve_mates,
            steps=tuple(self._steps(contig)),
            whole=any(extra.tag for extra in self._extras),
            refused=self._refused,
            left_open=self._left_open,
        )

    def _steps(self, contig: str) -> Iterator[Step]:
        options, fasta = self._options, self._fasta
        if self._positions is not None and not options.all_positions:
            positions = self._positions
            yield lambda batch: batch.without(~positions.overlap(contig, batch.records["start"], batch.records["end"]))
        if options.illumina13:
            yield _from_illumina13
        if fasta is not None and contig in fasta.lengths:
            length = fasta.lengths[contig]
            yield lambda batch: batch.without(batch.records["start"] >= length)
            if options.baq:
                yield lambda batch: _with_baq(batch, fasta, contig, redo=options.redo_baq)

    def _empty(self, region: Region) -> Iterator[memoryview]:
        """Lines without reads."""
        nothing = tuple(RecordBatch.empty() for _ in self._files)
        for start in range(region.start, region.end, _EMPTY_COLUMNS):
            part = Region(region.contig, start, min(start + _EMPTY_COLUMNS, region.end))
            text = self._render(self._part(Section(part, nothing))).text
            if len(text):
                yield text.data


def _followed(lines: Iterator[Lines], regions: Sequence[Region], progress: Report) -> Iterator[Lines]:
    """Lines of some regions as they are, while somebody is told how far they have come."""
    ends = np.cumsum([len(region) for region in regions]).tolist()
    total = ends[-1] if ends else 0
    place = {region.contig: (end, end - region.end) for region, end in zip(regions, ends, strict=True)}
    for of_part in lines:
        yield of_part
        end, behind = place[of_part.region.contig]
        progress(min(end, behind + of_part.region.end), total)
    progress(total, total)


def _from_illumina13(batch: RecordBatch) -> RecordBatch:
    """The same records, their qualities taken from the Illumina 1.3+ encoding (base 64) to that of the SAM specification."""
    text_kernels.lower_qualities(batch.data, batch.records, 64 - 33)
    return batch


def _with_baq(batch: RecordBatch, fasta: Fasta, contig: str, *, redo: bool) -> RecordBatch:
    length = fasta.lengths[contig]
    first, last = reach(batch)
    first, last = max(0, first), min(last, length)
    letters = fasta.letters(Region(contig, first, last)) if first < last else np.empty(0, np.uint8)
    apply_baq(batch, letters, first, length, redo=redo)
    return batch
