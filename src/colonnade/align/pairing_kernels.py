"""Which of the hits of two mates go together: those that lie as far apart as templates are long (pairing, bwape.c)."""

import math
from typing import NamedTuple

import numpy as np

from colonnade.align.insert_sizes_kernels import group_of
from colonnade.align.laying_kernels import contig_at
from colonnade.align.locate_kernels import DECIBELS, MOST_COUNTED, to_strand
from colonnade.align.record_kernels import BASES, FIRST, flag_of, is_mate
from colonnade.formats.integers_kernels import read_i32
from colonnade.formats.writing_kernels import NOWHERE
from colonnade.jit import kernel

# Columns of a pair: its mates, bases of the longer one, and which of the estimates is that of their read group.
FIRST_MATE, LAST_MATE, LONGEST, GROUP, PAIR_WIDTH = (np.int64(column) for column in range(5))
NO_GROUP = np.int64(-1)
NONE = np.int64(0)

# A candidate, a place of one mate, is one number, so that sorting brings them into bwa's order: position, hit, strand, mate.
POSITION_SHIFT, HIT_SHIFT = 24, 2
HIT_MASK = (1 << (POSITION_SHIFT - HIT_SHIFT)) - 1
NO_CANDIDATE = np.int64(-1)
#: Of Shell's sort (Ciura 2001), those above 701 each 2.25 times the one before.
STEPS = np.array([90927, 40412, 17961, 7983, 3548, 1577, 701, 301, 132, 57, 23, 10, 4, 1])

SCORE_SCALE = 10  # of the scores of hits beside the improbability of the insert size
DECIBEL = -4.343  # to a natural logarithm
HALF = 0.499
ROOT_HALF = math.sqrt(0.5)
IMPROBABLE = np.int64(1 << 31)  # what an infinite number becomes in 32 bits
WORD, WORD_MASK = np.uint64(32), np.uint64(0xFFFFFFFF)
WORST = np.uint64(0xFFFFFFFFFFFFFFFF)

# Mapping qualities of a mate that has been moved: where no other pair is possible, where others are much worse; and what is added
# where only the other mate was, and taken off where both were.
QUALITY_ALONE, QUALITY_FAR, BONUS, MALUS = 29, 23, 7, 20
HIGHEST_QUALITY = 60


class Sizes(NamedTuple):
    """Estimates of insert sizes, (groups,), by rising key: see ``colonnade.align.insert_sizes.Estimate``."""

    keys: np.ndarray  # uint64
    mean: np.ndarray  # float64
    sd: np.ndarray  # float64
    highest: np.ndarray  # int64
    abnormal_share: np.ndarray  # float64


class Rules(NamedTuple):
    """What of ``AlignOptions`` bears on pairs."""

    pairing_hits: int
    listed_hits: int
    listed_discordant_hits: int
    mismatch_penalty: int
    max_insert_size: int
    no_rescue: bool
    bwa_quirks: bool


@kernel
def list_pairs(data, records, keys, pairs):
    """Fill ``pairs``, int64 (pairs, PAIR_WIDTH), groups as indices of ``keys`` or ``NO_GROUP``; returns how many there are."""
    count = 0
    read = 0
    while read < records.size - 1:
        if not is_mate(data, records[read]):
            read += 1
            continue
        is_ordered = flag_of(data, records[read]) & FIRST != 0
        pairs[count, FIRST_MATE] = read if is_ordered else read + 1
        pairs[count, LAST_MATE] = read + 1 if is_ordered else read
        pairs[count, LONGEST] = max(read_i32(data, records[read] + BASES), read_i32(data, records[read + 1] + BASES))
        pairs[count, GROUP] = find_group(keys, group_of(data, records[read], records[read + 1]))
        count += 1
        read += 2
    return count


@kernel
def find_group(keys, group):
    """The index of a read group among those that have estimates, or ``NO_GROUP``."""
    low, high = 0, keys.size
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < group:
            low = middle + 1
        else:
            high = middle
    return low if low < keys.size and keys[low] == group else NO_GROUP


