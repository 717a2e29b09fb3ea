"""From the reads of some columns to their flat arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from colonnade.pileup import columns_kernels as kernels
from colonnade.pileup.columns import FLAT, ColumnBatch
from colonnade.pileup.segments_kernels import cover
from colonnade.records.batch import RecordBatch
from colonnade.regions import Region


def make_columns(
    reads: RecordBatch,
    segments: npt.NDArray[np.void],
    region: Region,
    positions: npt.NDArray[np.int64] | None,
    style: kernels.Style,
    *,
    max_depth: int = 0,
    mask: Sequence[Region] = (),
) -> tuple[ColumnBatch, int]:
    """The columns of a region, or those at some of its positions.

    Parameters
    ----------
    reads, segments
        All that reach into the region, and their segments within it, which are changed.
    region
        Where.
    positions
        int64: rising; None for all.
    style
        Which alignments are kept.
    max_depth
        Most alignments in a column; 0 for no limit.
    mask
        Where no columns are.

    Returns
    -------
    The columns with at least one alignment, and how many alignments ``max_depth`` left out.
    """
    is_dense = positions is None
    places = np.arange(region.start, region.end) if positions is None else positions
    reads = _used(reads, segments)
    counts = np.zeros(len(places) + 1, np.int32)
    if is_dense and style.keeps_all:
        cover(segments, region.start, counts)
        counts = np.cumsum(counts[:-1], dtype=np.int32)
    else:
        kernels.count_alignments(reads.data, reads.records, segments, places, is_dense, style, counts)
        counts = counts[:-1]
    masked = [part for part in mask if part.contig == region.contig]
    for part in masked:
        counts[np.searchsorted(places, part.start) : np.searchsorted(places, part.end)] = 0
    n_alignments = int(counts.sum(dtype=np.int64))
    if max_depth:
        counts = np.minimum(counts, max_depth)
    bounds = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    size = int(bounds[-1])

    flat = kernels.Flat(*(np.empty(size, kind) for kind in FLAT.values()))
    flat.state[:] = 0
    indels = np.empty(kernels.count_indels(segments), kernels.INDEL)
    stops = bounds[1:].astype(np.uint64) if masked or max_depth else np.empty(0, np.uint64)
    filled = kernels.write_alignments(
        reads.data, reads.records, segments, places, is_dense, style, bounds[:-1].astype(np.uint64), stops, flat, indels
    )
    indels = indels[:filled]
    indels = indels[np.argsort(indels["at"])]
    kept = counts > 0
    offsets = np.concatenate([[0], bounds[1:][kept]])
    return ColumnBatch(region.contig, places[kept], offsets, reads, *flat, indels), n_alignments - size


def _used(reads: RecordBatch, segments: npt.NDArray[np.void]) -> RecordBatch:
    """The reads that have segments; these get the new numbers of their reads, in place."""
    used = np.zeros(len(reads), np.bool_)
    kernels.mark_used(segments, used)
    if not used.all():
        kernels.renumber(segments, np.cumsum(used, dtype=np.int32) - np.int32(1))
    return reads.without(~used)
