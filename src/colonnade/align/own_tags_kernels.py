"""Tags of final records, in the order of bwa_print_sam1 (bwase.c), typed as htslib types them."""

from typing import NamedTuple

import numpy as np

from colonnade.align.laying_kernels import contig_at
from colonnade.align.record_kernels import BASES, read_bases, sequence_of
from colonnade.align.refine_kernels import MATCH, aligned_span, item, item_length, operation, refine
from colonnade.formats.integers_kernels import read_i32
from colonnade.formats.writing_kernels import put_bytes, put_number, put_u8, put_u16, put_u32
from colonnade.jit import kernel

NUMBER_DIGITS = 10  # of a 32-bit integer

MANY_AMBIGUOUS = 10  # XT is N above so many of them under a read (bwa_print_sam1, bwase.c)

OWN_TAGS = 10 * 7 + 3 * 4  # bytes at most: integers XC NM XN SM AM X0 X1 XM XO XG; XT, and MD and XA without their text
PLACE_TEXT = 5 + 3 * NUMBER_DIGITS  # of a place in XA without contig and CIGAR: separators, strand, numbers
PLUS, MINUS, COMMA, SEMICOLON = (np.int64(letter) for letter in b"+-,;")
END = np.int64(0)
LETTERS = np.frombuffer(b"MIDNS", np.uint8)  # of CIGAR operations

XC, XT, NM, XN, SM, AM, X0, X1, XM, XO, XG, MD, XA = (
    np.int64(int.from_bytes(name, "little"))
    for name in (b"XC", b"XT", b"NM", b"XN", b"SM", b"AM", b"X0", b"X1", b"XM", b"XO", b"XG", b"MD", b"XA")
)
LETTER, TEXT, UINT8, UINT16, UINT32 = (np.int64(kind) for kind in b"AZCSI")  # types of tags
UNIQUE, REPEAT, AMBIGUOUS, RESCUED = (np.int64(kind) for kind in b"URNM")  # values of XT


class Listed(NamedTuple):
    """Places that XA may list: those of read ``r`` from ``starts[r]`` to ``ends[r]``, as in ``colonnade.align.batch.PLACE``."""

    starts: np.ndarray  # int64 (reads,)
    ends: np.ndarray  # int64 (reads,)
    position: np.ndarray
    reverse: np.ndarray
    mismatches: np.ndarray
    gaps: np.ndarray
    shift: np.ndarray


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
def kind_of(best_hits, ambiguous, is_rescued):
    """Value of XT: whether a place is the only one so good, lies on ambiguous bases, or was found by the mate."""
    if ambiguous > MANY_AMBIGUOUS:
        return AMBIGUOUS
    if is_rescued:
        return RESCUED
    return REPEAT if best_hits > 1 else UNIQUE


@kernel
def put_foreign_tags(data, record, end_of_record, trimmed, out, at):
    """Write the tags that a record came with, and how many bases remain of a trimmed one."""
    bases = read_i32(data, record + BASES)
    tags = sequence_of(data, record) + (bases + 1) // 2 + bases
    at = put_bytes(out, at, data, tags, end_of_record)
    return put_integer_tag(out, at, XC, bases - trimmed) if trimmed > 0 else at


@kernel
def put_place_tags(kind, differences, ambiguous, out, at):
    """Write what is to be said of the place: its kind, differences from the reference, ambiguous bases."""
    at = put_tag(out, at, XT, LETTER)
    at = put_u8(out, at, kind)
    at = put_integer_tag(out, at, NM, differences)
    return put_integer_tag(out, at, XN, ambiguous) if ambiguous > 0 else at


@kernel
def put_hit_tags(mismatches, gap_opens, gap_extensions, out, at):
    """Write the differences of the hit."""
    at = put_integer_tag(out, at, XM, np.int64(mismatches))
    at = put_integer_tag(out, at, XO, np.int64(gap_opens))
    return put_integer_tag(out, at, XG, np.int64(gap_opens) + gap_extensions)


@kernel
def put_places(genome, data, record, read, length, own_position, own_reverse, places, quirks, bases, cigar, out, at):
    """Write XA, if there is any place to be listed.

    What is no place for a record is not listed either, nor its own. As in bwa, a CIGAR is without what was trimmed, but has all
    bases where there is no gap.
    """
    begin = put_tag(out, at, XA, TEXT)
    end = begin
    for place in range(places.starts[read], places.ends[read]):
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
        if items > 0 and (quirks or (is_within and not is_own)):
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
