"""Sections as lines of text: a function of what it is given, so that any worker can carry it out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import InputError
from colonnade.formats.bases import CODE_OF_LETTER, NO_BASE
from colonnade.formats.fasta import Fasta
from colonnade.formats.fingerprint import Fingerprint
from colonnade.pileup import extras_kernels, segments_kernels, text_kernels
from colonnade.pileup.extras import Extra, Joined
from colonnade.pileup.positions import Positions
from colonnade.pileup.sections import Section
from colonnade.pileup.segments import ALL_STATES, find_segments, reach_of
from colonnade.regions import Region
from colonnade.run.resource import Resource

_MOST_BYTES: Final = (1 << 32) - 2  # that cursors can tell apart

_UNKNOWN: Final = 255


@dataclass(frozen=True)
class Part:
    """Columns to be written.

    Parameters
    ----------
    section
        The columns, and their reads.
    bare_until
        Position below which columns without reads are lines too.
    positions
        Where lines are wanted; None: everywhere.
    """

    section: Section
    bare_until: int = 0
    positions: Positions | None = None

    def __str__(self) -> str:
        return str(self.section.region)

    def shown(self, covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which columns are lines, if ``covered`` are those that have reads: bool, (columns,)."""
        region = self.section.region
        shown = covered.copy()
        shown[: max(0, self.bare_until - region.start)] = True
        return shown if self.positions is None else shown & self.positions.mask(region)

    def halves(self) -> "tuple[Part, Part]":
        """The first half of the columns, and the second."""
        region = self.section.region
        middle = (region.start + region.end) // 2
        first, second = (
            replace(self, section=replace(self.section, region=Region(region.contig, *ends)))
            for ends in ((region.start, middle), (middle, region.end))
        )
        return first, second


@dataclass(frozen=True)
class Lines:
    """Text of columns.

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


@dataclass(frozen=True)
class FastaRecipe:
    """How a FASTA file is opened where the text is made.

    Parameters
    ----------
    files
        The file and its indexes.
    """

    files: tuple[Fingerprint, ...]

    @classmethod
    def of(cls, fasta: Fasta) -> "FastaRecipe":
        """That of a file that is open here."""
        return cls(tuple(Fingerprint.of(Path(name).absolute()) for name in fasta.files))

    def open(self) -> Fasta:
        """Open it.

        Raises
        ------
        InputError
            The file or an index is not there, or is another one.
        """
        for file in self.files:
            file.check()
        return Fasta(self.files[0].path)


@dataclass(frozen=True)
class Renderer:
    """Makes text of columns.

    Parameters
    ----------
    path
        The first file, for messages.
    style
        What is said of a read.
    extras
        Further columns.
    names
        For each file its contigs, if further columns show them.
    reference
        Where the reference bases are.
    most_bytes
        Text to make at a time, but for single columns that are longer.
    """

    path: str
    style: text_kernels.Style
    extras: tuple[Extra, ...]
    names: tuple[Joined, ...]
    reference: Resource[Fasta] | None
    most_bytes: int

    def __call__(self, part: Part) -> Lines:
        """The lines of some columns.

        Raises
        ------
        ColonnadeError
            The reference is missing, another one, or damaged; a line is too long.
        """
        section = part.section
        region, extras, min_baseq = section.region, self.extras, self.style.min_baseq
        start, shape = region.start, (len(section.batches), len(region))
        samples = [
            (i, batch.data, batch.records, find_segments(batch, region, ALL_STATES))
            for i, batch in enumerate(section.batches)
        ]
        reference = self._reference(region, max(region.end, *(reach_of(segments) for *_, segments in samples)))
        values = [
            [extra.values(batch, names) for extra in extras]
            for names, batch in zip(self.names, section.batches, strict=True)
        ]

        # How long each field is; then each gets its place, and each read writes its share.
        counts, sizes = np.zeros(shape, np.int32), np.zeros(shape, np.int64)
        extra_sizes = np.zeros((shape[0], len(extras), shape[1]), np.int64)
        changes = np.zeros(len(region) + 1, np.int32)
        for i, data, records, segments in samples:
            segments_kernels.cover(segments, start, changes)
            text_kernels.measure_fields(data, records, segments, start, reference, self.style, counts[i], sizes[i])
            for k, extra in enumerate(extras):
                extras_kernels.measure_extra(
                    extra.kind, extra.separator, data, records, segments, start, min_baseq, values[i][k],
                    counts[i], extra_sizes[i, k],
                )  # fmt: skip
        covered = np.cumsum(changes[:-1]) > 0
        shown = part.shown(covered)
        cursors, extra_cursors = np.empty(shape, np.uint64), np.empty(extra_sizes.shape, np.int64)
        name = np.frombuffer(region.contig.encode(), np.uint8)
        size, room = text_kernels.place_fields(name, start, shown, counts, sizes, extra_sizes, cursors, extra_cursors)
        if room > min(_MOST_BYTES, self.most_bytes) and (len(region) > 1 or room > _MOST_BYTES):
            return self._in_halves(part)
        out = np.empty(room + 1, np.uint8)
        for i, data, records, segments in samples:
            text_kernels.write_fields(data, records, segments, start, reference, self.style, out, cursors[i])
            for k, extra in enumerate(extras):
                extras_kernels.write_extra(
                    extra.kind, extra.separator, data, records, segments, start, min_baseq, values[i][k],
                    out, extra_cursors[i, k],
                )  # fmt: skip
        text_kernels.write_frame(name, start, shown, reference.letters, counts, sizes, extra_sizes, out)
        return Lines(region, out[:size], bool(covered.any()))

    def _in_halves(self, part: Part) -> Lines:
        """The lines of columns that take too many bytes, half of the columns at a time."""
        region = part.section.region
        if len(region) == 1:
            raise InputError(
                "a line is too long",
                path=self.path,
                place=str(region),
                found="4 GiB or more",
                advice="limit the depth with -d, or leave indel letters and tags out",
            )
        halves = [self(half) for half in part.halves()]
        return Lines(region, np.concatenate([half.text for half in halves]), any(half.has_reads for half in halves))

    def _reference(self, region: Region, end: int) -> text_kernels.Reference:
        """Letters of the columns and of what is deleted behind them, up to ``end``."""
        codes = np.full(len(region), _UNKNOWN, np.uint8)
        fasta = None if self.reference is None else self.reference.get()
        if fasta is None or region.contig not in fasta.lengths:
            return text_kernels.Reference(np.empty(0, np.uint8), codes)
        last = max(region.start, min(end, fasta.lengths[region.contig]))
        letters = fasta.letters(Region(region.contig, region.start, last))
        codes[:] = NO_BASE
        known = letters[: len(region)]
        codes[: len(known)] = CODE_OF_LETTER[known]
        return text_kernels.Reference(letters, codes)
