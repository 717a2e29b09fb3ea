"""Reads of a sample are each counted once, over all of its files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from colonnade.errors import FormatError
from colonnade.workflow.counts import ReadCounts

BASES = "ACGTACGTAC\tIIIIIIIIII"
LINES = [
    f"pair\t99\tchr1\t1\t60\t10M\t=\t30\t39\t{BASES}",
    f"pair\t147\tchr1\t30\t60\t10M\t=\t1\t-39\t{BASES}",
    f"pair\t2211\tchr1\t50\t60\t10M\t=\t30\t0\t{BASES}",  # supplementary
    f"pair\t355\tchr1\t60\t0\t10M\t=\t30\t0\t{BASES}",  # secondary
    f"copy\t1024\tchr1\t1\t60\t10M\t*\t0\t0\t{BASES}",
    f"failed\t512\tchr1\t1\t60\t10M\t*\t0\t0\t{BASES}",
    f"lost\t4\t*\t0\t0\t*\t*\t0\t0\t{BASES}",
]


def test_each_read_is_counted_once(make_bam: Callable[..., Path]) -> None:
    path = make_bam("a.bam", {"chr1": 100}, LINES)
    expected = ReadCounts(reads=5, mapped=4, duplicates=1, paired=2, properly_paired=2)
    assert ReadCounts.of([str(path)]) == expected
    assert ReadCounts.of([str(path)], threads=2) == expected


def test_files_of_a_sample_are_added(make_bam: Callable[..., Path]) -> None:
    paths = [make_bam(f"{n} {n}.bam", {"chr1": 100}, LINES) for n in range(2)]
    assert ReadCounts.of([str(path) for path in paths]) == ReadCounts(10, 8, 2, 4, 4)


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    counts = ReadCounts(5, 4, 1, 2, 2)
    counts.write(tmp_path / "counts.json")
    assert ReadCounts.read(tmp_path / "counts.json") == counts


def test_a_file_that_is_cut_short_is_told_of(make_bam: Callable[..., Path]) -> None:
    path = make_bam("a.bam", {"chr1": 100}, LINES)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(FormatError, match=r"a\.bam: cannot be counted; found ") as error:
        ReadCounts.of([str(path)])
    assert "\n" not in str(error.value)
    path.write_bytes(b"no alignments")
    with pytest.raises(FormatError, match=r"a\.bam: cannot be counted; found "):
        ReadCounts.of([str(path)])
