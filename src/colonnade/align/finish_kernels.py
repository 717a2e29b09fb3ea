"""Final BAM records (SAM specification, section 4.2): those of ``bwa samse``, as htslib makes them BAM."""

from typing import NamedTuple

import numpy as np

from colonnade.align.record_kernels import (
    BASES,
    BIN,
    CONTIG,
    FLAG,
    ITEMS,
    NAME_LENGTH,
    POSITION,
    QUALITY,
    read_bases,
    sequence_of,
)
from colonnade.align.refine_kernels import (
    MATCH,
    aligned_span,
    clip_trimmed,
    describe,
    item,
    item_length,
    operation,
    refine,
)
from colonnade.formats.binning_kernels import reg2bin
from colonnade.formats.integers_kernels import read_i32, read_u16
from colonnade.formats.writing_kernels import (
    NOTHING,
    NOWHERE,
    put_bytes,
    put_number,
    put_reverse_complement,
    put_reversed,
    put_u8,
    put_u16,
    put_u32,
)
from colonnade.jit import kernel

UNMAPPED, REVERSE = 4, 16
NOT_SAID = np.int64(-1)
NUMBER_DIGITS = 10  # of a 32-bit integer
MIN_SHIFT, DEPTH = 14, 5  # of the bins that a record names

MANY_AMBIGUOUS = 10  # XT is N above so many of them under a read (bwa_print_sam1, bwase.c)

ITEM_SIZE = 4
OWN_TAGS = 8 * 7 + 3 * 4  # bytes at most: integers XC NM XN X0 X1 XM XO XG; XT, and MD and XA without their text
PLACE_TEXT = 5 + 3 * NUMBER_DIGITS  # of a place in XA without contig and CIGAR: separators, strand, numbers
PLUS, MINUS, COMMA, SEMICOLON = (np.int64(letter) for letter in b"+-,;")
END, ONE = np.int64(0), np.int64(1)
LETTERS = np.frombuffer(b"MIDNS", np.uint8)  # of CIGAR operations

XC, XT, NM, XN, X0, X1, XM, XO, XG, MD, XA = (
    np.int64(int.from_bytes(name, "little"))
    for name in (b"XC", b"XT", b"NM", b"XN", b"X0", b"X1", b"XM", b"XO", b"XG", b"MD", b"XA")
)
LETTER, TEXT, UINT8, UINT16, UINT32 = (np.int64(kind) for kind in b"AZCSI")  # types of tags
UNIQUE, REPEAT, AMBIGUOUS = (np.int64(kind) for kind in b"URN")  # values of XT


class Genome(NamedTuple):
    """The reference: the forward strand of all contigs, one behind the other."""

    packed: np.ndarray  # uint8: four bases a byte, the first in the high bits
    length: int
    offsets: np.ndarray  # int64 (contigs,)
    lengths: np.ndarray  # int64 (contigs,)
    names: np.ndarray  # uint8: of all contigs
    name_offsets: np.ndarray  # int64 (contigs + 1,)
    hole_offsets: np.ndarray  # int64 (holes,): stretches of ambiguous bases
    hole_lengths: np.ndarray  # int64 (holes,)


class Reads(NamedTuple):
    """The chosen place of each read, (reads,), as in ``colonnade.align.batch.SCHEMAS``."""

    length: np.ndarray
    position: np.ndarray
    reverse: np.ndarray
    mapping_quality: np.ndarray
    mismatches: np.ndarray
    gap_opens: np.ndarray
    gap_extensions: np.ndarray
    shift: np.ndarray
    best_hits: np.ndarray
    other_hits: np.ndarray


class Rules(NamedTuple):
    """What of ``AlignOptions`` bears on records."""

    most_best_hits: int
    bwa_quirks: bool


class Scratch(NamedTuple):
    """Room for one read at a time, enough for each of a batch."""

    bases: np.ndarray  # uint8: those searched, on the strand that they are aligned on
    cigar: np.ndarray  # int64
    text: np.ndarray  # uint8: MD


@kernel
def measure(records, reads, places, longest_name):
    """What the batch needs at most: (bytes of all records, bases of a read, bases of the reference that one covers)."""
    size = 0
    longest = 0
    widest = 0
    for read in range(reads.length.size):
        size += records[read + 1] - records[read] + OWN_TAGS
        if reads.position[read] == NOWHERE:
            continue
        length = np.int64(reads.length[read])
        span = max(length + reads.shift[read], 0)
        longest = max(longest, length)
        widest = max(widest, span)
        size += text_room(span) + ITEM_SIZE * (item_room(length, span) if reads.gap_opens[read] > 0 else 2)
        for place in range(places.offsets[read], places.offsets[read + 1]):
            span = max(length + places.shift[place], 0)
            widest = max(widest, span)
            size += longest_name + PLACE_TEXT + (2 * item_room(length, span) if places.gaps[place] > 0 else 0)
    return size, longest, widest


@kernel
def text_room(span):
    """Bytes of MD at most: each base different, or deleted by itself; and a last number."""
    return 3 * span + 1


