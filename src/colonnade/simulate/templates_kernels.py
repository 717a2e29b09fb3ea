"""Templates out of keyed random numbers: where each one lies, what it carries, and how its reads align.

A template is a function of (key, source, ordinal) alone, so it can be drawn again wherever a read of it is wanted: nothing of it
has to be kept. Offsets count bases of the template's haplotype from ``origin``, a 0-based position of the reference; the
template is [skip, skip + length) of them, and more than 0 is skipped only where it begins within an insertion.
"""

import math
from typing import NamedTuple

import numpy as np

from colonnade.jit import kernel
from colonnade.method.random_kernels import next_uniform, stream

# Aligned bases that an alignment begins and ends with where there is an indel; what is further out is clipped.
ANCHOR = 10

MATCH, INSERTION, DELETION, CLIP = 0, 1, 2, 4  # CIGAR operations (SAM specification, section 4.2)
NO_START = -1
NO_LENGTH = -1

# What numbers of a template are drawn for, beside those that place it: each has a stream of its own.
COPIES, SITES, DAMAGE, READS = 1, 2, 3, 4


class Alleles(NamedTuple):
    """What the haplotypes of one sample have on one contig; items are variants, by haplotype and then by position."""

    frequencies: np.ndarray  # float64 (haplotypes,): sums up to and including each
    first: np.ndarray  # int64 (haplotypes + 1,): the first item of each
    positions: np.ndarray  # int64 (items,), 0-based; of an indel that of the base before it
    shifts: np.ndarray  # int64 (items,): 0 another base, n an insertion of n bases, -n a deletion
    letters: np.ndarray  # int64 (items,): where in ``bases`` the new ones are
    shares: np.ndarray  # float64 (items,): of the haplotype's templates that have it
    bases: np.ndarray  # uint8: codes 0-3
    anchors: np.ndarray  # int64: positions, rising, with an insertion in any haplotype
    longest: np.ndarray  # int64: the longest one there


class Ground(NamedTuple):
    """Where templates of one sample come from on one contig."""

    key: np.uint64
    codes: np.ndarray  # uint8 (positions,): 0-3, or more where ambiguous
    gaps: np.ndarray  # int64 (gaps, 2): where it is ambiguous, 0-based half-open, rising
    rates: np.ndarray  # float64 (1,) or (amplicons,): molecules expected of each source
    amplicons: np.ndarray  # int64 (amplicons, 4): start, end of the left primer, start of the right one, end; or empty
    lengths: np.ndarray  # float64: shares of templates no longer than ``shortest``, one more, ...
    shortest: int


class Protocol(NamedTuple):
    """How templates become reads."""

    read_length: int
    mates: int
    duplicates: float  # share of templates that are copies of another
    mark_duplicates: bool
    quality_shares: np.ndarray  # float64 (qualities,): sums up to and including each
    qualities: np.ndarray  # uint8
    errors: np.ndarray  # float64: probability that a base of that quality is wrong
    damage: np.ndarray  # float64: probability by distance from the end of the template


class Place(NamedTuple):
    """Where a molecule is drawn to begin; its length is NO_LENGTH where it is an amplicon, which ends at ``end``."""

    haplotype: int
    is_reverse: bool  # whether its first read is from the reverse strand
    origin: int
    inner_start: int  # first position that variants are not hidden at
    inner_end: int
    end: int  # position that it does not reach beyond
    skip: int
    length: int


class Template(NamedTuple):
    """One molecule; its length is 0 where the draw gave none."""

    key: np.uint64
    origin: int
    skip: int
    length: int
    haplotype: int
    is_reverse: bool  # whether its first read is from the reverse strand
    n_carried: int


class Layout(NamedTuple):
    """How a read aligns; ``start`` is NO_START where it does not."""

    start: int
    end: int
    n_cigar: int


@kernel
def _insertion_room(position, alleles):
    """Bases of the longest insertion after a position: templates may begin within it."""
    i = np.searchsorted(alleles.anchors, position)
    if i < alleles.anchors.size and alleles.anchors[i] == position:
        return alleles.longest[i]
    return np.int64(0)


@kernel
def _molecules(source, ground, alleles):
    """How many molecules begin at a source: a Poisson draw, by counting arrivals."""
    is_amplicon = ground.amplicons.shape[0] > 0
    rate = ground.rates[source] if is_amplicon else ground.rates[0] * (1 + _insertion_room(source, alleles))
    state = stream(ground.key, source)
    state, u = next_uniform(state)
    time = -math.log(u)
    count = 0
    while time <= rate:
        count += 1
        state, u = next_uniform(state)
        time -= math.log(u)
    return count


