"""The trust boundary of aligning: one pass that checks raw BAM records and cleans old alignments off.

Past ``clean_records`` all parts of a record add up to its size, and tags can be walked without checks.
Layout: SAM specification, section 4.2.
"""

from typing import NamedTuple

import numpy as np

from colonnade.align.record_kernels import (
    BASES,
    CONTIG,
    DUPLICATE,
    FIRST,
    FLAG,
    ITEMS,
    KEPT,
    LAST,
    MATE_CONTIG,
    MATE_UNMAPPED,
    NAME_LENGTH,
    PAIRED,
    QCFAIL,
    REVERSE,
    SECONDARY,
    SUPPLEMENTARY,
    UNMAPPED,
)
from colonnade.formats.fastq_kernels import FULL, HEAD, MORE
from colonnade.formats.integers_kernels import read_i32, read_u16, read_u32
from colonnade.formats.tags_kernels import MALFORMED, tag_end
from colonnade.formats.writing_kernels import (
    put_bytes,
    put_reverse_complement,
    put_reversed,
    put_u16,
    put_u32,
    put_unaligned_head,
)
from colonnade.jit import kernel

# Why clean_records came back, beside MORE and FULL.
BAD_SIZE = 16
BAD_LENGTHS = 17
BAD_NAME = 18
BAD_TAGS = 19
BAD_CONTIG = 20
BAD_CIGAR = 21
OTHER_CONTIG = 22  # of a record that is to be kept

MAX_SIZE = 1 << 28  # of a record that is believed; the longest reads with all their tags need a tenth
SAM_FLAGS = 0xFFF  # SAM specification, section 1.4; there are no others
OF_READ = 0b110010011  # CIGAR operations that go along the read: M I S = X
HARD_CLIP = 5
PROGRAM, TEXT = ord("P") << 8 | ord("G"), ord("Z")  # a tag and its type (SAM tags specification, section 1.1)
MISSING = 255  # first quality of a read that has none

SEEN, LEFT_OUT, HARD_CLIPPED, N_COUNTERS = 0, 1, 2, 3

NO_CONTIG = -2  # number of a contig that the index lacks


class Rules(NamedTuple):
    """What becomes of records.

    Attributes
    ----------
    contigs
        int64 (contigs,): number in the index of each contig of the input, or NO_CONTIG.
    keeps_aligned
        Whether records that have a place, or whose mate has one, are kept as they are.
    dropped, replaced
        int64: tags that are left out of records that are cleaned, and of those that are kept; the first letter in the higher byte.
    tags
        uint8: what each record gets at its end.
    programs
        uint8: IDs of programs that have changed, each with its new one behind it, all of them ending with NUL.
    growth
        Bytes by which a new ID is longer at most.
    """

    contigs: np.ndarray
    keeps_aligned: bool
    dropped: np.ndarray
    replaced: np.ndarray
    tags: np.ndarray
    programs: np.ndarray
    growth: int


@kernel
def _is_one_of(name, names):
    for other in names:
        if name == other:
            return True
    return False


@kernel
def _text_end(data, start):
    """Where the text ends that begins at an offset: behind its NUL."""
    while data[start] != 0:
        start += 1
    return start + 1


@kernel
def _put_program(out, at, data, start, end, programs):
    """Write the ID of a program, or the new one that it has."""
    old = 0
    while old < programs.size:
        new = _text_end(programs, old)
        new_end = _text_end(programs, new)
        if new - old == end - start and np.array_equal(programs[old:new], data[start:end]):
            return put_bytes(out, at, programs, new, new_end)
        old = new_end
    return put_bytes(out, at, data, start, end)


@kernel
def _put_tags(out, at, data, tag, end, dropped, programs):
    """Copy the tags that are not dropped, with the new IDs of programs; returns the offset behind them, or ``MALFORMED``."""
    kept_from = tag
    has_program = programs.size == 0  # one is enough: a tag comes once in a record, and room is made for no more
    while tag < end:
        following = tag_end(data, tag, end)
        if following == MALFORMED:
            return MALFORMED
        name = np.int64(data[tag]) << 8 | np.int64(data[tag + 1])
        if _is_one_of(name, dropped):
            at = put_bytes(out, at, data, kept_from, tag)
            kept_from = following
        elif name == PROGRAM and data[tag + 2] == TEXT and not has_program:
            at = put_bytes(out, at, data, kept_from, tag + 3)
            at = _put_program(out, at, data, tag + 3, following, programs)
            kept_from = following
            has_program = True
        tag = following
    return put_bytes(out, at, data, kept_from, end)


@kernel
def _is_hard_clipped(data, cigar, n_cigar):
    return n_cigar > 0 and (data[cigar] & 15 == HARD_CLIP or data[cigar + 4 * (n_cigar - 1)] & 15 == HARD_CLIP)


@kernel
def _aligned_length(data, cigar, n_cigar):
    """Bases of the read that a CIGAR has."""
    length = 0
    for at in range(cigar, cigar + 4 * n_cigar, 4):
        item = read_u32(data, at)
        if OF_READ >> (item & 15) & 1:
            length += item >> 4
    return length


@kernel
def _is_aligned(flag, contig, mate_contig):
    """Whether a record, or its mate, has a place.

    Where flag 0x8 is not set, but no contig is named, either, the mate has none: some programs leave the flag out.
    """
    if flag & UNMAPPED == 0 or flag & (SECONDARY | SUPPLEMENTARY) != 0:
        return True
    return flag & PAIRED != 0 and flag & MATE_UNMAPPED == 0 and max(contig, mate_contig) >= 0


