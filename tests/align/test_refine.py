"""Alignments with gaps are those of ksw_global2, with bwa's rules for their ends; MD says how a read differs."""

from functools import cache

import numpy as np
import pysam
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from raw_index import packed

from colonnade.align import refine_kernels as kernels
from colonnade.align.record_kernels import read_bases
from colonnade.align.refine_kernels import DELETION, INSERTION, MATCH

IMPOSSIBLE = -(10**9)

bases = st.text("ACGT", min_size=1, max_size=24) | st.text("AC", min_size=1, max_size=24)
lettered = st.text("ACGTN", min_size=1, max_size=24) | st.text("AC", min_size=1, max_size=24)


def codes(read: str) -> np.ndarray:
    return np.array(["ACGTN".index(base) for base in read], np.uint8)


def reference(text: str) -> np.ndarray:
    return np.frombuffer(packed(text), np.uint8)


def text_of(cigar: np.ndarray, items: int) -> str:
    return "".join(f"{value >> 4}{'MIDNS'[value & 15]}" for value in cigar[:items].tolist())


def slow_alignment(read: str, text: str, width: int) -> list[tuple[int, int]]:
    """By definition: scores of alignments that end at a pair of bases, and the way back from the last pair."""

    @cache
    def match(i: int, j: int) -> int:
        if abs(i - j) > width:
            return IMPOSSIBLE
        score = -1 if read[j] == "N" else 1 if read[j] == text[i] else -3
        return before(i - 1, j - 1) + score

    @cache
    def deletion(i: int, j: int) -> int:
        return IMPOSSIBLE if i == 0 or abs(i - j) > width else max(match(i - 1, j) - 6, deletion(i - 1, j) - 1)

    @cache
    def insertion(i: int, j: int) -> int:
        return IMPOSSIBLE if j == 0 or abs(i - j) > width else max(match(i, j - 1) - 6, insertion(i, j - 1) - 1)

    @cache
    def before(i: int, j: int) -> int:
        if i < 0 or j < 0:
            gap = i + j + 2
            return 0 if gap == 0 else -(5 + gap) if gap <= width else IMPOSSIBLE
        return max(match(i, j), deletion(i, j), insertion(i, j))

    steps, state = [], None
    i, j = len(text) - 1, len(read) - 1
    while i >= 0 and j >= 0:
        if state is None:
            state = next(
                kind
                for kind, score in ((MATCH, match), (DELETION, deletion), (INSERTION, insertion))
                if score(i, j) == before(i, j)
            )
        steps.append(state)
        if state == MATCH:
            i, j, state = i - 1, j - 1, None
        elif state == DELETION:
            state = DELETION if deletion(i - 1, j) - 1 > match(i - 1, j) - 6 else MATCH
            i -= 1
        else:
            state = INSERTION if insertion(i, j - 1) - 1 > match(i, j - 1) - 6 else MATCH
            j -= 1
    steps += [DELETION] * (i + 1) + [INSERTION] * (j + 1)
    return collapse(steps[::-1])


def collapse(steps: list[int]) -> list[tuple[int, int]]:
    items: list[tuple[int, int]] = []
    for kind in steps:
        length = items.pop()[0] if items and items[-1][1] == kind else 0
        items.append((length + 1, kind))
    return items


def aligned(read: str, text: str, width: int) -> list[tuple[int, int]]:
    cells = np.empty((len(text), min(len(read), 2 * width + 1)), np.uint8)
    cigar = np.empty(len(read) + len(text), np.int64)
    kernels.fill_cells(reference(text), codes(read), len(read), 0, width, cells)
    items = kernels.trace_back(len(read), width, cells, cigar)
    return [(value >> 4, value & 15) for value in cigar[:items].tolist()]


@given(lettered, bases, st.integers(1, 30))
@example("ACACACACACGT", "ACACACGT", 50)
@example("ACACGT", "ACACACACACGT", 50)
@example("AAAATTTT", "AAAACCTTTT", 2)
@example("CAACCAACA", "CAACAACACACCACACA", 20)  # a deletion could open or go on for the same score
@example("TAAAAGGGAAAG", "AAAAGGGCACAAGAAAG", 20)
@example("CACCACAACCCACCTA", "CACCAACA", 20)  # and an insertion
@example("TTCCACCCCCCCGCCCA", "AACCCCCCCCA", 20)
def test_alignments_are_those_of_the_definition(read: str, text: str, spare: int) -> None:
    width = abs(len(read) - len(text)) + spare
    assert aligned(read, text, width) == slow_alignment(read, text, width)


