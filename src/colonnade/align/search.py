"""Stage one: from reads to their hits, rows of the suffix array, equal to those of ``bwa aln``."""

import numpy as np
import numpy.typing as npt

from colonnade.align import search_kernels as kernels
from colonnade.align.absence_kernels import MOST_STATES
from colonnade.align.batch import HIT, Batch, Phase, list_column
from colonnade.align.bounds_kernels import GROUP, Group, trim
from colonnade.align.fm_kernels import FmIndex
from colonnade.align.options import AlignOptions

_EXTENSIONS_AS_DIFFERENCES = 6  # at most where extensions count as differences (max_gape of gap_init_opt, bwtaln.c)
_NO_LIMIT = 2**31 - 1
_FIRST_CHUNKS = 512
_FIRST_HITS = 16


def search(batch: Batch, fm: FmIndex, options: AlignOptions) -> Batch:
    """Find the hits of each read, in the order of ``bwa aln``.

    Reads of no bases, and of more than 65,535, have none.

    Parameters
    ----------
    batch
        Pristine reads.
    fm
        The index of both strands.
    options
        Differences, gaps, seed, penalties, limits, trimming.

    Raises
    ------
    FormatError
        The batch is not pristine.
    """
    batch.require(Phase.PRISTINE)
    data, offsets = batch.records()
    lengths = np.empty(len(batch), np.int32)
    longest = trim(data, offsets, options.trim_quality, lengths)
    settings = _settings(options, longest)
    group = _group(longest, settings.seed_length)
    room = _room(len(batch), settings)
    starts = np.zeros(len(batch), np.int64)
    counts = np.zeros(len(batch), np.int64)
    while wanting := kernels.search_reads(fm, data, offsets, lengths, settings, group, room, starts, counts):
        room = _with_more(room, wanting)
    bounds = np.concatenate(([0], np.cumsum(counts)))
    order = np.repeat(starts - bounds[:-1], counts) + np.arange(bounds[-1])
    fields = {field.name: room.hits[order, at].astype(field.type.to_pandas_dtype()) for at, field in enumerate(HIT)}
    return batch.advanced(length=lengths, hits=list_column(bounds, HIT, fields))


def _group(longest: int, seed_length: int) -> Group:
    reads = GROUP
    per_read = (reads, longest + 1)
    per_seed = (reads, min(seed_length, longest) + 1)
    return Group(
        reads=np.zeros(reads, np.int64),
        lengths=np.zeros(reads, np.int64),
        codes=np.zeros(per_read, np.uint8),
        path=np.zeros((*per_read, 2), np.int64),
        dead=np.zeros(reads, np.int64),
        widths=np.zeros(per_read, np.int64),
        bounds=np.zeros(per_read, np.int32),
        seed_widths=np.zeros(per_seed, np.int64),
        seed_bounds=np.zeros(per_seed, np.int32),
        waiting=np.zeros(reads + 1, np.int64),
        intervals=np.zeros((reads, 2), np.int64),
        hopeless=np.zeros(reads, np.uint8),
        tight=np.empty(longest, np.int64),
        states=np.empty((2, MOST_STATES, 3), np.int64),
    )


def _room(reads: int, settings: kernels.SearchSettings) -> kernels.Room:
    most = int(settings.differences.max())
    scores = (
        (most + 1) * settings.mismatch_penalty
        + (min(settings.gap_opens, most) + 1) * settings.gap_open_penalty
        + (settings.gap_extensions + 1) * settings.gap_extension_penalty
        + 1
    )
    shared = np.zeros(kernels.SHARED_WIDTH, np.int64)
    shared[kernels.FREE_CHUNKS] = _FIRST_CHUNKS
    return kernels.Room(
        lanes=np.zeros((kernels.LANES, kernels.STATE_WIDTH), np.int64),
        shared=shared,
        children=np.zeros((4, 2), np.int64),
        tops=np.full((kernels.LANES, scores), -1, np.int64),
        pool=np.empty((_FIRST_CHUNKS * kernels.CHUNK, 3), np.int64),
        chunks=np.arange(1, _FIRST_CHUNKS + 1),
        found=np.zeros((kernels.LANES, _FIRST_HITS, kernels.HIT_FIELDS), np.int64),
        hits=np.zeros((reads + _FIRST_HITS, kernels.HIT_FIELDS), np.int64),
    )


def _with_more(room: kernels.Room, wanting: int) -> kernels.Room:
    """The same, with twice as much of what the kernel ran out of."""
    if wanting == kernels.WANTS_CHUNKS:
        size = len(room.chunks)
        chunks = np.concatenate((room.chunks, np.arange(size + 1, 2 * size + 1)))
        chunks[-1] = room.shared[kernels.FREE_CHUNK]
        room.shared[kernels.FREE_CHUNK] = size
        room.shared[kernels.FREE_CHUNKS] += size
        return room._replace(pool=_doubled(room.pool), chunks=chunks)
    if wanting == kernels.WANTS_HITS:
        return room._replace(found=np.concatenate((room.found, np.zeros_like(room.found)), axis=1))
    return room._replace(hits=_doubled(room.hits))


def _doubled(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate((array, np.zeros_like(array)))


def _settings(options: AlignOptions, longest: int) -> kernels.SearchSettings:
    as_differences = options.gap_extensions <= 0
    return kernels.SearchSettings(
        differences=options.differences_by_length(longest),
        gap_opens=options.gap_opens,
        gap_extensions=_EXTENSIONS_AS_DIFFERENCES if as_differences else options.gap_extensions,
        count_extensions=as_differences,
        indel_end_skip=options.indel_end_skip,
        deletion_hits=options.deletion_hits,
        seed_length=options.seed_length,
        seed_differences=options.seed_differences,
        queue_entries=options.queue_entries,
        mismatch_penalty=options.mismatch_penalty,
        gap_open_penalty=options.gap_open_penalty,
        gap_extension_penalty=options.gap_extension_penalty,
        most_best_hits=_NO_LIMIT if options.all_hits else options.most_best_hits,
        log_gap_penalty=options.log_gap_penalty,
        all_hits=options.all_hits,
    )
