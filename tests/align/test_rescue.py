"""A read lies near its mate where bwa_sw_core says: well, in one place only, and clipped where it does not fit."""

import random
import re
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_index import packed

from colonnade.align.refine_kernels import BAND, fill_cells
from colonnade.align.rescue_kernels import LONGEST_RESCUED, Room, align_mate, rescue_room

ROOM = rescue_room(300, 1000)


def sequence(length: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def codes(read: str) -> np.ndarray:
    return np.array(["ACGTN".index(base) for base in read], np.uint8)


class Found(NamedTuple):
    """How a read was aligned."""

    cigar: str
    position: int
    mismatches: int
    gap_opens: int
    gap_extensions: int


def rescued(read: str, genome: str, start: int = 0, size: int | None = None, room: Room = ROOM) -> Found | None:
    cigar = np.empty(2 * len(read) + 2, np.int64)
    items, *numbers = align_mate(
        np.frombuffer(packed(genome), np.uint8),
        len(genome),
        start,
        len(genome) - start if size is None else size,
        codes(read),
        len(read),
        room,
        cigar,
    )
    text = "".join(f"{value >> 4}{'MIDNS'[value & 15]}" for value in cigar[:items].tolist())
    return Found(text, *map(int, numbers)) if items else None


GENOME = sequence(400)
READ = GENOME[200:275]


def changed(read: str, *places: int) -> str:
    return "".join("CGTA"["ACGT".index(base)] if at in places else base for at, base in enumerate(read))


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (READ, Found("75M", 200, 0, 0, 0)),
        (changed(READ, 20, 30, 60), Found("75M", 200, 3, 0, 0)),
        (READ[:20] + "N" + READ[21:40] + "NN" + READ[42:], Found("75M", 200, 0, 0, 0)),
        (changed(READ, 2, 72), Found("3S69M3S", 203, 0, 0, 0)),
        ("GATTACAGATTACA" + READ[14:], Found("14S61M", 214, 0, 0, 0)),
        (READ[:50] + sequence(25, 9), Found("50M25S", 200, 0, 0, 0)),
        (READ[:30] + READ[34:], Found("30M4D41M", 200, 0, 1, 3)),
        (READ[:30] + "AA" + READ[30:], Found("30M2I45M", 200, 0, 1, 1)),
        (changed(READ[:30], 10) + READ[31:60] + "G" + READ[60:], Found("30M1D29M1I15M", 200, 1, 2, 0)),
    ],
    ids=["equal", "mismatches", "unknown", "ends", "head", "tail", "deletion", "insertion", "two gaps"],
)
def test_a_read_is_aligned_with_its_differences_and_clips(read: str, expected: Found) -> None:
    assert rescued(read, GENOME) == expected


def test_a_read_is_found_only_in_the_stretch() -> None:
    assert rescued(READ, GENOME, 150, 125) == rescued(READ, GENOME, 200, 75) == Found("75M", 200, 0, 0, 0)
    assert rescued(READ, GENOME, 150, 100) == Found("50M25S", 200, 0, 0, 0)
    assert rescued(READ, GENOME, 220, 100) == Found("20S55M", 220, 0, 0, 0)
    assert rescued(READ, GENOME, 275, 100) is None


def test_a_read_may_hang_over_the_end_of_the_genome_but_its_stretch_begins_before() -> None:
    read = GENOME[350:] + sequence(20, 9)
    assert rescued(read, GENOME, 300, 500) == Found("50M20S", 350, 0, 0, 0)
    assert rescued(read, GENOME, 330, 500) == Found("50M20S", 350, 0, 0, 0)
    assert rescued(read, GENOME, 331, 500) is None
    assert rescued(read, GENOME, 450, 20) is None


@pytest.mark.parametrize(("aligned", "is_enough"), [(20, True), (19, False)])
def test_twenty_bases_must_be_aligned(aligned: int, is_enough: bool) -> None:
    genome = "G" * 50 + GENOME[:aligned] + "G" * 50
    read = "T" * 30 + GENOME[:aligned] + "T" * 30
    expected = Found(f"30S{aligned}M30S", 50, 0, 0, 0)
    assert rescued(read, genome) == (expected if is_enough else None)
    assert rescued(GENOME[:aligned], genome) == (expected._replace(cigar=f"{aligned}M") if is_enough else None)
    assert rescued(GENOME[:aligned], genome, 50, aligned) == (
        expected._replace(cigar=f"{aligned}M") if is_enough else None
    )


@pytest.mark.parametrize("size", [19, 0, -30])
def test_a_stretch_may_be_too_short(size: int) -> None:
    assert rescued(READ, GENOME, 200, size) is None


@pytest.mark.parametrize(
    ("length", "unknown", "is_enough"), [(80, 19, True), (80, 20, False), (24, 4, True), (24, 5, False)]
)
def test_a_quarter_of_the_bases_is_too_many_unknown_ones(length: int, unknown: int, is_enough: bool) -> None:
    read = GENOME[100 : 100 + length - unknown] + "N" * unknown
    expected = Found(f"{length - unknown}M{unknown}S", 100, 0, 0, 0)
    assert rescued(read, GENOME) == (expected if is_enough else None)


@pytest.mark.parametrize(("repeats", "is_placed"), [(40, True), (41, False)])
def test_a_place_as_good_counts_if_it_ends_beyond_the_reach_of_the_first(repeats: int, is_placed: bool) -> None:
    assert rescued("AC" * 20, "AC" * repeats) == (Found("40M", 0, 0, 0, 0) if is_placed else None)


