"""Further fields of the text: one value for each read that is shown in a column, as samtools 1.24 writes them (bam_plcmd.c)."""

import numpy as np

from colonnade.formats.integers_kernels import read_i32, read_u16, read_u32
from colonnade.jit import kernel
from colonnade.pileup.segments_kernels import IS_MATCH, quality_of
from colonnade.pileup.text_kernels import STAR, put_byte, put_number, quality_letter
from colonnade.records.batch_kernels import REVERSE, find_tag, record_bounds

# What a field says; those of the record alone after those of the column.
MAPQ_LETTER, QUERY_POSITION, QUERY_POSITION_5, QNAME, FLAG, RNAME, POS, MAPQ, RNEXT, PNEXT, RLEN, TAG = range(12)


@kernel
def _put_bytes(out, at, source, start, end):
    for i in range(start, end):
        at = put_byte(out, at, source[i])
    return at


@kernel
def _put_contig(out, at, number, names, name_ends):
    if number < 0:
        return put_byte(out, at, STAR)
    return _put_bytes(out, at, names, name_ends[number - 1] if number else 0, name_ends[number])


@kernel
def _put_value(out, at, field, data, number, record, segment, column, start, values):
    """Write one value; returns where the next byte goes."""
    if field == MAPQ_LETTER:
        return put_byte(out, at, quality_letter(record.mapq))
    if field == QUERY_POSITION or field == QUERY_POSITION_5:
        is_gap = segment.state != IS_MATCH
        query = np.int64(segment.query) + (0 if is_gap else start + column - segment.start)
        if field == QUERY_POSITION_5 and record.flag & REVERSE:
            return put_number(out, at, record.l_seq - query + is_gap)
        return put_number(out, at, query + 1)
    if field == QNAME:
        return _put_bytes(out, at, data, record.name, record.name + record.l_name - 1)
    if field == FLAG:
        return put_number(out, at, np.int64(record.flag))
    if field == RNAME:
        return _put_contig(out, at, record.contig, values.names, values.name_ends)
    if field == POS:
        return put_number(out, at, record.start + 1)
    if field == MAPQ:
        return put_number(out, at, np.int64(record.mapq))
    if field == RNEXT:
        return _put_contig(out, at, record.next_contig, values.names, values.name_ends)
    if field == PNEXT:
        return put_number(out, at, np.int64(record.next_start) + 1)
    if field == RLEN:
        return put_number(out, at, np.int64(record.l_seq))
    first = values.text_ends[number - 1] if number else 0
    return _put_bytes(out, at, values.texts, first, values.text_ends[number])


@kernel
def measure_extra(field, separator, data, records, segments, start, min_baseq, values, counts, sizes):
    """Add to int64 ``sizes`` (columns,) the bytes of a field; ``counts`` are the reads shown, ``separator`` 0 for none."""
    nothing = np.empty(0, np.uint8)
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        for column in range(segment.start - start, segment.start - start + segment.length):
            if quality_of(data, record, segment, start + column) >= min_baseq:
                sizes[column] += _put_value(
                    nothing, 0, field, data, segment.record, record, segment, column, start, values
                )  # fmt: skip
    if separator:
        for column in range(sizes.size):
            sizes[column] += max(counts[column] - 1, 0)


@kernel
def write_extra(field, separator, data, records, segments, start, min_baseq, values, out, cursors):
    """Let each read write its value of a field; ``cursors``, int64 (columns,), say where."""
    shown = np.zeros(cursors.size, np.bool_)
    for i in range(segments.size):
        segment = segments[i]
        record = records[segment.record]
        for column in range(segment.start - start, segment.start - start + segment.length):
            if quality_of(data, record, segment, start + column) < min_baseq:
                continue
            at = cursors[column]
            if separator and shown[column]:
                out[at] = separator
                at += 1
            shown[column] = True
            cursors[column] = _put_value(out, at, field, data, segment.record, record, segment, column, start, values)


@kernel
def tag_texts(data, records, first, second, empty, out, ends):
    """Write a tag of each record, one after the other; returns whether one of them is a float, which it leaves to others.

    ``ends`` (int64) are filled with where each ends. With an ``out`` of no size only that is done. Arrays are ``*``.
    """
    at = np.int64(0)
    has_float = False
    for i in range(records.size):
        record = records[i]
        end = record_bounds(data, record)[1]
        tag = find_tag(data, record.qual + record.l_seq, end, first, second)
        kind = data[tag] if tag >= 0 else np.uint8(0)
        value = tag + 1
        if tag < 0:
            at = _put_bytes(out, at, empty, 0, empty.size)
        elif kind == 90 or kind == 72:  # Z H
            stop = value
            while stop < end and data[stop]:
                stop += 1
            at = _put_bytes(out, at, data, value, stop)
        elif kind == 65:  # A
            at = put_byte(out, at, data[value])
        elif kind == 67:  # C
            at = put_number(out, at, np.int64(data[value]))
        elif kind == 99:  # c
            at = put_number(out, at, np.int64(np.int8(data[value])))
        elif kind == 83:  # S
            at = put_number(out, at, read_u16(data, value))
        elif kind == 115:  # s
            at = put_number(out, at, np.int64(np.int16(read_u16(data, value))))
        elif kind == 73:  # I
            at = put_number(out, at, read_u32(data, value))
        elif kind == 105:  # i
            at = put_number(out, at, read_i32(data, value))
        elif kind == 102 or kind == 100:  # f d
            has_float = True
        else:
            at = put_byte(out, at, STAR)
        ends[i] = at
    return has_float
