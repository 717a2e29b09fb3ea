"""The interval set is what a brute-force merge of all its chunks gives, and its running total equals a recount."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.formats import intervals_kernels as kernels
from colonnade.formats.bgzf import Chunk, VirtualOffset
from colonnade.formats.intervals import IntervalSet

offsets = st.builds(VirtualOffset, st.integers(0, 60), st.sampled_from([0, 1, 500, 65_535]))
far_offsets = st.builds(VirtualOffset, st.integers(0, (1 << 47) - 1), st.integers(0, 65_535))


def chunks_between(places) -> st.SearchStrategy[list[Chunk]]:
    return st.lists(st.tuples(places, places).map(lambda pair: Chunk(*sorted(pair))), max_size=40)


chunk_lists = chunks_between(offsets) | chunks_between(far_offsets)


def merged_by_brute_force(chunks: list[Chunk]) -> list[Chunk]:
    """Joins any two that have a block in common, until none have."""
    found = [chunk for chunk in chunks if chunk.start < chunk.end]
    while True:
        pair = next(
            ((a, b) for i, a in enumerate(found) for b in found[:i]
             if a.start.block <= b.end.block and b.start.block <= a.end.block),
            None,
        )  # fmt: skip
        if pair is None:
            return sorted(found)
        found.remove(pair[0])
        found.remove(pair[1])
        found.append(Chunk(min(pair[0].start, pair[1].start), max(pair[0].end, pair[1].end)))


def recount(kept: IntervalSet) -> tuple[int, int]:
    return (
        sum(end.block - start.block for start, end in kept),
        sum(end.within - start.within for start, end in kept),
    )


@given(chunk_lists)
def test_set_equals_brute_force_at_every_step(chunks: list[Chunk]) -> None:
    kept = IntervalSet()
    for number, chunk in enumerate(chunks, start=1):
        kept.add(chunk)
        assert list(kept) == merged_by_brute_force(chunks[:number])
        assert len(kept) == len(list(kept))
        assert (kept.compressed, kept.within) == recount(kept)


@given(chunk_lists, st.randoms())
def test_order_of_insertion_does_not_matter(chunks: list[Chunk], random) -> None:
    kept = IntervalSet(chunks)
    shuffled = list(chunks)
    random.shuffle(shuffled)
    other = IntervalSet(shuffled)
    assert list(kept) == list(other)
    assert (kept.compressed, kept.within) == (other.compressed, other.within)


@given(chunk_lists)
def test_chunks_inside_kept_ones_add_nothing(chunks: list[Chunk]) -> None:
    kept = IntervalSet(chunks)
    before = list(kept), kept.compressed, kept.within
    for chunk in [*chunks, *before[0]]:
        kept.add(chunk)
    assert (list(kept), kept.compressed, kept.within) == before


@given(chunk_lists)
def test_kept_chunks_are_in_order_and_share_no_block(chunks: list[Chunk]) -> None:
    for one, other in pairwise(IntervalSet(chunks)):
        assert one.end.block < other.start.block


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([(0, 100), (100, 200)], [(0, 200)]),  # they touch in a block
        ([(0, 1 << 16), (1 << 16, 2 << 16)], [(0, 2 << 16)]),  # they touch between blocks
        ([(0, (1 << 16) + 5), ((1 << 16) + 900, 2 << 16)], [(0, 2 << 16)]),  # they share a block
        ([(0, 1 << 16), (2 << 16, 3 << 16)], [(0, 1 << 16), (2 << 16, 3 << 16)]),
        ([(2 << 16, 3 << 16), (0, 1 << 16), (1 << 16, 2 << 16)], [(0, 3 << 16)]),  # one closes the gap of two
        ([(7, 7)], []),
    ],
)
def test_what_merges(chunks: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    kept = IntervalSet(Chunk(*map(VirtualOffset.unpack, chunk)) for chunk in chunks)
    assert list(kept) == [Chunk(*map(VirtualOffset.unpack, chunk)) for chunk in expected]


def test_estimate_is_compressed_distance_times_ratio_and_distance_within_blocks() -> None:
    kept = IntervalSet([Chunk(VirtualOffset(1000, 60_000), VirtualOffset(3000, 50))])
    assert (kept.compressed, kept.within) == (2000, 50 - 60_000)
    assert kept.estimated_bytes(40) == 2000 * 40 + 50 - 60_000


def test_reversed_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        IntervalSet([Chunk(VirtualOffset(5, 0), VirtualOffset(4, 9))])


@given(chunk_lists)
def test_kernel_leaves_what_lies_behind_its_intervals_alone(chunks: list[Chunk]) -> None:
    intervals = np.full((len(chunks) + 1, 2), -7, np.int64)
    count = 0
    most = 0
    for start, end in chunks:
        packed = [offset.block << 16 | offset.within for offset in (start, end)]
        count, _, _ = kernels.insert(intervals, count, *packed)
        most = max(most, count)
    assert (intervals[most:] == -7).all()
