"""Overlapping mates: one base of each template counts, as htslib 1.24 decides (sam.c, tweak_overlap_quality).

The order of htslib's events is kept: records enter in file order, an entry of its table of waiting mates disappears when
it is resolved or when any record of the same name falls behind the pileup (held by test_overlap_equals_mpileup).
"""

import numpy as np

from colonnade.jit import kernel
from colonnade.records.batch_kernels import is_match, read_nibble, read_u32

DROPPED = 255  # quality of a base that its mate answers for; differs from a read's own quality 0
MAX_SUM = 200  # largest summed quality, as in htslib

PAIRED, PROPER_PAIR, MATE_UNMAPPED = 0x1, 0x2, 0x8
INSERTION, DELETION, SKIP, SOFT_CLIP = 1, 2, 3, 4


@kernel
def name_hash(data, start, length):
    """X31 hash of a read name (khash.h), 32 bits; ``length`` includes the NUL."""
    value = np.uint32(0)
    for i in range(start, start + length - 1):
        value = np.uint32(value * np.uint32(31) + np.uint32(np.int8(data[i])))
    return value


@kernel
def prefers_first(hashed):
    """Whether the mate that came first keeps its bases: the lowest bit of Wang's integer hash (khash.h)."""
    key = np.uint32(hashed)
    key = np.uint32(key + ~np.uint32(key << np.uint32(15)))
    key = np.uint32(key ^ (key >> np.uint32(10)))
    key = np.uint32(key + np.uint32(key << np.uint32(3)))
    key = np.uint32(key ^ (key >> np.uint32(6)))
    key = np.uint32(key + ~np.uint32(key << np.uint32(11)))
    key = np.uint32(key ^ (key >> np.uint32(16)))
    return key & np.uint32(1) == 1


@kernel
def _seek(data, record, position):
    """Cursor (operation, offset in it, query, reference) at the first aligned base at or after a reference position.

    The operation is -1 when there is none.
    """
    query = np.int64(0)
    reference = record.start
    for operation in range(record.n_cigar):
        packed = read_u32(data, record.cigar + 4 * operation)
        kind = packed & 15
        length = packed >> 4
        if is_match(kind):
            if reference + length > position:
                within = max(np.int64(0), position - reference)
                return operation, within, query + within, reference + within
            query += length
            reference += length
        elif kind == INSERTION or kind == SOFT_CLIP:
            query += length
        elif kind == DELETION or kind == SKIP:
            reference += length
    return -1, np.int64(0), query, reference


@kernel
def _advance(data, record, operation, within, query, reference):
    """The cursor at the next aligned base."""
    packed = read_u32(data, record.cigar + 4 * operation)
    if within + 1 < packed >> 4:
        return operation, within + 1, query + 1, reference + 1
    query += 1
    reference += 1
    for later in range(operation + 1, record.n_cigar):
        packed = read_u32(data, record.cigar + 4 * later)
        kind = packed & 15
        length = packed >> 4
        if is_match(kind):
            if length > 0:
                return later, np.int64(0), query, reference
        elif kind == INSERTION or kind == SOFT_CLIP:
            query += length
        elif kind == DELETION or kind == SKIP:
            reference += length
    return -1, np.int64(0), query, reference


@kernel
def _follows_deletion(data, record, operation):
    return operation > 0 and read_u32(data, record.cigar + 4 * (operation - 1)) & 15 == DELETION


@kernel
def _quality(data, offset):
    return 0 if data[offset] == DROPPED else np.int64(data[offset])


@kernel
def _scaled(quality):
    return np.uint8(0.8 * quality)


