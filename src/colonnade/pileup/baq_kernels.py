"""Per-base alignment quality (BAQ): how sure it is that each base of a read is aligned where its CIGAR says.

Results equal htslib 1.24's to the bit: ``sam_prob_realn`` of realn.c with BAQ_APPLY and BAQ_EXTEND, and ``probaln_glocal`` of
probaln.c, its hidden Markov model (Li 2011, doi:10.1093/bioinformatics/btr076). So sums and products here stand in the order that
they have there, and what is a C float there is rounded to float32 here.
"""

import math

import numpy as np

from colonnade.formats.integers_kernels import read_u32
from colonnade.jit import kernel
from colonnade.records.batch_kernels import (
    DELETION,
    INSERTION,
    NO_QUALITY,
    SKIP,
    SOFT_CLIP,
    UNMAP,
    find_tag,
    is_match,
    read_nibble,
    record_bounds,
)

B, Q, Z = 66, 81, 90  # letters of tags
LEAVE, CALCULATE = -1, -2  # what to do with a read whose BQ tag is not to be applied
TAG_ZERO = 64  # the character that stands for 0 in BQ and ZQ

NO_CODE = 4  # of a letter other than A, C, G, T
LEAST_BAND = 7
MOST_BAND_SLACK = 3  # columns that a wide band has besides the indels that it must hold
LONG_READ = 1000  # bases above which a read is taken for a long accurate one
OPEN, OPEN_LONG, EXTEND = np.float32(1e-3), np.float32(1e-7), np.float32(0.1)  # probabilities of gaps
INSERTED = 0.25  # probability of a base in an insertion
MISMATCH = 0.33333333333  # share of each wrong base, as htslib writes it
MOST_PHRED, CAPPED_PHRED = 100, 99  # above the first stands the second


@kernel
def _aligned_part(data, record):
    """Query and reference intervals from the first to the last aligned base; empty at -1 if BAQ is not for this read."""
    query = np.int64(0)
    reference = record.start
    first_query = last_query = first = last = np.int64(-1)
    for operation in range(record.n_cigar):
        packed = read_u32(data, record.cigar + 4 * operation)
        kind = packed & 15
        length = packed >> 4
        if is_match(kind):
            if first < 0:
                first_query = query
                first = reference
            query += length
            reference += length
            last_query = query
            last = reference
        elif kind == INSERTION or kind == SOFT_CLIP:
            query += length
        elif kind == DELETION:
            reference += length
        elif kind == SKIP:
            return np.int64(-1), np.int64(-1), np.int64(-1), np.int64(-1)
    return first_query, last_query, first, last


