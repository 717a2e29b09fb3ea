import itertools
from pathlib import Path

import pytest

from colonnade.errors import FormatError, UsageError
from colonnade.simulate import Amplicon, read_primers, tile

LENGTHS = {"c": 1000, "d": 50}


def test_primers_are_paired_by_name(tmp_path: Path) -> None:
    bed = tmp_path / "primers.bed"
    bed.write_text(
        "track name=x\n# comment\n"
        "c\t500\t520\tv_2_LEFT\tpool_2\t+\nc\t880\t900\tv_2_RIGHT\n\n"
        "c\t100\t120\tv_1_LEFT\nc\t110\t125\tv_1_LEFT_alt1\nc\t480\t500\tv_1_RIGHT\n"
    )
    assert read_primers(bed, LENGTHS) == (
        Amplicon("c", 100, 500, 120, 480, 0.5),
        Amplicon("c", 110, 500, 125, 480, 0.5),
        Amplicon("c", 500, 900, 520, 880, 1.0),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c\t0\t20\n", "line 1: not a primer"),
        ("c\t0\t20\tname\n", "not a primer"),
        ("c\t0\tx\ta_LEFT\n", "not a primer"),
        ("c\t990\t1010\ta_LEFT\n", "outside the reference; found c:991-1010; expected positions within 1-1000"),
        ("e\t0\t20\ta_LEFT\n", "expected another contig"),
        ("c\t0\t20\ta_LEFT\n", "amplicon a has no RIGHT primer"),
        ("c\t0\t20\ta_RIGHT\n", "amplicon a has no LEFT primer"),
        ("", "no primers"),
    ],
)
def test_a_file_without_such_primers_is_refused(tmp_path: Path, text: str, message: str) -> None:
    bed = tmp_path / "primers.bed"
    bed.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_primers(bed, LENGTHS)


def test_primers_that_cross_are_refused(tmp_path: Path) -> None:
    bed = tmp_path / "primers.bed"
    bed.write_text("c\t400\t420\ta_LEFT\nc\t100\t120\ta_RIGHT\n")
    with pytest.raises(UsageError, match="overlap or are empty"):
        read_primers(bed, LENGTHS)


@pytest.mark.parametrize(("length", "overlap"), [(300, 60), (400, 0), (1000, 100), (333, 332)])
def test_tiles_cover_a_contig_from_end_to_end(length: int, overlap: int) -> None:
    amplicons = tile(LENGTHS, length=length, overlap=overlap, primer=20)
    assert {amplicon.contig for amplicon in amplicons} == {"c"}
    assert amplicons[0].start == 0
    assert amplicons[-1].end == 1000
    assert all(amplicon.end - amplicon.start == length for amplicon in amplicons)
    assert all(b.start - a.start <= length - overlap for a, b in itertools.pairwise(amplicons))


@pytest.mark.parametrize(("length", "overlap", "primer"), [(100, 100, 10), (100, 10, 50), (100, 10, 0), (100, -1, 5)])
def test_impossible_tiles_are_refused(length: int, overlap: int, primer: int) -> None:
    with pytest.raises(UsageError):
        tile(LENGTHS, length=length, overlap=overlap, primer=primer)


def test_tiles_that_no_contig_holds_are_refused_and_are_not_no_amplicons() -> None:
    assert {amplicon.contig for amplicon in tile({"a": 600, "b": 599}, length=600)} == {"a"}
    with pytest.raises(UsageError, match="longer than every contig; found 601 bases; expected at most 600"):
        tile({"a": 600, "b": 599}, length=601)
