"""How a read lies at its place: CIGAR where it has gaps, its differences, what was trimmed.

Bases are 0 to 3, or ``AMBIGUOUS``, uint8. A CIGAR is int64, its items as in BAM: length and operation. Both are in arrays that may
be longer. Functions that are called for each read take arrays, not tuples of arrays, of which each call would count references.
"""

import numpy as np

from colonnade.formats.bases import AMBIGUOUS
from colonnade.formats.writing_kernels import put_number
from colonnade.jit import kernel

# operations (SAM specification, section 4.2)
MATCH, INSERTION, DELETION, CLIP = (np.int64(number) for number in (0, 1, 2, 4))
OPERATION_SHIFT, OPERATION_MASK = 4, 15

# Scores of bwa_refine_gapped_core (bwase.c); it aligns as ksw_global2 (ksw.c) does.
MATCH_SCORE, MISMATCH_SCORE, AMBIGUOUS_SCORE = 1, -3, -1
GAP_OPEN, GAP_EXTENSION = 5, 1
BAND, BAND_SHARE = 50, 1.5  # bases beside the diagonal, and how many more for each by which the lengths differ
IMPOSSIBLE = -(1 << 30)

# What a cell of the alignment remembers: from where it is reached best, and whether the gaps that pass it were open before.
FROM_MATCH, FROM_INSERTION, FROM_DELETION = MATCH, INSERTION, DELETION
SOURCE = 3
DELETION_GOES_ON, INSERTION_GOES_ON = 4, 8

LETTERS = np.frombuffer(b"ACGT", np.uint8)
CARET = ord("^")


@kernel
def item(length, operation):
    """An item of a CIGAR."""
    return length << OPERATION_SHIFT | operation


@kernel
def item_length(value):
    """How many bases an item is for."""
    return value >> OPERATION_SHIFT


@kernel
def operation(value):
    """What an item says of them."""
    return value & OPERATION_MASK


@kernel
def reference_base(packed, position):
    """A base of the forward strand."""
    return packed[position >> 2] >> ((~position & 3) << 1) & 3


@kernel
def band_width(length, span):
    """How far an alignment may leave its diagonal."""
    return max(BAND, int(abs(span - length) * BAND_SHARE))


@kernel
def refine(packed, genome_length, bases, length, position, span, cigar):
    """Align a read to a stretch of the reference (bwa_refine_gapped_core, bwase.c): (items of its CIGAR, position).

    Insertions at the ends become clips, deletions there are left out. Without items if the stretch is not on the reference.
    """
    if span < 1 or position + span > genome_length:
        return 0, position
    count = align(packed, bases, length, position, span, cigar)
    clip_insertion(cigar, count - 1)
    clip_insertion(cigar, 0)
    if operation(cigar[count - 1]) == DELETION:
        count -= 1
    if operation(cigar[0]) == DELETION:
        position += item_length(cigar[0])
        count -= 1
        for k in range(count):
            cigar[k] = cigar[k + 1]
    return count, position


@kernel
def clip_insertion(cigar, end):
    """Bases inserted at an end of a read are clipped instead."""
    if operation(cigar[end]) == INSERTION:
        cigar[end] = item(item_length(cigar[end]), CLIP)


@kernel
def align(packed, bases, length, position, span, cigar):
    """Fill ``cigar`` with the best global alignment within the band, that of ksw_global2 (ksw.c); returns its items."""
    width = band_width(length, span)
    cells = np.empty((span, min(length, 2 * width + 1)), np.uint8)
    fill_cells(packed, bases, length, position, width, cells)
    return trace_back(length, width, cells, cigar)


