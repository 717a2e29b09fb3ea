"""Overlapping mates: one base of each template counts, as htslib 1.24 decides (sam.c, tweak_overlap_quality).

The order of htslib's events is kept: records enter in file order, an entry of its table of waiting mates disappears when
it is resolved or when any record of the same name falls behind the pileup (held by test_overlap_equals_mpileup).
"""

import numpy as np

from colonnade.formats.integers_kernels import read_u32
from colonnade.jit import kernel
from colonnade.records.batch_kernels import (
    DELETION,
    EXCLUDED,
    INSERTION,
    MAX_QUALITY,
    MUNMAP,
    PAD,
    PAIRED,
    PROPER_PAIR,
    SECONDARY,
    SKIP,
    SOFT_CLIP,
    SUPPLEMENTARY,
    is_match,
    read_nibble,
)

OUTSIDE, ENTERED, WAITING = 0, 1, 2  # what a record is in the table of names


@kernel
def name_hash(data, start, length):
    """X31 hash of a read name (khash.h), 32 bits; ``length`` includes the NUL."""
    value = np.uint32(0)
    for i in range(start, start + length - 1):
        value = np.uint32(value * np.uint32(31) + np.uint32(np.int8(data[i])))
    return value


@kernel
def _slot(hashed, heads):
    """Where in the table of names a name is."""
    return np.int64(hashed ^ (hashed >> np.uint32(15))) & (heads.size - 1)


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
def _note_gap(data, record, operation, within, query, until):
    """Note the quality of a base after a deletion or skip, for the columns inside it that htslib has given out already.

    There a column has the quality of that base, and the mate that is about to change it came too late for those before
    ``until`` (held by test_quality_inside_a_deletion_is_that_before_the_mate_came).
    """
    before = operation - 1
    while before >= 0 and read_u32(data, record.cigar + 4 * before) & 15 == PAD:
        before -= 1
    if within > 0 or before < 0:
        return
    kind = read_u32(data, record.cigar + 4 * before) & 15
    if kind == DELETION or kind == SKIP:
        record.gap_until = until
        record.gap_query = query
        record.gap_quality = data[record.qual + query]


@kernel
def _quality(data, offset, lost):
    return 0 if data[offset] == lost else np.int64(data[offset])


@kernel
def _scaled(quality):
    return np.uint8(0.8 * quality)


@kernel
def _lower(data, offset, is_kept, lost):
    """What becomes of a base opposite a deletion of its mate."""
    if data[offset] != EXCLUDED:
        data[offset] = _scaled(_quality(data, offset, lost)) if is_kept else np.uint8(lost)


@kernel
def _resolve_bases(first_data, a_quality, a_base, second_data, b_quality, b_base, first_is_kept, lost):
    """Leave one of two bases at the same place, given the offsets of their qualities; a trimmed one leaves the other alone."""
    if first_data[a_quality] == EXCLUDED or second_data[b_quality] == EXCLUDED:
        return
    a, b = _quality(first_data, a_quality, lost), _quality(second_data, b_quality, lost)
    if a_base == b_base:
        kept = min(a + b, np.int64(MAX_QUALITY))
        keep_a = first_is_kept
    else:
        keep_a = first_is_kept if a == b else a > b
        kept = np.int64(_scaled(max(a, b)))
    first_data[a_quality] = np.uint8(kept) if keep_a else np.uint8(lost)
    second_data[b_quality] = np.uint8(lost) if keep_a else np.uint8(kept)


