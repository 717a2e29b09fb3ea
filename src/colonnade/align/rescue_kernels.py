"""Where a read lies best on a stretch of the reference near its mate (bwa_sw_core, bwape.c).

A local alignment (Smith-Waterman with the scores of ``refine_kernels``) finds the last bases that are aligned; another one, of read
and reference reversed, the first ones; a global alignment of all in between gives the CIGAR.

Cell (i, j) of a local alignment is for base ``i`` of the reference and base ``j`` of the read. Cells of one antidiagonal, with the
same ``i + j``, do not depend on each other: they are computed ``LANES`` at a time, for which the reference lies beside the read,
its last base first. ksw_align (ksw.c), whose results these are, goes along the reference instead.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from colonnade.align.refine_kernels import (
    AMBIGUOUS_SCORE,
    BAND,
    GAP_EXTENSION,
    GAP_OPEN,
    INSERTION,
    MATCH,
    MATCH_SCORE,
    MISMATCH_SCORE,
    clip_trimmed,
    fill_cells,
    item,
    item_length,
    operation,
    pair_score,
    reference_base,
    trace_back,
)
from colonnade.formats.bases import AMBIGUOUS
from colonnade.jit import kernel

LEAST_BASES = 20  # of the read and of the stretch; the least score, too (SW_MIN_MATCH_LEN, bwape.c)
MANY_AMBIGUOUS = 4  # a read of which every fourth base is ambiguous, or more, is not aligned
LONGEST_RESCUED = 8192  # bases: scores and losses are numbers of 16 bits

LANES = 16  # numbers of 16 bits in a vector
NO_BASE = 5  # before and behind the reference: equal to no base of a read
NEVER = 1 << 14  # loss where nothing may be aligned
ALL_BITS = 0xFFFF  # of them; an antidiagonal has a higher number, but its cell in the read has not

# ksw_align fills up the read to whole vectors with bases of score 0: to vectors of bytes if it is short, else of 16-bit numbers. A
# score lives on there for some rows, which counts where a second place as good is looked for.
BYTES_BELOW, BYTES, WORDS = 250, 16, 8


class Room(NamedTuple):
    """Scratch for one read at a time, all int16; see ``rescue_room``."""

    codes: np.ndarray  # bases of the read
    losses: np.ndarray  # what each of them takes from the score where it differs
    deletions: np.ndarray  # best score with a deletion at the end, for the cells of an antidiagonal
    insertions: np.ndarray  # with an insertion at the end; one place further, as a cell before the read is needed
    scores: np.ndarray  # best score of all, as far; of two antidiagonals, the odd ones behind the even ones
    reference: np.ndarray  # bases, the last one first, between LANES times NO_BASE
    best: np.ndarray  # highest score of each base of the reference, in the same order
    reached: np.ndarray  # and the first antidiagonal that has it


def rescue_room(longest: int, widest: int) -> Room:
    """Scratch for reads of up to ``longest`` bases and stretches of the reference of up to ``widest``."""
    width = -(-max(longest, 1) // LANES) * LANES
    beside_read = np.zeros((4, width + 1), np.int16)
    beside_reference = np.zeros((3, max(widest, 1) + 2 * LANES), np.int16)
    return Room(*beside_read, np.zeros(2 * (width + 1), np.int16), *beside_reference)


@kernel
def align_mate(packed, genome_length, start, size, bases, length, room, cigar):
    """Align a read to the stretch [start, start + size) of the genome, if it lies there well and in one place only.

    Fills ``cigar``, which has room for ``2 * length + 2`` items. Returns (its items, position of the first aligned base, mismatches
    without ambiguous bases, gap opens, gap extensions); no items where bwa finds no alignment, and for reads longer than
    ``LONGEST_RESCUED``.
    """
    nothing = (0, start, 0, 0, 0)
    if size < LEAST_BASES or genome_length - start < length or not is_clear(bases, length):
        return nothing

    # the last bases
    rows = min(size, genome_length - start)
    load_reference(packed, start, rows, 1, room)
    score, last_row, last = best_cell(rows, load_read(bases, 0, length, 1, room), room)
    if score < LEAST_BASES or is_found_again(room.best, rows, last_row, score):
        return nothing

    # the first bases: deletions cost less than the matches that remain for them
    rows = min(last_row + 1, 2 * (last + 1) - score)
    load_reference(packed, start + last_row, rows, -1, room)
    _, before_row, before = best_cell(rows, load_read(bases, last, last + 1, -1, room), room)
    position, first = start + last_row - before_row, last - before

    # all in between
    aligned = bases[first : last + 1]
    items = align_globally(packed, position, before_row + 1, aligned, score, cigar)
    if items == 0:
        return nothing
    mismatches, gap_opens, gap_extensions = count_differences(packed, position, aligned, cigar, items)
    items = clip_trimmed(cigar, items, first, True)
    items = clip_trimmed(cigar, items, length - last - 1, False)
    return items, position, mismatches, gap_opens, gap_extensions


@kernel
def is_clear(bases, length):
    """Whether enough of a read's bases are known, and 16-bit numbers will do."""
    ambiguous = 0
    for j in range(length):
        ambiguous += bases[j] == AMBIGUOUS
    return MANY_AMBIGUOUS * ambiguous < length <= LONGEST_RESCUED and length - ambiguous >= LEAST_BASES


