"""The trust boundary: one pass that checks raw BAM records and notes where their parts are.

Past ``load_records`` every offset and length of a record lies inside the buffer and every CIGAR fits its sequence,
so later kernels need no checks. Layout: SAM specification, section 4.2.
"""

import numpy as np

from colonnade.jit import kernel

OK = 0
BAD_SIZE = 1
BAD_LENGTHS = 2
BAD_NAME = 3
BAD_OPERATION = 4
CIGAR_NOT_SEQUENCE = 5
BAD_CONTIG = 6
BAD_POSITION = 7
OUT_OF_ORDER = 8
BAD_TAGS = 9

FIXED_SIZE = 32
PAIRED, PROPER_PAIR, UNMAP = 0x1, 0x2, 0x4
CONSUMES_QUERY = (1 << 0) | (1 << 1) | (1 << 4) | (1 << 7) | (1 << 8)  # M I S = X
CONSUMES_REFERENCE = (1 << 0) | (1 << 2) | (1 << 3) | (1 << 7) | (1 << 8)  # M D N = X
SOFT_CLIP, SKIP = 4, 3


@kernel
def read_u16(data, offset):
    return np.int64(data[offset]) | np.int64(data[offset + 1]) << 8


@kernel
def read_u32(data, offset):
    return (
        np.int64(data[offset])
        | np.int64(data[offset + 1]) << 8
        | np.int64(data[offset + 2]) << 16
        | np.int64(data[offset + 3]) << 24
    )


@kernel
def read_i32(data, offset):
    value = read_u32(data, offset)
    return value - (1 << 32) if value >= 1 << 31 else value


@kernel
def is_match(kind):
    """Whether a CIGAR operation aligns bases: M, = or X."""
    return kind == 0 or kind == 7 or kind == 8


@kernel
def read_nibble(data, seq, query):
    """The 4-bit code (=ACMGRSVTWYHKDBN) of one base of a sequence that begins at ``seq``."""
    return data[seq + (query >> 1)] >> (0 if query & 1 else 4) & 15


@kernel
def count_records(data, segments):
    """How many records lie in the segments (start, end) of a buffer; -1 with the offset of one whose size is wrong."""
    count = 0
    for segment in range(segments.shape[0]):
        offset = segments[segment, 0]
        end = segments[segment, 1]
        while offset < end:
            if offset + 4 > end:
                return -1, offset
            size = read_u32(data, offset)
            if size < FIXED_SIZE or offset + 4 + size > end:
                return -1, offset
            offset += 4 + size
            count += 1
    return count, 0


@kernel
def _value_size(kind):
    if kind == 65 or kind == 99 or kind == 67:  # A c C
        return 1
    if kind == 115 or kind == 83:  # s S
        return 2
    if kind == 105 or kind == 73 or kind == 102:  # i I f
        return 4
    return 0


@kernel
def find_long_cigar(data, offset, end):
    """Where the CG tag's operations begin and how many there are; (-1, BAD_TAGS) if the tags do not parse, (-1, 0) if none."""
    while offset + 3 <= end:
        first, second, kind = data[offset], data[offset + 1], data[offset + 2]
        offset += 3
        if kind == 90 or kind == 72:  # Z H
            while offset < end and data[offset] != 0:
                offset += 1
            offset += 1
        elif kind == 66:  # B
            if offset + 5 > end:
                return -1, BAD_TAGS
            item = _value_size(data[offset])
            n_items = read_u32(data, offset + 1)
            if item == 0 or offset + 5 + item * n_items > end:
                return -1, BAD_TAGS
            if first == 67 and second == 71 and data[offset] == 73:  # CG:B,I
                return offset + 5, n_items
            offset += 5 + item * n_items
        else:
            size = _value_size(kind)
            if size == 0:
                return -1, BAD_TAGS
            offset += size
    return -1, (0 if offset == end else BAD_TAGS)


