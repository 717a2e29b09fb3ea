"""Reads as bytes: bases with damage and errors, BAM records, FASTQ entries.

Each kernel that writes takes rows of ``READ``, fills ``out`` with as many as fit and returns (rows written, bytes written).
"""

from typing import NamedTuple

import numpy as np

from colonnade.formats.binning_kernels import reg2bin
from colonnade.formats.writing_kernels import put_bytes, put_number, put_u8, put_u16, put_u32, put_unaligned_head
from colonnade.jit import kernel
from colonnade.method.random_kernels import next_uniform, stream
from colonnade.simulate.templates_kernels import DAMAGE, READS, draw_template, lay_read, read_span

PAIRED, PROPER_PAIR, UNMAP, MUNMAP, REVERSE, MREVERSE, READ1, READ2, DUP = 1, 2, 4, 8, 16, 32, 64, 128, 1024
MAPPING_QUALITY = 60
BAI_SHIFT, BAI_DEPTH = 14, 5  # the geometry of the bin in each record (SAM specification, section 4.2.1)
FIXED = 36  # bytes of a BAM record before its name, block_size among them
HAPLOTYPE_TAG = 7  # bytes of HP:i
A, C, G, T = 0, 1, 2, 3


class Labels(NamedTuple):
    """The bytes that are the same in all reads of a sample on a contig."""

    contig: int
    name: np.ndarray  # uint8: what names begin with
    read_group: np.ndarray  # uint8: the tag, whole


class Buffers(NamedTuple):
    """Room for one read at a time."""

    carried: np.ndarray  # int64 (longest template,)
    cigar: np.ndarray  # int64 (2 * longest template + 3,)
    mate_cigar: np.ndarray
    name: np.ndarray  # uint8
    bases: np.ndarray  # uint8 (read length,): codes 0-3, as on the forward strand
    qualities: np.ndarray  # uint8 (read length,)


@kernel
def spell_read(template, begin, length, codes, alleles, carried, bases):
    """Fill ``bases`` with [begin, begin + length) of a template."""
    first = template.skip + begin
    last = first + length
    offset = np.int64(0)
    position = template.origin
    for c in range(template.n_carried + 1):
        item = carried[c] if c < template.n_carried else -1
        shift = alleles.shifts[item] if item >= 0 else np.int64(0)
        stop = position + last - offset
        if item >= 0:
            stop = alleles.positions[item] + (shift != 0)
        for i in range(max(offset, first), min(offset + stop - position, last)):
            bases[i - first] = codes[position + i - offset]
        offset += stop - position
        position = stop
        if offset >= last:
            break
        new = max(shift, np.int64(0)) if shift != 0 else np.int64(1)
        for i in range(max(offset, first), min(offset + new, last)):
            bases[i - first] = alleles.bases[alleles.letters[item] + i - offset]
        offset += new
        position += 1 if shift == 0 else max(-shift, np.int64(0))


@kernel
def damage_read(template, begin, length, probabilities, bases):
    """Deaminate: C becomes T near the left end of a template, G becomes A near its right one; in all its reads alike."""
    reach = probabilities.size
    for i in range(length):
        left = begin + i
        right = template.length - 1 - left
        distance = left if bases[i] == C else right if bases[i] == G else reach
        if distance < reach:
            u = next_uniform(stream(stream(template.key, DAMAGE), left))[1]
            if u < probabilities[distance]:
                bases[i] = T if bases[i] == C else A


@kernel
def misread(state, length, protocol, bases, qualities):
    """Draw the quality of each base, and put another base where it is wrong."""
    for i in range(length):
        state, u = next_uniform(state)
        quality = 0
        while u >= protocol.quality_shares[quality]:
            quality += 1
        qualities[i] = protocol.qualities[quality]
        state, u = next_uniform(state)
        if u < protocol.errors[quality]:
            state, u = next_uniform(state)
            bases[i] = (np.int64(bases[i]) + 1 + np.int64(3.0 * u)) & 3


@kernel
def _make_bases(read, template, begin, length, ground, alleles, protocol, buffers):
    spell_read(template, begin, length, ground.codes, alleles, buffers.carried, buffers.bases)
    if protocol.damage.size:
        damage_read(template, begin, length, protocol.damage, buffers.bases)
    state = stream(template.key, READS + np.int64(read.duplicate) * 2 + read.mate)
    misread(state, length, protocol, buffers.bases, buffers.qualities)


@kernel
def _is_right(read, template):
    """Whether a read is the right end of its template, and so from the reverse strand."""
    return template.is_reverse != (read.mate == 1)


@kernel
def _flag(read, protocol):
    flag = 0
    if protocol.mates == 2:
        flag |= PAIRED | (READ1 if read.mate == 0 else READ2)
    if protocol.mark_duplicates and read.duplicate > 0:
        flag |= DUP
    return flag


@kernel
def _make_name(read, labels, name):
    """SAMPLE.CONTIG.SOURCE.MOLECULE, and the copy of a duplicate; returns its length."""
    size = put_bytes(name, 0, labels.name, 0, labels.name.size)
    size = put_number(name, size, np.int64(read.source))
    name[size] = 46
    size = put_number(name, size + 1, np.int64(read.ordinal))
    if read.duplicate > 0:
        name[size] = 46
        size = put_number(name, size + 1, np.int64(read.duplicate))
    return size


@kernel
def _put_name(out, at, name, size):
    at = put_bytes(out, at, name, 0, size)
    out[at] = 0
    return at + 1