@kernel
def resolve_pair(first_data, first, second_data, second, first_is_kept, lost, given_out_to):
    """Change the qualities of two mates so that where both have a base, one answers for the template.

    Agreeing bases: the kept mate gets the sum. Disagreeing: the better base keeps 0.8 of its quality; equal ones are
    decided by ``first_is_kept``. A base opposite a deletion of its mate is lowered in the kept mate, lost in the other.
    ``lost`` is what a base gets that counts no more; ``given_out_to``, where the second mate found the pileup.
    """
    if first.l_seq == 0 or second.l_seq == 0:
        return
    a, a_within, a_query, a_ref = _seek(first_data, first, second.start)
    if a < 0:
        return
    b, b_within, b_query, b_ref = _seek(second_data, second, second.start)
    if b < 0:
        return
    _note_gap(first_data, first, a, a_within, a_query, given_out_to)
    position = second.start
    while True:
        while a >= 0 and a_ref < position:
            a, a_within, a_query, a_ref = _advance(first_data, first, a, a_within, a_query, a_ref)
        if a < 0:
            return
        while b >= 0 and b_ref < position:
            b, b_within, b_query, b_ref = _advance(second_data, second, b, b_within, b_query, b_ref)
        if b < 0:
            return
        position = max(position, a_ref, b_ref) + 1

        # One mate has jumped ahead: over a deletion the other's bases are lowered; over a skip nothing is compared.
        if a_ref < b_ref and _follows_deletion(second_data, second, b):
            while a_ref < b_ref:
                _lower(first_data, first.qual + a_query, first_is_kept, lost)
                a, a_within, a_query, a_ref = _advance(first_data, first, a, a_within, a_query, a_ref)
                if a < 0:
                    return
        elif a_ref != b_ref and _follows_deletion(first_data, first, a):
            while True:  # at least once, even where it is the second mate that jumped, over a skip: so htslib
                _lower(second_data, second.qual + b_query, not first_is_kept, lost)
                b, b_within, b_query, b_ref = _advance(second_data, second, b, b_within, b_query, b_ref)
                if b < 0:
                    return
                if b_ref >= a_ref:
                    break
        elif a_ref != b_ref:
            continue

        _resolve_bases(
            first_data,
            first.qual + a_query,
            read_nibble(first_data, first.seq, a_query),
            second_data,
            second.qual + b_query,
            read_nibble(second_data, second.seq, b_query),
            first_is_kept,
            lost,
        )


@kernel
def _is_same_template(first_data, first, second_data, second):
    if first.l_name != second.l_name or first.file != second.file:
        return False
    for i in range(first.l_name):
        if first_data[first.name + i] != second_data[second.name + i]:
            return False
    return True


@kernel
def long_hash(data, start, length):
    """64 bits that stand for a read name: ``name_hash`` in the lower half, FNV-1a in the upper one."""
    value = np.uint32(2166136261)
    for i in range(start, start + length - 1):
        value = np.uint32((value ^ np.uint32(data[i])) * np.uint32(16777619))
    return np.uint64(value) << np.uint64(32) | np.uint64(name_hash(data, start, length))


@kernel
def _forget(held_data, held, data, records, record, n_held, first, heads, earlier, states, hashes, expiry):
    """Take a waiting record of the same name as ``record`` off the table (arguments as of ``resolve_overlaps``)."""
    hashed = name_hash(data, record.name, record.l_name)
    j = heads[_slot(hashed, heads)]
    while j >= 0:
        if states[j] == WAITING and hashes[j] == hashed:
            other = held[j] if j < n_held else records[j - first]
            if _is_same_template(held_data if j < n_held else data, other, data, record):
                states[j] = ENTERED
                expiry[j] = other.end
        j = earlier[j]


