"""Counts of any region as arrays, in one call."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats.alignments import common_lengths, open_all
from colonnade.formats.fasta import Fasta, Stretch
from colonnade.formats.html import note, panel, table
from colonnade.jit import announce_compilation
from colonnade.plan.ranges import MOST_POSITIONS, plan_ranges
from colonnade.records.filters import ReadFilter
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import BYTES_PER_BAM_BYTE, new_outcomes, read_batches
from colonnade.regions import Region, regions_of_interest
from colonnade.run.ordered import ordered_map
from colonnade.tally.counts import Tally, count_batches
from colonnade.tally.indels import indel_table

DEFAULT_MEMORY: Final = 1 << 30
_MOST_SHOWN: Final = 8  # positions in a notebook


@dataclass(frozen=True)
class RegionTally:
    """Counts of one sample at each position of a region.

    Parameters
    ----------
    region
        The positions, 0-based and half-open.
    strands
        int32 (2, positions, 4): bases A, C, G, T of good quality, on forward and on reverse reads.
    low_quality
        int32 (positions,): bases below the minimum quality, and ambiguous bases.
    matches
        int32 (positions,): reads of good quality that go on to the next position without an indel.
    indel_positions
        int64 (indels,): 0-based position of the base before each indel, rising.
    indel_names
        Each indel: ``+ACG``, an insertion, or ``-TT``, a deletion.
    indel_counts
        int64 (indels,): in how many reads each is.
    records
        How many records were kept, and how many each condition of the read filter removed.
    """

    region: Region
    strands: npt.NDArray[np.int32]
    low_quality: npt.NDArray[np.int32]
    matches: npt.NDArray[np.int32]
    indel_positions: npt.NDArray[np.int64]
    indel_names: list[str]
    indel_counts: npt.NDArray[np.int64]
    records: dict[str, int]

    @property
    def bases(self) -> npt.NDArray[np.int32]:
        """int32 (positions, 4): bases A, C, G, T of both strands."""
        bases: npt.NDArray[np.int32] = self.strands[0] + self.strands[1]
        return bases

    @property
    def depth(self) -> npt.NDArray[np.int64]:
        """int64 (positions,): bases of good quality."""
        depth: npt.NDArray[np.int64] = self.bases.sum(axis=1, dtype=np.int64)
        return depth

    @property
    def positions(self) -> npt.NDArray[np.int64]:
        """int64 (positions,): 0-based positions."""
        return np.arange(self.region.start, self.region.end)

    def __repr__(self) -> str:
        return f"RegionTally({self.region}, {self.records['kept']} records, {len(self.indel_names)} indels)"

    def _repr_html_(self) -> str:
        shown = min(_MOST_SHOWN, len(self.region))
        counts = zip(self.positions[:shown] + 1, self.bases[:shown], self.low_quality[:shown], strict=True)
        rows = [(int(position), *map(int, bases), int(low)) for position, bases, low in counts]
        records = ", ".join(f"{count:,} {what}" for what, count in self.records.items())
        more = f"and {len(self.region) - shown:,} positions more; " if shown < len(self.region) else ""
        counted = table(("position", *"ACGT", "low quality"), rows)
        return panel(
            f"RegionTally {self.region}", counted, note(f"{more}{len(self.indel_names):,} indels; records: {records}")
        )


def tally(
    paths: str | PathLike[str] | Sequence[str | PathLike[str]],
    region: str | Region,
    *,
    reference: str | PathLike[str] | None = None,
    read_filter: ReadFilter | None = None,
    threads: int = 1,
    memory: int = DEFAULT_MEMORY,
) -> RegionTally:
    """Count bases by strand, low-quality bases and indels at each position of a region.

    Overlapping mates count once, as in ``compare``; docs/reading.md holds the counts against those of ``samtools mpileup``.

    Parameters
    ----------
    paths
        Coordinate-sorted BAM, CRAM or SAM file of a sample, or several.
    region
        Text such as ``chr1`` or ``chr1:1,001-2,000`` (1-based), or a ``Region``.
    reference
        FASTA. With it, indels are moved to their leftmost place and deletions get their letters; without it, indels stay where
        they were aligned and deletions have an N for each base. CRAM needs it.
    read_filter
        Which records and bases count.
    threads
        Threads; the result does not depend on it.
    memory
        Bytes that reads in work may take, about, beside the counts; the result does not depend on it.

    Raises
    ------
    ColonnadeError
        Input is damaged or does not fit together.

    Examples
    --------
    >>> counts = tally("wk4.bam", "chr1:1-1000")  # doctest: +SKIP
    >>> counts.bases[99]  # doctest: +SKIP
    array([  0, 412,   3,   0], dtype=int32)
    """
    announce_compilation("counts_kernels")
    several = [paths] if isinstance(paths, str | PathLike) else list(paths)
    with ExitStack() as stack:
        fasta = None if reference is None else stack.enter_context(closing(Fasta(fspath(reference))))
        files = stack.enter_context(open_all(several, reference=reference))
        lengths = common_lengths(files)
        chosen = (read_filter or ReadFilter()).on(lengths)
        (where,) = regions_of_interest([region], None, lengths)
        size = max(1, int(memory / (BYTES_PER_BAM_BYTE * threads)))
        ranges = plan_ranges([where], files, size=size // len(files), positions=MOST_POSITIONS, workers=threads)
        regions = [planned.region for planned in ranges]
        whole = Tally.zeros(where)

        def count(part: Region) -> tuple[Tally, npt.NDArray[np.int64]]:
            outcomes = new_outcomes()
            batches = read_batches(
                files,
                part,
                chosen,
                size=size,
                outcomes=outcomes,
                counted_to=part.start if part.start > where.start else 0,
                threads=max(1, threads // len(regions)),
            )
            counted = count_batches(
                resolve_overlaps(batches),
                whole.part(part),
                min_baseq=chosen.min_baseq,
                reference=fasta,
                mask=chosen.masked,
            )
            return counted, outcomes

        parts = list(ordered_map(count, regions, threads=threads))
        outcomes = np.sum([outcomes for _, outcomes in parts], axis=0)
        return _result(whole.with_events_of([part for part, _ in parts]), outcomes, chosen, fasta)


def _result(
    counted: Tally, outcomes: npt.NDArray[np.int64], read_filter: ReadFilter, fasta: Fasta | None
) -> RegionTally:
    region, end = counted.region, counted.reach
    if fasta is None:
        stretch = Stretch.unknown(region.start, end)
    else:
        stretch = fasta.stretch(Region(region.contig, region.start, min(end, fasta.lengths[region.contig])))
    indels = indel_table([counted], region, stretch)
    return RegionTally(
        region=region,
        strands=counted.strands,
        low_quality=counted.low_quality,
        matches=counted.matches,
        indel_positions=np.repeat(indels.positions, np.diff(indels.starts)),
        indel_names=indels.names,
        indel_counts=indels.counts[:, 0],
        records=read_filter.explain(outcomes),
    )
