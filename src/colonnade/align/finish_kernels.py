"""Final BAM records (SAM specification, section 4.2): those of ``bwa samse`` and ``sampe``, as htslib makes them BAM."""

from typing import NamedTuple

import numpy as np

from colonnade.align.laying_kernels import item_room
from colonnade.align.own_tags_kernels import (
    AM,
    END,
    MD,
    OWN_TAGS,
    PLACE_TEXT,
    SM,
    TEXT,
    X0,
    X1,
    count_ambiguous,
    kind_of,
    put_foreign_tags,
    put_hit_tags,
    put_integer_tag,
    put_place_tags,
    put_places,
    put_tag,
)
from colonnade.align.record_kernels import (
    BASES,
    BIN,
    CONTIG,
    DUPLICATE,
    FIRST,
    FLAG,
    ITEMS,
    KEPT,
    LAST,
    MATE_CONTIG,
    MATE_POSITION,
    MATE_REVERSE,
    MATE_UNMAPPED,
    NAME,
    NAME_LENGTH,
    PAIRED,
    POSITION,
    PROPER,
    QCFAIL,
    QUALITY,
    REVERSE,
    TEMPLATE_LENGTH,
    UNMAPPED,
    flag_of,
    is_mate,
    read_bases,
    sequence_of,
)
from colonnade.align.refine_kernels import MATCH, clip_trimmed, describe, item
from colonnade.formats.binning_kernels import reg2bin
from colonnade.formats.integers_kernels import read_i32
from colonnade.formats.writing_kernels import (
    NOTHING,
    NOWHERE,
    put_bytes,
    put_reverse_complement,
    put_reversed,
    put_u8,
    put_u16,
    put_u32,
)
from colonnade.jit import kernel

ALONE = np.int64(-1)  # instead of a mate
FOREIGN_FLAGS = QCFAIL | DUPLICATE
MATE_FLAGS = PAIRED | FIRST | LAST
MIN_SHIFT, DEPTH = 14, 5  # of the bins that a record names
ITEM_SIZE = 4
ONE = np.int64(1)


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
def measure(records, reads, laid, cigars, places, longest_name):
    """What the batch needs at most: (bytes of all records, bases of the reference that a read covers)."""
    size = 0
    widest = 0
    for read in range(reads.length.size):
        size += records[read + 1] - records[read] + OWN_TAGS
        if laid.contig[read] == NOWHERE:
            size += 2 * ITEM_SIZE
            continue
        widest = max(widest, laid.span[read])
        size += text_room(laid.span[read]) + ITEM_SIZE * (cigars.ends[read] - cigars.starts[read] + 1)
        length = np.int64(reads.length[read])
        for place in range(places.starts[read], places.ends[read]):
            span = max(length + places.shift[place], 0)
            widest = max(widest, span)
            size += longest_name + PLACE_TEXT + (2 * item_room(length, span) if places.gaps[place] > 0 else 0)
    return size, widest


@kernel
def text_room(span):
    """Bytes of MD at most: each base different, or deleted by itself; and a last number."""
    return 3 * span + 1


@kernel
def write_records(genome, data, records, reads, rescued, laid, cigars, places, rules, scratch, out, offsets):
    """Write the final record of each read; int64 ``offsets`` (reads + 1,) say where they begin."""
    bases, cigar, text = scratch.bases, scratch.cigar, scratch.text
    at = np.int64(0)
    second = ALONE  # the read that is the mate of the one before
    for read in range(reads.length.size):
        offsets[read] = at
        record = records[read]
        flag = flag_of(data, record)
        if flag & KEPT:
            end = put_bytes(out, at, data, record, records[read + 1])
            put_u16(out, at + FLAG, flag & ~KEPT)
            at = end
            continue
        mate = ALONE
        if is_mate(data, record):
            mate = read - 1 if second == read else read + 1
            second = max(second, mate)
        is_placed = laid.contig[read] != NOWHERE
        is_mate_placed = mate != ALONE and laid.contig[mate] != NOWHERE
        length = np.int64(reads.length[read])
        trimmed = read_i32(data, record + BASES) - length

        flag = final_flag(flag, reads, laid, read, mate, rules.bwa_quirks)
        if is_placed:
            contig, start, span = laid.contig[read], laid.start[read], laid.span[read]
            position, reverse = genome.offsets[contig] + start, np.int64(reads.reverse[read])
            items = np.int64(0)
            for k in range(cigars.starts[read], cigars.ends[read]):
                cigar[items] = cigars.items[k]
                items += 1
            read_bases(data, sequence_of(data, record), length, reverse, bases)
            text_size, differences = describe(genome.packed, genome.length, position, cigar, items, bases, text)
            items = clip_trimmed(cigar, items, trimmed, reverse)
            quality = reads.mapping_quality[read] if is_mate_placed else reads.single_quality[read]
            is_within = laid.is_within[read] != 0
            end = put_aligned(
                data, record, contig, start, span, is_within, reverse, quality, cigar, items, flag, out, at
            )
            end = put_foreign_tags(data, record, records[read + 1], trimmed, out, end)

            best = reads.best_hits[read]
            is_rescued = rescued.ends[read] > rescued.starts[read]
            ambiguous = count_ambiguous(genome.hole_offsets, genome.hole_lengths, position, span)
            end = put_place_tags(kind_of(best, ambiguous, is_rescued), differences, ambiguous, out, end)
            if mate != ALONE:
                mate_quality = reads.single_quality[mate] if is_mate_placed else NOTHING
                end = put_integer_tag(out, end, SM, reads.single_quality[read])
                end = put_integer_tag(out, end, AM, min(reads.single_quality[read], mate_quality))
            if not is_rescued:
                end = put_integer_tag(out, end, X0, best)
                if best <= rules.most_best_hits:
                    end = put_integer_tag(out, end, X1, reads.other_hits[read])
            end = put_hit_tags(reads.mismatches[read], reads.gap_opens[read], reads.gap_extensions[read], out, end)
            end = put_tag(out, end, MD, TEXT)
            end = put_u8(out, put_bytes(out, end, text, NOTHING, text_size), END)
            if places.starts[read] < places.ends[read]:
                quirks = rules.bwa_quirks
                end = put_places(
                    genome, data, record, read, length, position, reverse, places, quirks, bases, cigar, out, end
                )
        else:
            contig, start, reverse = NOWHERE, NOWHERE, NOTHING
            items, quality = NOTHING, NOTHING
            if is_mate_placed:
                contig, start, reverse = laid.contig[mate], laid.start[mate], np.int64(reads.reverse[mate])
            if is_mate_placed and rules.bwa_quirks:  # which knows too late that there is no place
                quality = reads.mapping_quality[read]
                cigar[0] = item(length, MATCH)
                items = clip_trimmed(cigar, ONE, trimmed, NOTHING) if trimmed > 0 else NOTHING
            end = put_unaligned(data, record, contig, start, reverse, quality, cigar, items, flag, out, at)
            end = put_foreign_tags(data, record, records[read + 1], trimmed, out, end)

        put_mate(laid, reads, read, mate, out, at)
        put_u32(out, at, end - at - 4)
        at = end
    offsets[reads.length.size] = at


