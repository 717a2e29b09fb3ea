"""Base counts, (base, quality, strand) counts and indel events of one sample over a range."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats.fasta import Stretch
from colonnade.records.batch import RecordBatch
from colonnade.records.overlap import MAX_QUALITY
from colonnade.regions import Region
from colonnade.tally import counts_kernels as kernels

#: One indel of one read: 0-based position of the base before it, length (negative for a deletion), and where its inserted
#: letters begin.
EVENT: Final = np.dtype([("position", np.int64), ("letters", np.int64), ("length", np.int64)], align=True)


@dataclass(frozen=True)
class SampleTally:
    """Counts of one sample at each position of a region.

    Parameters
    ----------
    bases
        int32 (positions, 4): bases A, C, G, T of at least the minimum quality.
    low_quality
        int32 (positions,): bases below the minimum quality, and ambiguous bases.
    matches
        int32 (positions,): reads that go from this position to the next one without an indel.
    events
        Array of ``EVENT``: indels whose preceding base is in the region and of at least the minimum quality, by position.
    letters
        uint8: inserted sequences, as ASCII.
    """

    bases: npt.NDArray[np.int32]
    low_quality: npt.NDArray[np.int32]
    matches: npt.NDArray[np.int32]
    events: npt.NDArray[np.void]
    letters: npt.NDArray[np.uint8]


def tally(
    batches: list[RecordBatch],
    region: Region,
    *,
    min_baseq: int,
    reference: Stretch,
    left_align: bool = True,
) -> SampleTally:
    """Count the records of a sample, whose mates have been resolved, over a region.

    Parameters
    ----------
    batches
        One per file of the sample.
    region
        The positions to count.
    min_baseq
        Smallest quality of a base that counts.
    reference
        From the first record's start to the last one's end, and over the region.
    left_align
        Whether indels are moved to the leftmost equivalent place within the aligned bases before them.
    """
    bases = np.zeros((len(region), 4), np.int32)
    low_quality = np.zeros(len(region), np.int32)
    crossing = np.zeros(len(region), np.int32)
    found = []
    texts = []
    n_letters = 0
    for batch in batches:
        n_operations, n_inserted = kernels.count_indel_operations(batch.data, batch.records)
        events = np.empty(n_operations, EVENT)
        letters = np.empty(n_inserted, np.uint8)
        filled, written = kernels.tally_records(
            batch.data,
            batch.records,
            region.start,
            region.end,
            min_baseq,
            reference.codes,
            reference.start,
            left_align,
            bases,
            low_quality,
            crossing,
            events,
            letters,
        )
        events = events[:filled].copy()
        events["letters"] += n_letters
        n_letters += written
        found.append(events)
        texts.append(letters[:written])
    events = np.concatenate(found) if found else np.empty(0, EVENT)
    return SampleTally(
        bases=bases,
        low_quality=low_quality,
        matches=bases[:, 0] + bases[:, 1] + bases[:, 2] + bases[:, 3] + crossing,
        events=events[np.argsort(events["position"], kind="stable")],
        letters=np.concatenate(texts) if texts else np.empty(0, np.uint8),
    )


def evidence(batches: list[RecordBatch], loci: npt.NDArray[np.int64], *, min_baseq: int) -> npt.NDArray[np.int32]:
    """Count (base, quality, strand) at sorted 0-based loci: int32 (loci, 4, qualities, 2), strands forward and reverse."""
    counts = np.zeros((len(loci), 4, MAX_QUALITY + 1, 2), np.int32)
    for batch in batches:
        near = batch.overlapping(int(loci[0]), int(loci[-1]) + 1) if len(loci) else batch
        kernels.count_evidence(batch.data, near.records, loci, min_baseq, counts)
    return counts