@kernel
def resolve_overlaps(
    held_data, held, held_expiry, passed, data, records, as_htslib, lost, fronts, heads, earlier, states, hashes, expiry
):
    """Resolve the overlapping mates of a batch and of records held from earlier ones, in place; returns the number of pairs.

    Parameters
    ----------
    held_data, held, held_expiry
        Records of earlier batches that wait for their mates, their bytes, and when htslib forgets them.
    passed
        Array of PASSED: other records of earlier batches that have not fallen behind yet.
    data, records
        The batch.
    as_htslib
        Whether proper pairs count, and all their records, or primary records, proper or not.
    lost
        Quality of a base that counts no more.
    fronts
        int64, per file: start of the last record that entered; kept between calls.
    heads
        int32, a power of two of -1: the table of names.
    earlier, states, hashes, expiry
        Per record: those held, those passed, those of the batch. int32 -1: the previous record of the same slot. uint8 OUTSIDE:
        what it is in the table, and at last whether it matters to the next batch. uint32: hash of the name. int64: its
        end; where it waits, when htslib forgets that, namely when the first record of its name falls behind the pileup.
    """
    n_held = held.size
    first = n_held + passed.size
    resolved = 0
    for i in range(first):
        if i < n_held:
            states[i] = WAITING
            hashes[i] = name_hash(held_data, held[i].name, held[i].l_name)
            expiry[i] = held_expiry[i]
        else:
            states[i] = ENTERED
            hashes[i] = np.uint32(passed[i - n_held].hash & np.uint64(0xFFFFFFFF))
            expiry[i] = passed[i - n_held].end
        slot = _slot(hashes[i], heads)
        earlier[i] = heads[slot]
        heads[slot] = i
    for number in range(records.size):
        record = records[number]
        last_start = fronts[record.file]
        fronts[record.file] = record.start
        if record.refused:
            if record.flag & PROPER_PAIR:  # htslib forgets who waits for it
                _forget(held_data, held, data, records, record, n_held, first, heads, earlier, states, hashes, expiry)
            continue
        if not record.flag & (PROPER_PAIR if as_htslib else PAIRED):
            continue
        if not as_htslib and record.flag & (MUNMAP | SECONDARY | SUPPLEMENTARY):
            continue
        if record.end == record.start and record.start <= last_start:
            continue
        i = first + number
        hashed = name_hash(data, record.name, record.l_name)
        slot = _slot(hashed, heads)
        head = heads[slot]
        earlier[i] = head
        heads[slot] = i
        states[i] = ENTERED
        hashes[i] = hashed
        expiry[i] = record.end

        # The waiting record of this name, unless htslib has forgotten it; and when the first of the name falls behind.
        waiting = -1
        first_end = record.end
        later = i
        j = head
        while j >= 0:
            is_needed = True
            if hashes[j] == hashed:
                if n_held <= j < first:
                    other_end = expiry[j]
                    is_same = passed[j - n_held].file == record.file and passed[j - n_held].hash == long_hash(
                        data, record.name, record.l_name
                    )
                else:
                    other = held[j] if j < n_held else records[j - first]
                    other_end = other.end
                    is_same = _is_same_template(held_data if j < n_held else data, other, data, record)
                if is_same:
                    if states[j] == WAITING:
                        if expiry[j] < last_start:
                            states[j] = ENTERED
                            expiry[j] = other_end
                        else:
                            waiting = j
                    if other_end >= last_start:
                        first_end = min(first_end, other_end)
                    is_needed = j == waiting or (other_end >= last_start and other_end != record.end)
            if is_needed:
                later = j
            else:  # this record says the same from now on, so that chains stay short even where all have one name
                earlier[later] = earlier[j]
                states[j] = OUTSIDE
            j = earlier[j]

        is_far = (record.next_contig >= 0 and record.next_contig != record.contig) or (
            abs(np.int64(record.template_length)) >= 2 * record.l_seq and record.next_start >= record.end
        )
        if is_far or record.alone or record.flag & MUNMAP:  # finds no mate, but ends the waiting of its name
            if waiting >= 0:
                expiry[waiting] = min(expiry[waiting], record.end)
        elif waiting >= 0:
            other = held[waiting] if waiting < n_held else records[waiting - first]
            other_data = held_data if waiting < n_held else data
            given_out_to = last_start if as_htslib else np.int64(0)
            resolve_pair(other_data, other, data, record, prefers_first(hashed), lost, given_out_to)
            states[waiting] = ENTERED
            expiry[waiting] = other.end
            resolved += 1
        elif record.next_start >= record.start or record.next_start == -1:
            states[i] = WAITING
            expiry[i] = first_end

    # What matters to the next batch: what waits, and what may fall behind while another of its name waits.
    lowest = np.int64(1 << 62)
    for reached in fronts:
        if 0 <= reached < lowest:
            lowest = reached
    for i in range(states.size):
        if states[i] == ENTERED and expiry[i] < lowest:  # spares a look at the record
            states[i] = OUTSIDE
        if states[i] == OUTSIDE:
            continue
        if n_held <= i < first:
            if expiry[i] < fronts[passed[i - n_held].file]:
                states[i] = OUTSIDE
            continue
        record = held[i] if i < n_held else records[i - first]
        reached = fronts[record.file]
        if states[i] == WAITING and expiry[i] < reached:
            states[i] = ENTERED
            expiry[i] = record.end
        if states[i] == ENTERED and expiry[i] < reached:
            states[i] = OUTSIDE
    return resolved


@kernel
def note_passed(data, records, states, passed, filled):
    """Add the records that are ENTERED to ``passed``, from number ``filled`` on; returns the number after the last."""
    for i in range(records.size):
        if states[i] == ENTERED:
            passed[filled].hash = long_hash(data, records[i].name, records[i].l_name)
            passed[filled].end = records[i].end
            passed[filled].file = records[i].file
            filled += 1
    return filled