@kernel
def _flag_as_sequenced(flag):
    """What of a flag does not come from an alignment."""
    return UNMAPPED | flag & (QCFAIL | DUPLICATE) | (flag & (PAIRED | FIRST | LAST) if flag & PAIRED else 0)


@kernel
def _put_cleaned(out, target, data, record, parts, flag, length, rules):
    """Write a record unaligned, as sequenced; returns the offset behind it, or ``MALFORMED``."""
    cigar, sequence, qualities, tags, end = parts
    at = put_bytes(out, target + HEAD, data, record + HEAD, cigar)
    if flag & REVERSE:
        at = put_reverse_complement(out, at, data, sequence, length)
    else:
        at = put_bytes(out, at, data, sequence, qualities)
    if flag & REVERSE and length > 0 and data[qualities] != MISSING:
        at = put_reversed(out, at, data, qualities, length)
    else:
        at = put_bytes(out, at, data, qualities, tags)
    at = _put_tags(out, at, data, tags, end, rules.dropped, rules.programs)
    if at == MALFORMED:
        return at
    at = put_bytes(out, at, rules.tags, 0, rules.tags.size)
    put_unaligned_head(out, target, at - target, cigar - record - HEAD, _flag_as_sequenced(flag), length)
    return at


@kernel
def _put_kept(out, target, data, record, parts, flag, rules):
    """Write a record as it is, but for the numbers of contigs; returns the offset behind it, or ``MALFORMED``."""
    _, _, _, tags, end = parts
    at = put_bytes(out, target, data, record, tags)
    at = _put_tags(out, at, data, tags, end, rules.replaced, rules.programs)
    if at == MALFORMED:
        return at
    at = put_bytes(out, at, rules.tags, 0, rules.tags.size)
    put_u32(out, target, at - target - 4)
    put_u32(out, target + CONTIG, _number_in_index(read_i32(data, record + CONTIG), rules.contigs))
    put_u32(out, target + MATE_CONTIG, _number_in_index(read_i32(data, record + MATE_CONTIG), rules.contigs))
    put_u16(out, target + FLAG, flag & SAM_FLAGS | KEPT)
    return at


@kernel
def _number_in_index(contig, contigs):
    return contigs[contig] if contig >= 0 else np.int64(-1)


@kernel
def clean_records(data, at, rules, counters, out, offsets, count):
    """Check records and write them unaligned, as sequenced, or kept as they are, until there is no more of something.

    Parameters
    ----------
    data, at
        uint8 bytes of BAM, and where a record begins in them.
    rules
        What becomes of records.
    counters
        int64 (N_COUNTERS,), added to: records seen, left out as secondary or supplementary, hard-clipped ones among those cleaned.
    out, offsets
        uint8 and int64, filled: record ``i`` is ``out[offsets[i]:offsets[i + 1]]``.
    count
        How many records are there already.

    Returns
    -------
    Number of records, where the next one begins, why it came back, and which byte is to blame.
    """
    while count < offsets.size - 1:
        body = at + 4
        if body > data.size:
            return count, at, MORE, at
        size = read_u32(data, at)
        if size < HEAD - 4 or size > MAX_SIZE:
            return count, at, BAD_SIZE, at
        end = body + size
        if end > data.size:
            return count, at, MORE, at

        # Every part inside the record.
        n_cigar = read_u16(data, at + ITEMS)
        flag = read_u16(data, at + FLAG)
        length = read_i32(data, at + BASES)
        name = at + HEAD
        cigar = name + np.int64(data[at + NAME_LENGTH])
        sequence = cigar + 4 * n_cigar
        qualities = sequence + ((length + 1) >> 1)
        tags = qualities + length
        if length < 0 or tags > end:
            return count, at, BAD_LENGTHS, at
        if cigar == name or data[cigar - 1] != 0:
            return count, at, BAD_NAME, name
        # What is not kept must be sound, too, as for htslib (sam_read1 and bam_read1, sam.c): damage seldom comes alone.
        for place in (at + CONTIG, at + MATE_CONTIG):
            if not -1 <= read_i32(data, place) < rules.contigs.size:
                return count, at, BAD_CONTIG, place
        if n_cigar and length and not flag & UNMAPPED and _aligned_length(data, cigar, n_cigar) != length:
            return count, at, BAD_CIGAR, cigar

        # The record anew.
        contigs = read_i32(data, at + CONTIG), read_i32(data, at + MATE_CONTIG)
        is_kept = rules.keeps_aligned and _is_aligned(flag, *contigs)
        if not is_kept and flag & (SECONDARY | SUPPLEMENTARY):
            counters[SEEN] += 1
            counters[LEFT_OUT] += 1
            at = end
            continue
        target = offsets[count]
        if target + end - at + rules.tags.size + rules.growth > out.size:
            return count, at, FULL, at
        parts = cigar, sequence, qualities, tags, end
        if is_kept:
            for place in (at + CONTIG, at + MATE_CONTIG):
                if _number_in_index(read_i32(data, place), rules.contigs) == NO_CONTIG:
                    return count, at, OTHER_CONTIG, place
            target = _put_kept(out, target, data, at, parts, flag, rules)
        else:
            target = _put_cleaned(out, target, data, at, parts, flag, length, rules)
        if target == MALFORMED:
            return count, at, BAD_TAGS, tags
        counters[SEEN] += 1
        counters[HARD_CLIPPED] += not is_kept and _is_hard_clipped(data, cigar, n_cigar)
        count += 1
        offsets[count] = target
        at = end
    return count, at, FULL, at