@kernel
def load_read(bases, first, length, direction, room):
    """Put bases from ``first`` on beside the antidiagonals; returns how many cells these have."""
    codes, losses = room.codes, room.losses
    vector = BYTES if length < BYTES_BELOW else WORDS
    filled = (length + vector - 1) // vector * vector
    width = (length + LANES - 1) // LANES * LANES
    for j in range(length):
        base = bases[first + direction * j]
        codes[j] = base
        losses[j] = -AMBIGUOUS_SCORE if base == AMBIGUOUS else -MISMATCH_SCORE
    codes[length:width] = AMBIGUOUS
    losses[length:filled] = 0
    losses[filled:width] = NEVER
    return width


@kernel
def load_reference(packed, first, rows, direction, room):
    """Put bases from ``first`` on beside the antidiagonals, the last one first."""
    reference = room.reference
    end = LANES + rows
    reference[:LANES] = NO_BASE
    for i in range(rows):
        reference[end - 1 - i] = reference_base(packed, first + direction * i)
    reference[end : end + LANES] = NO_BASE


@kernel
def best_cell(rows, width, room):
    """Where the best local alignment ends first on the reference, and there first in the read: (score, i, j)."""
    fill_antidiagonals(rows, width, room)
    best, score, row = room.best, 0, 0
    for i in range(rows):
        value = np.int64(best[LANES + rows - 1 - i])
        if value > score:
            score = value
            row = i
    return score, row, np.int64(room.reached[LANES + rows - 1 - row]) - row & ALL_BITS


@kernel
def fill_antidiagonals(rows, width, room):
    """Fill ``room.best`` and ``room.reached``."""
    turn = width + 1
    room.deletions[:width] = 0
    room.insertions[:turn] = 0
    room.scores[: 2 * turn] = 0
    room.best[: rows + 2 * LANES] = 0
    for antidiagonal in range(rows + width - 1):
        beside = LANES + rows - 1 - antidiagonal
        this = (antidiagonal & 1) * turn
        lowest = max(0, antidiagonal - rows + 1) // LANES * LANES
        highest = min(antidiagonal, width - 1) // LANES * LANES
        # from high to low, as what is one place further overwrites what the cell behind it needs
        for j in range(highest, lowest - 1, -LANES):
            fill_cells_beside(room, j, beside + j, this + j, turn - this + j, antidiagonal)


@kernel
def is_found_again(best, rows, row, score):
    """Whether the score is reached far from its first row, too.

    As in ksw_align, of rows side by side only one is looked at: the first, or a later one if its score is higher.
    """
    looked_at = row
    value = score
    for i in range(row + 1, rows):
        here = best[LANES + rows - 1 - i]
        if looked_at + 1 != i or here > value:
            looked_at = i
            value = here
            if i > row + score and here == score:
                return True
    return False


@kernel
def align_globally(packed, position, span, bases, score, cigar):
    """Fill ``cigar`` with how bases lie on a stretch of the reference; no items if they cannot reach the score so."""
    if bases.size == span and score_without_gaps(packed, position, bases) == score:
        cigar[0] = item(span, MATCH)
        return 1
    cells = np.empty((span, min(bases.size, 2 * BAND + 1)), np.uint8)
    if fill_cells(packed, bases, bases.size, position, BAND, cells) != score:
        return 0
    return trace_back(bases.size, BAND, cells, cigar)


