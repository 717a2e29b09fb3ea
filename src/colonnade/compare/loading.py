"""What all comparisons over a range share: tallies and reference of every sample, and its reads once more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colonnade.compare.inputs import Inputs
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF, REF_DEPTH, Sample
from colonnade.formats.bases import AMBIGUOUS
from colonnade.formats.fasta import REFERENCE_LETTERS, Stretch
from colonnade.records.batch import RecordBatch
from colonnade.records.overlap import resolve_overlaps
from colonnade.records.source import new_outcomes, read_batches
from colonnade.regions import Region
from colonnade.tally.counts import Tally, count_batches


class RangeLoader:
    """Reads and tallies all samples over one range at a time.

    Parameters
    ----------
    inputs, options
        The open files, and everything that changes the result.
    size
        Uncompressed bytes of BAM that the samples of a range may take together, about. What does not fit is read again
        when it is needed again.
    with_reference
        Whether the reference is a sample, too: the last one.
    threads
        Threads that inflate.
    """

    def __init__(
        self, inputs: Inputs, options: CompareOptions, *, size: int, with_reference: bool = False, threads: int = 1
    ) -> None:
        self._inputs = inputs
        self._options = options
        self._size = size
        self._with_reference = with_reference
        self._threads = threads

    def load(self, region: Region, *, counted_to: int) -> "LoadedRange":
        """Tally all samples over a region; reads that start before ``counted_to`` were counted with an earlier one."""
        kept: dict[str, list[RecordBatch]] = {}
        tallies, outcomes = {}, {}
        left = self._size
        for sample in self._inputs.samples:
            outcomes[sample.name] = new_outcomes()
            keeper = _Keeper(self._read(sample, region, outcomes[sample.name], counted_to=counted_to), left)
            tallies[sample.name] = count_batches(
                keeper,
                Tally.zeros(region),
                min_baseq=self._options.read_filter.min_baseq,
                reference=self._inputs.reference if self._options.indels == "left" else None,
                mask=self._options.read_filter.masked,
            )
            if keeper.kept is not None:
                kept[sample.name] = keeper.kept
                left -= keeper.size
        reference = self._reference(region, tallies)
        counts = np.zeros((len(tallies) + self._with_reference, len(region), 4), np.int32)
        for into, tally in zip(counts, tallies.values(), strict=False):
            np.add(tally.strands[0], tally.strands[1], out=into)
        if self._with_reference:
            known = np.flatnonzero(reference.between(region.start, region.end) != AMBIGUOUS)
            counts[-1, known, reference.between(region.start, region.end)[known]] = REF_DEPTH
        return LoadedRange(self, region, reference, tallies, counts, outcomes, kept)

    def read_again(self, name: str, region: Region) -> Iterator[RecordBatch]:
        """The reads of a sample over a region, mates resolved."""
        sample = next(sample for sample in self._inputs.samples if sample.name == name)
        return self._read(sample, region, new_outcomes(), counted_to=0)

    def _read(
        self, sample: Sample, region: Region, outcomes: npt.NDArray[np.int64], *, counted_to: int
    ) -> Iterator[RecordBatch]:
        batches = read_batches(
            self._inputs.sample_files(sample),
            region,
            self._options.read_filter,
            size=self._size,
            outcomes=outcomes,
            counted_to=counted_to,
            threads=self._threads,
        )
        return resolve_overlaps(batches)

    def _reference(self, region: Region, tallies: Mapping[str, Tally]) -> Stretch:
        """The reference over the region, and as far as deletions reach."""
        end = max(tally.reach for tally in tallies.values())
        length = self._inputs.reference.lengths[region.contig]
        return self._inputs.reference.stretch(Region(region.contig, region.start, min(end, length)))


@dataclass(frozen=True)
class LoadedRange:
    """Samples side by side over one range.

    Parameters
    ----------
    loader
        What it came from.
    region
        The range.
    reference
        Over the range, and as far as deletions reach.
    tallies
        Per sample, in the order of the samples.
    counts
        int32 (samples, positions, 4): base counts in that order, those of the reference last if it is compared with.
    outcomes
        Per sample: what became of its records (``ReadFilter.explain``).
    kept
        Batches of the samples that fit into memory.
    """

    loader: RangeLoader
    region: Region
    reference: Stretch
    tallies: dict[str, Tally]
    counts: npt.NDArray[np.int32]
    outcomes: dict[str, npt.NDArray[np.int64]]
    kept: dict[str, list[RecordBatch]]

    def batches(self, name: str, *, start: int, end: int) -> Iterator[RecordBatch]:
        """The reads of a sample over a part of the range, or more of them, mates resolved."""
        if name in self.kept:
            return iter(self.kept[name])
        return self.loader.read_again(name, Region(self.region.contig, start, end))

    @property
    def bases(self) -> npt.NDArray[np.uint8]:
        """Reference codes of the range's positions."""
        return self.reference.between(self.region.start, self.region.end)

    def letters(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Reference letters at some rows (0-based from the start of the range)."""
        return [REFERENCE_LETTERS[code] for code in self.bases[rows].tolist()]

    def index(self, name: str) -> int:
        """Where a sample, or REF, is among the counts."""
        return len(self.tallies) if name == REF else list(self.tallies).index(name)


class _Keeper:
    """Passes batches on, and keeps them unless they take more than ``most`` bytes together."""

    def __init__(self, batches: Iterator[RecordBatch], most: int) -> None:
        self._batches = batches
        self._most = most
        self.size = 0
        self.kept: list[RecordBatch] | None = []

    def __iter__(self) -> Iterator[RecordBatch]:
        for batch in self._batches:
            self.size += batch.data.nbytes
            if self.kept is not None:
                self.kept.append(batch)
            if self.size > self._most:
                self.kept = None
            yield batch
            del batch  # before the next one is read