@kernel
def count_rows(pairs, reads, rules, needed):
    """Fill ``needed``, int64 (pairs, 2), with how many rows of each mate have to be followed.

    All where both mates have a place, for pairing, unless one has too many; else those that may be listed. One row alone has
    been followed already.
    """
    for pair in range(pairs.shape[0]):
        first, last = pairs[pair, FIRST_MATE], pairs[pair, LAST_MATE]
        are_placed = reads.position[first] != NOWHERE and reads.position[last] != NOWHERE
        most = rules.pairing_hits if are_placed else rules.listed_hits + 1
        for mate in range(2):
            read = pairs[pair, mate]
            rows = reads.best_hits[read] + reads.other_hits[read]
            is_wanted = can_pair(reads, first, last, rules) if are_placed else reads.position[read] != NOWHERE
            needed[pair, mate] = rows if is_wanted and 1 < rows <= most else 0


@kernel
def can_pair(reads, first, last, rules):
    """Whether both mates have a place, and neither has too many."""
    if reads.position[first] == NOWHERE or reads.position[last] == NOWHERE:
        return False
    rows = max(reads.best_hits[first] + reads.other_hits[first], reads.best_hits[last] + reads.other_hits[last])
    return rows <= rules.pairing_hits


@kernel
def list_rows(hits, pairs, needed, rows):
    """Fill ``rows``, int64, with the rows of all mates, pair by pair."""
    at = 0
    for pair in range(pairs.shape[0]):
        for mate in range(2):
            if needed[pair, mate] > 0:
                read = pairs[pair, mate]
                for hit in range(hits.offsets[read], hits.offsets[read + 1]):
                    for row in range(hits.row_start[hit], hits.row_end[hit]):
                        rows[at] = row
                        at += 1


@kernel
def pair_mates(hits, pairs, needed, positions, genome, sizes, rules, reads, candidates, listed, size):
    """Move mates to those of their hits that make the best pair, and list their other places.

    Parameters
    ----------
    hits
        ``colonnade.align.locate_kernels.Hits``.
    pairs, needed
        As ``list_pairs`` and ``count_rows`` fill them.
    positions
        int64: where each row listed by ``list_rows`` begins in the text of both strands.
    reads
        Changed: places, differences and qualities of mates that are moved; which pairs are proper.
    candidates
        int64: room for all of a pair.
    listed, size
        Places listed so far, and how many; others are added.

    Returns
    -------
    How many places are listed now.
    """
    at = np.int64(0)
    for pair in range(pairs.shape[0]):
        first, last = pairs[pair, FIRST_MATE], pairs[pair, LAST_MATE]
        are_placed = reads.position[first] != NOWHERE and reads.position[last] != NOWHERE
        if can_pair(reads, first, last, rules):
            quirks, at_last = rules.bwa_quirks, at + needed[pair, 0]
            count = list_candidates(
                hits, first, FIRST_MATE, needed[pair, 0], positions, at, genome, quirks, reads, candidates, NONE
            )
            count = list_candidates(
                hits, last, LAST_MATE, needed[pair, 1], positions, at_last, genome, quirks, reads, candidates, count
            )
            sort(candidates, count)
            choose_pair(hits, pairs[pair], genome, sizes, rules, reads, candidates, count)
        for mate in range(2):
            read = pairs[pair, mate]
            listed.starts[read] = size
            most = rules.listed_hits
            if are_placed and not reads.is_proper[read]:
                beside = reads.best_hits[read] + reads.other_hits[read] - 1
                most = rules.listed_hits if beside > rules.listed_discordant_hits else rules.listed_discordant_hits
            if 0 < needed[pair, mate] <= most + 1 and most > 0:
                size = list_places(hits, read, positions, at, genome.length, reads, listed, size)
            listed.ends[read] = size
            at += needed[pair, mate]
    return size


@kernel
def list_candidates(hits, read, mate, needed, positions, at, genome, bwa_quirks, reads, candidates, count):
    """Add the places of a mate, from the positions of its rows or the only one; returns how many candidates there are.

    Where a hit on the reverse strand begins depends on its gaps, for which bwa takes those of the hit that was chosen.
    """
    first_hit = hits.offsets[read]
    if needed == 0:
        place = np.int64(reads.position[read]) << POSITION_SHIFT
        candidates[count] = place | np.int64(reads.reverse[read]) << 1 | mate
        return count + 1
    for hit in range(first_hit, hits.offsets[read + 1]):
        shift = reads.shift[read] if bwa_quirks else hits.deletions[hit] - hits.insertions[hit]
        span = np.int64(reads.length[read]) + shift
        for _ in range(hits.row_start[hit], hits.row_end[hit]):
            position, reverse = to_strand(positions[at], span, genome.length)
            at += 1
            if position != NOWHERE:
                hit_and_strand = (hit - first_hit) << HIT_SHIFT | reverse << 1
                candidates[count] = np.int64(position) << POSITION_SHIFT | hit_and_strand | mate
                count += 1
    return count