@kernel
def _put_bases(out, at, bases, qualities, length, is_reverse):
    """Write 4-bit codes and qualities, both the other way round for ``is_reverse``."""
    for i in range((length + 1) >> 1):
        out[at + i] = 0
    for i in range(length):
        code = 1 << (3 - bases[length - 1 - i] if is_reverse else bases[i])
        out[at + (i >> 1)] |= code if i & 1 else code << 4
    at += (length + 1) >> 1
    for i in range(length):
        out[at + i] = qualities[length - 1 - i] if is_reverse else qualities[i]
    return at + length


@kernel
def _put_tags(out, at, haplotype, labels):
    at = put_bytes(out, at, labels.read_group, 0, labels.read_group.size)
    out[at] = 72  # H
    out[at + 1] = 80  # P
    out[at + 2] = 105  # i
    return put_u32(out, at + 3, haplotype + 1)


@kernel
def _record_size(n_name, n_cigar, length, labels):
    return FIXED + n_name + 1 + 4 * n_cigar + ((length + 1) >> 1) + length + labels.read_group.size + HAPLOTYPE_TAG


@kernel
def write_aligned(reads, ground, alleles, protocol, labels, buffers, out):
    """BAM records as they align (SAM specification, section 4.2)."""
    at = 0
    for n in range(reads.size):
        read = reads[n]
        template = draw_template(read.source, read.ordinal, ground, alleles, buffers.carried)
        is_right = _is_right(read, template)
        begin, length = read_span(template, is_right, protocol)
        layout = lay_read(template, begin, length, alleles, buffers.carried, buffers.cigar)
        n_name = _make_name(read, labels, buffers.name)
        size = _record_size(n_name, layout.n_cigar, length, labels)
        if at + size > out.size:
            return n, at
        flag = _flag(read, protocol) | (REVERSE if is_right else 0)
        next_contig, next_start, span = -1, np.int64(-1), np.int64(0)
        if protocol.mates == 2:
            flag |= PROPER_PAIR | (0 if is_right else MREVERSE)
            other_begin, other_length = read_span(template, not is_right, protocol)
            mate = lay_read(template, other_begin, other_length, alleles, buffers.carried, buffers.mate_cigar)
            next_contig, next_start = labels.contig, mate.start
            span = max(layout.end, mate.end) - min(layout.start, mate.start)
        _make_bases(read, template, begin, length, ground, alleles, protocol, buffers)

        at = put_u32(out, at, size - 4)
        at = put_u32(out, at, labels.contig)
        at = put_u32(out, at, layout.start)
        at = put_u8(out, at, n_name + 1)
        at = put_u8(out, at, MAPPING_QUALITY)
        at = put_u16(out, at, reg2bin(layout.start, layout.end, BAI_SHIFT, BAI_DEPTH))
        at = put_u16(out, at, layout.n_cigar)
        at = put_u16(out, at, flag)
        at = put_u32(out, at, length)
        at = put_u32(out, at, next_contig)
        at = put_u32(out, at, next_start)
        at = put_u32(out, at, -span if is_right else span)
        at = _put_name(out, at, buffers.name, n_name)
        for i in range(layout.n_cigar):
            at = put_u32(out, at, buffers.cigar[i])
        at = _put_bases(out, at, buffers.bases, buffers.qualities, length, False)
        at = _put_tags(out, at, template.haplotype, labels)
    return reads.size, at


@kernel
def write_unaligned(reads, ground, alleles, protocol, labels, buffers, out):
    """BAM records as a sequencer gives them, each in the direction in which it was read."""
    at = 0
    for n in range(reads.size):
        read = reads[n]
        template = draw_template(read.source, read.ordinal, ground, alleles, buffers.carried)
        is_right = _is_right(read, template)
        begin, length = read_span(template, is_right, protocol)
        n_name = _make_name(read, labels, buffers.name)
        size = _record_size(n_name, 0, length, labels)
        if at + size > out.size:
            return n, at
        _make_bases(read, template, begin, length, ground, alleles, protocol, buffers)
        flag = (_flag(read, protocol) & ~DUP) | UNMAP | (MUNMAP if protocol.mates == 2 else 0)
        at = put_unaligned_head(out, at, size, n_name + 1, flag, length)
        at = _put_name(out, at, buffers.name, n_name)
        at = _put_bases(out, at, buffers.bases, buffers.qualities, length, is_right)
        at = _put_tags(out, at, template.haplotype, labels)
    return reads.size, at


@kernel
def write_fastq(reads, ground, alleles, protocol, labels, buffers, letters, out):
    """FASTQ entries, each in the direction in which it was read; ``letters`` are those of codes 0-3."""
    at = 0
    for n in range(reads.size):
        read = reads[n]
        template = draw_template(read.source, read.ordinal, ground, alleles, buffers.carried)
        is_right = _is_right(read, template)
        begin, length = read_span(template, is_right, protocol)
        n_name = _make_name(read, labels, buffers.name)
        if at + n_name + 2 * length + 6 > out.size:
            return n, at
        _make_bases(read, template, begin, length, ground, alleles, protocol, buffers)
        out[at] = 64  # @
        at = put_bytes(out, at + 1, buffers.name, 0, n_name)
        out[at] = 10
        at += 1
        for i in range(length):
            out[at + i] = letters[3 - buffers.bases[length - 1 - i] if is_right else buffers.bases[i]]
        at += length
        out[at] = 10
        out[at + 1] = 43  # +
        out[at + 2] = 10
        at += 3
        for i in range(length):
            out[at + i] = 33 + buffers.qualities[length - 1 - i if is_right else i]
        at += length
        out[at] = 10
        at += 1
    return reads.size, at
