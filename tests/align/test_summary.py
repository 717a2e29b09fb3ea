"""Final records are counted by their flags, mapping quality and tag XT; the summary tells what there is to tell."""

from pathlib import Path

import numpy as np
import pytest
import stages

from colonnade.align.bounds_kernels import LONGEST_READ
from colonnade.align.summary import AlignSummary, Counts

SQ = ["@SQ\tSN:one\tLN:900"]


def count(lines: list[str], folder: Path, *, kept: tuple[int, ...] = (), not_written: int = 0) -> Counts:
    _, records = stages.load(stages.to_bam([*SQ, *lines], folder / "counted.bam"))
    is_kept = np.zeros(len(records), np.bool_)
    is_kept[list(kept)] = True
    return Counts.of(*stages.of_records(records).records(), is_kept, not_written=not_written)


def line(flag: int, quality: int = 37, tags: str = "", *, bases: str = "ACGTACGT") -> str:
    place = "*\t0\t0\t*" if flag & 4 else f"one\t5\t{quality}\t{len(bases)}M"
    return f"r\t{flag}\t{place}\t*\t0\t0\t{bases}\t*{tags}"


def test_places_and_mapping_qualities_are_counted(tmp_path: Path) -> None:
    counts = count([line(4), line(0, 19), line(16, 20), line(0, 0)], tmp_path)
    assert counts == Counts(reads=4, aligned=3, confident=1)


def test_pairs_are_counted_by_their_first_mates(tmp_path: Path) -> None:
    lines = [line(0x43), line(0x83), line(0x85), line(0x49), line(0x4D), line(0x8D), line(0x40), line(0x80)]
    assert count(lines, tmp_path) == Counts(reads=8, aligned=5, confident=5, pairs=3, proper_pairs=1)


@pytest.mark.parametrize(
    ("flag", "tags", "rescued"),
    [
        (0x83, "\tab:Z:XTAM\tXT:A:M\tNM:i:3", 1),
        (0x83, "\tab:B:i,1,2\tXT:A:M", 1),
        (0x83, "\tXT:A:U\tXM:i:3", 0),
        (0x83, "\tab:Z:XT\tac:A:M", 0),
        (0x83, "", 0),
        (0x85, "\tXT:A:M", 0),
        (0, "\tXT:A:M", 0),
    ],
)
def test_rescued_mates_are_known_by_their_tag(tmp_path: Path, flag: int, tags: str, rescued: int) -> None:
    assert count([line(flag, 0, tags)], tmp_path).rescued == rescued


def test_reads_are_too_long_from_one_base_on(tmp_path: Path) -> None:
    lines = [line(4, bases="A" * LONGEST_READ), line(4, bases="A" * (LONGEST_READ + 1))]
    assert count(lines, tmp_path) == Counts(reads=2, too_long=1)


def test_kept_reads_count_as_nothing_else(tmp_path: Path) -> None:
    lines = [line(0x43, 37, "\tXT:A:M"), line(0x83), line(0)]
    assert count(lines, tmp_path, kept=(0, 1)) == Counts(reads=3, aligned=1, confident=1, kept=2)


def test_reads_not_written_are_counted_as_well(tmp_path: Path) -> None:
    assert count([line(4), line(0)], tmp_path, not_written=1) == Counts(reads=2, aligned=1, confident=1, not_written=1)


def test_no_records_have_no_counts(tmp_path: Path) -> None:
    assert count([], tmp_path) == Counts()


def test_counts_are_added_one_by_one() -> None:
    assert Counts(*range(9)).plus(Counts(*range(0, 90, 10))) == Counts(*range(0, 99, 11))


def test_the_summary_is_one_line_of_what_there_is() -> None:
    text = "9 reads, 8 aligned, 7 with mapping quality 20 or more"
    assert str(AlignSummary(reads=9, aligned=8, confident=7)) == text
    pairs = AlignSummary(reads=9, aligned=8, confident=7, pairs=4, proper_pairs=3, rescued=2)
    assert str(pairs) == f"{text}; 4 pairs, 3 of them proper, 2 mates rescued"
    rest = AlignSummary(reads=9, aligned=8, confident=7, kept=1, orphans=2, not_written=3, left_out=4)
    assert str(rest) == (
        f"{text}; 1 reads left as they were; 2 mates without their mate; 3 reads not written, as they or their mates are "
        "unaligned; 4 secondary and supplementary records left out"
    )
