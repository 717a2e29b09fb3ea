"""From rows of the suffix array to places on the genome."""

import math
from typing import NamedTuple

import numpy as np

from colonnade.align.fm_kernels import base_of, block_of, prefetch, step
from colonnade.align.record_kernels import NAME, hash_bytes, is_mate, sequence_of
from colonnade.formats.writing_kernels import NOWHERE
from colonnade.jit import kernel
from colonnade.method.random_kernels import next_uniform, stream

WALKS = 16  # rows followed in turns, so that memory is waited for once for all of them

# What bwa_approx_mapQ (bwase.c) says of a single hit: with all differences that are allowed, without another one, and from what
# it subtracts the logarithm of how many others there are.
QUALITY_AT_LIMIT, QUALITY_ALONE, QUALITY_AMONG = 25, 37, 23
MOST_COUNTED = 255
DECIBELS = np.array([0] + [int(4.343 * math.log(n) + 0.5) for n in range(1, MOST_COUNTED + 1)])  # g_log_n


class Hits(NamedTuple):
    """Hits of a batch, those of read ``r`` from ``offsets[r]`` to ``offsets[r + 1]``, best score first."""

    offsets: np.ndarray  # int64 (reads + 1,)
    row_start: np.ndarray  # int64 (hits,)
    row_end: np.ndarray  # int64
    score: np.ndarray  # int32
    mismatches: np.ndarray  # int16, and so all that follow
    gap_opens: np.ndarray
    gap_extensions: np.ndarray
    insertions: np.ndarray
    deletions: np.ndarray


class Choice(NamedTuple):
    """Where the rows of each read are among all that are to be followed, and which one is its own place."""

    offsets: np.ndarray  # int64 (reads + 1,)
    chosen: np.ndarray  # int64 (reads,): index of a row; undefined where a read has none
    rows: np.ndarray  # int64 (rows,)
    hits: np.ndarray  # int64 (rows,): the hit that each belongs to


class Located(NamedTuple):
    """The chosen hit and place of each read, (reads,), as in ``colonnade.align.batch.SCHEMAS``."""

    position: np.ndarray
    reverse: np.ndarray
    mapping_quality: np.ndarray
    score: np.ndarray
    mismatches: np.ndarray
    gap_opens: np.ndarray
    gap_extensions: np.ndarray
    shift: np.ndarray


class Places(NamedTuple):
    """Places beside the chosen one, as in ``colonnade.align.batch.PLACE``."""

    offsets: np.ndarray  # int64 (reads + 1,)
    position: np.ndarray
    reverse: np.ndarray
    mismatches: np.ndarray
    gaps: np.ndarray
    shift: np.ndarray


@kernel
def count_rows(data, records, hits, listed, best, others, offsets):
    """Count the rows of the best score and all other ones, and set where the rows that are followed begin.

    All rows of a single read are followed if at most ``listed`` remain beside the chosen one; else, and of a mate, that one
    alone (bwa_aln2seq_core, bwase.c). ``best`` and ``others`` are int64 (reads,), ``offsets`` int64 (reads + 1,).
    """
    offsets[0] = 0
    for read in range(best.size):
        first, last = hits.offsets[read], hits.offsets[read + 1]
        equal = 0
        total = 0
        for hit in range(first, last):
            rows = hits.row_end[hit] - hits.row_start[hit]
            total += rows
            if hits.score[hit] == hits.score[first]:
                equal += rows
        best[read] = equal
        others[read] = total - equal
        follows_all = total <= listed + 1 and not is_mate(data, records[read])
        offsets[read + 1] = offsets[read] + (total if follows_all else min(total, 1))


@kernel
def draw_below(data, record, seed, count):
    """One of the numbers below ``count``, equally likely, from the name of a read."""
    code = hash_bytes(data, record + NAME, sequence_of(data, record) - 1)
    _, uniform = next_uniform(stream(seed, code))
    return np.int64(uniform * count)


@kernel
def choose_rows(data, records, hits, seed, best, others, choice):
    """Choose one of the equally good rows of each read, and list those that are to be followed.

    Parameters
    ----------
    data, records
        Bytes of the records, and where each begins.
    seed
        uint64.
    best, others, choice.offsets
        What ``count_rows`` has found; the rest of ``choice`` is filled.
    """
    for read in range(best.size):
        start, end = choice.offsets[read], choice.offsets[read + 1]
        if start == end:
            continue
        draw = draw_below(data, records[read], seed, best[read]) if best[read] > 1 else 0
        if end - start == best[read] + others[read]:
            choice.chosen[read] = start + draw
            list_rows(hits, read, choice)
        else:
            choice.chosen[read] = start
            list_row(hits, read, draw, choice)


@kernel
def list_rows(hits, read, choice):
    """List all rows of a read, hit by hit."""
    at = choice.offsets[read]
    for hit in range(hits.offsets[read], hits.offsets[read + 1]):
        for row in range(hits.row_start[hit], hits.row_end[hit]):
            choice.rows[at] = row
            choice.hits[at] = hit
            at += 1


@kernel
def list_row(hits, read, number, choice):
    """List one row of a read, by its number among all of them."""
    hit = hits.offsets[read]
    while number >= hits.row_end[hit] - hits.row_start[hit]:
        number -= hits.row_end[hit] - hits.row_start[hit]
        hit += 1
    choice.rows[choice.offsets[read]] = hits.row_start[hit] + number
    choice.hits[choice.offsets[read]] = hit


