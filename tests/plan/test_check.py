"""True bytes are those that the blocks hold, and the summary counts what it says."""

import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_bam import CONTIGS, KINDS

from colonnade.plan.check import Accuracy, true_bytes
from colonnade.plan.ranges import Range, plan_ranges
from colonnade.regions import Region

WHOLE = [Region(contig, 0, length) for contig, length in CONTIGS.items()]


def block_places(path: str) -> dict[int, int]:
    """Offset of each block in the file, and where its first byte is in the inflated file."""
    data = Path(path).read_bytes()
    places, offset, inflated = {}, 0, 0
    while offset < len(data):
        places[offset] = inflated
        size = int.from_bytes(data[offset + 16 : offset + 18], "little") + 1
        inflated += len(zlib.decompress(data[offset : offset + size], wbits=31))
        offset += size
    return places


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("layout", ["bai", "csi"])
def test_true_bytes_are_those_between_the_virtual_offsets(bam, kind: str, layout: str) -> None:
    file = bam(kind, layout)
    places = block_places(file.path)
    for planned in plan_ranges(WHOLE, [file], size=150_000):
        expected = sum(
            places[end.block] + end.within - places[start.block] - start.within for start, end in planned.chunks[0]
        )
        assert true_bytes(planned, [file]) == (expected,)


def test_file_without_an_index_holds_nothing(bam) -> None:
    files = [SimpleNamespace(path="x.cram", contigs={}, index=None), bam("usual")]
    planned = next(plan_ranges([Region("a", 0, CONTIGS["a"])], files, size=150_000))
    assert true_bytes(planned, files) == (0, *true_bytes(Range(planned.region, *one_file(planned)), files[1:]))


def one_file(planned: Range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return planned.estimates[1:], planned.chunk_starts[1:], planned.packed_chunks


def made_range(start: int, end: int, estimated: int) -> Range:
    return Range(Region("c", start, end), np.array([estimated, 0]), np.zeros(3, np.int64), np.empty((0, 2), np.int64))


def test_accuracy_counts_single_windows_apart() -> None:
    accuracy = Accuracy([SimpleNamespace(index=None)], target=100)
    accuracy.add(made_range(0, 40_000, 90), (100, 0))
    accuracy.add(made_range(40_000, 70_000, 90), (201, 0))
    accuracy.add(made_range(16_384, 32_768, 300), (300, 0))
    accuracy.add(made_range(50_000, 50_001, 0), (0, 0))
    assert (accuracy.n_ranges, accuracy.n_windows, accuracy.n_over, accuracy.n_windows_over) == (4, 2, 1, 1)
    assert accuracy.median_error == pytest.approx(0.1)
    assert accuracy.largest_error == pytest.approx(111 / 201)
    assert str(accuracy) == (
        "4 ranges; relative error of the estimates: median 10.0%, largest 55.2%; "
        "more than twice the target: 1 ranges of several windows, and 1 of 2 single windows"
    )


def test_accuracy_of_nothing_is_without_error() -> None:
    accuracy = Accuracy([], target=1)
    assert (accuracy.median_error, accuracy.largest_error) == (0, 0)