@kernel
def _copies(key, protocol):
    """How often a molecule is sequenced: 1 and as many duplicates as come before the first failure."""
    copies = 1
    if protocol.duplicates > 0.0:
        state, u = next_uniform(stream(key, COPIES))
        while u < protocol.duplicates:
            copies += 1
            state, u = next_uniform(state)
    return copies


@kernel
def template_key(source, ordinal, ground):
    """The key of one molecule."""
    return stream(stream(ground.key, source), ordinal)


@kernel
def count_templates(first, last, ground, alleles, protocol):
    """How many templates the sources [first, last) give at most, duplicates and all."""
    total = 0
    for source in range(first, last):
        for ordinal in range(_molecules(source, ground, alleles)):
            total += _copies(template_key(source, ordinal, ground), protocol)
    return total


@kernel
def _carries(item, key, alleles):
    share = alleles.shares[item]
    if share >= 1.0:
        return True
    return next_uniform(stream(stream(key, SITES), alleles.positions[item]))[1] < share


@kernel
def _is_hidden(item, inner_start, inner_end, alleles):
    """Whether a variant changes a base under a primer."""
    shift = alleles.shifts[item]
    position = alleles.positions[item]
    changed = position if shift == 0 else position + 1
    length = 1 if shift == 0 else max(-shift, 0)
    return changed < inner_start or changed + length > inner_end


@kernel
def _begins_in_deletion(item, first, origin, key, alleles):
    """Whether the variant before an item takes the base at ``origin`` away; no other can, as variants do not overlap."""
    before = item - 1
    if before < first or alleles.positions[before] - alleles.shifts[before] < origin or alleles.shifts[before] >= 0:
        return False
    return _carries(before, key, alleles)


@kernel
def _is_within(origin, end, ground):
    """Whether a stretch of the reference is inside the contig and free of ambiguous bases."""
    if end > ground.codes.size:
        return False
    gap = np.searchsorted(ground.gaps[:, 1], origin, side="right")
    return gap == ground.gaps.shape[0] or ground.gaps[gap, 0] >= end


@kernel
def _place(source, key, ground, alleles):
    """Draw whose a molecule is and where it begins; the length of an amplicon follows from what it carries."""
    state, u = next_uniform(key)
    haplotype = np.searchsorted(alleles.frequencies, u, side="right")
    state, u = next_uniform(state)
    is_reverse = u < 0.5
    if ground.amplicons.shape[0] > 0:
        origin, inner_start, inner_end, end = ground.amplicons[source]
        return Place(haplotype, is_reverse, origin, inner_start, inner_end, end, np.int64(0), np.int64(NO_LENGTH))
    state, u = next_uniform(state)
    skip = np.int64(u * (1 + _insertion_room(source, alleles)))
    state, u = next_uniform(state)
    length = np.int64(ground.shortest + np.searchsorted(ground.lengths, u, side="right"))
    size = np.int64(ground.codes.size)
    return Place(haplotype, is_reverse, np.int64(source), np.int64(0), size, size, skip, length)


@kernel
def _carry(item, place, key, alleles, carried):
    """Walk along what the haplotype has, from an item on; fills ``carried``.

    Returns how many items the molecule has, and, aligned with each other, the offset and the position behind the last indel.
    """
    n_carried = 0
    offset = np.int64(0)
    position = place.origin
    stop = alleles.first[place.haplotype + 1]
    while item < stop:
        distance = alleles.positions[item] - position
        shift = alleles.shifts[item]
        needed = distance + (shift != 0)  # an indel shows only where the base before it is not the last
        is_behind = place.length != NO_LENGTH and offset + needed >= place.skip + place.length
        if alleles.positions[item] >= place.end or is_behind:
            break
        if not _is_hidden(item, place.inner_start, place.inner_end, alleles) and _carries(item, key, alleles):
            carried[n_carried] = item
            n_carried += 1
            if shift != 0:
                offset += distance + 1 + max(shift, 0)
                position += distance + 1 + max(-shift, 0)
        item += 1
    return n_carried, offset, position


@kernel
def draw_template(source, ordinal, ground, alleles, carried):
    """Draw one molecule; fills ``carried`` with the items that it has, by position."""
    key = template_key(source, ordinal, ground)
    place = _place(source, key, ground, alleles)
    origin, skip, length, end = place.origin, place.skip, place.length, place.end
    is_amplicon = length == NO_LENGTH
    nothing = Template(key, origin, np.int64(0), np.int64(0), place.haplotype, False, 0)
    first = alleles.first[place.haplotype]
    item = first + np.searchsorted(alleles.positions[first : alleles.first[place.haplotype + 1]], origin)
    if not is_amplicon and _begins_in_deletion(item, first, origin, key, alleles):
        return nothing
    n_carried, offset, position = _carry(item, place, key, alleles, carried)
    if is_amplicon:
        length = offset + end - position
    else:
        end = position + max(np.int64(0), skip + length - offset)
    if skip > 0 and (n_carried == 0 or alleles.positions[carried[0]] != origin or alleles.shifts[carried[0]] < skip):
        return nothing
    if not _is_within(origin, end, ground):
        return nothing
    return Template(key, origin, skip, length, place.haplotype, place.is_reverse, n_carried)