@kernel
def final_flag(flag, reads, laid, read, mate, bwa_quirks):
    """What a flag says besides the place of its own read.

    A mate without a place is written where the other one lies, on its strand; of which bwa does not tell the other one.
    """
    if mate == ALONE:
        return flag & FOREIGN_FLAGS
    flag &= FOREIGN_FLAGS | MATE_FLAGS
    is_placed = laid.contig[read] != NOWHERE
    if laid.contig[mate] != NOWHERE:
        flag |= PROPER if is_placed and reads.is_proper[read] else NOTHING
        return flag | (MATE_REVERSE if reads.reverse[mate] else NOTHING)
    is_told = is_placed and reads.reverse[read] and not bwa_quirks
    return flag | MATE_UNMAPPED | (MATE_REVERSE if is_told else NOTHING)


@kernel
def put_mate(laid, reads, read, mate, out, at):
    """Write where the mate of a read lies, which is where the read does if the mate has no place, and how far away."""
    contig, start, size = NOWHERE, NOWHERE, NOTHING
    if mate != ALONE:
        shown = mate if laid.contig[mate] != NOWHERE else read
        contig, start = laid.contig[shown], laid.start[shown]
        if laid.contig[read] != NOWHERE and laid.contig[mate] != NOWHERE:
            size = template_length(laid, reads, read, mate)
    put_u32(out, at + MATE_CONTIG, contig)
    put_u32(out, at + MATE_POSITION, start)
    put_u32(out, at + TEMPLATE_LENGTH, size)


@kernel
def template_length(laid, reads, read, mate):
    """From the 5' end of a read to that of its mate; 0 on different contigs."""
    if laid.contig[read] != laid.contig[mate]:
        return NOTHING
    own = laid.start[read] + (laid.span[read] if reads.reverse[read] else NOTHING)
    return laid.start[mate] + (laid.span[mate] if reads.reverse[mate] else NOTHING) - own


@kernel
def put_aligned(data, record, contig, start, span, within, reverse, mapping_quality, cigar, items, flag, out, at):
    """Write a record up to its qualities, but for its mate; returns where its tags go."""
    flag |= (REVERSE if reverse else NOTHING) | (NOTHING if within else UNMAPPED)
    covered = span if within and span > 0 else ONE  # as htslib takes the bin of unaligned records
    put_head(data, record, contig, start, covered, mapping_quality, items, flag, out, at)
    sequence = sequence_of(data, record)
    end = put_bytes(out, at + NAME, data, record + NAME, sequence)
    for k in range(items):
        end = put_u32(out, end, cigar[k])
    return put_read(data, record, reverse, out, end)


@kernel
def put_unaligned(data, record, contig, start, reverse, mapping_quality, cigar, items, flag, out, at):
    """Write a record without a place, that of its mate or none, up to its qualities, but for its mate."""
    flag |= UNMAPPED | (REVERSE if reverse else NOTHING)
    put_head(data, record, contig, start, ONE, mapping_quality, items, flag, out, at)
    end = put_bytes(out, at + NAME, data, record + NAME, sequence_of(data, record))
    for k in range(items):
        end = put_u32(out, end, cigar[k])
    return put_read(data, record, reverse, out, end)


@kernel
def put_read(data, record, reverse, out, at):
    """Write bases and qualities."""
    sequence = sequence_of(data, record)
    bases = read_i32(data, record + BASES)
    qualities = sequence + (bases + 1) // 2
    if not reverse:
        return put_bytes(out, at, data, sequence, qualities + bases)
    at = put_reverse_complement(out, at, data, sequence, bases)
    return put_reversed(out, at, data, qualities, bases)


@kernel
def put_head(data, record, contig, start, covered, mapping_quality, items, flag, out, at):
    """Write a record's fixed part, but for its mate."""
    put_u32(out, at + CONTIG, contig)
    put_u32(out, at + POSITION, start)
    out[at + NAME_LENGTH] = data[record + NAME_LENGTH]
    out[at + QUALITY] = mapping_quality
    put_u16(out, at + BIN, reg2bin(start, start + covered, MIN_SHIFT, DEPTH))
    put_u16(out, at + ITEMS, items)
    put_u16(out, at + FLAG, flag)
    put_u32(out, at + BASES, read_i32(data, record + BASES))