@kernel
def list_places(hits, read, positions, at, length, reads, listed, size):
    """List the places of a mate that are not its own; returns how many are listed now."""
    for hit in range(hits.offsets[read], hits.offsets[read + 1]):
        shift = hits.deletions[hit] - hits.insertions[hit]
        for _ in range(hits.row_start[hit], hits.row_end[hit]):
            position, reverse = to_strand(positions[at], np.int64(reads.length[read]) + shift, length)
            at += 1
            if position != NOWHERE and position != reads.position[read]:
                listed.position[size] = position
                listed.reverse[size] = reverse
                listed.mismatches[size] = hits.mismatches[hit]
                listed.gaps[size] = hits.gap_opens[hit] + hits.gap_extensions[hit]
                listed.shift[size] = shift
                size += 1
    return size


@kernel
def sort(values, count):
    """Sort the first ``count`` values."""
    for step in STEPS:
        for i in range(step, count):
            value = values[i]
            j = i
            while j >= step and values[j - step] > value:
                values[j] = values[j - step]
                j -= step
            values[j] = value


@kernel
def choose_pair(hits, pair, genome, sizes, rules, reads, candidates, count):
    """Find the best pair among the candidates, and make it the place of both mates.

    A pair has its left mate on the forward strand, its right mate on the reverse one. As in bwa, only the two nearest candidates
    on the left are looked at, and of pairs that are equally good a hash of both places chooses.
    """
    first, last, longest, group = pair[FIRST_MATE], pair[LAST_MATE], pair[LONGEST], pair[GROUP]
    waiting = np.full((2, 2), NO_CANDIDATE)  # of each mate, the last two on the forward strand
    chosen = np.full(2, NO_CANDIDATE)
    best, second = WORST, WORST
    n_best = n_worse = 0
    for i in range(count):
        right = candidates[i]
        mate = right & 1
        if not right >> 1 & 1:
            waiting[mate, 0] = waiting[mate, 1]
            waiting[mate, 1] = right
            continue
        for age in range(1, -1, -1):
            left = waiting[1 - mate, age]
            size = (right >> POSITION_SHIFT) + reads.length[last if mate else first] - (left >> POSITION_SHIFT)
            if left == NO_CANDIDATE or left >> POSITION_SHIFT == right >> POSITION_SHIFT or size < longest:
                continue
            if size > (rules.max_insert_size if group == NO_GROUP else sizes.highest[group]):
                continue
            if not (rules.bwa_quirks or is_on_one_contig(hits, first, last, genome, reads, left, right)):
                continue
            left_hit = hits.offsets[first if mate else last] + (left >> HIT_SHIFT & HIT_MASK)
            right_hit = hits.offsets[last if mate else first] + (right >> HIT_SHIFT & HIT_MASK)
            score = SCORE_SCALE * (np.int64(hits.score[left_hit]) + hits.score[right_hit])
            if group != NO_GROUP:
                score += improbability(size, sizes.mean[group], sizes.sd[group])
            points = np.uint64(score) << WORD | hash_places(left >> POSITION_SHIFT, right >> POSITION_SHIFT) & WORD_MASK
            if points >> WORD == best >> WORD:
                n_best += 1
            elif points >> WORD < best >> WORD:
                n_worse += n_best
                n_best = 1
            else:
                n_worse += 1
            if points < best:
                second = best
                best = points
                chosen[1 - mate] = left
                chosen[mate] = right
            elif points < second:
                second = points
    if best != WORST:
        quality = pair_quality(best, second, n_best, n_worse, rules.mismatch_penalty)
        set_qualities(first, last, reads, chosen, quality)
        move_to_hit(hits, first, reads, chosen[0], rules.bwa_quirks)
        move_to_hit(hits, last, reads, chosen[1], rules.bwa_quirks)


