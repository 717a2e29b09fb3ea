"""How reads lie on their contigs, once all have their places: CIGAR, and where that begins and ends."""

from typing import NamedTuple

import numpy as np

from colonnade.align.record_kernels import read_bases, sequence_of
from colonnade.align.refine_kernels import MATCH, aligned_span, item, refine
from colonnade.formats.writing_kernels import NOWHERE
from colonnade.jit import kernel


class Genome(NamedTuple):
    """The reference: the forward strand of all contigs, one behind the other."""

    packed: np.ndarray  # uint8: four bases a byte, the first in the high bits
    length: int
    offsets: np.ndarray  # int64 (contigs,)
    lengths: np.ndarray  # int64 (contigs,)
    names: np.ndarray  # uint8: of all contigs
    name_offsets: np.ndarray  # int64 (contigs + 1,)
    hole_offsets: np.ndarray  # int64 (holes,): stretches of ambiguous bases
    hole_lengths: np.ndarray  # int64 (holes,)


class Reads(NamedTuple):
    """What is known of each read of a batch, (reads,): as in ``colonnade.align.batch.SCHEMAS``, and, last, as a mate."""

    length: np.ndarray  # int32
    position: np.ndarray  # int64
    reverse: np.ndarray  # uint8
    mapping_quality: np.ndarray  # int64
    mismatches: np.ndarray  # int16, and the next three
    gap_opens: np.ndarray
    gap_extensions: np.ndarray
    shift: np.ndarray
    best_hits: np.ndarray  # int64
    other_hits: np.ndarray  # int64
    single_quality: np.ndarray  # int64: mapping quality of the read by itself
    is_proper: np.ndarray  # uint8: whether the pair lies as templates do


class Cigars(NamedTuple):
    """CIGARs of reads: that of read ``r`` has the items from ``starts[r]`` to ``ends[r]``."""

    starts: np.ndarray  # int64 (reads,)
    ends: np.ndarray  # int64 (reads,)
    items: np.ndarray  # uint32


class Laid(NamedTuple):
    """How each read lies, (reads,)."""

    contig: np.ndarray  # int64: ``NOWHERE`` for a read without a place
    start: np.ndarray  # int64: on the contig; ``NOWHERE``, too
    span: np.ndarray  # int64: bases of the reference
    is_within: np.ndarray  # uint8: whether they are all on the contig


@kernel
def contig_at(offsets, position):
    """The contig that a position lies on, from where each begins."""
    low, high = 0, offsets.size
    while high - low > 1:
        middle = (low + high) // 2
        if offsets[middle] <= position:
            low = middle
        else:
            high = middle
    return low


@kernel
def item_room(length, span):
    """Items of a CIGAR at most: one for each base, and what was trimmed. Its text has at most two letters for each base."""
    return length + span + 1


@kernel
def count_items(reads, rescued):
    """(items of the CIGARs of all reads at most, those of one read)."""
    total = 0
    most = 1
    for read in range(reads.length.size):
        items = 1
        if rescued.ends[read] > rescued.starts[read]:
            items = rescued.ends[read] - rescued.starts[read]
        elif reads.gap_opens[read] > 0:
            length = np.int64(reads.length[read])
            items = item_room(length, max(0, length + reads.shift[read]))
        total += items
        most = max(most, items)
    return total, most


@kernel
def lay_reads(genome, data, records, reads, rescued, bwa_quirks, bases, cigar, cigars, laid):
    """Fill ``cigars`` and ``laid``.

    A read that does not lie within the contig that it begins on has no place, unless ``bwa_quirks``.

    Parameters
    ----------
    genome, data, records, reads
        Reference, bytes of the records, where each begins, and the places of the reads.
    rescued
        ``Cigars`` of rescued mates; the other reads are aligned where they have gaps.
    bases, cigar
        Scratch for one read.
    """
    size = 0
    for read in range(reads.length.size):
        position = reads.position[read]
        length = np.int64(reads.length[read])
        items = np.int64(0)
        if rescued.ends[read] > rescued.starts[read]:
            for at in range(rescued.starts[read], rescued.ends[read]):
                cigar[items] = rescued.items[at]
                items += 1
        elif position != NOWHERE and reads.gap_opens[read] > 0:
            read_bases(data, sequence_of(data, records[read]), length, np.int64(reads.reverse[read]), bases)
            span = length + reads.shift[read]
            items, position = refine(genome.packed, genome.length, bases, length, position, span, cigar)
        elif position != NOWHERE:
            cigar[0] = item(length, MATCH)
            items = np.int64(1)
        span = aligned_span(cigar, items)
        contig = contig_at(genome.offsets, position)
        start = position - genome.offsets[contig]
        is_within = start + span <= genome.lengths[contig]
        if not (is_within or bwa_quirks):
            items = np.int64(0)
        laid.contig[read] = contig if items > 0 else NOWHERE
        laid.start[read] = start if items > 0 else NOWHERE
        laid.span[read] = span
        laid.is_within[read] = is_within
        cigars.starts[read] = size
        for k in range(items):
            cigars.items[size] = cigar[k]
            size += 1
        cigars.ends[read] = size
