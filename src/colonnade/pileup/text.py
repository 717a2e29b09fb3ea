"""Columns as text, byte for byte that of ``samtools mpileup -B``."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import groupby
from os import fspath
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import InputError
from colonnade.formats.alignments import AlignmentFile, common_lengths, open_all
from colonnade.formats.bases import CODE_OF_LETTER, NO_BASE
from colonnade.formats.fasta import Fasta
from colonnade.jit import announce_compilation
from colonnade.pileup import extras_kernels, segments_kernels, text_kernels
from colonnade.pileup.admission import LeftOpen
from colonnade.pileup.baq import apply_baq, reach
from colonnade.pileup.extras import extras_of, joined
from colonnade.pileup.options import StrPath, TextOptions
from colonnade.pileup.positions import Positions
from colonnade.pileup.sections import (
    BATCH_BYTES,
    Rules,
    Section,
    Step,
    bytes_of_a_task,
    read_sections,
    regions_of_columns,
    split_section,
)
from colonnade.pileup.segments import ALL_STATES, find_segments, reach_of
from colonnade.records.batch import RecordBatch
from colonnade.records.filters import ReadFilter
from colonnade.regions import Region
from colonnade.run.ordered import ordered_map

_log = logging.getLogger(__name__)

_EMPTY_COLUMNS: Final = 1 << 14  # lines without reads that are made at a time

_MOST_BYTES: Final = (1 << 32) - 2  # that cursors can tell apart

_UNKNOWN: Final = 255


def write_text(
    paths: Sequence[StrPath],
    write: Callable[[memoryview], object],
    options: TextOptions,
    *,
    threads: int = 1,
    memory: int = 1 << 30,
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
        Threads; the text does not depend on it.
    memory
        Bytes that reads and text in work may take, about, unless more reads than that are open at a position.

    Raises
    ------
    ColonnadeError
        Input is damaged or does not fit together.
    """
    announce_compilation("text_kernels")
    with ExitStack() as stack:
        fasta = None if options.reference is None else stack.enter_context(closing(Fasta(fspath(options.reference))))
        files = stack.enter_context(open_all(paths, reference=options.reference))
        text = _Text(files, fasta, options, threads, memory)
        for piece in text.pieces():
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
        self, files: Sequence[AlignmentFile], fasta: Fasta | None, options: TextOptions, threads: int, memory: int
    ) -> None:
        self._files = files
        self._fasta = fasta
        self._options = options
        self._threads = threads
        self._share = bytes_of_a_task(memory, threads)
        self._lengths = common_lengths(files)
        self._positions = None if options.positions is None else Positions.read(fspath(options.positions))
        self._style = text_kernels.Style(
            options.min_baseq, options.insertions, options.deletions, options.ends, options.reverse_deletions
        )
        self._extras = extras_of(options)
        shows_contigs = any(extra.shows_contigs for extra in self._extras)
        self._names = [joined([contig.encode() for contig in file.contigs if shows_contigs]) for file in files]
        self._refused = np.zeros(1, np.int64)
        self._left_open = [LeftOpen() for _ in files]

    @property
    def refused(self) -> int:
        """How many records the depth limit kept out."""
        return int(self._refused[0])

    def pieces(self) -> Iterator[memoryview]:
        """All lines, in pieces of any size."""
        regions = regions_of_columns(self._options.region, self._lengths)
        tasks = (task for region in regions for task in self._tasks(region))
        lines = ordered_map(self._render, tasks, threads=self._threads)
        by_contig = groupby(lines, key=lambda part: part.region.contig)
        contig, found = next(by_contig, (None, iter(())))
        for region in regions:
            if region.contig != contig:
                yield from self._of_region(region, iter(()))
                continue
            yield from self._of_region(region, found)
            contig, found = next(by_contig, (None, iter(())))

    def _of_region(self, region: Region, parts: "Iterator[_Lines]") -> Iterator[memoryview]:
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

    def _tasks(self, region: Region) -> Iterator[Section]:
        where = region
        if self._positions is not None and not self._options.all_positions:
            hull = self._positions.hull(region)  # other records are left out anyway
            if hull is None:
                return
            where = hull
        size = max(1, min(BATCH_BYTES, self._share // len(self._files)))
        reads = max(1, self._share // (2 + 10 * len(self._extras)))
        for section in read_sections(self._files, where, self._rules(region.contig), size=size, threads=self._threads):
            yield from split_section(section, reads=reads)

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

    def _render(self, section: Section) -> "_Lines":
        """The lines of a section."""
        region, extras, min_baseq = section.region, self._extras, self._style.min_baseq
        start, shape = region.start, (len(self._files), len(region))
        samples = [
            (i, batch.data, batch.records, find_segments(batch, region, ALL_STATES))
            for i, batch in enumerate(section.batches)
        ]
        reference = self._reference(region, max(region.end, *(reach_of(segments) for *_, segments in samples)))
        values = [
            [extra.values(batch, names) for extra in extras]
            for names, batch in zip(self._names, section.batches, strict=True)
        ]

        # How long each field is; then each gets its place, and each read writes its share.
        counts, sizes = np.zeros(shape, np.int32), np.zeros(shape, np.int64)
        extra_sizes = np.zeros((shape[0], len(extras), shape[1]), np.int64)
        changes = np.zeros(len(region) + 1, np.int32)
        for i, data, records, segments in samples:
            segments_kernels.cover(segments, start, changes)
            text_kernels.measure_fields(data, records, segments, start, reference, self._style, counts[i], sizes[i])
            for k, extra in enumerate(extras):
                extras_kernels.measure_extra(
                    extra.kind, extra.separator, data, records, segments, start, min_baseq, values[i][k],
                    counts[i], extra_sizes[i, k],
                )  # fmt: skip
        covered = np.cumsum(changes[:-1]) > 0
        shown = self._shown(region, covered)
        cursors, extra_cursors = np.empty(shape, np.uint64), np.empty(extra_sizes.shape, np.int64)
        name = np.frombuffer(region.contig.encode(), np.uint8)
        size, room = text_kernels.place_fields(name, start, shown, counts, sizes, extra_sizes, cursors, extra_cursors)
        if room > min(_MOST_BYTES, self._share) and (len(region) > 1 or room > _MOST_BYTES):
            return self._render_halves(section)
        out = np.empty(room + 1, np.uint8)
        for i, data, records, segments in samples:
            text_kernels.write_fields(data, records, segments, start, reference, self._style, out, cursors[i])
            for k, extra in enumerate(extras):
                extras_kernels.write_extra(
                    extra.kind, extra.separator, data, records, segments, start, min_baseq, values[i][k],
                    out, extra_cursors[i, k],
                )  # fmt: skip
        text_kernels.write_frame(name, start, shown, reference.letters, counts, sizes, extra_sizes, out)
        return _Lines(region, out[:size], bool(covered.any()))

    def _render_halves(self, section: Section) -> "_Lines":
        """The lines of a section that takes too many bytes, half of its columns at a time."""
        region = section.region
        if len(region) == 1:
            raise InputError(
                "a line is too long",
                path=self._files[0].path,
                place=str(region),
                found="4 GiB or more",
                advice="limit the depth with -d, or leave indel letters and tags out",
            )
        middle = (region.start + region.end) // 2
        halves = [
            self._render(replace(section, region=Region(region.contig, *ends)))
            for ends in ((region.start, middle), (middle, region.end))
        ]
        text = np.concatenate([half.text for half in halves])
        return _Lines(region, text, any(half.has_reads for half in halves))

    def _shown(self, region: Region, covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which columns are lines."""
        shown = covered
        if self._options.all_positions:
            shown = covered | (np.arange(region.start, region.end) < self._lengths[region.contig])
        return shown if self._positions is None else shown & self._positions.mask(region)

    def _empty(self, region: Region) -> Iterator[memoryview]:
        """Lines without reads."""
        nothing = tuple(RecordBatch.empty() for _ in self._files)
        for start in range(region.start, region.end, _EMPTY_COLUMNS):
            part = Region(region.contig, start, min(start + _EMPTY_COLUMNS, region.end))
            text = self._render(Section(part, nothing)).text
            if len(text):
                yield text.data

    def _reference(self, region: Region, end: int) -> text_kernels.Reference:
        """Letters of the columns and of what is deleted behind them, up to ``end``."""
        codes = np.full(len(region), _UNKNOWN, np.uint8)
        if self._fasta is None or region.contig not in self._fasta.lengths:
            return text_kernels.Reference(np.empty(0, np.uint8), codes)
        last = max(region.start, min(end, self._fasta.lengths[region.contig]))
        letters = self._fasta.letters(Region(region.contig, region.start, last))
        codes[:] = NO_BASE
        known = letters[: len(region)]
        codes[: len(known)] = CODE_OF_LETTER[known]
        return text_kernels.Reference(letters, codes)


@dataclass(frozen=True)
class _Lines:
    """Text of a section.

    Parameters
    ----------
    region
        The columns.
    text
        uint8.
    has_reads
        Whether any column has reads, shown or not.
    """

    region: Region
    text: npt.NDArray[np.uint8]
    has_reads: bool


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
