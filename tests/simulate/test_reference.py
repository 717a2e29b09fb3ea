import gzip
from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.errors import FormatError, UsageError
from colonnade.simulate import Library, Population, Reference, simulate
from colonnade.simulate.reference import LONGEST_CONTIG, random_codes
from colonnade.simulate.variants import to_text

BASES = "ACGTTGCAAC" * 60


def fasta(folder: Path, text: str) -> Path:
    path = folder / "reference.fa"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [f">none\n>one\n{BASES}\n", f">one\n{BASES}\n>none\n>two\n{BASES}\n"])
def test_contigs_without_bases_are_left_out(tmp_path: Path, text: str) -> None:
    reference = Reference.from_fasta(fasta(tmp_path, text))
    assert "none" not in reference.lengths
    made = simulate(Population(("s",)), reference, tmp_path / "made", library=Library(depth=5))
    with pysam.AlignmentFile(str(made.reads["s"][0])) as file:
        assert list(file.references) == list(reference.lengths)


@pytest.mark.parametrize("end", [">none\n", ">none", ">none\n\n\n", ">gone\n>none\n"])
def test_a_last_contig_without_bases_is_told_in_one_line(tmp_path: Path, end: str) -> None:
    path = fasta(tmp_path, f">one\n{BASES}\n{end}")
    with pytest.raises(FormatError) as caught:
        Reference.from_fasta(path)
    assert str(caught.value) == f"{path}: the last contig has no bases; found >none; remove it"


def test_a_last_contig_without_bases_is_told_where_the_file_is_compressed(tmp_path: Path) -> None:
    plain = fasta(tmp_path, f">one\n{BASES}\n>none\n")
    pysam.tabix_compress(str(plain), f"{plain}.gz")
    with pytest.raises(FormatError, match="the last contig has no bases; found >none"):
        Reference.from_fasta(f"{plain}.gz")


@pytest.mark.parametrize("content", [b"", b"\n", b"ACGT\n", gzip.compress(b">one\nACGT\n"), b"\x1f\x8b\x08\x04 cut"])
def test_what_is_no_fasta_is_still_told_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "reference.fa"
    path.write_bytes(content)
    with pytest.raises(
        (FormatError, UsageError), match=r"reference.fa: (cannot be read as FASTA|the reference has no)"
    ):
        Reference.from_fasta(path)


@pytest.mark.parametrize("length", [1 << 31, 3_000_000_000])
def test_a_contig_that_bam_cannot_hold_is_refused_before_it_is_read(tmp_path: Path, length: int) -> None:
    path = fasta(tmp_path, ">big\n")
    with path.open("r+b") as file:  # one line with a hole in it, which takes no room
        file.seek(5 + length - 1)
        file.write(b"A\n")
    Path(f"{path}.fai").write_text(f"big\t{length}\t5\t{length}\t{length + 1}\n")
    with pytest.raises(UsageError, match=r"reference.fa: length of contig big is out of range") as caught:
        Reference.from_fasta(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [-1, 0, LONGEST_CONTIG + 1, 99_999_999_999])
def test_a_made_up_contig_has_bases_and_no_more_than_bam_can_hold(length: int) -> None:
    with pytest.raises(UsageError, match=f"length of contig random is out of range; found {length}; expected 1 to "):
        Reference.random(length, seed=1)


def test_a_random_sequence_has_all_bases_and_seldom_one_three_times_in_a_row() -> None:
    codes = random_codes(1000, np.random.default_rng(1))
    assert codes.dtype == np.uint8
    assert set(codes.tolist()) == {0, 1, 2, 3}
    thrice = (codes[2:] == codes[1:-1]) & (codes[1:-1] == codes[:-2])
    assert thrice.mean() < 0.02


def test_a_seed_gives_the_sequence_that_it_always_gave() -> None:
    assert (
        to_text(Reference.random(9000, seed=1).codes("random")[:60])
        == "CGTAACTTACTCTTCGGCAATGCGTCATACACTACTTAGCATACCGATGTAGCGTCGACT"
    )