@kernel
def is_on_one_contig(hits, first, last, genome, reads, left, right):
    """Whether the contig on which the left candidate begins has all of the right one, too."""
    read = last if right & 1 else first
    hit = hits.offsets[read] + (right >> HIT_SHIFT & HIT_MASK)
    end = (right >> POSITION_SHIFT) + reads.length[read] + hits.deletions[hit] - hits.insertions[hit]
    contig = contig_at(genome.offsets, left >> POSITION_SHIFT)
    return end <= genome.offsets[contig] + genome.lengths[contig]


@kernel
def improbability(size, mean, sd):
    """How unlikely an insert size is, in decibels."""
    share = 0.5 * math.erfc(ROOT_HALF * abs(size - mean) / sd)
    return np.int64(DECIBEL * math.log(share) + HALF) if share > 0 else IMPROBABLE


@kernel
def hash_places(left, right):
    """A hash of two places (hash_64, utils.h, of Thomas Wang's): uint64."""
    key = np.uint64(left) << np.uint64(32) | np.uint64(right)
    key = np.uint64(key + ~(key << np.uint64(32)))
    key ^= key >> np.uint64(22)
    key = np.uint64(key + ~(key << np.uint64(13)))
    key ^= key >> np.uint64(8)
    key = np.uint64(key + (key << np.uint64(3)))
    key ^= key >> np.uint64(15)
    key = np.uint64(key + ~(key << np.uint64(27)))
    return key ^ key >> np.uint64(31)


@kernel
def pair_quality(best, second, n_best, n_worse, mismatch_penalty):
    """How sure the best pair is, beside the second."""
    if n_best > 1:
        return 0
    if second == WORST:
        return QUALITY_ALONE
    ahead = np.int64(second >> WORD) - np.int64(best >> WORD)
    if ahead > SCORE_SCALE * mismatch_penalty:
        return QUALITY_FAR
    return max(0, ahead // 2 - DECIBELS[min(n_worse, MOST_COUNTED)])


@kernel
def set_qualities(first, last, reads, chosen, quality):
    """Set the mapping qualities of both mates, whose places may be those that they had by themselves."""
    mapping_quality, single_quality = reads.mapping_quality, reads.single_quality
    is_first_moved = is_elsewhere(reads, first, chosen[0])
    is_last_moved = is_elsewhere(reads, last, chosen[1])
    if is_first_moved and is_last_moved:
        single_quality[first] = single_quality[last] = 0
        mapping_quality[first] = mapping_quality[last] = max(0, quality - MALUS)
    elif is_first_moved:
        single_quality[first] = 0
        mapping_quality[first] = min(mapping_quality[last], quality)
    elif is_last_moved:
        single_quality[last] = 0
        mapping_quality[last] = min(mapping_quality[first], quality)
    elif mapping_quality[first] > 0 and mapping_quality[last] > 0:
        together = min(mapping_quality[first] + mapping_quality[last], HIGHEST_QUALITY)
        mapping_quality[first] = mapping_quality[last] = together
    else:
        if mapping_quality[first] == 0:
            mapping_quality[first] = min(quality + BONUS, mapping_quality[last])
        if mapping_quality[last] == 0:
            mapping_quality[last] = min(quality + BONUS, mapping_quality[first])


@kernel
def is_elsewhere(reads, read, candidate):
    """Whether a candidate is not the place that a read has."""
    return reads.position[read] != candidate >> POSITION_SHIFT or reads.reverse[read] != candidate >> 1 & 1


@kernel
def move_to_hit(hits, read, reads, candidate, bwa_quirks):
    """Give a mate its place in a proper pair. bwa forgets that the hit there may have other gaps, as ``bwa_quirks`` keeps it."""
    reads.is_proper[read] = 1
    if is_elsewhere(reads, read, candidate):
        hit = hits.offsets[read] + (candidate >> HIT_SHIFT & HIT_MASK)
        reads.position[read] = candidate >> POSITION_SHIFT
        reads.reverse[read] = candidate >> 1 & 1
        reads.mismatches[read] = hits.mismatches[hit]
        reads.gap_opens[read] = hits.gap_opens[hit]
        reads.gap_extensions[read] = hits.gap_extensions[hit]
        if not bwa_quirks:
            reads.shift[read] = hits.deletions[hit] - hits.insertions[hit]