@kernel
def read_span(template, is_right, protocol):
    """Where in its template a read begins, and how long it is: the template's first bases, or its last."""
    length = min(template.length, np.int64(protocol.read_length))
    return template.length - length if is_right else np.int64(0), length


@kernel
def lay_read(template, begin, length, alleles, carried, cigar):
    """Align bases [begin, begin + length) of a template as its haplotype says; fills ``cigar`` (length << 4 | operation)."""
    first = template.skip + begin
    last = first + length
    offset = np.int64(0)
    position = template.origin
    start = np.int64(NO_START)
    n = 0
    for c in range(template.n_carried + 1):
        shift = np.int64(0)
        run = last - offset
        if c < template.n_carried:
            shift = alleles.shifts[carried[c]]
            if shift == 0:
                continue
            run = alleles.positions[carried[c]] + 1 - position
        shown = min(offset + run, last) - max(offset, first)
        if shown > 0:
            if start == NO_START:
                start = position + max(first - offset, np.int64(0))
            cigar[n] = shown << 4 | MATCH
            n += 1
        offset += run
        position += run
        if offset >= last:
            break
        if shift > 0:
            shown = min(offset + shift, last) - max(offset, first)
            if shown > 0:
                cigar[n] = shown << 4 | INSERTION
                n += 1
            offset += shift
        elif shift < 0:
            if offset > first:
                cigar[n] = -shift << 4 | DELETION
                n += 1
            position -= shift
    return _clip_ends(cigar, n, start)


@kernel
def _is_anchor(operation):
    return operation & 15 == MATCH and operation >> 4 >= ANCHOR


@kernel
def _clip_ends(cigar, n, start):
    """Clip what is outside the first and the last long enough run of aligned bases."""
    if n == 1 and cigar[0] & 15 == MATCH:
        return Layout(start, start + (cigar[0] >> 4), 1)
    first = 0
    while first < n and not _is_anchor(cigar[first]):
        first += 1
    if first == n:
        return Layout(np.int64(NO_START), np.int64(NO_START), 0)
    last = n - 1
    while not _is_anchor(cigar[last]):
        last -= 1
    left = right = np.int64(0)
    for i in range(first):
        if cigar[i] & 15 != DELETION:
            left += cigar[i] >> 4
        if cigar[i] & 15 != INSERTION:
            start += cigar[i] >> 4
    for i in range(last + 1, n):
        if cigar[i] & 15 != DELETION:
            right += cigar[i] >> 4
    kept = 0
    if left > 0:
        cigar[kept] = left << 4 | CLIP
        kept += 1
    end = start
    for i in range(first, last + 1):
        cigar[kept] = cigar[i]
        kept += 1
        if cigar[i] & 15 != INSERTION:
            end += cigar[i] >> 4
    if right > 0:
        cigar[kept] = right << 4 | CLIP
        kept += 1
    return Layout(start, end, kept)


@kernel
def draw_reads(first, last, ground, alleles, protocol, carried, cigar, reads):
    """Fill ``reads`` with those of the sources [first, last): by source, molecule, copy, mate. Returns their number.

    A molecule is left out if one of its reads has too few bases to align.
    """
    n = 0
    for source in range(first, last):
        for ordinal in range(_molecules(source, ground, alleles)):
            template = draw_template(source, ordinal, ground, alleles, carried)
            if template.length == 0:
                continue
            begin, length = read_span(template, template.is_reverse, protocol)
            layout = lay_read(template, begin, length, alleles, carried, cigar)
            other = layout
            if protocol.mates == 2:
                begin, length = read_span(template, not template.is_reverse, protocol)
                other = lay_read(template, begin, length, alleles, carried, cigar)
            if layout.start == NO_START or other.start == NO_START:
                continue
            for duplicate in range(_copies(template.key, protocol)):
                for mate in range(protocol.mates):
                    read = reads[n]
                    read.start = layout.start if mate == 0 else other.start
                    read.source = source
                    read.ordinal = ordinal
                    read.duplicate = duplicate
                    read.mate = mate
                    n += 1
    return n
