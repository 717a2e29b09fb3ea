"""Counting bases, evidence and indel events of checked, mate-resolved records over a range of positions."""

import numpy as np

from colonnade.formats.bases import AMBIGUOUS, BASE_OF_CODE, LETTERS
from colonnade.formats.integers_kernels import read_u32
from colonnade.jit import kernel
from colonnade.records.batch_kernels import (
    DELETION,
    EXCLUDED,
    INSERTION,
    MATCH,
    PAD,
    REVERSE,
    SKIP,
    SOFT_CLIP,
    is_match,
    read_nibble,
)


@kernel
def measure_indels(data, records, start, end):
    """Upper bounds for ``tally_records`` over [start, end): indel operations, inserted bases, and the reference that it looks at.

    Returns (operations, bases, first position, position after the last); the last two are equal where no indel matters.
    """
    operations = 0
    bases = np.int64(0)
    first, last = np.int64(1 << 62), np.int64(-1)
    for i in range(records.size):
        record = records[i]
        position = record.start
        run_start = position
        for k in range(record.n_cigar):
            packed = read_u32(data, record.cigar + 4 * k)
            kind = packed & 15
            length = packed >> 4
            if kind == INSERTION or kind == DELETION:
                operations += 1
                if kind == INSERTION:
                    bases += length
                deleted = _next_event(data, record, k - 1)[1] if kind == DELETION else np.int64(0)
                if _matters(run_start, position - 1, deleted, start, end):
                    first = min(first, run_start)
                    last = max(last, position + deleted)
            if is_match(kind):
                position += length
            elif kind == DELETION or kind == SKIP:
                position += length
                run_start = position
            elif kind == INSERTION or kind == SOFT_CLIP:
                run_start = position
    return operations, bases, min(first, max(last, np.int64(0))), max(last, np.int64(0))


@kernel
def _matters(run_start, anchor, deleted, start, end):
    """Whether an indel, wherever it moves within the run of aligned bases before it, can change counts of [start, end)."""
    return run_start < end and anchor + deleted >= start


@kernel
def _next_event(data, record, operation):
    """What follows an aligned operation: (MATCH, INSERTION, DELETION or SKIP for anything else, total length of the indel).

    Pads are passed over; neighbouring operations of the same kind add up.
    """
    kind = SKIP
    length = np.int64(0)
    for k in range(operation + 1, record.n_cigar):
        packed = read_u32(data, record.cigar + 4 * k)
        this = packed & 15
        if this == PAD or packed >> 4 == 0:
            continue
        if kind == SKIP:
            if is_match(this):
                return MATCH, 0
            if this != INSERTION and this != DELETION:
                return SKIP, 0
            kind = this
        elif this != kind:
            break
        length += packed >> 4
    return kind, length


@kernel
def _shift(data, record, reference, origin, anchor, run, kind, length, query):
    """How far left an indel can move: within its run of aligned bases, the reference staying the same haplotype."""
    shift = np.int64(0)
    while shift < run - 1:
        before = anchor - shift - origin
        if before < 0 or before >= reference.size or reference[before] == AMBIGUOUS:
            break
        if kind == DELETION:
            if before + length >= reference.size or reference[before] != reference[before + length]:
                break
        else:
            last = query + (length - 1 - shift) % length
            if BASE_OF_CODE[read_nibble(data, record.seq, last)] != reference[before]:
                break
        shift += 1
    return shift


@kernel
def tally_records(
    data, records, start, end, min_baseq, reference, origin, left, forward, reverse, low, crossing, events, letters
):
    """Add records to the counts of positions [start, end).

    Parameters
    ----------
    data, records
        A batch, its mates resolved.
    min_baseq
        Bases of at least this quality count; others, and ambiguous bases, are counted in ``low``.
    reference, origin
        Codes of the reference from position ``origin`` on, of all that ``measure_indels`` says; used where ``left``.
    left
        Whether indels move to their leftmost place.
    forward, reverse, low, crossing
        int32 (positions, 4) twice, (positions,), (positions,). Bases of forward and reverse reads and ``crossing`` add up to
        how many reads of good quality cross from a position to the next one without an indel.
    events, letters
        Filled with the indels anchored in the range and with inserted sequences; sized by ``measure_indels``.

    Returns
    -------
    Number of events and of letters.
    """
    n_events = 0
    n_letters = 0
    for i in range(records.size):
        record = records[i]
        if record.l_seq == 0:
            continue
        counts = reverse if record.flag & REVERSE else forward
        position = record.start
        query = np.int64(0)
        run = np.int64(0)  # aligned bases since the last gap
        for k in range(record.n_cigar):
            packed = read_u32(data, record.cigar + 4 * k)
            kind = packed & 15
            length = packed >> 4
            if kind == INSERTION or kind == SOFT_CLIP:
                query += length
                run = 0
                continue
            if kind == DELETION or kind == SKIP:
                position += length
                run = 0
                continue
            if not is_match(kind) or length == 0:
                continue

            # Bases. Unsigned indices spare the test for negative ones in the hottest loop.
            first = max(np.int64(0), start - position)
            last = min(length, end - position)
            qual = np.uint64(record.qual + query + first)
            seq = np.uint64(record.seq)
            column = np.uint64(position - start + first)
            read_base = np.uint64(query + first)
            one = np.uint64(1)
            for _ in range(last - first):
                quality = data[qual]
                this = column
                nibble = data[seq + (read_base >> one)] >> ((~read_base & one) << np.uint64(2)) & np.uint64(15)
                qual += one
                column += one
                read_base += one
                if quality >= EXCLUDED:
                    continue
                if quality < min_baseq:
                    low[this] += 1
                    continue
                base = BASE_OF_CODE[nibble]
                if base < 4:
                    counts[this, base] += 1
                else:
                    low[this] += 1
                    crossing[this] += 1
            position += length
            query += length
            run += length

            # The step from the last of them to the next position.
            event, event_length = _next_event(data, record, k)
            anchor = position - 1
            deleted = event_length if event == DELETION else np.int64(0)
            if event == MATCH or not _matters(position - run, anchor, deleted, start, end):
                continue
            shift = np.int64(0)
            if left and event != SKIP:
                shift = _shift(data, record, reference, origin, anchor, run, event, event_length, query)
            anchor -= shift
            for step in range(shift + 1):
                quality = data[record.qual + query - 1 - shift + step]
                if not min_baseq <= quality < EXCLUDED:
                    continue
                if start <= anchor + step < end and (step == 0 or event == DELETION):
                    crossing[anchor + step - start] -= 1
                gained = anchor + step + event_length
                if step > 0 and event == DELETION and start <= gained < end:
                    crossing[gained - start] += 1
            quality = data[record.qual + query - 1 - shift]
            if event == SKIP or not start <= anchor < end:
                continue
            if not min_baseq <= quality < EXCLUDED:
                continue
            events[n_events].position = anchor
            events[n_events].count = 1
            events[n_events].length = event_length if event == INSERTION else -event_length
            events[n_events].letters = n_letters
            n_events += 1
            if event == INSERTION:
                for letter in range(event_length):
                    source = query + (letter - shift) % event_length
                    letters[n_letters + letter] = LETTERS[read_nibble(data, record.seq, source)]
                n_letters += event_length
    return n_events, n_letters


