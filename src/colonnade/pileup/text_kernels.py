"""The bytes of ``samtools mpileup``: measured first, so that each read can write its own to their final places.

Reads come in file order and columns have a cursor each, so nothing is sorted. What each field says is that of samtools 1.24
(bam_plcmd.c, pileup_seq) and htslib 1.24 (sam.c, bam_plp_insertion).
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.bases import LETTERS, NO_BASE
from colonnade.formats.integers_kernels import read_u32
from colonnade.jit import kernel
from colonnade.pileup.segments_kernels import IS_MATCH, IS_SKIP, has_bases, quality_of
from colonnade.records.batch_kernels import DELETION, INSERTION, PAD, REVERSE, read_nibble

TAB, NEWLINE, STAR = 9, 10, 42
NUMBER_DIGITS = 20

# Letter of a base code on either strand; where it is shown in a column, code 0 stands for the reference base too.
INSERTED = np.array([list(LETTERS.tobytes()), list(LETTERS.tobytes().lower())], np.uint8)
SHOWN = INSERTED.copy()
SHOWN[:, 0] = 46, 44  # . ,
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
def put_byte(out, at, byte):
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
        at = put_byte(out, at, 45)
        number = -number
    end = at + n_digits(number)
    if out.size:
        for place in range(end - 1, at - 1, -1):
            out[place] = 48 + number % 10
            number //= 10
    return end


@kernel
def quality_letter(quality):
    """A quality as ASCII."""
    return min(np.int64(quality), LARGEST_QUALITY) + 33


@kernel
def _upper(letter):
    return letter - 32 if 97 <= letter <= 122 else letter


@kernel
def _lower(letter):
    return letter + 32 if 65 <= letter <= 90 else letter


@kernel
def _put_head(out, at, record):
    at = put_byte(out, at, 94)  # ^
    return put_byte(out, at, quality_letter(record.mapq))


@kernel
def _put_indel(out, at, data, record, segment, column, reference, style):
    """The insertion and deletion that follow the letter of a read in the last column of a segment."""
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
            at = put_number(out, put_byte(out, at, 43), length)  # +
        if style.insertions == 2:
            query = np.int64(segment.query) + (segment.length if segment.state == IS_MATCH else 0)
            for k in range(segment.operation + 1, stop):
                packed = read_u32(data, record.cigar + 4 * k)
                for _ in range(packed >> 4):
                    if packed & 15 == PAD:
                        at = put_byte(out, at, 35 if strand and style.reverse_deletions else STAR)
                    else:
                        code = read_nibble(data, record.seq, query) if query < record.l_seq else NO_BASE
                        at = put_byte(out, at, INSERTED[strand, code])
                        query += 1
    if deletion > 0:
        if style.deletions >= 1:
            at = put_number(out, at, -deletion)
        if style.deletions == 2:
            for place in range(column + 1, column + 1 + deletion):
                letter = np.int64(reference.letters[place]) if place < reference.letters.size else 78  # N
                at = put_byte(out, at, _lower(letter) if strand else _upper(letter))
    return at


@kernel
def _has_tail(segment, style):
    return segment.insertion > 0 or segment.deletion > 0 or (style.ends and segment.tail)


@kernel
def measure_fields(data, records, segments, start, reference, style, counts, sizes):
    """Add to int32 ``counts`` and int64 ``sizes`` (columns,): reads shown in each column, bytes besides their letters."""
    nothing = np.empty(0, np.uint8)
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        first = np.int64(segment.start - start)
        last = first + segment.length - 1
        if has_bases(record, segment):
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
            sizes[last] += style.ends and segment.tail
            if segment.insertion > 0 or segment.deletion > 0:
                sizes[last] += _put_indel(nothing, 0, data, record, segment, last, reference, style)
    return 0


@kernel
def _write_gap(data, record, segment, start, reference, style, out, cursors):
    """Write a read in columns where it has no base: in deletions and skips, or where its sequence is not stored."""
    strand = 1 if record.flag & REVERSE else 0
    for column in range(segment.start - start, segment.start - start + segment.length):
        quality = quality_of(data, record, segment, start + column)
        if quality < style.min_baseq:
            continue
        if segment.state == IS_SKIP:
            letter = 60 if strand else 62  # < >
        elif segment.state != IS_MATCH:
            letter = 35 if strand and style.reverse_deletions else STAR
        else:
            letter = np.int64(SHOWN[strand, 0 if reference.codes[column] == NO_BASE else NO_BASE])
        cursor = cursors[column]
        out[cursor >> np.uint64(32)] = letter
        out[cursor & np.uint64(0xFFFFFFFF)] = quality_letter(quality)
        cursors[column] = cursor + np.uint64((1 << 32) + 1)


@kernel
def write_fields(data, records, segments, start, reference, style, out, cursors):
    """Let each read write its letter and its quality in each column.

    ``cursors``, uint64 (columns,), hold where the next letter goes in the upper half, and the next quality in the lower half. A
    base that is not shown is written as well, but the cursors stay; what that spoils behind a field, ``write_frame`` mends.
    """
    longest = 0
    for i in range(segments.size):
        longest = max(longest, segments[i].length)
    codes, letters = np.empty(longest + 2, np.uint8), np.empty(longest, np.uint8)
    half, lower = np.uint64(32), np.uint64(0xFFFFFFFF)
    both, nothing = np.uint64((1 << 32) + 1), np.uint64(0)
    min_baseq = np.uint16(min(style.min_baseq, 256))
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        first = np.int64(segment.start - start)
        length = np.int64(segment.length)
        last = first + length - 1
        if segment.head and style.ends and quality_of(data, record, segment, segment.start) >= style.min_baseq:
            _put_head(out, np.int64(cursors[first] >> half), record)
            cursors[first] += np.uint64(2) << half

        if has_bases(record, segment):
            # One code a byte, 0 where it is that of the reference; simple loops, which become vector instructions.
            query = np.int64(segment.query)
            packed = data[record.seq + (query >> 1) : record.seq + ((query + length + 1) >> 1)]
            for k in range(packed.size):
                codes[2 * k] = packed[k] >> 4
                codes[2 * k + 1] = packed[k] & 15
            mine = codes[query & 1 : (query & 1) + length]
            there = reference.codes[first : first + length]
            for k in range(length):
                mine[k] = np.uint8(0) if mine[k] == there[k] else mine[k]
            qualities = data[record.qual + query : record.qual + query + length]
            for k in range(length):
                letters[k] = min(qualities[k], np.uint8(LARGEST_QUALITY)) + np.uint8(33)

            of_base = SHOWN[1 if record.flag & REVERSE else 0]
            ours = cursors[first : first + length]
            for k in range(length):
                cursor = ours[k]
                out[cursor >> half] = of_base[np.uint64(mine[k])]
                out[cursor & lower] = letters[k]
                ours[k] = cursor + (both if np.uint16(qualities[k]) >= min_baseq else nothing)
        else:
            _write_gap(data, record, segment, start, reference, style, out, cursors)

        if _has_tail(segment, style) and quality_of(data, record, segment, start + last) >= style.min_baseq:
            at = np.int64(cursors[last] >> half)
            end = at
            if segment.insertion > 0 or segment.deletion > 0:
                end = _put_indel(out, end, data, record, segment, last, reference, style)
            if style.ends and segment.tail:
                end = put_byte(out, end, 36)  # $
            cursors[last] += np.uint64(end - at) << half


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
        int32 (files, columns), int64 (files, columns), int64 (files, extras, columns): reads shown, bytes besides their letters,
        bytes of further fields.
    cursors, extra_cursors
        uint64 (files, columns), int64 (files, extras, columns), to be filled.

    Returns
    -------
    Bytes of the lines, and of everything; cursors hold up to 2**32 of them.
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
def _count_up(head, first, end):
    """Add 1 to the number written as ASCII in ``head`` from ``first`` to before the tab at ``end`` - 1; returns the new end."""
    place = end - 2
    while place >= first and head[place] == 57:
        head[place] = 48
        place -= 1
    if place >= first:
        head[place] += 1
        return end
    head[first] = 49
    head[end - 1] = 48
    head[end] = TAB
    return end + 1


@kernel
def write_frame(name, start, shown, letters, counts, sizes, extra_sizes, out):
    """Write what is not a read's: contig, position, reference letter, counts, tabs, and stars where there is nothing."""
    at = np.int64(0)
    n_files, n_columns = counts.shape
    head = np.empty(name.size + NUMBER_DIGITS + 2, np.uint8)  # contig and position with their tabs
    head[: name.size] = name
    first = name.size + 1
    head[first - 1] = TAB
    end = put_number(head, first, start + 1) + 1
    head[end - 1] = TAB
    for column in range(n_columns):
        if column:
            end = _count_up(head, first, end)
        if not shown[column]:
            continue
        out[at : at + end] = head[:end]
        at += end
        out[at] = letters[column] if column < letters.size else 78  # N
        at += 1
        for file in range(n_files):
            count = np.int64(counts[file, column])
            out[at] = TAB
            if count < 10:
                out[at + 1] = 48 + count
                at += 2
            elif count < 100:
                out[at + 1] = 48 + count // 10
                out[at + 2] = 48 + count % 10
                at += 3
            else:
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
