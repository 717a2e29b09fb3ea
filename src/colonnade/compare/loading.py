"""What all comparisons over a range share: reads, tallies and reference of every sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colonnade.compare.inputs import Inputs
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF, REF_DEPTH, Sample
from colonnade.formats.fasta import REFERENCE_LETTERS, Stretch
from colonnade.records.batch import RecordBatch
from colonnade.records.overlap import LOOK_BACK, resolve_overlaps
from colonnade.records.source import read_batch
from colonnade.regions import Region
from colonnade.tally.counts import SampleTally, tally


@dataclass(frozen=True)
class LoadedRange:
    """Samples side by side over one range.

    Parameters
    ----------
    region
        The range.
    reference
        From the start of the first record to the end of the last, and over the range.
    batches, tallies
        Per sample, in the samples' order.
    """

    region: Region
    reference: Stretch
    batches: dict[str, list[RecordBatch]]
    tallies: dict[str, SampleTally]

    @classmethod
    def load(cls, inputs: Inputs, region: Region, options: CompareOptions, *, threads: int = 1) -> "LoadedRange":
        """Read, resolve mates and tally all samples."""
        batches = {sample.name: _load_sample(inputs, sample, region, options, threads) for sample in inputs.samples}
        reference = _load_reference(inputs, region, [batch for loaded in batches.values() for batch in loaded])
        tallies = {
            name: tally(
                loaded,
                region,
                min_baseq=options.read_filter.min_baseq,
                reference=reference,
                left_align=options.indels == "left",
            )
            for name, loaded in batches.items()
        }
        return cls(region, reference, batches, tallies)

    @property
    def bases(self) -> npt.NDArray[np.uint8]:
        """Reference codes of the range's positions."""
        return self.reference.between(self.region.start, self.region.end)

    def letters(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Reference letters at some rows (0-based from the start of the range)."""
        return [REFERENCE_LETTERS[code] for code in self.bases[rows].tolist()]

    def counts(self, name: str) -> npt.NDArray[np.int32]:
        """Base counts (positions, 4) of a sample, or of REF."""
        if name != REF:
            return self.tallies[name].bases
        counts: npt.NDArray[np.int32] = (self.bases[:, np.newaxis] == np.arange(4)).astype(np.int32) * REF_DEPTH
        return counts


def _load_sample(
    inputs: Inputs, sample: Sample, region: Region, options: CompareOptions, threads: int
) -> list[RecordBatch]:
    wide = Region(region.contig, max(0, region.start - LOOK_BACK), region.end)
    batches = []
    for file in inputs.sample_files(sample):
        batch = read_batch(file, wide, options.read_filter, threads=threads)
        resolve_overlaps(batch)
        batches.append(batch)
    return batches


def _load_reference(inputs: Inputs, region: Region, batches: Sequence[RecordBatch]) -> Stretch:
    """As far as the records reach, so that an indel moves the same way wherever the range was cut."""
    start = min([region.start, *(int(batch.records["start"][0]) for batch in batches if len(batch))])
    end = max([region.end, *(int(batch.records["end"].max()) for batch in batches if len(batch))])
    length = inputs.reference.lengths[region.contig]
    return inputs.reference.stretch(Region(region.contig, start, min(end, length)))
