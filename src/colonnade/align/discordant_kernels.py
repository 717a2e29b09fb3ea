"""Pairs that hits alone do not make proper: each mate is looked for near the other one (bwa_paired_sw, bwape.c)."""

import math

import numpy as np

from colonnade.align.laying_kernels import contig_at
from colonnade.align.pairing_kernels import DECIBEL, FIRST_MATE, GROUP, HALF, LAST_MATE, NO_GROUP, ROOT_HALF
from colonnade.align.record_kernels import read_bases, sequence_of
from colonnade.align.refine_kernels import CLIP, item_length, operation
from colonnade.align.rescue_kernels import align_mate
from colonnade.formats.writing_kernels import NOTHING, NOWHERE
from colonnade.jit import kernel

SURE = 17  # mapping quality that one of two mates has, so that each is looked for near the other one (SW_MIN_MAPQ)
SPREAD = 3.0  # standard deviations of the insert size to either side of where it ought to be

# What differences cost, and from which of the costs of two places their qualities follow.
MISMATCH_COST, OPEN_COST, EXTENSION_COST, CLIP_COST = 9, 13, 2, 3
COST_SCALE, COST_UNIT = 8.0, 3.0
TYPICAL_SIGMA = 1.5  # by which the insert size of a rescued pair is assumed to differ from the mean
UNLIMITED = np.int64(255)
HALVING, DISCOUNT = 2, 8  # of the quality of the mate that is moved

# What is noted of a mate that was looked for: items of its CIGAR, where it begins, its differences, the most its quality may be.
ITEMS, POSITION, FOUND_MISMATCHES, FOUND_OPENS, FOUND_EXTENSIONS, LIMIT, FOUND_WIDTH = range(7)


@kernel
def rescue_mates(genome, data, records, pairs, sizes, rules, reads, bases, cigar, room, rescued):
    """Look for a mate near the other one in each pair that is not proper and has one that is sure.

    Parameters
    ----------
    genome
        ``colonnade.align.laying_kernels.Genome``.
    data, records
        Bytes of the records, and where each begins.
    pairs
        As ``colonnade.align.pairing_kernels.list_pairs`` fills them.
    sizes, rules
        As there.
    reads
        Changed for mates that are found: place, differences, qualities.
    bases, cigar, room
        Scratch for one read.
    rescued
        ``colonnade.align.laying_kernels.Cigars``, filled with theirs.
    """
    found = np.empty((2, FOUND_WIDTH), np.int64)
    found_cigars = np.empty((2, cigar.size), np.int64)
    size = np.int64(0)
    for pair in range(pairs.shape[0]):
        group = pairs[pair, GROUP]
        first, last = pairs[pair, FIRST_MATE], pairs[pair, LAST_MATE]
        is_sure = max(reads.mapping_quality[first], reads.mapping_quality[last]) >= SURE
        if group == NO_GROUP or reads.is_proper[first] or not is_sure:
            continue
        for mate in range(2):
            read, anchor = pairs[pair, mate], pairs[pair, 1 - mate]
            look_for(genome, data, records, read, anchor, group, sizes, rules, reads, bases, cigar, room, found[mate])
            for k in range(found[mate, ITEMS]):
                found_cigars[mate, k] = cigar[k]
        moved = choose(reads, first, last, found, rules.bwa_quirks)
        if moved >= 0:
            read, anchor = pairs[pair, moved], pairs[pair, 1 - moved]
            is_choice = found[0, ITEMS] > 0 and found[1, ITEMS] > 0
            set_rescue_qualities(reads, read, anchor, is_choice, found[moved, LIMIT])
            move_to_found(reads, read, anchor, found[moved])
            rescued.starts[read] = size
            for k in range(found[moved, ITEMS]):
                rescued.items[size] = found_cigars[moved, k]
                size += 1
            rescued.ends[read] = size


