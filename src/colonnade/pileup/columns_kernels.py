"""Columns as flat arrays: counted first, so that each read can write its own to their final places.

Reads come in file order and columns have a cursor each, so nothing is sorted (as in ``text_kernels``).
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.bases import LETTERS
from colonnade.jit import kernel
from colonnade.pileup.segments_kernels import IS_DELETION, IS_MATCH, IS_NO_SPAN, IS_SKIP, has_bases, quality_of
from colonnade.records.batch_kernels import read_nibble

PAIRS = np.array([[LETTERS[two >> 4], LETTERS[two & 15]] for two in range(256)], np.uint8).view(np.uint16).ravel()
STAR, GREATER, ANY_BASE = 42, 62, 78  # * in a deletion, > in a skip, N

#: What follows or surrounds one alignment: ``at`` is its place in the flat arrays; lengths of the insertion and of the deletion
#: that follow, and of the whole deletion or skip that it is in.
INDEL = np.dtype([("at", np.int64), ("insertion", np.int32), ("deletion", np.int32), ("gap", np.int32)], align=True)


class Style(NamedTuple):
    """Which alignments a column keeps, and what it says where a read has no base."""

    bases: np.ndarray  # bool (256,): whether a base of a quality is kept
    gaps: np.ndarray  # bool (256,): the same in a deletion or skip, by the quality of the base after it
    keeps_all: bool  # all of both
    gap_has_quality: bool  # that of the base after it
    missing: int  # quality where there is no base


class Flat(NamedTuple):
    """The flat arrays, one item per alignment, column by column."""

    record: np.ndarray  # int32
    query: np.ndarray  # int32
    base: np.ndarray  # uint8
    quality: np.ndarray  # uint8
    state: np.ndarray  # uint8, zeros


@kernel
def _columns_of(segment, positions, is_dense):
    """First and last + 1 of the columns that a segment has a part in."""
    start = np.int64(segment.start)
    end = start + segment.length
    if is_dense:
        return start - positions[0], end - positions[0]
    return np.searchsorted(positions, start), np.searchsorted(positions, end)


@kernel
def _has_base(segment, record, position):
    return segment.state == IS_MATCH and segment.query + position - segment.start < record.l_seq


@kernel
def _is_kept(data, record, segment, position, style):
    if style.keeps_all or segment.state == IS_NO_SPAN:
        return True
    if _has_base(segment, record, position):
        return style.bases[quality_of(data, record, segment, position)]
    if segment.state == IS_MATCH:
        return style.bases[style.missing]
    return style.gaps[quality_of(data, record, segment, position)]


@kernel
def _gap_qualities(data, record, segment):
    """Qualities of the base after a deletion or skip, as its first and last columns have it, and how many have the first."""
    early = quality_of(data, record, segment, segment.start)
    late = quality_of(data, record, segment, segment.start + segment.length - 1)
    return early, late, record.gap_until - segment.start


@kernel
def count_alignments(data, records, segments, positions, is_dense, style, counts):
    """Add to int32 ``counts`` (columns,) the reads that each column keeps."""
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        first, last = _columns_of(segment, positions, is_dense)
        if is_dense and has_bases(record, segment):
            # Unsigned, so that no index is looked at for being negative.
            column = np.uint64(first)
            qual = np.uint64(record.qual) + np.uint64(segment.query)
            for k in range(np.uint64(segment.length)):
                counts[column + k] += style.bases[data[qual + k]]
        elif is_dense and segment.gap > 0:
            early, late, until = _gap_qualities(data, record, segment)
            keeps_early, keeps_late = style.gaps[early], style.gaps[late]
            for k in range(np.int64(segment.length)):
                counts[np.uint64(first + k)] += keeps_early if k < until else keeps_late
        else:
            for column in range(first, last):
                counts[column] += _is_kept(data, record, segment, positions[column], style)


@kernel
def count_indels(segments):
    """The most items that ``indels`` of ``write_alignments`` may get."""
    number = np.int64(0)
    for i in range(segments.size):
        segment = segments[i]
        if segment.gap > 0:
            number += segment.length
        elif segment.insertion > 0 or segment.deletion > 0:
            number += 1
    return number


@kernel
def _note(indels, filled, at, segment, is_last):
    """Note what follows or surrounds an alignment; returns how many notes there are then."""
    indel = indels[filled]
    indel.at = at
    indel.insertion = segment.insertion if is_last else 0
    indel.deletion = segment.deletion if is_last else 0
    indel.gap = segment.gap
    return filled + 1


@kernel
def _write_one(data, record, segment, position, style, flat, at):
    """Write a read in one column."""
    state = segment.state
    query = np.int64(segment.query)
    flat.record[at] = segment.record
    flat.state[at] = state
    if _has_base(segment, record, position):
        query += position - segment.start
        flat.base[at] = LETTERS[read_nibble(data, record.seq, query)]
        flat.quality[at] = data[record.qual + query]
    elif state == IS_MATCH:
        query += position - segment.start
        flat.base[at] = ANY_BASE
        flat.quality[at] = style.missing
    else:
        flat.base[at] = STAR if state == IS_DELETION else GREATER if state == IS_SKIP else ANY_BASE
        has_quality = style.gap_has_quality and state != IS_NO_SPAN
        flat.quality[at] = quality_of(data, record, segment, position) if has_quality else np.uint8(style.missing)
    flat.query[at] = query


@kernel
def _unpack(data, record, segment, pairs):
    """Write the letters of a segment, and those of the bytes that they share, to uint16 ``pairs``; returns where they begin."""
    one = np.uint64(1)
    query = np.uint64(segment.query)
    odd = query & one
    seq = np.uint64(record.seq) + (query >> one)
    for k in range((np.uint64(segment.length) + odd + one) >> one):
        pairs[k] = PAIRS[data[seq + k]]
    return odd


@kernel
def _write_bases(data, record, segment, first, letters, odd, cursors, flat):
    """Write a read in consecutive columns, in each of which it has a base that is kept; returns the place in the last."""
    one = np.uint64(1)
    number = segment.record
    query = np.uint64(segment.query)
    column = np.uint64(first)
    qual = np.uint64(record.qual) + query
    at = np.uint64(0)
    for k in range(np.uint64(segment.length)):
        at = cursors[column + k]
        cursors[column + k] = at + one
        flat.record[at] = number
        flat.query[at] = np.int32(query + k)
        flat.base[at] = letters[odd + k]
        flat.quality[at] = data[qual + k]
    return at


@kernel
def _write_chosen_bases(data, record, segment, first, letters, odd, style, cursors, stops, flat):
    """The same where some bases are not kept or some columns full; returns the place in the last too, and whether it is there."""
    one = np.uint64(1)
    number = segment.record
    query = np.uint64(segment.query)
    column = np.uint64(first)
    qual = np.uint64(record.qual) + query
    at = np.uint64(0)
    is_written = False
    for k in range(np.uint64(segment.length)):
        at = cursors[column + k]
        quality = data[qual + k]
        is_written = style.bases[quality] and not (stops.size and at == stops[column + k])
        if is_written:
            cursors[column + k] = at + one
            flat.record[at] = number
            flat.query[at] = np.int32(query + k)
            flat.base[at] = letters[odd + k]
            flat.quality[at] = quality
    return at, is_written


@kernel
def _write_gap(data, record, segment, first, style, cursors, stops, flat, indels, filled):
    """Write a read in consecutive columns of a deletion or skip; returns how many ``indels`` there are then."""
    one = np.uint64(1)
    number, state, query = segment.record, segment.state, segment.query
    base = np.uint8(STAR if state == IS_DELETION else GREATER)
    early, late, until = _gap_qualities(data, record, segment)
    keeps_early, keeps_late = style.gaps[early], style.gaps[late]
    if not style.gap_has_quality:
        early = late = np.uint8(style.missing)
    final = np.int64(segment.length) - 1
    for k in range(np.int64(segment.length)):
        column = np.uint64(first + k)
        at = cursors[column]
        if (stops.size and at == stops[column]) or not (keeps_early if k < until else keeps_late):
            continue
        cursors[column] = at + one
        flat.record[at] = number
        flat.state[at] = state
        flat.query[at] = query
        flat.base[at] = base
        flat.quality[at] = early if k < until else late
        filled = _note(indels, filled, at, segment, k == final)
    return filled


@kernel
def write_alignments(data, records, segments, positions, is_dense, style, cursors, stops, flat, indels):
    """Let each read write what it is in each column, unless the column is full.

    Parameters
    ----------
    data, records, segments
        The reads, and their array of SEGMENT.
    positions
        int64 (columns,): rising.
    is_dense
        Whether they are all from the first to the last.
    style
        Which alignments are kept.
    cursors
        uint64 (columns,): where the next alignment of each column goes.
    stops
        uint64 (columns,): where the column ends; empty where none can be too full.
    flat
        To be filled.
    indels
        Array of INDEL, to be filled in the order of the reads.

    Returns
    -------
    Number of ``indels``.
    """
    filled = 0
    longest = np.int64(0)
    for i in range(segments.size):
        longest = max(longest, np.int64(segments[i].length))
    pairs = np.empty(longest // 2 + 2, np.uint16)
    letters = pairs.view(np.uint8)
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        first, last = _columns_of(segment, positions, is_dense)
        has_indel = segment.insertion > 0 or segment.deletion > 0

        if is_dense and has_bases(record, segment):
            odd = _unpack(data, record, segment, pairs)
            is_written = True
            if style.keeps_all and stops.size == 0:
                at = _write_bases(data, record, segment, first, letters, odd, cursors, flat)
            else:
                at, is_written = _write_chosen_bases(
                    data, record, segment, first, letters, odd, style, cursors, stops, flat
                )
            if has_indel and is_written:
                filled = _note(indels, filled, at, segment, True)
            continue
        if is_dense and segment.gap > 0:
            filled = _write_gap(data, record, segment, first, style, cursors, stops, flat, indels, filled)
            continue

        for place in range(first, last):
            position = positions[place]
            at = cursors[place]
            if (stops.size and at == stops[place]) or not _is_kept(data, record, segment, position, style):
                continue
            cursors[place] = at + np.uint64(1)
            _write_one(data, record, segment, position, style, flat, at)
            is_last = position == segment.start + segment.length - 1
            if segment.gap > 0 or (has_indel and is_last):
                filled = _note(indels, filled, at, segment, is_last)
    return filled


@kernel
def mark_used(segments, used):
    """Set bool ``used`` (records,) where a record has a segment."""
    for i in range(segments.size):
        used[segments[i].record] = True


@kernel
def renumber(segments, numbers):
    """Replace the record of each segment by its number, int32 (records,)."""
    for i in range(segments.size):
        segments[i].record = numbers[segments[i].record]