@kernel
def _window(data, record):
    """Band half-width and reference interval [first, last) that a read is aligned to again; the band is 0 if it is not.

    The interval may go on beyond the contig.
    """
    nothing = np.int64(0), np.int64(0), np.int64(0)
    if record.flag & UNMAP or record.l_seq == 0 or data[record.qual] == NO_QUALITY:
        return nothing
    first_query, last_query, first, last = _aligned_part(data, record)
    if first < 0:
        return nothing
    excess = abs((last - first) - (last_query - first_query))
    band = excess + MOST_BAND_SLACK if excess > LEAST_BAND else np.int64(LEAST_BAND)

    # Room for clipped ends, and for half a band on either side.
    l_seq = np.int64(record.l_seq)
    first = max(np.int64(0), first - first_query - band // 2)
    last += l_seq - last_query + band // 2
    if last - first - l_seq > band:
        first += (last - first - l_seq - band) // 2
        last -= (last - first - l_seq - band) // 2
    return band, first, last


@kernel
def reach_of(data, records):
    """Reference interval that BAQ of some records may look at, where it may go on beyond the contig; (0, 0) for none."""
    lowest = highest = np.int64(0)
    for i in range(records.size):
        band, first, last = _window(data, records[i])
        if band > 0 and first < last:
            lowest = first if highest == 0 else min(lowest, first)
            highest = max(highest, last)
    return lowest, highest


@kernel
def _text_length(data, offset, end):
    """Length of a text up to its NUL, or -1 if there is none."""
    for i in range(offset, end):
        if data[i] == 0:
            return i - offset
    return -1


@kernel
def _quality_tag(data, tags, end, first, l_seq):
    """Offset of the value of BQ or ZQ or -1 if there is none, and whether it is a text with one character per base."""
    tag = find_tag(data, tags, end, first, Q)
    if tag < 0:
        return np.int64(-1), False
    if data[tag] != Z:
        return tag + 1, False
    length = _text_length(data, tag + 1, end)
    if length < 0:
        return np.int64(-1), False
    return tag + 1, length == l_seq


@kernel
def _plan(data, record, redo):
    """What to do with a read: LEAVE, CALCULATE, or the offset of the BQ value to apply; with that, how far it has moved.

    A ZQ tag says that BAQ has been applied already, unless there is a BQ tag too. Then htslib drops ZQ; if that stands before
    BQ, the bytes move up while htslib reads on where BQ was, so that it takes what has moved there.
    """
    end = record_bounds(data, record)[1]
    l_seq = np.int64(record.l_seq)
    tags = record.qual + l_seq
    bq, bq_fits = _quality_tag(data, tags, end, B, l_seq)
    zq, zq_fits = _quality_tag(data, tags, end, Z, l_seq)
    if zq >= 0 and (not zq_fits or redo or bq < 0):
        return np.int64(LEAVE), np.int64(0)
    if redo or bq < 0 or not bq_fits:
        return np.int64(CALCULATE), np.int64(0)
    return bq, l_seq + 4 if 0 <= zq < bq else np.int64(0)


@kernel
def _apply_tag(data, record, bq, moved):
    """Subtract the BQ tag from the qualities."""
    end = record_bounds(data, record)[1]
    for i in range(record.l_seq):
        at = bq + i + moved if bq + i + moved < end else bq + i
        quality = np.int64(data[record.qual + i])
        lowered = np.int64(data[at]) - TAG_ZERO
        data[record.qual + i] = 0 if quality < lowered else (quality - lowered) & 0xFF


@kernel
def _extend(data, record, first, columns, phred, least):
    """Cap qualities by BAQ: in each gapless stretch, by the best base before or after, whichever is the worse.

    Parameters
    ----------
    first
        Reference position of column 0.
    columns, phred
        Per base: the most probable column, and how sure it is.
    least
        Work array, one item per base.
    """
    query = np.int64(0)
    reference = record.start
    stretch = np.int64(0)
    for operation in range(record.n_cigar):
        packed = read_u32(data, record.cigar + 4 * operation)
        kind = packed & 15
        length = packed >> 4
        if kind == INSERTION or kind == SOFT_CLIP:
            query += length
        elif kind == DELETION:
            reference += length
        if not is_match(kind):
            continue
        stretch += length
        if operation + 1 < record.n_cigar and is_match(read_u32(data, record.cigar + 4 * (operation + 1)) & 15):
            continue

        # The best so far from the left; then from the right, where the lesser of the two is the cap.
        best = np.uint8(0)
        for i in range(query, query + stretch):
            if columns[i] == reference - first + (i - query):
                best = max(best, phred[i])
            least[i] = best
        best = np.uint8(0)
        for i in range(query + stretch - 1, query - 1, -1):
            if columns[i] == reference - first + (i - query):
                best = max(best, phred[i])
            data[record.qual + i] = min(data[record.qual + i], min(least[i], best))
        query += stretch
        reference += stretch
        stretch = np.int64(0)


@kernel
def _emission(error, code, emission):
    """Fill the probabilities of one base of a read opposite each reference code."""
    for other in range(NO_CODE + 1):
        if code == NO_CODE or other == NO_CODE:
            emission[other] = 1.0
        else:
            emission[other] = 1.0 - error if other == code else error * MISMATCH


@kernel
def _most_probable(scale, first, last, after_match, after_insertion, backward_match, backward_insertion):
    """The most probable state of one base: its column (of a match), and the Phred-scaled probability that this is wrong.

    ``first`` and ``last`` are the columns of the row, from 1; arrays hold it from index 1. An insertion has quality 0.
    """
    inverse = 1.0 / scale
    total = 0.0
    best = 0.0
    column = np.int64(-1)
    is_insertion = False
    for i in range(1, last - first + 2):
        match = inverse * after_match[i] * backward_match[i]
        insertion = inverse * after_insertion[i] * backward_insertion[i]
        larger = insertion if insertion > match else match
        if larger > best:
            best = larger
            column = first + i - 2
            is_insertion = insertion > match
        total += match + insertion
    wrong = 1.0 - best / total
    # Where nothing is left, or it is no number, the conversion to int makes 0 of it in the end (x86-64).
    if is_insertion or column < 0 or not wrong > 0.0:
        return column, np.uint8(0)
    value = np.int64(-4.343 * math.log(wrong) + 0.499)
    return column, np.uint8(CAPPED_PHRED if value > MOST_PHRED else value)


@kernel
def _posterior(reference, query, errors, n_columns, n_bases, band, width, opening, extending, work, columns, phred):
    """Align a read to a piece of the reference in a band, and say where each base most probably belongs.

    Rows are bases and columns are reference positions, both from 1. Row i holds columns max(1, i - band) to
    min(n_columns, i + band), with a 0 before the first and after the last.

    Parameters
    ----------
    reference, query
        uint8 codes 0 to 4 of ``n_columns`` and ``n_bases`` letters.
    errors
        float64: probability that a base is wrong, per base.
    band, width
        Half-width of the band; items in a row.
    opening, extending
        float32 probabilities of gaps.
    work
        Float64 arrays: forward matches and insertions (n_bases * width each), scales (n_bases + 2), two rows of deletions, of
        backward matches and of backward insertions (2 * width each), an emission for each code.
    columns, phred
        Filled, per base: int64 column from 0, uint8 Phred-scaled probability that it is wrong.
    """
    matches, insertions, scales, deletions, later_matches, later_insertions, emission = work

    # Transitions; float32 where htslib computes in C's float.
    one = np.float32(1)
    leave = 1.0 / (2 * n_bases + 2)
    stay = 1.0 - leave
    match_match = np.float64(one - opening - opening) * stay
    match_gap = np.float64(opening) * stay
    insertion_match = np.float64(one - extending) * stay
    insertion_insertion = np.float64(extending) * stay
    deletion_match = np.float64(one - extending)
    deletion_deletion = np.float64(extending)
    enter_match = np.float64((one - opening) / np.float32(n_columns))
    enter_insertion = np.float64(opening / np.float32(n_columns))

    # Forward: the first row.
    first, last = np.int64(1), min(n_columns, band + 1)
    _emission(errors[0], query[0], emission)
    total = 0.0
    matches[0] = insertions[0] = 0.0
    for i in range(1, last + 1):
        matches[i] = emission[reference[i - 1]] * enter_match
        insertions[i] = INSERTED * enter_insertion
        total += matches[i] + insertions[i]
    matches[last + 1] = insertions[last + 1] = 0.0
    deletions[: 2 * width] = 0.0
    scales[0] = 1.0
    scales[1] = total

    # Forward: the others. Index i here is index i + moved in the row before.
    for row in range(2, n_bases + 1):
        moved = np.int64(row - band > 1)
        first, last = max(np.int64(1), row - band), min(n_columns, row + band)
        here = (row - 1) * width
        before = here - width + moved
        deletions_here = (row & 1) * width
        deletions_before = width - deletions_here + moved
        _emission(errors[row - 1], query[row - 1], emission)
        inverse = 1.0 / scales[row - 1]
        from_match = inverse * match_match
        from_insertion = inverse * insertion_match
        from_deletion = inverse * deletion_match
        into_insertion = INSERTED * inverse * match_gap
        along_insertion = INSERTED * inverse * insertion_insertion
        match = deletion = 0.0
        total = 0.0
        matches[here] = insertions[here] = 0.0
        deletions[deletions_here] = 0.0
        for i in range(1, last - first + 2):
            deletion = match_gap * match + deletion_deletion * deletion
            match = emission[reference[first + i - 2]] * (
                from_match * matches[before + i - 1]
                + from_insertion * insertions[before + i - 1]
                + from_deletion * deletions[deletions_before + i - 1]
            )
            insertion = into_insertion * matches[before + i] + along_insertion * insertions[before + i]
            matches[here + i] = match
            insertions[here + i] = insertion
            deletions[deletions_here + i] = deletion
            total += match + insertion + deletion
        matches[here + last - first + 2] = insertions[here + last - first + 2] = 0.0
        scales[row] = total

    # Forward: the end, which every column of the last row reaches.
    here = (n_bases - 1) * width
    inverse = 1.0 / scales[n_bases]
    total = 0.0
    for i in range(1, last - first + 2):
        total += inverse * matches[here + i] * leave + inverse * insertions[here + i] * leave
    scales[n_bases + 1] = total

    # Backward: the last row.
    later = (n_bases & 1) * width
    later_matches[later] = later_insertions[later] = 0.0
    for i in range(1, last - first + 2):
        later_matches[later + i] = later_insertions[later + i] = leave / scales[n_bases] / scales[n_bases + 1]
    columns[n_bases - 1], phred[n_bases - 1] = _most_probable(
        scales[n_bases],
        first,
        last,
        matches[here : here + width],
        insertions[here : here + width],
        later_matches[later : later + width],
        later_insertions[later : later + width],
    )

    # Backward: the others. Index i here is index i - moved in the row after.
    into_insertion = INSERTED * match_gap
    along_insertion = INSERTED * insertion_insertion
    for row in range(n_bases - 1, 0, -1):
        moved = np.int64(row + 1 - band > 1)
        first, last = max(np.int64(1), row - band), min(n_columns, row + band)
        now = (row & 1) * width
        after = width - now - moved
        _emission(errors[row], query[row], emission)
        inverse = 1.0 / scales[row]
        may_delete = 0.0 if row == 1 else 1.0
        deletion = 0.0
        later_matches[now] = later_insertions[now] = 0.0
        for i in range(last - first + 1, 0, -1):
            match = 0.0
            if first + i - 1 < n_columns:
                match = emission[reference[first + i - 1]] * later_matches[after + i + 1]
            insertion = later_insertions[after + i]
            later_insertions[now + i] = (match * insertion_match + along_insertion * insertion) * inverse
            later_matches[now + i] = (
                match * match_match + into_insertion * insertion + match_gap * deletion
            ) * inverse
            deletion = (match * deletion_match + deletion_deletion * deletion) * may_delete
        here = (row - 1) * width
        columns[row - 1], phred[row - 1] = _most_probable(
            scales[row],
            first,
            last,
            matches[here : here + width],
            insertions[here : here + width],
            later_matches[now : now + width],
            later_insertions[now : now + width],
        )


@kernel
def lower_qualities(data, records, letters, origin, length, redo, probabilities, letter_codes, base_codes):
    """Lower the qualities of some records to their BAQ, in place.

    Parameters
    ----------
    data, records
        Whole records, and where their parts are.
    letters, origin, length
        uint8 ASCII of the reference from a position on, and the length of the contig.
    redo
        Whether BQ tags are disregarded.
    probabilities
        float64 (256,): of an error, for each quality; rounded to float32.
    letter_codes, base_codes
        uint8 (256,) and (16,): A, C, G, T as 0 to 3 and the rest as 4, for letters and for the 4-bit codes of BAM.
    """
    reference = np.empty(0, np.uint8)
    query = np.empty(0, np.uint8)
    errors = np.empty(0, np.float64)
    columns = np.empty(0, np.int64)
    phred = np.empty(0, np.uint8)
    least = np.empty(0, np.uint8)
    matches = np.empty(0, np.float64)
    insertions = np.empty(0, np.float64)
    scales = np.empty(0, np.float64)
    deletions = np.empty(0, np.float64)
    later_matches = np.empty(0, np.float64)
    later_insertions = np.empty(0, np.float64)
    emission = np.empty(NO_CODE + 1, np.float64)
    for number in range(records.size):
        record = records[number]
        if record.flag & UNMAP or record.l_seq == 0 or data[record.qual] == NO_QUALITY:
            continue
        todo, moved = _plan(data, record, redo)
        if todo >= 0:
            _apply_tag(data, record, todo, moved)
        if todo != CALCULATE:
            continue
        band, first, last = _window(data, record)
        last = min(last, length)
        if band == 0 or first >= last:
            continue
        n_bases = np.int64(record.l_seq)
        n_columns = last - first
        band = max(min(band, max(n_columns, n_bases)), abs(n_columns - n_bases))
        width = min(2 * band + 1, n_columns) + 2

        # Room.
        if n_columns > reference.size:
            reference = np.empty(2 * n_columns, np.uint8)
        if n_bases + 2 > scales.size:
            size = 2 * n_bases + 2
            query = np.empty(size, np.uint8)
            errors = np.empty(size, np.float64)
            columns = np.empty(size, np.int64)
            phred = np.empty(size, np.uint8)
            least = np.empty(size, np.uint8)
            scales = np.empty(size, np.float64)
        if n_bases * width > matches.size:
            matches = np.empty(n_bases * width, np.float64)
            insertions = np.empty(n_bases * width, np.float64)
        if 2 * width > deletions.size:
            deletions = np.empty(4 * width, np.float64)
            later_matches = np.empty(4 * width, np.float64)
            later_insertions = np.empty(4 * width, np.float64)

        # Letters as codes, qualities as probabilities.
        for i in range(n_columns):
            reference[i] = letter_codes[letters[first + i - origin]]
        for i in range(n_bases):
            query[i] = base_codes[read_nibble(data, record.seq, i)]
            errors[i] = probabilities[data[record.qual + i]]

        is_long = n_bases > LONG_READ
        work = matches, insertions, scales, deletions, later_matches, later_insertions, emission
        _posterior(
            reference,
            query,
            errors,
            n_columns,
            n_bases,
            band,
            width,
            OPEN_LONG if is_long else OPEN,
            EXTEND,
            work,
            columns,
            phred,
        )
        _extend(data, record, first, columns, phred, least)