@kernel
def item_room(length, span):
    """Items of a CIGAR at most: one for each base, and what was trimmed. Its text has at most two letters for each base."""
    return length + span + 1


@kernel
def write_records(genome, data, records, reads, places, rules, scratch, out, offsets):
    """Write the final record of each read; int64 ``offsets`` (reads + 1,) say where they begin."""
    bases, cigar, text = scratch.bases, scratch.cigar, scratch.text
    at = np.int64(0)
    for read in range(reads.length.size):
        offsets[read] = at
        record = records[read]
        length = np.int64(reads.length[read])
        trimmed = read_i32(data, record + BASES) - length
        position, reverse = reads.position[read], reads.reverse[read]

        # how it lies
        items = 0
        if position != NOWHERE:
            read_bases(data, sequence_of(data, record), length, reverse, bases)
            items = 1
            cigar[0] = item(length, MATCH)
        if reads.gap_opens[read] > 0:
            span = length + reads.shift[read]
            items, position = refine(genome.packed, genome.length, bases, length, position, span, cigar)
        span = aligned_span(cigar, items)
        contig = contig_at(genome.offsets, position)
        start = position - genome.offsets[contig]
        within = start + span <= genome.lengths[contig]

        # its record
        if items > 0 and (within or rules.bwa_quirks):
            text_size, differences = describe(genome.packed, genome.length, position, cigar, items, bases, text)
            items = clip_trimmed(cigar, items, trimmed, reverse)
            quality = np.int64(reads.mapping_quality[read])
            end = put_aligned(data, record, contig, start, span, within, reverse, quality, cigar, items, out, at)
            end = put_foreign_tags(data, record, records[read + 1], trimmed, out, end)
            best = reads.best_hits[read]
            ambiguous = count_ambiguous(genome.hole_offsets, genome.hole_lengths, position, span)
            end = put_place_tags(best, differences, ambiguous, out, end)
            others = reads.other_hits[read] if best <= rules.most_best_hits else NOT_SAID
            gap_opens, gap_extensions = reads.gap_opens[read], reads.gap_extensions[read]
            end = put_hit_tags(best, others, reads.mismatches[read], gap_opens, gap_extensions, out, end)
            end = put_tag(out, end, MD, TEXT)
            end = put_u8(out, put_bytes(out, end, text, NOTHING, text_size), END)
            if places.offsets[read] < places.offsets[read + 1]:
                end = put_places(
                    genome, data, record, read, length, position, reverse, places, rules, scratch, out, end
                )
        else:
            end = put_unaligned(data, record, out, at)
            end = put_foreign_tags(data, record, records[read + 1], trimmed, out, end)
        put_u32(out, at, end - at - 4)
        at = end
    offsets[reads.length.size] = at


@kernel
def contig_at(offsets, position):
    """The contig that a position lies on, from where each begins."""
    low, high = 0, offsets.size
    while high - low > 1:
        middle = (low + high) // 2
        if offsets[middle] <= position:
            low = middle
        else:
            high = middle
    return low


@kernel
def count_ambiguous(hole_offsets, hole_lengths, position, span):
    """Ambiguous bases in a stretch, of the one hole that a binary search meets first (bns_cnt_ambi, bntseq.c)."""
    low, high = 0, hole_offsets.size
    while low < high:
        middle = (low + high) // 2
        start = hole_offsets[middle]
        end = start + hole_lengths[middle]
        if position >= end:
            low = middle + 1
        elif position + span <= start:
            high = middle
        else:
            return min(end, position + span) - max(start, position)
    return 0


@kernel
def kind_of(best_hits, ambiguous):
    """Value of XT: whether a place is the only one so good, or lies on ambiguous bases."""
    if ambiguous > MANY_AMBIGUOUS:
        return AMBIGUOUS
    return REPEAT if best_hits > 1 else UNIQUE


@kernel
def put_aligned(data, record, contig, start, span, within, reverse, mapping_quality, cigar, items, out, at):
    """Write a record up to its qualities; returns where its tags go."""
    flag = read_u16(data, record + FLAG) & ~(UNMAPPED | REVERSE)
    flag |= (REVERSE if reverse else 0) | (0 if within else UNMAPPED)
    covered = span if within and span > 0 else 1  # as htslib takes the bin of unaligned records
    put_head(data, record, contig, start, covered, mapping_quality, items, flag, out, at)
    sequence = sequence_of(data, record)
    end = put_bytes(out, at + BASES, data, record + BASES, sequence)
    for k in range(items):
        end = put_u32(out, end, cigar[k])
    bases = read_i32(data, record + BASES)
    qualities = sequence + (bases + 1) // 2
    if not reverse:
        return put_bytes(out, end, data, sequence, qualities + bases)
    end = put_reverse_complement(out, end, data, sequence, bases)
    return put_reversed(out, end, data, qualities, bases)


@kernel
def put_unaligned(data, record, out, at):
    """Write a record that lies nowhere, up to its qualities; returns where its tags go."""
    flag = (read_u16(data, record + FLAG) | UNMAPPED) & ~REVERSE
    put_head(data, record, NOWHERE, NOWHERE, ONE, NOTHING, NOTHING, flag, out, at)
    bases = read_i32(data, record + BASES)
    end = sequence_of(data, record) + (bases + 1) // 2 + bases
    return put_bytes(out, at + BASES, data, record + BASES, end)


