"""Per-base alignment quality (BAQ): how sure it is that each base of a read is aligned where its CIGAR says.

Results equal htslib 1.24's to the bit: ``sam_prob_realn`` of realn.c with BAQ_APPLY and BAQ_EXTEND, and ``probaln_glocal`` of
probaln.c, its hidden Markov model (Li 2011, doi:10.1093/bioinformatics/btr076). So sums and products here stand in the order that
they have there, and what is a C float there is rounded to float32 here.
"""

import math
from typing import NamedTuple

import numpy as np

from colonnade.formats.bases import AMBIGUOUS, BASE_OF_CODE, CODE_OF_LETTER
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

LEAST_BAND = 7
TOO_MANY_CELLS = 1 << 28  # htslib takes 48 bytes for each, and leaves a read alone where memory does not suffice
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
def _has_qualities(data, record):
    return not record.flag & UNMAP and record.l_seq > 0 and data[record.qual] != NO_QUALITY


@kernel
def _window(data, record):
    """Band half-width and reference interval [first, last) that a read is aligned to again; the band is 0 if it is not.

    The interval may go on beyond the contig.
    """
    nothing = np.int64(0), np.int64(0), np.int64(0)
    if not _has_qualities(data, record):
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


class Model(NamedTuple):
    """One read, the piece of the reference that it is aligned to, and the probabilities of gaps.

    Rows are bases and columns are reference positions, both from 1. Row i holds columns max(1, i - band) to
    min(n_columns, i + band), from index 1 on, with a 0 before the first and after the last.
    """

    reference: np.ndarray  # uint8 codes 0 to 4, and a 4 after the last
    query: np.ndarray
    errors: np.ndarray  # float64 per base: probability that it is wrong
    n_columns: int
    n_bases: int
    band: int
    width: int  # items in a row
    leave: float  # probabilities of transitions
    match_match: float
    match_gap: float
    insertion_match: float
    insertion_insertion: float
    deletion_match: float
    deletion_deletion: float
    enter_match: float
    enter_insertion: float


class Work(NamedTuple):
    """Float64 work arrays, whose contents mean nothing between reads."""

    matches: np.ndarray  # forward, a block of rows
    insertions: np.ndarray
    deletions: np.ndarray  # forward, two rows in turn
    kept: np.ndarray  # of each block but the last: matches, insertions and deletions of its last row
    later_matches: np.ndarray  # backward, two rows in turn
    later_insertions: np.ndarray
    emission: np.ndarray  # of one base, opposite each reference code
    scales: np.ndarray  # sum of each row, and of what leaves the last


@kernel
def _model(reference, query, errors, n_columns, n_bases, band, opening, extending):
    """Transitions of htslib's model; float32 where it computes in C's float."""
    one = np.float32(1)
    leave = 1.0 / (2 * n_bases + 2)
    stay = 1.0 - leave
    band = max(min(band, max(n_columns, n_bases)), abs(n_columns - n_bases))
    return Model(
        reference,
        query,
        errors,
        n_columns,
        n_bases,
        band,
        min(2 * band + 1, n_columns) + 2,
        leave,
        np.float64(one - opening - opening) * stay,
        np.float64(opening) * stay,
        np.float64(one - extending) * stay,
        np.float64(extending) * stay,
        np.float64(one - extending),
        np.float64(extending),
        np.float64((one - opening) / np.float32(n_columns)),
        np.float64(opening / np.float32(n_columns)),
    )


@kernel
def _forward(model, work, start, stop, step):
    """Forward probabilities of bases [start, stop], of which ``work`` holds ``step`` in turn; False if none is above 0.

    One function for all rows, here and on the way back: in compiled code, passing arrays costs more than a row.
    """
    query, reference, errors, width = model.query, model.reference, model.errors, model.width
    matches, insertions, deletions, emission, scales = (
        work.matches,
        work.insertions,
        work.deletions,
        work.emission,
        work.scales,
    )
    match_match, match_gap, insertion_match = model.match_match, model.match_gap, model.insertion_match
    deletion_match, deletion_deletion = model.deletion_match, model.deletion_deletion
    for row in range(start, stop + 1):
        first, last = max(np.int64(1), row - model.band), min(model.n_columns, row + model.band)
        n = last - first + 1
        here = (row - 1) % step * width
        deletions_here = (row & 1) * width
        matches[here] = insertions[here] = deletions[deletions_here] = 0.0
        matches[here + n + 1] = insertions[here + n + 1] = 0.0

        # A table, for a branch on the letter would be hard to predict.
        code, error = query[row - 1], errors[row - 1]
        for other in range(AMBIGUOUS):
            emission[other] = 1.0 if code == AMBIGUOUS else 1.0 - error if other == code else error * MISMATCH
        emission[AMBIGUOUS] = 1.0

        total = 0.0
        if row == 1:
            for i in range(1, n + 1):
                match = emission[reference[i - 1]] * model.enter_match
                insertion = INSERTED * model.enter_insertion
                matches[i] = match
                insertions[i] = insertion
                deletions[deletions_here + i] = 0.0
                total += match + insertion
        else:
            # Index i here is index i + moved in the row before.
            moved = np.int64(row - model.band > 1)
            before = (row - 2) % step * width + moved
            deletions_before = width - deletions_here + moved
            inverse = 1.0 / scales[row - 1]
            from_match = inverse * match_match
            from_insertion = inverse * insertion_match
            from_deletion = inverse * deletion_match
            into_insertion = INSERTED * inverse * match_gap
            along_insertion = INSERTED * inverse * model.insertion_insertion
            match = deletion = 0.0
            for i in range(1, n + 1):
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
        if not total > 0.0:
            return False
        scales[row] = total
    return True