@kernel
def resolve_pair(data, first, second, first_is_kept):
    """Change the qualities of two mates so that where both have a base, one answers for the template.

    Agreeing bases: the kept mate gets the sum. Disagreeing: the better base keeps 0.8 of its quality; equal ones are
    decided by ``first_is_kept``. A base opposite a deletion of its mate is lowered in the kept mate, dropped in the other.
    """
    if first.l_seq == 0 or second.l_seq == 0:
        return
    a, a_within, a_query, a_ref = _seek(data, first, second.start)
    if a < 0:
        return
    b, b_within, b_query, b_ref = _seek(data, second, second.start)
    if b < 0:
        return
    position = second.start
    while True:
        while a >= 0 and a_ref < position:
            a, a_within, a_query, a_ref = _advance(data, first, a, a_within, a_query, a_ref)
        if a < 0:
            return
        while b >= 0 and b_ref < position:
            b, b_within, b_query, b_ref = _advance(data, second, b, b_within, b_query, b_ref)
        if b < 0:
            return
        position = max(position, a_ref, b_ref) + 1

        # One mate has jumped ahead: over a deletion the other's bases are lowered; over a skip nothing is compared.
        if a_ref < b_ref and _follows_deletion(data, second, b):
            while a_ref < b_ref:
                offset = first.qual + a_query
                data[offset] = _scaled(_quality(data, offset)) if first_is_kept else np.uint8(DROPPED)
                a, a_within, a_query, a_ref = _advance(data, first, a, a_within, a_query, a_ref)
                if a < 0:
                    return
        elif a_ref != b_ref and _follows_deletion(data, first, a):
            while True:  # at least once, even where it is the second mate that jumped, over a skip: so htslib
                offset = second.qual + b_query
                data[offset] = np.uint8(DROPPED) if first_is_kept else _scaled(_quality(data, offset))
                b, b_within, b_query, b_ref = _advance(data, second, b, b_within, b_query, b_ref)
                if b < 0:
                    return
                if b_ref >= a_ref:
                    break
        elif a_ref != b_ref:
            continue

        a_offset = first.qual + a_query
        b_offset = second.qual + b_query
        a_quality = _quality(data, a_offset)
        b_quality = _quality(data, b_offset)
        if read_nibble(data, first.seq, a_query) == read_nibble(data, second.seq, b_query):
            kept = min(a_quality + b_quality, MAX_SUM)
            keep_a = first_is_kept
        else:
            keep_a = first_is_kept if a_quality == b_quality else a_quality > b_quality
            kept = np.int64(_scaled(max(a_quality, b_quality)))
        data[a_offset] = np.uint8(kept) if keep_a else np.uint8(DROPPED)
        data[b_offset] = np.uint8(DROPPED) if keep_a else np.uint8(kept)


@kernel
def _same_name(data, first, second):
    if first.l_name != second.l_name:
        return False
    for i in range(first.l_name):
        if data[first.name + i] != data[second.name + i]:
            return False
    return True


@kernel
def resolve_overlaps(data, records, proper_only, heads, earlier, hashes, front, is_waiting):
    """Resolve all overlapping mates of a batch, in place. Returns the number of resolved pairs.

    ``heads`` (int32, a power of two, filled with -1) is the table of names; ``earlier`` (int32), ``hashes`` (uint32), ``front``
    (int64) and ``is_waiting`` (bool) have one entry per record: the previous record of the same table slot, the name's hash,
    how far the pileup had come when the record was about to enter, and whether it waits for its mate.
    """
    mask = heads.size - 1
    resolved = 0
    last_start = np.int64(-1)
    for i in range(records.size):
        record = records[i]
        front[i] = last_start
        enters = record.end > record.start or record.start > last_start
        last_start = record.start
        if record.flag & MATE_UNMAPPED or not record.flag & (PROPER_PAIR if proper_only else PAIRED):
            continue
        if not enters:
            continue
        hashed = name_hash(data, record.name, record.l_name)
        hashes[i] = hashed
        slot = np.int64(hashed ^ (hashed >> np.uint32(15))) & mask
        head = heads[slot]
        earlier[i] = head
        heads[slot] = i
        if (record.next_contig >= 0 and record.next_contig != record.contig) or (
            abs(np.int64(record.template_length)) >= 2 * record.l_seq and record.next_start >= record.end
        ):
            continue

        # The waiting record of this name, unless one of the name fell behind the pileup since it began to wait.
        waiting = -1
        j = head
        while j >= 0:
            if is_waiting[j] and hashes[j] == hashed and _same_name(data, records[j], record):
                waiting = j
                break
            j = earlier[j]
        if waiting >= 0:
            j = head
            while j >= 0:
                if (
                    front[waiting] <= records[j].end < front[i]
                    and hashes[j] == hashed
                    and _same_name(data, records[j], record)
                ):
                    is_waiting[waiting] = False
                    waiting = -1
                    break
                j = earlier[j]
        if waiting >= 0:
            resolve_pair(data, records[waiting], record, prefers_first(hashed))
            is_waiting[waiting] = False
            resolved += 1
        elif record.next_start >= record.start or record.next_start == -1:
            is_waiting[i] = True
    return resolved
