"""Blocks of the output end where the input's reads say, however these are cut into batches, and whoever deflates them."""

import gzip
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from colonnade.align.stretches import LEAST, READS, Pieces, StretchWriter, deflated, undivided
from colonnade.formats.bgzf import EOF_BLOCK
from colonnade.formats.bgzf_writer import BLOCK_CONTENT, BgzfWriter

NOISE = np.random.default_rng(1).integers(0, 4, 1 << 22, np.uint8)  # random bytes that can be deflated
HEADER = b"header"


def made(sizes: list[int], cuts: list[int], *, threads: int = 1, deflates: bool = True) -> bytes:
    """A file of records of these sizes, made by batches that begin where told."""
    bounds = np.append(0, np.cumsum(sizes, dtype=np.int64))
    file = io.BytesIO()
    with BgzfWriter(file, threads=threads) as stream:
        stream.write(HEADER)
        writer = StretchWriter(stream)
        for start, end in pairwise([0, *sorted(cuts), len(sizes)]):
            data = NOISE[bounds[start] : bounds[end]]
            own = bounds[start : end + 1] - bounds[start]
            writer.write(deflated(data, own, start) if deflates else undivided(data))
        writer.end_stretch()
    return file.getvalue()


def block_sizes(raw: bytes) -> list[int]:
    """Bytes of the stream in each block, without the last one."""
    sizes = []
    while raw != EOF_BLOCK:
        size = int.from_bytes(raw[16:18], "little") + 1
        sizes.append(int.from_bytes(raw[size - 4 : size], "little"))
        raw = raw[size:]
    return sizes


runs = st.tuples(st.sampled_from([0, 20, 49, 50, 80, 440]), st.integers(1, 20))
record_sizes = st.lists(runs, max_size=8).map(lambda drawn: [size for size, reads in drawn for _ in range(reads)])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record_sizes, st.data())
def test_bytes_depend_neither_on_batches_nor_on_threads(small_stretches, sizes: list[int], data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(sizes)), max_size=8))
    whole = made(sizes, [])
    assert gzip.decompress(whole) == HEADER + NOISE[: sum(sizes)].tobytes()
    assert made(sizes, cuts, threads=data.draw(st.sampled_from([1, 2]))) == whole
    assert made(sizes, list(range(len(sizes) + 1))) == whole
    assert EOF_BLOCK not in whole[: -len(EOF_BLOCK)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record_sizes)
@example([50] * 24)
@example([49] * 24)
@example([50] * 8 + [20] * 40)
def test_large_stretches_have_blocks_of_their_own_and_small_ones_share_theirs(
    small_stretches, sizes: list[int]
) -> None:
    ends = {0, *np.cumsum(block_sizes(made(sizes, []))).tolist()}
    bounds = len(HEADER) + np.append(0, np.cumsum(sizes, dtype=np.int64))
    expected, begin = {0}, 0
    for first in range(0, len(sizes), 8):
        start, end = bounds[first], bounds[min(first + 8, len(sizes))]
        if end - start >= 400:
            expected |= set(range(begin, start, 100)) | set(range(start, end, 100)) | {start, end}
            begin = end
    expected |= set(range(begin, bounds[-1], 100)) | {bounds[-1]}
    assert ends == expected


def test_most_of_it_is_deflated_with_the_batch() -> None:
    bounds = np.arange(3 * READS + 1) * 200
    for start, n_deflated, left in ((0, 3, 0), (10 * READS, 3, 0), (1, 2, 200 * READS), (READS - 1, 2, 200 * READS)):
        parts = list(deflated(NOISE[: bounds[-1]], bounds, start).split())
        assert [is_deflated for _, is_deflated in parts] == [False, *[True] * n_deflated, False]
        assert parts[0][0].nbytes + parts[-1][0].nbytes == left


def test_records_that_are_sorted_stay_as_they_are() -> None:
    pieces = undivided(NOISE)
    assert (bytes(pieces.data), pieces.sizes) == (NOISE.tobytes(), (NOISE.size,))


@pytest.mark.parametrize("reads", [1, 7, 400, 4096, 5000, 100_000])
def test_batches_of_any_size_give_the_same_bytes(reads: int) -> None:
    sizes = np.random.default_rng(2).integers(150, 250, 3 * READS).tolist()
    sizes[READS + 5] = 3 * BLOCK_CONTENT  # a record larger than a block
    sizes[-5:] = [LEAST] * 5
    assert made(sizes, list(range(reads, len(sizes), reads))) == made(sizes, [READS])


def test_a_long_stretch_is_not_held_in_memory() -> None:
    file = io.BytesIO()
    writer = StretchWriter(BgzfWriter(file))
    for _ in range(20):
        writer.write(undivided(NOISE[: LEAST // 2]))
    assert len(file.getvalue()) > LEAST


def test_pieces_are_as_they_were_after_travel() -> None:
    pieces = deflated(NOISE[: 300 * READS], np.arange(READS + 1) * 300, READS // 2)
    assert Pieces(*pieces) == pieces
    assert b"".join(bytes(piece) for piece, _ in pieces.split()) == bytes(pieces.data)