@kernel
def load_records(
    data, segments, n_contigs, contig, start, end, min_mapq, require_flags, exclude_flags, drop_orphans, records
):
    """Check every record of the segments and fill ``records`` with those that pass the filter and overlap [start, end).

    Returns (number filled, status, offset of the bad record, what was found there). Of records beyond ``end`` or on a
    later contig only the order is checked: one of them amid others would hide those.
    """
    filled = 0
    last_position = np.int64(-1)
    last_contig = np.int64(0)
    for segment in range(segments.shape[0]):
        offset = segments[segment, 0]
        segment_end = segments[segment, 1]
        while offset < segment_end:
            body = offset + 4
            record_end = body + read_u32(data, offset)
            tid = read_i32(data, body)
            position = read_i32(data, body + 4)

            if tid < -1 or tid >= n_contigs:
                return filled, BAD_CONTIG, offset, tid
            if position < -1:
                return filled, BAD_POSITION, offset, position

            # Coordinate order; unplaced records (-1) come last.
            if tid >= 0 and (last_contig < 0 or tid < last_contig or (tid == last_contig and position < last_position)):
                return filled, OUT_OF_ORDER, offset, position
            last_contig = tid
            last_position = position
            if tid < 0 or tid > contig or (tid == contig and position >= end):
                offset = record_end
                continue

            l_name = np.int64(data[body + 8])
            mapq = np.int64(data[body + 9])
            n_cigar = read_u16(data, body + 12)
            flag = read_u16(data, body + 14)
            l_seq = read_i32(data, body + 16)
            next_tid = read_i32(data, body + 20)

            # Every part inside the record, ids inside the header.
            name = body + FIXED_SIZE
            cigar = name + l_name
            seq = cigar + 4 * n_cigar
            if l_seq < 0 or l_name < 1:
                return filled, BAD_LENGTHS, offset, l_seq
            qual = seq + (l_seq + 1) // 2
            tags = qual + l_seq
            if tags > record_end:
                return filled, BAD_LENGTHS, offset, tags - body
            if data[cigar - 1] != 0:
                return filled, BAD_NAME, offset, l_name
            if next_tid < -1 or next_tid >= n_contigs:
                return filled, BAD_CONTIG, offset, next_tid

            # CIGAR: known operations that fit the sequence; more than 65,535 of them live in the CG tag.
            if (
                n_cigar == 2
                and (read_u32(data, cigar) & 15) == SOFT_CLIP
                and (read_u32(data, cigar) >> 4) == l_seq
                and (read_u32(data, cigar + 4) & 15) == SKIP
            ):
                long_cigar, n_long = find_long_cigar(data, tags, record_end)
                if long_cigar < 0 and n_long == BAD_TAGS:
                    return filled, BAD_TAGS, offset, 0
                if long_cigar >= 0:
                    cigar = long_cigar
                    n_cigar = n_long
            # Without one of CIGAR and sequence, only the tags tell whether the lengths are right.
            elif (n_cigar == 0 or l_seq == 0) and find_long_cigar(data, tags, record_end) == (-1, BAD_TAGS):
                return filled, BAD_TAGS, offset, 0
            query = np.int64(0)
            span = np.int64(0)
            for operation in range(n_cigar):
                packed = read_u32(data, cigar + 4 * operation)
                kind = packed & 15
                if kind > 8:
                    return filled, BAD_OPERATION, offset, kind
                if CONSUMES_QUERY >> kind & 1:
                    query += packed >> 4
                if CONSUMES_REFERENCE >> kind & 1:
                    span += packed >> 4
            if n_cigar > 0 and l_seq > 0 and query != l_seq:
                return filled, CIGAR_NOT_SEQUENCE, offset, query

            if (
                tid == contig
                and position + max(span, 1) > start
                and not flag & UNMAP
                and n_cigar > 0
                and mapq >= min_mapq
                and flag & require_flags == require_flags
                and not flag & exclude_flags
                and not (drop_orphans and flag & PAIRED and not flag & PROPER_PAIR)
            ):
                record = records[filled]
                record.start = position
                record.end = position + span
                record.name = name
                record.cigar = cigar
                record.seq = seq
                record.qual = qual
                record.template_length = read_i32(data, body + 28)
                record.next_start = read_i32(data, body + 24)
                record.next_contig = next_tid
                record.n_cigar = n_cigar
                record.l_seq = l_seq
                record.contig = tid
                record.flag = flag
                record.mapq = mapq
                record.l_name = l_name
                filled += 1
            offset = record_end
    return filled, OK, 0, 0


@kernel
def fill_missing_qualities(data, records, quality):
    """Give reads without qualities (0xFF) the same one at every base."""
    for i in range(records.size):
        record = records[i]
        if record.l_seq > 0 and data[record.qual] == 255:
            for base in range(record.l_seq):
                data[record.qual + base] = quality