@kernel
def score_without_gaps(packed, position, bases):
    """Score of bases that all are aligned."""
    score = 0
    for j in range(bases.size):
        score += pair_score(bases[j], reference_base(packed, position + j))
    return score


@kernel
def count_differences(packed, position, bases, cigar, items):
    """Mismatches without ambiguous bases, gap opens and gap extensions of an alignment without clips."""
    mismatches = gap_opens = gap_extensions = j = 0
    for k in range(items):
        length, kind = item_length(cigar[k]), operation(cigar[k])
        if kind == MATCH:
            for _ in range(length):
                mismatches += pair_score(bases[j], reference_base(packed, position)) == MISMATCH_SCORE
                j += 1
                position += 1
        else:
            gap_opens += 1
            gap_extensions += length - 1
            if kind == INSERTION:
                j += length
            else:
                position += length
    return mismatches, gap_opens, gap_extensions


if config.DISABLE_JIT:

    def fill_cells_beside(room, j, beside, this, last, antidiagonal):
        """Fill ``LANES`` cells of an antidiagonal."""
        codes, losses, deletions, insertions, scores, reference, best, reached = room
        read, at, one_further = slice(j, j + LANES), slice(beside, beside + LANES), slice(j + 1, j + 1 + LANES)
        match = scores[this : this + LANES] + np.where(codes[read] == reference[at], MATCH_SCORE, -losses[read])
        gap = scores[last : last + LANES + 1] - GAP_OPEN - GAP_EXTENSION
        deletions[read] = np.maximum(gap[1:], deletions[read] - GAP_EXTENSION)
        insertions[one_further] = np.maximum(gap[:-1], insertions[read] - GAP_EXTENSION)
        score = np.maximum(np.maximum(match, 0), np.maximum(deletions[read], insertions[one_further]))
        scores[this + 1 : this + 1 + LANES] = score
        reached[at] = np.where(score > best[at], antidiagonal, reached[at])  # of its number the last bits
        best[at] = np.maximum(score, best[at])

else:
    VECTOR, INDEX = ir.VectorType(ir.IntType(16), LANES), ir.VectorType(ir.IntType(32), LANES)

    @intrinsic
    def fill_cells_beside(_typing, room, j, beside, this, last, antidiagonal):
        """Fill ``LANES`` cells of an antidiagonal."""

        def emit(context, builder, signature, arguments):
            fields = {
                name: context.make_array(kind)(context, builder, builder.extract_value(arguments[0], k)).data
                for k, (name, kind) in enumerate(zip(Room._fields, signature.args[0].types, strict=True))
            }

            def at(name, index, further=0):
                place = builder.add(index, ir.Constant(index.type, further))
                return builder.bitcast(builder.gep(fields[name], [place]), VECTOR.as_pointer())

            def load(name, index, further=0):
                return builder.load(at(name, index, further), align=2)

            def store(value, name, index, further=0):
                builder.store(value, at(name, index, further), align=2)

            def higher(first, second):
                return builder.select(builder.icmp_signed(">", first, second), first, second)

            def all_of(value):
                return ir.Constant(VECTOR, [value] * LANES)

            def less(value, loss):
                return builder.sub(value, all_of(loss))

            def spread(value):
                value = builder.trunc(value, VECTOR.element)
                first = builder.insert_element(VECTOR(ir.Undefined), value, INDEX.element(0))
                return builder.shuffle_vector(first, first, INDEX(None))

            _, j, beside, this, last, antidiagonal = arguments
            is_equal = builder.icmp_signed("==", load("codes", j), load("reference", beside))
            match = builder.sub(load("scores", this), builder.select(is_equal, all_of(-MATCH_SCORE), load("losses", j)))
            gap = GAP_OPEN + GAP_EXTENSION
            deletion = higher(less(load("scores", last, 1), gap), less(load("deletions", j), GAP_EXTENSION))
            insertion = higher(less(load("scores", last), gap), less(load("insertions", j), GAP_EXTENSION))
            score = higher(higher(match, all_of(0)), higher(deletion, insertion))
            store(deletion, "deletions", j)
            store(insertion, "insertions", j, 1)
            store(score, "scores", this, 1)
            best = load("best", beside)
            is_better = builder.icmp_signed(">", score, best)
            store(builder.select(is_better, spread(antidiagonal), load("reached", beside)), "reached", beside)
            store(builder.select(is_better, score, best), "best", beside)
            return context.get_dummy_value()

        return types.void(room, j, beside, this, last, antidiagonal), emit