@given(st.text("ACGT", min_size=20, max_size=60), st.integers(5, 15), st.integers(1, 9), st.booleans())
def test_alignments_of_reads_with_one_gap_are_those_of_the_definition(
    text: str, at: int, length: int, add: bool
) -> None:
    read = text[:at] + "ACGTTGCAT"[:length] + text[at:] if add else text[:at] + text[at + length :]
    assert aligned(read, text, 12) == slow_alignment(read, text, 12)


def refined(read: str, genome: str, position: int, span: int) -> tuple[str, int]:
    cigar = np.empty(len(read) + max(span, 0) + 1, np.int64)
    items, start = kernels.refine(reference(genome), len(genome), codes(read), len(read), position, span, cigar)
    return text_of(cigar, items), start


GENOME = "TTGACCGTAGGCTAACGATCCTGAAGTCCATGGCATTACGGATCTTGCAC"


@pytest.mark.parametrize(
    ("read", "position", "span", "cigar", "start"),
    [
        (GENOME[5:20] + GENOME[23:40], 5, 35, "15M3D17M", 5),
        (GENOME[5:20] + "GGG" + GENOME[20:40], 5, 35, "15M3I20M", 5),
        ("GGGG" + GENOME[5:40], 5, 35, "4S35M", 5),
        (GENOME[5:40] + "AAAA", 5, 35, "35M4S", 5),
        (GENOME[8:40], 5, 35, "32M", 8),
        (GENOME[5:37], 5, 35, "32M", 5),
        ("GGGGG", 10, 0, "", 10),
        ("GGGGG", 10, -2, "", 10),
        (GENOME[40:], 40, 11, "", 40),
    ],
    ids=["deletion", "insertion", "clip first", "clip last", "skip first", "drop last", "no span", "below", "beyond"],
)
def test_gaps_at_the_ends_become_clips_or_are_left_out(
    read: str, position: int, span: int, cigar: str, start: int
) -> None:
    assert refined(read, GENOME, position, span) == (cigar, start)


@pytest.mark.parametrize(
    ("cigar", "reverse", "expected"),
    [("20M", 0, "20M5S"), ("20M", 1, "5S20M"), ("18M2S", 0, "18M7S"), ("18M2S", 1, "5S18M2S"), ("2S18M", 1, "7S18M")],
)
def test_what_was_trimmed_is_clipped_at_the_end_of_the_read(cigar: str, reverse: int, expected: str) -> None:
    values = np.zeros(4, np.int64)
    items = [length << 4 | kind for kind, length in cigar_tuples(cigar)]
    values[: len(items)] = items
    assert text_of(values, kernels.clip_trimmed(values, len(items), 5, reverse)) == expected
    values[: len(items)] = items
    assert text_of(values, kernels.clip_trimmed(values, len(items), 0, reverse)) == cigar


def cigar_tuples(cigar: str) -> list[tuple[int, int]]:
    segment = pysam.AlignedSegment()
    segment.cigarstring = cigar
    return list(segment.cigartuples or ())


@pytest.mark.parametrize(
    ("read", "cigar", "position", "md", "differences"),
    [
        (GENOME[3:23], "20M", 3, "20", 0),
        ("T" + GENOME[4:22] + "A", "20M", 3, "0A18G0", 2),
        (GENOME[3:13] + "N" + GENOME[14:23], "20M", 3, "10A9", 1),
        (GENOME[3:13] + GENOME[16:26], "10M3D10M", 3, "10^AAC10", 3),
        ("GG" + GENOME[3:13] + "TT" + GENOME[13:21], "2S10M2I8M", 3, "18", 2),
    ],
)
def test_md_and_nm_are_as_the_sam_tags_specification_has_them(
    read: str, cigar: str, position: int, md: str, differences: int
) -> None:
    items = np.array([length << 4 | kind for kind, length in cigar_tuples(cigar)])
    text = np.zeros(60, np.uint8)
    end, count = kernels.describe(reference(GENOME), len(GENOME), position, items, len(items), codes(read), text)
    assert (text[:end].tobytes().decode(), count) == (md, differences)


@given(st.lists(st.sampled_from(list(range(16))), max_size=40), st.data(), st.booleans())
def test_bases_come_on_the_strand_asked_for(nibbles: list[int], data: st.DataObject, reverse: bool) -> None:
    length = data.draw(st.integers(0, len(nibbles)))
    padded = [*nibbles, 0]
    record = np.array([high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=False)] or [0], np.uint8)
    out = np.empty(length, np.uint8)
    read_bases(record, 0, length, reverse, out)
    expected = [{1: 0, 2: 1, 4: 2, 8: 3}.get(nibble, 4) for nibble in nibbles[:length]]
    if reverse:
        expected = [3 - base if base < 4 else 4 for base in expected[::-1]]
    assert out.tolist() == expected