@kernel
def _backward(model, work, start, stop, step, columns, phred):
    """Backward probabilities of bases [start, stop], last first, and with them where each most probably belongs."""
    query, reference, errors, width = model.query, model.reference, model.errors, model.width
    matches, insertions, emission, scales = work.matches, work.insertions, work.emission, work.scales
    later_matches, later_insertions = work.later_matches, work.later_insertions
    match_match, match_gap, insertion_match = model.match_match, model.match_gap, model.insertion_match
    into_insertion = INSERTED * match_gap
    along_insertion = INSERTED * model.insertion_insertion
    emission[AMBIGUOUS] = 1.0
    for row in range(stop, start - 1, -1):
        first, last = max(np.int64(1), row - model.band), min(model.n_columns, row + model.band)
        n = last - first + 1
        now = (row & 1) * width
        inverse = 1.0 / scales[row]
        later_matches[now] = later_insertions[now] = 0.0
        later_matches[now + n + 1] = 0.0
        if row == model.n_bases:
            for i in range(now + 1, now + n + 1):
                later_matches[i] = later_insertions[i] = model.leave / scales[row] / scales[row + 1]
        else:
            code, error = query[row], errors[row]
            for other in range(AMBIGUOUS):
                emission[other] = 1.0 if code == AMBIGUOUS else 1.0 - error if other == code else error * MISMATCH

            # Index i here is index i - moved in the row after. No deletion comes before the first base.
            after = width - now - np.int64(row + 1 - model.band > 1)
            deletion_match = 0.0 if row == 1 else model.deletion_match
            deletion_deletion = 0.0 if row == 1 else model.deletion_deletion
            deletion = 0.0
            for i in range(n, 0, -1):
                match = emission[reference[first + i - 1]] * later_matches[after + i + 1]
                insertion = later_insertions[after + i]
                later_insertions[now + i] = (match * insertion_match + along_insertion * insertion) * inverse
                later_matches[now + i] = (
                    match * match_match + into_insertion * insertion + match_gap * deletion
                ) * inverse
                deletion = match * deletion_match + deletion_deletion * deletion

        # The most probable state of this base.
        here = (row - 1) % step * width
        total = best = 0.0
        column = np.int64(-1)
        is_insertion = False
        for i in range(1, n + 1):
            match = inverse * matches[here + i] * later_matches[now + i]
            insertion = inverse * insertions[here + i] * later_insertions[now + i]
            larger = insertion if insertion > match else match
            if larger > best:
                best = larger
                column = first + i - 2
                is_insertion = insertion > match
            total += match + insertion

        # An insertion has quality 0. So has a probability of 1, or one above it or no number, as htslib converts it (x86-64).
        columns[row - 1] = column
        phred[row - 1] = 0
        wrong = 1.0 - best / total
        if not is_insertion and wrong > 0.0:
            value = np.int64(-4.343 * math.log(wrong) + 0.499)
            phred[row - 1] = CAPPED_PHRED if value > MOST_PHRED else value


@kernel
def _keep(source, start, target, place, width):
    for i in range(width):
        target[place + i] = source[start + i]