@kernel
def look_for(genome, data, records, read, anchor, group, sizes, rules, reads, bases, cigar, room, found):
    """Look for a read near its mate, and fill ``cigar`` and ``found``; no items if it is not there, or as well where it is."""
    found[ITEMS] = 0
    found[LIMIT] = UNLIMITED
    if reads.position[anchor] == NOWHERE:
        return
    start, end = window(reads, anchor, read, sizes.mean[group], sizes.sd[group], genome.length)
    if not rules.bwa_quirks:
        start, end = on_contig(genome, reads.position[anchor], start, end)
    length = np.int64(reads.length[read])
    read_bases(data, sequence_of(data, records[read]), length, 1 - np.int64(reads.reverse[anchor]), bases)
    items, position, mismatches, gap_opens, gap_extensions = align_mate(
        genome.packed, genome.length, start, end - start, bases, length, room, cigar
    )
    if items > 0 and reads.position[read] != NOWHERE:
        old = cost(reads.mismatches[read], reads.gap_opens[read], reads.gap_extensions[read], NOTHING)
        old = np.int64(old + DECIBEL * math.log(sizes.abnormal_share[group] / genome.length))
        new = cost(mismatches, gap_opens, gap_extensions, clipped(cigar, items))
        new += np.int64(DECIBEL * math.log(0.5 * math.erfc(ROOT_HALF * TYPICAL_SIGMA) + HALF))
        found[LIMIT] = abs(old - new)
        items = items if new <= old else 0
    found[ITEMS] = items
    found[POSITION] = position
    found[FOUND_MISMATCHES] = mismatches
    found[FOUND_OPENS] = gap_opens
    found[FOUND_EXTENSIONS] = gap_extensions


@kernel
def window(reads, anchor, mate, mean, sd, genome_length):
    """Where a mate ought to be, as (start, end): on the other strand, as far away as insert sizes are long."""
    position = np.int64(reads.position[anchor])
    length, mate_length = np.int64(reads.length[anchor]), np.int64(reads.length[mate])
    if not reads.reverse[anchor]:
        start = np.int64(position + mean - SPREAD * sd - mate_length * 1.5)
        end = np.int64(start + 2 * SPREAD * sd + 2 * mate_length)
        return max(start, position + length), min(end, genome_length)
    start = np.int64(position + length - mean - SPREAD * sd - mate_length * 0.5)
    end = np.int64(start + 2 * SPREAD * sd + 2 * mate_length)
    return max(start, 0), position if end < 0 else min(end, position)


@kernel
def on_contig(genome, anchor, start, end):
    """The part of a stretch, as (start, end), that lies on the contig of a place."""
    contig = contig_at(genome.offsets, anchor)
    first = genome.offsets[contig]
    return max(start, first), min(end, first + genome.lengths[contig])


@kernel
def cost(mismatches, gap_opens, gap_extensions, clipped_bases):
    """What the differences of a place cost, in decibels."""
    total = np.int64(mismatches) * MISMATCH_COST + np.int64(gap_opens) * OPEN_COST
    total += np.int64(gap_extensions) * EXTENSION_COST + clipped_bases * CLIP_COST
    return np.int64(total / COST_UNIT * COST_SCALE + HALF)


@kernel
def clipped(cigar, items):
    """Bases that are clipped at both ends."""
    total = 0
    for k in range(items):
        total += item_length(cigar[k]) if operation(cigar[k]) == CLIP else 0
    return total


@kernel
def choose(reads, first, last, found, bwa_quirks):
    """Which mate is to be moved: the one found, or the less sure of two; -1 for none, as where one is found where it is.

    For bwa a mate without hits is at the first base of all.
    """
    if found[0, ITEMS] > 0 and found[1, ITEMS] > 0:
        moved = 0 if reads.mapping_quality[first] < reads.mapping_quality[last] else 1
    elif found[0, ITEMS] > 0:
        moved = 0
    elif found[1, ITEMS] > 0:
        moved = 1
    else:
        return -1
    read = last if moved else first
    position = reads.position[read]
    if bwa_quirks and reads.best_hits[read] == 0:
        position = 0
    return -1 if position == found[moved, POSITION] else moved


@kernel
def set_rescue_qualities(reads, read, anchor, is_choice, limit):
    """Set the qualities of both mates, one of which is moved; ``is_choice`` if it could have been the other one."""
    mapping_quality, single_quality = reads.mapping_quality, reads.single_quality
    quality = mapping_quality[anchor]
    if is_choice:
        quality = abs(mapping_quality[anchor] - mapping_quality[read])
    quality = min(quality, max(1, mapping_quality[anchor] - mapping_quality[read] // HALVING - DISCOUNT))
    mapping_quality[anchor] = quality
    mapping_quality[read] = min(quality, limit)
    single_quality[anchor] = min(single_quality[anchor], quality)
    single_quality[read] = single_quality[anchor]


@kernel
def move_to_found(reads, read, anchor, found):
    """Give a mate the place at which it was found."""
    reads.position[read] = found[POSITION]
    reads.mismatches[read] = found[FOUND_MISMATCHES]
    reads.gap_opens[read] = found[FOUND_OPENS]
    reads.gap_extensions[read] = found[FOUND_EXTENSIONS]
    reads.reverse[read] = 1 - reads.reverse[anchor]
    reads.is_proper[read] = 1
    reads.is_proper[anchor] = 1