@kernel
def fill_cells(packed, bases, length, position, width, cells):
    """Score the alignments of each start of the read to each start of the reference, and note how the best ones go.

    Returns the score of the whole read with the whole stretch; that is very low where the band leaves no way.

    Row ``i`` of ``cells`` is for base ``i`` of the reference, its first column for base ``max(0, i - width)`` of the read. A gap
    opens only after a match. Among equal scores a match goes before a deletion, this before an insertion, and opening a gap
    before going on with one.
    """
    scores = np.empty(length + 1, np.int64)  # of the bases before each, up to the row above
    deletions = np.empty(length + 1, np.int64)  # of the bases up to each, with the row deleted
    for j in range(length + 1):
        scores[j] = -(GAP_OPEN + GAP_EXTENSION * j) if j <= width else IMPOSSIBLE
        deletions[j] = IMPOSSIBLE
    scores[0] = 0
    for i in range(cells.shape[0]):
        reference = reference_base(packed, position + i)
        start = max(0, i - width)
        end = min(length, i + width + 1)
        left = -(GAP_OPEN + GAP_EXTENSION * (i + 1)) if start == 0 else IMPOSSIBLE
        insertion = IMPOSSIBLE
        for j in range(start, end):
            match = scores[j] + pair_score(bases[j], reference)
            deletion = deletions[j]
            scores[j] = left
            left = match
            cell = FROM_MATCH
            if deletion > left:
                left = deletion
                cell = FROM_DELETION
            if insertion > left:
                left = insertion
                cell = FROM_INSERTION
            opened = match - GAP_OPEN - GAP_EXTENSION
            deletion -= GAP_EXTENSION
            insertion -= GAP_EXTENSION
            if deletion > opened:
                cell |= DELETION_GOES_ON
            if insertion > opened:
                cell |= INSERTION_GOES_ON
            deletions[j] = max(deletion, opened)
            insertion = max(insertion, opened)
            cells[i, j - start] = cell
        scores[end] = left
        deletions[end] = IMPOSSIBLE
    return scores[length]


@kernel
def pair_score(base, reference):
    """What a base scores where it lies."""
    if base == AMBIGUOUS:
        return AMBIGUOUS_SCORE
    return MATCH_SCORE if base == reference else MISMATCH_SCORE


@kernel
def trace_back(length, width, cells, cigar):
    """Follow the best alignment from its end, and fill ``cigar``; returns how many items it has."""
    i, j = cells.shape[0] - 1, length - 1
    count = 0
    state = FROM_MATCH
    while i >= 0 and j >= 0:
        cell = np.int64(cells[i, j - max(0, i - width)])
        if state == FROM_MATCH:
            state = cell & SOURCE
        elif state == FROM_DELETION:
            state = FROM_DELETION if cell & DELETION_GOES_ON else FROM_MATCH
        else:
            state = FROM_INSERTION if cell & INSERTION_GOES_ON else FROM_MATCH
        count = add_item(cigar, count, 1, state)
        i -= state != FROM_INSERTION
        j -= state != FROM_DELETION
    if i >= 0:
        count = add_item(cigar, count, i + 1, DELETION)
    if j >= 0:
        count = add_item(cigar, count, j + 1, INSERTION)
    for low in range(count // 2):
        high = count - 1 - low
        cigar[low], cigar[high] = cigar[high], cigar[low]
    return count


@kernel
def add_item(cigar, count, length, kind):
    """Make a CIGAR longer; returns how many items it has."""
    if count > 0 and operation(cigar[count - 1]) == kind:
        cigar[count - 1] += item(length, MATCH)
        return count
    cigar[count] = item(length, kind)
    return count + 1


@kernel
def aligned_span(cigar, count):
    """How many bases of the reference a CIGAR covers."""
    span = 0
    for k in range(count):
        if operation(cigar[k]) == MATCH or operation(cigar[k]) == DELETION:
            span += item_length(cigar[k])
    return span


@kernel
def describe(packed, genome_length, position, cigar, count, bases, text):
    """Fill ``text`` with MD: (its length, number of differences); bwa_cal_md1 (bwase.c)."""
    end = 0
    matches = 0
    differences = 0
    base = 0
    for k in range(count):
        length = item_length(cigar[k])
        kind = operation(cigar[k])
        if kind == MATCH:
            for i in range(min(length, genome_length - position)):
                reference = reference_base(packed, position + i)
                if bases[base + i] == reference:
                    matches += 1
                else:
                    end = put_number(text, end, matches)
                    text[end] = LETTERS[reference]
                    end += 1
                    matches = 0
                    differences += 1
        elif kind == DELETION:
            end = put_number(text, end, matches)
            text[end] = CARET
            end += 1
            for i in range(min(length, genome_length - position)):
                text[end] = LETTERS[reference_base(packed, position + i)]
                end += 1
            matches = 0
        differences += 0 if kind == MATCH or kind == CLIP else length
        position += 0 if kind == INSERTION or kind == CLIP else length
        base += 0 if kind == DELETION else length
    return put_number(text, end, matches), differences


@kernel
def clip_trimmed(cigar, count, trimmed, reverse):
    """Clip what was trimmed from the end of a read (bwa_correct_trimmed, bwase.c); returns how many items there are then."""
    if trimmed == 0:
        return count
    end = 0 if reverse else count - 1
    if operation(cigar[end]) == CLIP:
        cigar[end] += item(trimmed, MATCH)
        return count
    if reverse:
        for k in range(count, 0, -1):
            cigar[k] = cigar[k - 1]
    cigar[0 if reverse else count] = item(trimmed, CLIP)
    return count + 1