@pytest.mark.parametrize(
    ("length", "is_placed"), [(75, False), (79, True), (80, True), (247, False), (256, True), (258, False), (263, True)]
)
def test_filled_up_vectors_let_a_score_reach_further(length: int, is_placed: bool) -> None:
    read = sequence(length)
    assert rescued(read, read + read + sequence(9, 2)) == (Found(f"{length}M", 0, 0, 0, 0) if is_placed else None)
    assert rescued(read, read + sequence(9, 2) + read) is None


def test_a_place_that_is_better_wins() -> None:
    genome = changed(READ, 40) + sequence(100, 5) + READ
    assert rescued(READ, genome) == Found("75M", 175, 0, 0, 0)


@pytest.mark.parametrize("gap", [BAND, BAND + 1])
def test_a_gap_is_as_wide_as_the_band_at_most(gap: int) -> None:
    read = sequence(260, 3)
    genome = read[:130] + sequence(gap, 4) + read[130:]
    assert rescued(read, genome) == (Found(f"130M{gap}D130M", 0, 0, 1, gap - 1) if gap <= BAND else None)


def test_an_insertion_beside_a_deletion_is_no_alignment() -> None:
    left, right = sequence(100, 3) + "G", "G" + sequence(100, 4)
    assert rescued(left + "A" * 12 + right, left + "C" * 12 + right) is None


def test_a_stretch_may_be_longer_than_numbers_of_16_bits_are_high() -> None:
    genome = sequence(300) * 110 + sequence(100, 7)
    assert rescued(genome[-30:], genome, room=rescue_room(30, len(genome))) == Found("30M", 33_070, 0, 0, 0)


def test_reads_that_numbers_of_16_bits_cannot_score_are_not_aligned() -> None:
    read = sequence(LONGEST_RESCUED + 1)
    assert rescued(read, read) is None


def test_what_was_aligned_before_leaves_no_trace() -> None:
    for other in (GENOME[:300], sequence(20, 8), sequence(33, 8) + GENOME[:90]):
        rescued(other, GENOME)
        assert rescued(READ, GENOME) == Found("75M", 200, 0, 0, 0)


@st.composite
def near_relatives(draw: st.DrawFn) -> tuple[str, str]:
    """A read and a genome that has something like it."""
    genome = draw(st.text("ACGT", min_size=30, max_size=110) | st.text("AC", min_size=30, max_size=110))
    start = draw(st.integers(0, len(genome) - 25))
    read = list(genome[start : start + draw(st.integers(25, 60))])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(read) - 1))
        new = draw(st.text("ACGT", max_size=5) | st.just("N"))
        read[at : at + draw(st.integers(0, 5))] = new
    return "".join(draw(st.text("ACGT", max_size=9))) + "".join(read), genome


class Ends(NamedTuple):
    """Of the best local alignment: score, where it ends first on the reference, first in the read there, last on the reference."""

    score: int
    i: int
    j: int
    last: int


def slow_ends(read: str, genome: str) -> Ends:
    """By definition, row by row; bases "." of the read score nothing."""
    ends = Ends(0, 0, 0, 0)
    scores, deletions = [0] * (len(read) + 1), [-99] * len(read)
    for i, reference in enumerate(genome):
        before, scores, insertion = scores, [0], -99
        for j, base in enumerate(read):
            match = before[j] + (0 if base == "." else -1 if base == "N" else 1 if base == reference else -3)
            deletions[j] = max(deletions[j], before[j + 1] - 5) - 1
            insertion = max(insertion, scores[j] - 5) - 1
            scores.append(max(0, match, deletions[j], insertion))
        best = max(scores)
        if best > ends.score:
            ends = Ends(best, i, scores.index(best) - 1, i)
        elif best == ends.score:
            ends = ends._replace(last=i)
    return ends


@given(near_relatives())
@settings(max_examples=60)
def test_alignments_are_those_of_the_definition(related: tuple[str, str]) -> None:
    read, genome = related
    found = rescued(read, genome)
    score, i, j, last = slow_ends(read.ljust(-(-len(read) // 16) * 16, "."), genome)
    unknown = read.count("N")
    if score < 20 or len(genome) < len(read) or unknown * 4 >= len(read) or len(read) - unknown < 20:
        assert found is None
    elif found is None:
        back = slow_ends(read[j::-1], genome[i::-1])
        assert last > i + score or global_score(read[j - back.j : j + 1], genome[i - back.i : i + 1]) < score
    else:
        assert spelled(found, read, genome) == Spelled(score, i + 1, j + 1, found[2:])


def global_score(read: str, genome: str) -> int:
    cells = np.empty((len(genome), min(len(read), 2 * BAND + 1)), np.uint8)
    return fill_cells(np.frombuffer(packed(genome), np.uint8), codes(read), len(read), 0, BAND, cells)


class Spelled(NamedTuple):
    """What a CIGAR says: score, ends on the reference and in the read, and its differences."""

    score: int
    end: int
    read_end: int
    differences: tuple[int, int, int]


def spelled(found: Found, read: str, genome: str) -> Spelled:
    """Follow an alignment base by base; all bases of the read are in it."""
    score = mismatches = opens = extensions = j = end = 0
    i = found.position
    for length, kind in ((int(length), kind) for length, kind in re.findall(r"(\d+)(.)", found.cigar)):
        if kind == "M":
            for base, reference in zip(read[j : j + length], genome[i : i + length], strict=True):
                score += -1 if base == "N" else 1 if base == reference else -3
                mismatches += base not in ("N", reference)
        elif kind != "S":
            score -= 5 + length
            opens += 1
            extensions += length - 1
        i += length if kind in "MD" else 0
        j += length if kind in "MIS" else 0
        end = j if kind != "S" else end
    assert j == len(read)
    return Spelled(score, i, end, (mismatches, opens, extensions))
