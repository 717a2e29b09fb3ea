"""Base counts by strand, (base, quality, strand) counts and indel events of one sample over a region."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats.fasta import Fasta, Stretch
from colonnade.records.batch import RecordBatch
from colonnade.records.batch_kernels import MAX_QUALITY
from colonnade.regions import Region
from colonnade.tally import counts_kernels as kernels

#: An indel: 0-based position of the base before it, length (negative for a deletion), where its inserted letters begin, and in
#: how many reads it is.
EVENT: Final = np.dtype(
    [("position", np.int64), ("letters", np.int64), ("length", np.int64), ("count", np.int64)], align=True
)


#: What ``evidence`` takes for each locus.
EVIDENCE_BYTES: Final = 4 * (MAX_QUALITY + 1) * 2 * 4


@dataclass(frozen=True)
class Tally:
    """Counts of one sample at each position of a region.

    Parameters
    ----------
    region
        The positions.
    strands
        int32 (2, positions, 4): bases A, C, G, T of at least the minimum quality, on forward and on reverse reads.
    low_quality
        int32 (positions,): bases below the minimum quality, and ambiguous bases.
    crossing
        int32 (positions,): what to add to the bases for ``matches``.
    events
        Array of ``EVENT``, each indel once, by position: those whose preceding base is in the region and of at least the minimum
        quality.
    letters
        uint8: inserted sequences, as ASCII.
    """

    region: Region
    strands: npt.NDArray[np.int32]
    low_quality: npt.NDArray[np.int32]
    crossing: npt.NDArray[np.int32]
    events: npt.NDArray[np.void]
    letters: npt.NDArray[np.uint8]

    @classmethod
    def zeros(cls, region: Region) -> "Tally":
        """Nothing counted yet."""
        n = len(region)
        arrays = np.zeros((2, n, 4), np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32)
        return cls(region, *arrays, *_no_events())

    def part(self, region: Region) -> "Tally":
        """The same counts over a region within; without events."""
        rows = slice(region.start - self.region.start, region.end - self.region.start)
        return Tally(region, self.strands[:, rows], self.low_quality[rows], self.crossing[rows], *_no_events())

    @property
    def bases(self) -> npt.NDArray[np.int32]:
        """int32 (positions, 4): bases of both strands."""
        bases: npt.NDArray[np.int32] = self.strands[0] + self.strands[1]
        return bases

    @property
    def matches(self) -> npt.NDArray[np.int32]:
        """int32 (positions,): reads that go from each position to the next one without an indel."""
        return self.matches_at(slice(None))

    def matches_at(self, rows: npt.NDArray[np.int64] | slice) -> npt.NDArray[np.int32]:
        """int32 (rows,): reads that go from some positions to the next one without an indel."""
        bases = self.strands[0, rows] + self.strands[1, rows]
        matches: npt.NDArray[np.int32] = bases[:, 0] + bases[:, 1] + bases[:, 2] + bases[:, 3] + self.crossing[rows]
        return matches

    @property
    def reach(self) -> int:
        """The end of the region, or of a deletion that goes on behind it."""
        return int((self.events["position"] + 1 - self.events["length"]).max(initial=self.region.end))

    def with_events_of(self, parts: Sequence["Tally"]) -> "Tally":
        """The same counts with the events of parts, which follow each other."""
        return Tally(self.region, self.strands, self.low_quality, self.crossing, *join_events(parts))


def count_batches(
    batches: Iterable[RecordBatch],
    into: Tally,
    *,
    min_baseq: int,
    reference: Fasta | None = None,
    mask: Sequence[Region] = (),
) -> Tally:
    """Count the records of a sample, whose mates have been resolved.

    Parameters
    ----------
    batches
        The sample's records; only one batch is held at a time.
    into
        Zeros, whose arrays are filled.
    min_baseq
        Smallest quality of a base that counts.
    reference
        Moves indels to the leftmost equivalent place within the aligned bases before them; None leaves them as aligned.
    mask
        Where nothing counts.

    Returns
    -------
    Tally
        The arrays of ``into``, with the events.
    """
    region = into.region
    events, letters = _no_events()
    for batch in batches:
        found, texts = _tally_batch(batch, into, min_baseq, reference)
        del batch  # before the next one is read
        if len(found):
            found["letters"] += len(letters)
            events, letters = _each_once(np.concatenate([events, found]), np.concatenate([letters, texts]))
    events = events[np.argsort(events["position"], kind="stable")]
    for masked in mask:
        if masked.contig == region.contig and masked.start < region.end and masked.end > region.start:
            rows = slice(max(0, masked.start - region.start), masked.end - region.start)
            into.strands[:, rows] = 0
            into.low_quality[rows] = 0
            into.crossing[rows] = 0
            events = events[(events["position"] < masked.start) | (events["position"] >= masked.end)]
    return Tally(region, into.strands, into.low_quality, into.crossing, events, letters)


def join_events(tallies: Sequence[Tally]) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint8]]:
    """The events of several tallies, one after the other, and their letters."""
    offsets = np.cumsum([0] + [len(t.letters) for t in tallies])
    parts = [t.events.copy() for t in tallies]
    for part, offset in zip(parts, offsets[:-1], strict=True):
        part["letters"] += offset
    empty_events, empty_letters = _no_events()
    return np.concatenate([empty_events, *parts]), np.concatenate([empty_letters, *(t.letters for t in tallies)])


def group_events(events: npt.NDArray[np.void], letters: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The same number for equal events, rising with first appearance: int64 (events,)."""
    groups = np.empty(len(events), np.int64)
    slots = np.full(1 << max(4, (2 * len(events)).bit_length()), -1, np.int64)
    kernels.group_events(events, letters, slots, groups)
    return groups