@kernel
def count_evidence(data, records, loci, min_baseq, evidence):
    """Count (base, quality, strand) at sorted loci into int32 ``evidence`` (loci, 4, qualities, 2)."""
    highest = evidence.shape[2] - 1
    upcoming = 0
    for i in range(records.size):
        record = records[i]
        while upcoming < loci.size and loci[upcoming] < record.start:
            upcoming += 1
        if upcoming == loci.size:
            break
        if record.l_seq == 0 or loci[upcoming] >= record.end:
            continue
        strand = 1 if record.flag & REVERSE else 0
        position = record.start
        query = np.int64(0)
        locus = upcoming
        for k in range(record.n_cigar):
            if locus >= loci.size:
                break
            packed = read_u32(data, record.cigar + 4 * k)
            kind = packed & 15
            length = packed >> 4
            if kind == INSERTION or kind == SOFT_CLIP:
                query += length
            elif kind == DELETION or kind == SKIP:
                position += length
            elif is_match(kind):
                while locus < loci.size and loci[locus] < position + length:
                    if loci[locus] >= position:
                        offset = query + loci[locus] - position
                        quality = data[record.qual + offset]
                        base = BASE_OF_CODE[read_nibble(data, record.seq, offset)]
                        if base < 4 and min_baseq <= quality < EXCLUDED:
                            evidence[locus, base, min(np.int64(quality), highest), strand] += 1
                    locus += 1
                position += length
                query += length


@kernel
def _event_hash(event, letters):
    value = np.uint64(event.position) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(event.length)
    for letter in range(event.letters, event.letters + max(event.length, np.int64(0))):
        value = (value ^ np.uint64(letters[letter])) * np.uint64(0x100000001B3)
    return value ^ (value >> np.uint64(32))


@kernel
def _is_same_event(one, other, letters):
    if one.position != other.position or one.length != other.length:
        return False
    for letter in range(one.length):  # none for a deletion
        if letters[one.letters + letter] != letters[other.letters + letter]:
            return False
    return True


@kernel
def group_events(events, letters, slots, groups):
    """Give equal events the same number in ``groups``; numbers rise with first appearance. Returns how many there are.

    ``slots`` (int64, a power of two more than there are events, of -1) is the table of the first event of each group.
    """
    mask = np.uint64(slots.size - 1)
    n_groups = 0
    for i in range(events.size):
        slot = _event_hash(events[i], letters) & mask
        while slots[slot] >= 0 and not _is_same_event(events[slots[slot]], events[i], letters):
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            slots[slot] = i
            groups[i] = n_groups
            n_groups += 1
        else:
            groups[i] = groups[slots[slot]]
    return n_groups


@kernel
def _comes_before(one, other, letters):
    """Whether the name of one event sorts before that of another at its position: insertions by sequence, then deletions."""
    if one.length <= 0 or other.length <= 0:
        return one.length > other.length
    for letter in range(min(one.length, other.length)):
        mine = letters[one.letters + letter]
        theirs = letters[other.letters + letter]
        if mine != theirs:
            return mine < theirs
    return one.length < other.length


@kernel
def sort_by_name(events, letters, order):
    """Sort ``order``, which sorts events by position, by name within each position (Shell 1959, gaps of Knuth 1973)."""
    first = 0
    while first < order.size:
        last = first + 1
        while last < order.size and events[order[last]].position == events[order[first]].position:
            last += 1
        gap = 1
        while gap < (last - first) // 3:
            gap = 3 * gap + 1
        while gap > 0:
            for i in range(first + gap, last):
                this = order[i]
                j = i
                while j >= first + gap and _comes_before(events[this], events[order[j - gap]], letters):
                    order[j] = order[j - gap]
                    j -= gap
                order[j] = this
            gap //= 3
        first = last
