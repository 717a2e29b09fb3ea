"""The bytes of ``samtools mpileup``: measured first, so that each read can write its own to their final places.

Reads come in file order and columns have a cursor each, so nothing is sorted. What each field says is that of samtools 1.24
(bam_plcmd.c, pileup_seq) and htslib 1.24 (sam.c, bam_plp_insertion).
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.integers_kernels import read_u32
from colonnade.jit import kernel
from colonnade.pileup.segments_kernels import IS_MATCH, IS_SKIP, quality_of
from colonnade.records.batch_kernels import DELETION, INSERTION, PAD, REVERSE, read_nibble

TAB, NEWLINE, STAR = 9, 10, 42
NUMBER_DIGITS = 20

# Letter of a base code on either strand; code 0 stands for the reference base too.
LETTERS = np.array([list(b".ACMGRSVTWYHKDBN"), list(b",acmgrsvtwyhkdbn")], np.uint8)
INSERTED = np.array([list(b"=ACMGRSVTWYHKDBN"), list(b"=acmgrsvtwyhkdbn")], np.uint8)
NO_BASE = 15  # N
LARGEST_QUALITY = 93  # that has a letter of its own


class Style(NamedTuple):
    """What the text says of a read in a column (as of TextOptions)."""

    min_baseq: int
    insertions: int
    deletions: int
    ends: bool
    reverse_deletions: bool


class Reference(NamedTuple):
    """Reference letters from the first column on, as far as there are any; the code of each column, 255 where unknown."""

    letters: np.ndarray
    codes: np.ndarray


@kernel
def _put(out, at, byte):
    """Write a byte, or only count it where there is no room at all."""
    if out.size:
        out[at] = byte
    return at + 1


@kernel
def n_digits(number):
    """Decimal digits of a number that is not negative."""
    digits = 1
    while number >= 10:
        number //= 10
        digits += 1
    return digits


@kernel
def put_number(out, at, number):
    """Write a number; returns where the next byte goes."""
    if number < 0:
        at = _put(out, at, 45)
        number = -number
    end = at + n_digits(number)
    if out.size:
        for place in range(end - 1, at - 1, -1):
            out[place] = 48 + number % 10
            number //= 10
    return end


@kernel
def _upper(letter):
    return letter - 32 if 97 <= letter <= 122 else letter


@kernel
def _lower(letter):
    return letter + 32 if 65 <= letter <= 90 else letter


@kernel
def _put_head(out, at, record):
    at = _put(out, at, 94)  # ^
    return _put(out, at, min(np.int64(record.mapq), LARGEST_QUALITY) + 33)


@kernel
def _put_tail(out, at, data, record, segment, column, reference, style):
    """What follows the letter of a read in the last column of a segment: indels and the end mark."""
    strand = 1 if record.flag & REVERSE else 0
    deletion = np.int64(segment.deletion)
    if segment.insertion:
        # Pads count, and only the first of several deletions.
        stop = segment.operation + 1
        length = np.int64(0)
        while stop < record.n_cigar:
            packed = read_u32(data, record.cigar + 4 * stop)
            if packed & 15 != INSERTION and packed & 15 != PAD:
                break
            length += packed >> 4
            stop += 1
        deletion = np.int64(0)
        if stop < record.n_cigar and read_u32(data, record.cigar + 4 * stop) & 15 == DELETION:
            deletion = read_u32(data, record.cigar + 4 * stop) >> 4
        if style.insertions >= 1:
            at = put_number(out, _put(out, at, 43), length)  # +
        if style.insertions == 2:
            query = np.int64(segment.query) + (segment.length if segment.state == IS_MATCH else 0)
            for k in range(segment.operation + 1, stop):
                packed = read_u32(data, record.cigar + 4 * k)
                for _ in range(packed >> 4):
                    if packed & 15 == PAD:
                        at = _put(out, at, 35 if strand and style.reverse_deletions else STAR)
                    else:
                        code = read_nibble(data, record.seq, query) if query < record.l_seq else NO_BASE
                        at = _put(out, at, INSERTED[strand, code])
                        query += 1
    if deletion > 0:
        if style.deletions >= 1:
            at = put_number(out, at, -deletion)
        if style.deletions == 2:
            for place in range(column + 1, column + 1 + deletion):
                letter = np.int64(reference.letters[place]) if place < reference.letters.size else 78  # N
                at = _put(out, at, _lower(letter) if strand else _upper(letter))
    if style.ends and segment.tail:
        at = _put(out, at, 36)  # $
    return at


@kernel
def _has_tail(segment, style):
    return segment.insertion > 0 or segment.deletion > 0 or (style.ends and segment.tail)


@kernel
def measure_fields(data, records, segments, start, reference, style, counts, sizes):
    """Add to int32 ``counts`` and ``sizes`` (columns,): reads that are shown in each column, and bytes that their bases take."""
    nothing = np.empty(0, np.uint8)
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        first = np.int64(segment.start - start)
        last = first + segment.length - 1
        if segment.state == IS_MATCH and record.l_seq > 0:
            qual = record.qual + segment.query
            kept = counts[first : last + 1]
            qualities = data[qual : qual + segment.length]
            for k in range(kept.size):
                kept[k] += qualities[k] >= style.min_baseq
        else:
            for column in range(first, last + 1):
                counts[column] += quality_of(data, record, segment, start + column) >= style.min_baseq
        if segment.head and style.ends and quality_of(data, record, segment, start + first) >= style.min_baseq:
            sizes[first] += 2
        if _has_tail(segment, style) and quality_of(data, record, segment, start + last) >= style.min_baseq:
            sizes[last] += _put_tail(nothing, 0, data, record, segment, last, reference, style)
    return 0


@kernel
def _put_read(out, cursors, column, data, record, segment, start, letter, reference, style):
    """Write a read in the first or last column of a segment."""
    quality = np.int64(quality_of(data, record, segment, start + column))
    if quality < style.min_baseq:
        return
    at = np.int64(cursors[column] >> np.uint64(32))
    if segment.head and style.ends and start + column == segment.start:
        at = _put_head(out, at, record)
    at = _put(out, at, letter)
    if _has_tail(segment, style) and start + column == segment.start + segment.length - 1:
        at = _put_tail(out, at, data, record, segment, column, reference, style)
    low = np.int64(cursors[column] & np.uint64(0xFFFFFFFF))
    out[low] = min(quality, LARGEST_QUALITY) + 33
    cursors[column] = np.uint64(at) << np.uint64(32) | np.uint64(low + 1)


@kernel
def _letter_of(data, record, segment, column, start, reference, style):
    strand = 1 if record.flag & REVERSE else 0
    if segment.state == IS_SKIP:
        return 60 if strand else 62  # < >
    if segment.state != IS_MATCH:
        return 35 if strand and style.reverse_deletions else STAR
    query = segment.query + start + column - segment.start
    code = read_nibble(data, record.seq, query) if query < record.l_seq else NO_BASE
    return np.int64(LETTERS[strand, 0 if code == reference.codes[column] else code])


@kernel
def write_fields(data, records, segments, start, reference, style, out, cursors):
    """Let each read write its letter and its quality in each column.

    ``cursors``, uint64 (columns,), hold where the next letter goes in the upper half, and the next quality in the lower half. Bytes
    beyond a field may be spoiled; ``write_frame`` comes after.
    """
    one = np.uint64(1)
    both = np.uint64((1 << 32) + 1)
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        first = np.int64(segment.start - start)
        length = np.int64(segment.length)
        last = first + length - 1
        if segment.state != IS_MATCH or record.l_seq == 0:
            for column in range(first, last + 1):
                letter = _letter_of(data, record, segment, column, start, reference, style)
                _put_read(out, cursors, column, data, record, segment, start, letter, reference, style)
            continue

        # Ends with marks apart, so that the run between them has nothing to ask.
        begin = first
        end = last + 1
        if segment.head and style.ends:
            letter = _letter_of(data, record, segment, first, start, reference, style)
            _put_read(out, cursors, first, data, record, segment, start, letter, reference, style)
            begin += 1
        has_tail = _has_tail(segment, style) and begin < end
        if has_tail:
            end -= 1
        letters = LETTERS[1 if record.flag & REVERSE else 0]
        column = np.uint64(begin)
        query = np.uint64(segment.query + begin - first)
        qual = np.uint64(record.qual) + query
        seq = np.uint64(record.seq)
        for _ in range(end - begin):
            quality = data[qual]
            code = data[seq + (query >> one)] >> ((~query & one) << np.uint64(2)) & np.uint8(15)
            letter = letters[np.uint64(0) if code == reference.codes[column] else np.uint64(code)]
            cursor = cursors[column]
            out[cursor >> np.uint64(32)] = letter
            out[cursor & np.uint64(0xFFFFFFFF)] = min(quality, np.uint8(LARGEST_QUALITY)) + np.uint8(33)
            if quality >= style.min_baseq:
                cursors[column] = cursor + both
            column += one
            query += one
            qual += one
        if has_tail:
            letter = _letter_of(data, record, segment, last, start, reference, style)
            _put_read(out, cursors, last, data, record, segment, start, letter, reference, style)


@kernel
def place_fields(name, start, shown, counts, sizes, extra_sizes, cursors, extra_cursors):
    """Lay out the lines: where each field begins.

    Parameters
    ----------
    name
        uint8: name of the contig.
    start
        Position of the first column, 0-based.
    shown
        bool (columns,): whether a column is a line. The others are laid out too, behind the lines.
    counts, sizes, extra_sizes
        int32 (files, columns), (files, columns), (files, extras, columns): reads shown, bytes besides their letters, bytes of
        further fields.
    cursors, extra_cursors
        uint64 (files, columns), int64 (files, extras, columns), to be filled.

    Returns
    -------
    Bytes of the lines, and of everything.
    """
    at = np.int64(0)
    total = np.int64(0)
    n_files, n_columns = counts.shape
    n_extras = extra_sizes.shape[1]
    for wanted in (True, False):
        for column in range(n_columns):
            if shown[column] != wanted:
                continue
            at += name.size + n_digits(start + column + 1) + 3
            for file in range(n_files):
                count = np.int64(counts[file, column])
                at += n_digits(count) + 2
                letters = at
                at += max(count + sizes[file, column], 1) + 1
                cursors[file, column] = np.uint64(letters) << np.uint64(32) | np.uint64(at)
                at += max(count, 1)
                for extra in range(n_extras):
                    at += 1
                    extra_cursors[file, extra, column] = at
                    at += max(np.int64(extra_sizes[file, extra, column]), np.int64(count == 0))
            at += 1
        if wanted:
            total = at
    return total, at


@kernel
def write_frame(name, start, shown, letters, counts, sizes, extra_sizes, out):
    """Write what is not a read's: contig, position, reference letter, counts, tabs, and stars where there is nothing."""
    at = np.int64(0)
    n_files, n_columns = counts.shape
    for column in range(n_columns):
        if not shown[column]:
            continue
        for byte in name:
            out[at] = byte
            at += 1
        out[at] = TAB
        at = put_number(out, at + 1, start + column + 1)
        out[at] = TAB
        out[at + 1] = letters[column] if column < letters.size else 78  # N
        at += 2
        for file in range(n_files):
            count = np.int64(counts[file, column])
            out[at] = TAB
            at = put_number(out, at + 1, count)
            out[at] = TAB
            at += 1
            if count:
                at += count + sizes[file, column]
                out[at] = TAB
                at += 1 + count
            else:
                out[at] = STAR
                out[at + 1] = TAB
                out[at + 2] = STAR
                at += 3
            for extra in range(extra_sizes.shape[1]):
                out[at] = TAB
                at += 1
                if count:
                    at += extra_sizes[file, extra, column]
                else:
                    out[at] = STAR
                    at += 1
        out[at] = NEWLINE
        at += 1
    return at


@kernel
def lower_qualities(data, records, step):
    """Take ``step`` off every quality, down to 0 at most."""
    for i in range(records.size):
        for place in range(records[i].qual, records[i].qual + records[i].l_seq):
            data[place] = max(np.int64(data[place]) - step, 0)