@kernel
def follow_rows(fm, suffixes, rows, positions):
    """Where in the text of both strands the suffixes of rows begin: int64 ``positions`` (bwt_sa, bwt.c).

    A row leads to that of the suffix one base longer, and so on to one whose position is kept.
    """
    mask = suffixes.interval - 1
    at = np.empty(WALKS, np.int64)
    items = np.empty(WALKS, np.int64)
    kept = np.empty(rows.size, np.int64)
    active = min(WALKS, rows.size)
    for walk in range(active):
        at[walk] = rows[walk]
        items[walk] = walk
        positions[walk] = 0
        prefetch(fm.blocks, block_of(fm, at[walk]))
    following = active
    walk = 0
    while active > 0:
        row = at[walk]
        if row & mask:
            positions[items[walk]] += 1
            at[walk] = 0 if row == fm.primary else step(fm, row, base_of(fm, row))
            prefetch(fm.blocks, block_of(fm, at[walk]))
            walk += 1
        elif following < rows.size:
            kept[items[walk]] = row
            at[walk] = rows[following]
            items[walk] = following
            positions[following] = 0
            prefetch(fm.blocks, block_of(fm, at[walk]))
            following += 1
            walk += 1
        else:
            kept[items[walk]] = row
            active -= 1
            at[walk] = at[active]
            items[walk] = items[active]
        if walk >= active:
            walk = 0
    for item in range(rows.size):
        positions[item] += suffixes.samples[kept[item] // suffixes.interval]


@kernel
def to_strand(position, span, length):
    """(position on the forward strand, whether the read is on the reverse one) of a stretch of the text (bwa_sa2pos, bwase.c).

    What was searched is the read's reverse complement, so a read in the first half is on the reverse strand. ``NOWHERE`` if it
    crosses from one half to the other. Nor is there a place, unlike in bwa, where all of a read is inserted and covers nothing.
    """
    if span < 1 or position < length < position + span:
        return NOWHERE, 0
    if position >= length:
        return max(0, 2 * length - position - span), 0
    return position, 1


@kernel
def mapping_quality(best, others, mismatches, most_differences):
    """How sure the place of a read is (bwa_approx_mapQ, bwase.c)."""
    if best > 1:
        return 0
    if mismatches == most_differences:
        return QUALITY_AT_LIMIT
    if others == 0:
        return QUALITY_ALONE
    return max(0, QUALITY_AMONG - DECIBELS[min(others, MOST_COUNTED)])


@kernel
def place_reads(hits, choice, positions, length, lengths, differences, best, others, bwa_quirks, located, places):
    """Give each read the place of its chosen row, and list those of its other rows that lie elsewhere; returns how many do.

    Parameters
    ----------
    positions
        int64 (rows,), in the text of both strands.
    length
        Bases of one strand.
    lengths
        int32 (reads,), bases searched.
    differences
        int64, the most that are allowed, by length.
    best, others
        int64 (reads,), rows.
    bwa_quirks
        Whether a read whose hit is no place, as it crosses from one strand to the other, keeps the mapping quality of the hit.
    located, places
        ``Located`` and ``Places``, filled; places have room for all rows.
    """
    listed = 0
    places.offsets[0] = 0
    for read in range(lengths.size):
        start, end = choice.offsets[read], choice.offsets[read + 1]
        position = NOWHERE
        quality = 0
        if start < end:
            row = choice.chosen[read]
            hit = choice.hits[row]
            shift = hits.deletions[hit] - hits.insertions[hit]
            position, reverse = to_strand(positions[row], lengths[read] + shift, length)
            quality = mapping_quality(best[read], others[read], hits.mismatches[hit], differences[lengths[read]])
        located.position[read] = position
        if position == NOWHERE:
            blank(located, read)
            located.mapping_quality[read] = quality if bwa_quirks else 0
            places.offsets[read + 1] = listed
            continue
        located.reverse[read] = reverse
        located.score[read] = hits.score[hit]
        located.mismatches[read] = hits.mismatches[hit]
        located.gap_opens[read] = hits.gap_opens[hit]
        located.gap_extensions[read] = hits.gap_extensions[hit]
        located.shift[read] = shift
        located.mapping_quality[read] = quality
        for row in range(start, end):
            listed = list_place(hits, choice.hits[row], positions[row], lengths[read], length, position, places, listed)
        places.offsets[read + 1] = listed
    return listed


@kernel
def blank(located, read):
    """A read without a place has nothing that describes one."""
    located.reverse[read] = 0
    located.mapping_quality[read] = 0
    located.score[read] = 0
    located.mismatches[read] = 0
    located.gap_opens[read] = 0
    located.gap_extensions[read] = 0
    located.shift[read] = 0


@kernel
def list_place(hits, hit, text_position, bases, length, own, places, listed):
    """List the place of a row unless it is the read's own or none; returns how many are listed now."""
    shift = hits.deletions[hit] - hits.insertions[hit]
    position, reverse = to_strand(text_position, bases + shift, length)
    if position == NOWHERE or position == own:
        return listed
    places.position[listed] = position
    places.reverse[listed] = reverse
    places.mismatches[listed] = hits.mismatches[hit]
    places.gaps[listed] = hits.gap_opens[hit] + hits.gap_extensions[hit]
    places.shift[listed] = shift
    return listed + 1