@kernel
def _posterior(model, work, step, columns, phred):
    """Align a read to a piece of the reference in a band, and say where each base most probably belongs.

    Forward probabilities are held of ``step`` bases at a time; if that is less than the read, they are calculated again from the
    block's beginning on the way back.

    Parameters
    ----------
    model, work
        What is aligned, and room for it.
    columns, phred
        Filled, per base: int64 column from 0, uint8 Phred-scaled probability that it is wrong.

    Returns
    -------
    False if no alignment in the band has a probability above 0, as where a base of quality 0 matches the only letter: then htslib's
    likelihood overflows (x86-64), which it takes for a failure.
    """
    width, n_bases = model.width, model.n_bases
    n_blocks = (n_bases + step - 1) // step
    last_row = (step - 1) * width
    work.scales[0] = 1.0
    for block in range(n_blocks):
        start = block * step + 1
        if block > 0:
            place = 3 * (block - 1) * width
            _keep(work.matches, last_row, work.kept, place, width)
            _keep(work.insertions, last_row, work.kept, place + width, width)
            _keep(work.deletions, (start - 1 & 1) * width, work.kept, place + 2 * width, width)
        if not _forward(model, work, start, min(start + step - 1, n_bases), step):
            return False

    # What leaves the last row, from every column of it.
    n = model.n_columns - max(np.int64(1), n_bases - model.band) + 1
    here = (n_bases - 1) % step * width
    inverse = 1.0 / work.scales[n_bases]
    total = 0.0
    for i in range(here + 1, here + n + 1):
        total += inverse * work.matches[i] * model.leave + inverse * work.insertions[i] * model.leave
    if not total > 0.0:
        return False
    work.scales[n_bases + 1] = total

    for block in range(n_blocks - 1, -1, -1):
        start = block * step + 1
        stop = min(start + step - 1, n_bases)
        if block < n_blocks - 1:
            if block > 0:
                place = 3 * (block - 1) * width
                _keep(work.kept, place, work.matches, last_row, width)
                _keep(work.kept, place + width, work.insertions, last_row, width)
                _keep(work.kept, place + 2 * width, work.deletions, (start - 1 & 1) * width, width)
            _forward(model, work, start, stop, step)
        _backward(model, work, start, stop, step, columns, phred)
    return True


@kernel
def lower_qualities(data, records, letters, origin, length, redo, most_cells, probabilities):
    """Lower the qualities of some records to their BAQ, in place.

    Parameters
    ----------
    data, records
        Whole records, and where their parts are.
    letters, origin, length
        uint8 ASCII of the reference from a position on, and the length of the contig.
    redo
        Whether BQ tags are disregarded.
    most_cells
        How many pairs of base and column are held of a read; of a larger one, the square root of its bases at a time.
    probabilities
        float64 (256,): of an error, for each quality; rounded to float32.
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
    kept = np.empty(0, np.float64)
    deletions = np.empty(0, np.float64)
    later_matches = np.empty(0, np.float64)
    later_insertions = np.empty(0, np.float64)
    emission = np.empty(AMBIGUOUS + 1, np.float64)
    for number in range(records.size):
        record = records[number]
        if not _has_qualities(data, record):
            continue
        todo, moved = _plan(data, record, redo)
        if todo >= 0:
            _apply_tag(data, record, todo, moved)
        if todo != CALCULATE:
            continue
        band, first, last = _window(data, record)
        if band == 0:
            continue
        n_bases = np.int64(record.l_seq)
        n_columns = max(np.int64(0), min(last, length) - first)

        # Letters as codes, qualities as probabilities.
        if n_columns + 1 > reference.size:
            reference = np.empty(2 * n_columns + 1, np.uint8)
        if n_bases > query.size:
            query = np.empty(2 * n_bases, np.uint8)
            errors = np.empty(2 * n_bases, np.float64)
            scales = np.empty(2 * n_bases + 2, np.float64)
            columns = np.empty(2 * n_bases, np.int64)
            phred = np.empty(2 * n_bases, np.uint8)
            least = np.empty(2 * n_bases, np.uint8)
        for i in range(n_columns):
            reference[i] = BASE_OF_CODE[CODE_OF_LETTER[letters[first + i - origin]]]
        reference[n_columns] = AMBIGUOUS
        for i in range(n_bases):
            query[i] = BASE_OF_CODE[read_nibble(data, record.seq, i)]
            errors[i] = probabilities[data[record.qual + i]]

        # Nothing to align to: htslib then reads memory that it has not filled, where the right column can stand only by chance.
        if n_columns == 0:
            columns[:n_bases] = -1
            _extend(data, record, first, columns, phred, least)
            continue

        opening = OPEN_LONG if n_bases > LONG_READ else OPEN
        model = _model(reference, query, errors, n_columns, n_bases, band, opening, EXTEND)
        if n_bases * model.width > TOO_MANY_CELLS:
            continue
        step = n_bases
        if n_bases * model.width > most_cells:
            step = min(n_bases, np.int64(math.sqrt(n_bases)) + 1)
        if step * model.width > matches.size:
            matches = np.empty(step * model.width, np.float64)
            insertions = np.empty(step * model.width, np.float64)
        if 2 * model.width > deletions.size:
            deletions = np.empty(4 * model.width, np.float64)
            later_matches = np.empty(4 * model.width, np.float64)
            later_insertions = np.empty(4 * model.width, np.float64)
        n_kept = 3 * model.width * ((n_bases - 1) // step)
        if n_kept > kept.size:
            kept = np.empty(n_kept, np.float64)
        work = Work(matches, insertions, deletions, kept, later_matches, later_insertions, emission, scales)
        if _posterior(model, work, step, columns, phred):
            _extend(data, record, first, columns, phred, least)
