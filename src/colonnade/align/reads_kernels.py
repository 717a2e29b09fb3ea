"""The trust boundary of aligning: one pass that checks raw BAM records and cleans old alignments off.

Past ``clean_records`` name, sequence, qualities and tags of a record add up to its size, and tags can be walked without checks.
Layout: SAM specification, section 4.2.
"""

import numpy as np

from colonnade.formats.fastq_kernels import FULL, HEAD, MORE, UNMAP
from colonnade.formats.integers_kernels import read_i32, read_u16, read_u32
from colonnade.formats.tags_kernels import MALFORMED, tag_end
from colonnade.formats.writing_kernels import put_bytes, put_reverse_complement, put_reversed, put_unaligned_head
from colonnade.jit import kernel

# Why clean_records came back, beside MORE and FULL.
BAD_SIZE = 16
BAD_LENGTHS = 17
BAD_NAME = 18
BAD_TAGS = 19
PAIRED_READ = 20
BAD_CONTIG = 21
BAD_CIGAR = 22

MAX_SIZE = 1 << 28  # of a record that is believed; the longest reads with all their tags need a tenth
PAIRED, REVERSE, SECONDARY, QCFAIL, DUP, SUPPLEMENTARY = 1, 16, 256, 512, 1024, 2048
OF_READ = 0b110010011  # CIGAR operations that go along the read: M I S = X
HARD_CLIP = 5
MISSING = 255  # first quality of a read that has none

SEEN, LEFT_OUT, HARD_CLIPPED, N_COUNTERS = 0, 1, 2, 3


@kernel
def _is_one_of(data, tag, names):
    name = np.int64(data[tag]) << 8 | np.int64(data[tag + 1])
    for other in names:
        if name == other:
            return True
    return False


@kernel
def _put_tags(out, at, data, tag, end, dropped):
    """Copy the tags that are not dropped; returns the offset behind them, or ``MALFORMED``."""
    kept_from = tag
    while tag < end:
        following = tag_end(data, tag, end)
        if following == MALFORMED:
            return MALFORMED
        if _is_one_of(data, tag, dropped):
            at = put_bytes(out, at, data, kept_from, tag)
            kept_from = following
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
def clean_records(data, at, n_contigs, dropped, tags, counters, out, offsets, count):
    """Check records and write them unaligned, as sequenced, until there is no more of something.

    Parameters
    ----------
    data, at
        uint8 bytes of BAM, and where a record begins in them.
    n_contigs
        Of the header.
    dropped
        int64: tags that are left out, the first letter in the higher byte.
    tags
        uint8: what each record gets at its end.
    counters
        int64 (N_COUNTERS,), added to: records seen, left out as secondary or supplementary, hard-clipped ones among the others.
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
        l_name = np.int64(data[body + 8])
        n_cigar = read_u16(data, body + 12)
        flag = read_u16(data, body + 14)
        length = read_i32(data, body + 16)
        name = at + HEAD
        cigar = name + l_name
        sequence = cigar + 4 * n_cigar
        qualities = sequence + ((length + 1) >> 1)
        old_tags = qualities + length
        if length < 0 or old_tags > end:
            return count, at, BAD_LENGTHS, at
        if l_name < 1 or data[cigar - 1] != 0:
            return count, at, BAD_NAME, name
        # What is not kept must be sound, too, as for htslib (sam_read1 and bam_read1, sam.c): damage seldom comes alone.
        contig, mate_contig = read_i32(data, body), read_i32(data, body + 20)
        if min(contig, mate_contig) < -1 or max(contig, mate_contig) >= n_contigs:
            return count, at, BAD_CONTIG, body
        if n_cigar and length and not flag & UNMAP and _aligned_length(data, cigar, n_cigar) != length:
            return count, at, BAD_CIGAR, cigar
        if flag & (SECONDARY | SUPPLEMENTARY):
            counters[SEEN] += 1
            counters[LEFT_OUT] += 1
            at = end
            continue
        if flag & PAIRED:
            return count, at, PAIRED_READ, name

        # The record anew.
        target = offsets[count]
        if target + end - at + tags.size > out.size:
            return count, at, FULL, at
        target = put_bytes(out, target + HEAD, data, name, cigar)
        if flag & REVERSE:
            target = put_reverse_complement(out, target, data, sequence, length)
        else:
            target = put_bytes(out, target, data, sequence, qualities)
        if flag & REVERSE and length > 0 and data[qualities] != MISSING:
            target = put_reversed(out, target, data, qualities, length)
        else:
            target = put_bytes(out, target, data, qualities, old_tags)
        target = _put_tags(out, target, data, old_tags, end, dropped)
        if target < 0:
            return count, at, BAD_TAGS, old_tags
        target = put_bytes(out, target, tags, 0, tags.size)
        put_unaligned_head(out, offsets[count], target - offsets[count], l_name, flag & (QCFAIL | DUP) | UNMAP, length)
        counters[SEEN] += 1
        counters[HARD_CLIPPED] += _is_hard_clipped(data, cigar, n_cigar)
        count += 1
        offsets[count] = target
        at = end
    return count, at, FULL, at
