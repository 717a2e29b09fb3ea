"""FASTQ text to unaligned BAM records (SAM specification, section 4.2), and what other makers of such records need."""

import numpy as np

from colonnade.formats.writing_kernels import put_bytes, put_unaligned_head
from colonnade.jit import kernel

# Why a kernel that packs records came back.
MORE = 0  # the bytes end before the record does
FULL = 1  # no room for another record
NO_AT = 2
BAD_NAME = 3
LONG_NAME = 4
BAD_LETTER = 5
NO_PLUS = 6
UNEQUAL = 7  # sequence and quality differ in length
BAD_QUALITY = 8

NO_CODE = 255  # of a letter that is no base

HEAD = 36  # bytes of a record before its name, block_size among them
LONGEST_NAME = 254  # without its NUL
UNMAP = 4

TAB, NEWLINE, RETURN, SPACE, PLUS, SLASH, ONE, TWO, AT = 9, 10, 13, 32, 43, 47, 49, 50, 64
FIRST_PRINTED, LAST_PRINTED = 33, 126
QUALITY_ZERO = 33


@kernel
def _line_end(data, at):
    """Where the next newline is, or the size of the data."""
    while at < data.size and data[at] != NEWLINE:
        at += 1
    return at


@kernel
def _without_return(data, start, end):
    """The end of a line's content, where its newline may follow a carriage return."""
    return end - 1 if end > start and data[end - 1] == RETURN else end


@kernel
def _likely_end(data, start, length):
    """Where the line ends, found at once where it has the length that is likely."""
    end = start + length
    if end + 1 >= data.size or (data[end] != NEWLINE and (data[end] != RETURN or data[end + 1] != NEWLINE)):
        return _line_end(data, start)
    n_lines = 0
    for letter in data[start:end]:
        n_lines += letter == NEWLINE
    if n_lines:
        return _line_end(data, start)
    return end if data[end] == NEWLINE else end + 1


@kernel
def _word_end(data, at):
    """Where the next byte is that no word has, or the size of the data."""
    while at < data.size and data[at] >= FIRST_PRINTED and data[at] <= LAST_PRINTED:
        at += 1
    return at


@kernel
def _without_mate(data, start, end):
    """The end of a name less its /1 or /2, if it has more than these (bwa_read_seq, bwaseqio.c)."""
    if end - start > 2 and data[end - 2] == SLASH and (data[end - 1] == ONE or data[end - 1] == TWO):
        return end - 2
    return end


@kernel
def _put_sequence(out, at, data, start, end, codes):
    """Write 4-bit codes; returns the offset behind them, and where a letter has none, or the end."""
    letters = data[start:end]
    pairs = out[at : at + (letters.size >> 1)]
    for i in range(pairs.size):
        first = codes[letters[2 * i]]
        second = codes[letters[2 * i + 1]]
        if (first | second) == NO_CODE:
            return at, start + 2 * i + (first != NO_CODE)
        pairs[i] = first << 4 | second
    at += pairs.size
    if letters.size & 1:
        last = codes[letters[letters.size - 1]]
        if last == NO_CODE:
            return at, end - 1
        out[at] = last << 4
        at += 1
    return at, end


@kernel
def _put_qualities(out, at, data, start, end):
    """Write qualities; returns the offset behind them, and how many are no qualities."""
    letters = data[start:end]
    qualities = out[at : at + letters.size]
    n_bad = 0
    for i in range(letters.size):
        qualities[i] = letters[i] - QUALITY_ZERO
        n_bad += (letters[i] < FIRST_PRINTED) | (letters[i] > LAST_PRINTED)
    return at + letters.size, n_bad


@kernel
def pack_fastq(data, at, codes, tags, out, offsets, count):
    """Make BAM records of whole FASTQ records of four lines each, until there is no more of something.

    Parameters
    ----------
    data, at
        uint8 text, and where a record begins in it. Lines end with a newline or CR LF.
    codes
        uint8 (256,): the 4-bit code of each letter, or NO_CODE.
    tags
        uint8: what each record ends with.
    out, offsets
        uint8 and int64, filled: record ``i`` is ``out[offsets[i]:offsets[i + 1]]``.
    count
        How many records are there already.

    Returns
    -------
    Number of records, where the text of the next one begins, why it came back, and which byte is to blame.
    """
    length = np.int64(0)
    while count < offsets.size - 1:
        # Four lines. What is wrong with them is said only once they are whole, but for how they begin.
        if at == data.size:
            return count, at, MORE, at
        if data[at] != AT:
            return count, at, NO_AT, at
        name = at + 1
        word_end = _word_end(data, name)
        sequence = _line_end(data, word_end) + 1
        sequence_line_end = _likely_end(data, sequence, length)
        plus = sequence_line_end + 1
        if plus < data.size and data[plus] != PLUS:
            return count, at, NO_PLUS, plus
        qualities = _line_end(data, plus) + 1
        sequence_end = _without_return(data, sequence, sequence_line_end)
        length = sequence_end - sequence
        quality_line_end = _likely_end(data, qualities, length)
        if quality_line_end >= data.size:
            return count, at, MORE, at
        if _without_return(data, qualities, quality_line_end) - qualities != length:
            return count, at, UNEQUAL, qualities
        name_end = _without_mate(data, name, word_end)
        if name_end == name or (data[word_end] != SPACE and (data[word_end] < TAB or data[word_end] > RETURN)):
            return count, at, BAD_NAME, word_end
        if name_end - name > LONGEST_NAME:
            return count, at, LONG_NAME, name

        # The record.
        target = offsets[count]
        n_name = name_end - name + 1
        size = HEAD + n_name + ((length + 1) >> 1) + length + tags.size
        if target + size > out.size:
            return count, at, FULL, at
        target = put_unaligned_head(out, target, size, n_name, UNMAP, length)
        target = put_bytes(out, target, data, name, name_end)
        out[target] = 0
        target, bad = _put_sequence(out, target + 1, data, sequence, sequence_end, codes)
        if bad < sequence_end:
            return count, at, BAD_LETTER, bad
        target, n_bad = _put_qualities(out, target, data, qualities, qualities + length)
        if n_bad:
            return count, at, BAD_QUALITY, _word_end(data, qualities)
        offsets[count + 1] = put_bytes(out, target, tags, 0, tags.size)
        count += 1
        at = quality_line_end + 1
    return count, at, FULL, at