def evidence(batches: Iterable[RecordBatch], loci: npt.NDArray[np.int64], *, min_baseq: int) -> npt.NDArray[np.int32]:
    """Count (base, quality, strand) at sorted 0-based loci: int32 (loci, 4, qualities, 2), strands forward and reverse."""
    counts = np.zeros((len(loci), 4, MAX_QUALITY + 1, 2), np.int32)
    if not len(loci):
        return counts
    for batch in batches:
        near = batch.overlapping(int(loci[0]), int(loci[-1]) + 1)
        kernels.count_evidence(batch.data, near.records, loci, min_baseq, counts)
    return counts


def _tally_batch(
    batch: RecordBatch, into: Tally, min_baseq: int, reference: Fasta | None
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint8]]:
    region = into.region
    n_operations, n_inserted, first, last = kernels.measure_indels(batch.data, batch.records, region.start, region.end)
    events = np.empty(n_operations, EVENT)
    letters = np.empty(n_inserted, np.uint8)
    stretch = Stretch(0, np.empty(0, np.uint8))
    if reference is not None and first < last:  # the same wherever region and batch were cut
        length = reference.lengths[region.contig]
        stretch = reference.stretch(Region(region.contig, min(first, length), min(last, length)))
    filled, written = kernels.tally_records(
        batch.data,
        batch.records,
        region.start,
        region.end,
        min_baseq,
        stretch.codes,
        stretch.start,
        reference is not None,
        into.strands[0],
        into.strands[1],
        into.low_quality,
        into.crossing,
        events,
        letters,
    )
    return events[:filled], letters[:written]


def _each_once(
    events: npt.NDArray[np.void], letters: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint8]]:
    """Equal events as one, their counts added, and only the letters that are needed."""
    groups = group_events(events, letters)
    first = np.unique(groups, return_index=True)[1]
    once = events[first]
    once["count"] = np.bincount(groups, weights=events["count"]).astype(np.int64)
    lengths = np.maximum(once["length"], 0)
    ends = np.cumsum(lengths)
    source = np.repeat(once["letters"] - (ends - lengths), lengths) + np.arange(lengths.sum())
    once["letters"] = ends - lengths
    return once, letters[source]


def _no_events() -> tuple[npt.NDArray[np.void], npt.NDArray[np.uint8]]:
    return np.empty(0, EVENT), np.empty(0, np.uint8)