@kernel
def put_head(data, record, contig, start, covered, mapping_quality, items, flag, out, at):
    """Write what of a record's fixed part depends on its place."""
    put_u32(out, at + CONTIG, contig)
    put_u32(out, at + POSITION, start)
    out[at + NAME_LENGTH] = data[record + NAME_LENGTH]
    out[at + QUALITY] = mapping_quality
    put_u16(out, at + BIN, reg2bin(start, start + covered, MIN_SHIFT, DEPTH))
    put_u16(out, at + ITEMS, items)
    put_u16(out, at + FLAG, flag)


@kernel
def put_foreign_tags(data, record, end_of_record, trimmed, out, at):
    """Write the tags that a record came with, and how many bases remain of a trimmed one."""
    bases = read_i32(data, record + BASES)
    tags = sequence_of(data, record) + (bases + 1) // 2 + bases
    at = put_bytes(out, at, data, tags, end_of_record)
    return put_integer_tag(out, at, XC, bases - trimmed) if trimmed > 0 else at


@kernel
def put_place_tags(best_hits, differences, ambiguous, out, at):
    """Write what is to be said of the place: its kind, differences from the reference, ambiguous bases."""
    at = put_tag(out, at, XT, LETTER)
    at = put_u8(out, at, kind_of(best_hits, ambiguous))
    at = put_integer_tag(out, at, NM, differences)
    return put_integer_tag(out, at, XN, ambiguous) if ambiguous > 0 else at


@kernel
def put_hit_tags(best_hits, other_hits, mismatches, gap_opens, gap_extensions, out, at):
    """Write what is to be said of the hit: how many there are, and its differences."""
    at = put_integer_tag(out, at, X0, best_hits)
    if other_hits != NOT_SAID:
        at = put_integer_tag(out, at, X1, other_hits)
    at = put_integer_tag(out, at, XM, np.int64(mismatches))
    at = put_integer_tag(out, at, XO, np.int64(gap_opens))
    return put_integer_tag(out, at, XG, np.int64(gap_opens) + gap_extensions)


@kernel
def put_places(genome, data, record, read, length, own_position, own_reverse, places, rules, scratch, out, at):
    """Write XA, if there is any place to be listed.

    What is no place for a record is not listed either, nor its own. As in bwa, a CIGAR is without what was trimmed, but has all
    bases where there is no gap.
    """
    bases, cigar = scratch.bases, scratch.cigar
    begin = put_tag(out, at, XA, TEXT)
    end = begin
    for place in range(places.offsets[read], places.offsets[read + 1]):
        position, reverse = places.position[place], places.reverse[place]
        items = 1
        cigar[0] = item(read_i32(data, record + BASES), MATCH)
        span = length
        if places.gaps[place] > 0:
            read_bases(data, sequence_of(data, record), length, reverse, bases)
            span = length + places.shift[place]
            items, position = refine(genome.packed, genome.length, bases, length, position, span, cigar)
            span = aligned_span(cigar, items)
        contig = contig_at(genome.offsets, position)
        start = position - genome.offsets[contig]
        is_own = position == own_position and reverse == own_reverse
        is_within = start + span <= genome.lengths[contig]
        if items > 0 and (rules.bwa_quirks or (is_within and not is_own)):
            differences = np.int64(places.gaps[place]) + places.mismatches[place]
            end = put_place(genome, contig, start, reverse, cigar, items, differences, out, end)
    return put_u8(out, end, END) if end > begin else at


@kernel
def put_place(genome, contig, start, reverse, cigar, items, differences, out, at):
    """Write an entry of XA: contig, strand and 1-based position, CIGAR, differences of the hit."""
    at = put_bytes(out, at, genome.names, genome.name_offsets[contig], genome.name_offsets[contig + 1])
    at = put_u8(out, at, COMMA)
    at = put_u8(out, at, MINUS if reverse else PLUS)
    at = put_number(out, at, start + 1)
    at = put_u8(out, at, COMMA)
    for k in range(items):
        at = put_number(out, at, item_length(cigar[k]))
        at = put_u8(out, at, LETTERS[operation(cigar[k])])
    at = put_u8(out, at, COMMA)
    at = put_number(out, at, differences)
    return put_u8(out, at, SEMICOLON)


@kernel
def put_tag(out, at, name, kind):
    """Write a tag's name and type."""
    return put_u8(out, put_u16(out, at, name), kind)


@kernel
def put_integer_tag(out, at, name, value):
    """Write a tag of a number in the smallest type that has room for it, as htslib does (aux_parse, sam.c)."""
    if value <= 0xFF:
        return put_u8(out, put_tag(out, at, name, UINT8), value)
    if value <= 0xFFFF:
        return put_u16(out, put_tag(out, at, name, UINT16), value)
    return put_u32(out, put_tag(out, at, name, UINT32), value)
