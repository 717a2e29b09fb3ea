"""The trust boundary: one pass that checks raw BAM records and notes where their parts are.

Past ``load_records`` every offset and length of a record lies inside the buffer and every CIGAR fits its sequence,
so later kernels need no checks. Layout: SAM specification, section 4.2.
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.integers_kernels import read_i32, read_u16, read_u32
from colonnade.formats.tags_kernels import MALFORMED, NO_TAG, tag_end
from colonnade.jit import kernel
from colonnade.records.filters import OUTCOMES, Flag

# Why load_records came back.
OK = 0
FULL = 1  # no room for another record
INCOMPLETE = 2  # the record at the offset goes on beyond the bytes
BAD_SIZE = 3
BAD_LENGTHS = 4
BAD_NAME = 5
BAD_OPERATION = 6
CIGAR_NOT_SEQUENCE = 7
BAD_CONTIG = 8
BAD_POSITION = 9
OUT_OF_ORDER = 10
BAD_TAGS = 11
BAD_END = 12

# What became of a record: kept, or the first condition that removed it.
N_OUTCOMES = len(OUTCOMES)
KEPT, UNMAPPED, REQUIRE_FLAGS, ANY_FLAGS, EXCLUDE_FLAGS, MIN_MAPQ, DROP_ORPHANS, READ_GROUPS = range(N_OUTCOMES)

# Qualities that mark a base which counts nowhere, not even as low quality. Real ones are at most MAX_QUALITY.
DROPPED = 255  # its mate answers for the template
EXCLUDED = 254  # trimmed
MAX_QUALITY = 200  # as htslib's largest sum of two mates
NO_QUALITY = 255  # in a file: the read came without

FIXED_SIZE = 32
MAX_SIZE = 1 << 28  # of a record that is believed; the longest reads with all their tags need a tenth
MAX_POSITION = (1 << 31) - 1
PAIRED, PROPER_PAIR, UNMAP, MUNMAP = int(Flag.PAIRED), int(Flag.PROPER_PAIR), int(Flag.UNMAP), int(Flag.MUNMAP)
REVERSE, SECONDARY, SUPPLEMENTARY = int(Flag.REVERSE), int(Flag.SECONDARY), int(Flag.SUPPLEMENTARY)
CONSUMES_QUERY = (1 << 0) | (1 << 1) | (1 << 4) | (1 << 7) | (1 << 8)  # M I S = X
CONSUMES_REFERENCE = (1 << 0) | (1 << 2) | (1 << 3) | (1 << 7) | (1 << 8)  # M D N = X
MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, PAD = 0, 1, 2, 3, 4, 6


class Conditions(NamedTuple):
    """A read filter as kernels take it."""

    min_mapq: int
    require_flags: int
    any_flags: int
    exclude_flags: int
    drop_orphans: bool
    by_read_group: bool
    read_groups_excluded: bool  # else only those are wanted
    read_groups: np.ndarray  # uint8: the names one after the other
    read_group_ends: np.ndarray  # int64
    missing_quality: int
    max_quality: int
    trim5: int
    trim3: int


class Window(NamedTuple):
    """Which records are wanted: of one contig, those that overlap [start, end)."""

    contig: int
    start: int
    end: int
    counted_to: int  # outcomes are counted of those that start here or later


@kernel
def is_match(kind):
    """Whether a CIGAR operation aligns bases: M, = or X."""
    return kind == 0 or kind == 7 or kind == 8


@kernel
def read_nibble(data, seq, query):
    """The 4-bit code (=ACMGRSVTWYHKDBN) of one base of a sequence that begins at ``seq``."""
    return data[seq + (query >> 1)] >> (0 if query & 1 else 4) & 15


@kernel
def find_tag(data, offset, end, first, second):
    """Where the type of a tag with this two-letter name stands, NO_TAG, or MALFORMED where the tags do not parse."""
    while offset + 3 <= end:
        if data[offset] == first and data[offset + 1] == second:
            return offset + 2
        offset = tag_end(data, offset, end)
        if offset == MALFORMED:
            return MALFORMED
    return NO_TAG if offset == end else MALFORMED


@kernel
def find_long_cigar(data, offset, end):
    """Where the operations of the CG tag begin and how many there are; or (NO_TAG or MALFORMED, 0)."""
    tag = find_tag(data, offset, end, 67, 71)  # CG
    if tag < 0:
        return tag, np.int64(0)
    if tag + 6 > end or data[tag] != 66 or data[tag + 1] != 73:  # B, I
        return NO_TAG, np.int64(0)
    n_items = read_u32(data, tag + 2)
    if tag + 6 + 4 * n_items > end:
        return MALFORMED, np.int64(0)
    return tag + 6, n_items


@kernel
def is_in_read_groups(data, tags, end, names, name_ends):
    """Whether the RG tag of a record is one of some names."""
    tag = find_tag(data, tags, end, 82, 71)  # RG
    if tag < 0 or data[tag] != 90:  # Z
        return False
    name_start = np.int64(0)
    for name_end in name_ends:
        length = name_end - name_start
        if tag + 1 + length < end and data[tag + 1 + length] == 0:
            same = True
            for i in range(length):
                if data[tag + 1 + i] != names[name_start + i]:
                    same = False
                    break
            if same:
                return True
        name_start = name_end
    return False


@kernel
def outcome_of(data, flag, mapq, tags, end, conditions):
    """KEPT, or the first condition that a record fails."""
    if flag & UNMAP:
        return UNMAPPED
    if flag & conditions.require_flags != conditions.require_flags:
        return REQUIRE_FLAGS
    if conditions.any_flags and not flag & conditions.any_flags:
        return ANY_FLAGS
    if flag & conditions.exclude_flags:
        return EXCLUDE_FLAGS
    if mapq < conditions.min_mapq:
        return MIN_MAPQ
    if conditions.drop_orphans and flag & PAIRED and not flag & PROPER_PAIR:
        return DROP_ORPHANS
    if conditions.by_read_group:
        is_in = is_in_read_groups(data, tags, end, conditions.read_groups, conditions.read_group_ends)
        if is_in == conditions.read_groups_excluded:
            return READ_GROUPS
    return KEPT


@kernel
def find_kept(data, records, conditions, kept):
    """Set bool ``kept`` (records,) where checked records meet conditions that need no tags."""
    for i in range(records.size):
        record = records[i]
        outcome = outcome_of(data, record.flag, record.mapq, np.int64(0), np.int64(0), conditions)
        kept[i] = outcome == KEPT


@kernel
def prepare_qualities(data, qual, l_seq, is_reverse, conditions):
    """Give a read without qualities (0xFF) the same one at every base, and mark the bases trimmed off its ends."""
    is_stored = conditions.missing_quality == NO_QUALITY and conditions.max_quality == NO_QUALITY
    if l_seq == 0 or (is_stored and conditions.trim5 == 0 and conditions.trim3 == 0):
        return
    if data[qual] == NO_QUALITY:
        for base in range(qual, qual + l_seq):
            data[base] = conditions.missing_quality
    else:
        for base in range(qual, qual + l_seq):
            data[base] = min(data[base], np.uint8(conditions.max_quality))
    left = min(l_seq, conditions.trim3 if is_reverse else conditions.trim5)
    right = min(l_seq, conditions.trim5 if is_reverse else conditions.trim3)
    for base in range(qual, qual + left):
        data[base] = EXCLUDED
    for base in range(qual + l_seq - right, qual + l_seq):
        data[base] = EXCLUDED


@kernel
def load_records(data, offset, end, n_contigs, window, conditions, file, order, outcomes, records, filled):
    """Check the records in bytes [offset, end) and add those of a window that meet the conditions to ``records``.

    Of records beyond the window or on a later contig only the order is checked: one of them amid others would hide those.

    Parameters
    ----------
    order
        int64: contig and position of the last record, kept between calls.
    outcomes
        int64 (N_OUTCOMES,): how many records were kept, or removed by each condition.
    filled
        How many of ``records`` are taken already.

    Returns
    -------
    Number filled, status, offset of the record where it came back, what was found there.
    """
    while offset < end:
        body = offset + 4
        if body > end:
            return filled, INCOMPLETE, offset, np.int64(0)
        size = read_u32(data, offset)
        if size < FIXED_SIZE or size > MAX_SIZE:
            return filled, BAD_SIZE, offset, size
        record_end = body + size
        if record_end > end:
            return filled, INCOMPLETE, offset, size
        if filled == records.size:
            return filled, FULL, offset, np.int64(0)
        tid = read_i32(data, body)
        position = read_i32(data, body + 4)
        if tid < -1 or tid >= n_contigs:
            return filled, BAD_CONTIG, offset, tid
        if position < -1:
            return filled, BAD_POSITION, offset, position

        # Coordinate order; unplaced records (-1) come last.
        if tid >= 0 and (order[0] < 0 or tid < order[0] or (tid == order[0] and position < order[1])):
            return filled, OUT_OF_ORDER, offset, position
        order[0] = tid
        order[1] = position
        if tid < 0 or tid > window.contig or (tid == window.contig and position >= window.end):
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
            if long_cigar == MALFORMED:
                return filled, BAD_TAGS, offset, np.int64(0)
            if long_cigar >= 0:
                cigar = long_cigar
                n_cigar = n_long
        # Without one of CIGAR and sequence, only the tags tell whether the lengths are right.
        elif (n_cigar == 0 or l_seq == 0) and find_tag(data, tags, record_end, 0, 0) == MALFORMED:
            return filled, BAD_TAGS, offset, np.int64(0)
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
        if position + span > MAX_POSITION:
            return filled, BAD_END, offset, position + span

        covered_end = position + max(span, 1)
        if tid == window.contig and covered_end > window.start:
            outcome = outcome_of(data, flag, mapq, tags, record_end, conditions)
            if position >= window.counted_to:
                outcomes[outcome] += 1
            if outcome == KEPT:
                prepare_qualities(data, qual, l_seq, flag & REVERSE != 0, conditions)
                record = records[filled]
                record.start = position
                record.end = position + span
                record.ordinal = 0
                record.gap_until = 0
                record.gap_query = 0
                record.gap_quality = 0
                record.refused = False
                record.alone = False
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
                record.file = file
                record.mapq = mapq
                record.l_name = l_name
                filled += 1
        offset = record_end
    return filled, OK, offset, np.int64(0)


@kernel
def record_bounds(data, record):
    """Where a record that has all its bytes begins and ends, its size included."""
    start = record.name - FIXED_SIZE - 4
    return start, start + 4 + read_u32(data, start)


@kernel
def packed_size(data, records, whole):
    """Bytes that names, CIGARs, sequences and qualities of some records take, or the whole records."""
    size = np.int64(0)
    for i in range(records.size):
        record = records[i]
        if whole:
            start, end = record_bounds(data, record)
            size += end - start
        else:
            size += np.int64(record.l_name) + 4 * record.n_cigar + (record.l_seq + 1) // 2 + record.l_seq
    return size


@kernel
def _copy(source, start, length, target, offset):
    for i in range(length):
        target[offset + i] = source[start + i]
    return offset + length


@kernel
def pack_records(data, records, whole, target):
    """Copy what ``packed_size`` measures to ``target``, one record after the other, and make the records point there."""
    offset = np.int64(0)
    for i in range(records.size):
        record = records[i]
        name, cigar, seq, qual = record.name, record.cigar, record.seq, record.qual
        if whole:
            start, end = record_bounds(data, record)
            moved = offset - start
            offset = _copy(data, start, end - start, target, offset)
            record.name, record.cigar, record.seq, record.qual = name + moved, cigar + moved, seq + moved, qual + moved
            continue
        record.name = offset
        offset = _copy(data, name, np.int64(record.l_name), target, offset)
        record.cigar = offset
        offset = _copy(data, cigar, 4 * np.int64(record.n_cigar), target, offset)
        record.seq = offset
        offset = _copy(data, seq, (np.int64(record.l_seq) + 1) // 2, target, offset)
        record.qual = offset
        offset = _copy(data, qual, np.int64(record.l_seq), target, offset)
