"""A FASTA file that is to be indexed: what is taken, and one line for each thing that bwa takes but ought not."""

import gzip
import os
from pathlib import Path

import pytest

from colonnade.align.reference import contig_lengths
from colonnade.errors import ColonnadeError, FormatError, InputError

GOOD = b">chr1 a comment\nACGTNRYSWKMBDHVX\nacgtnryswkmbdhvx\n\nAC\n>b\tx\nA"


def lengths(folder: Path, data: bytes) -> dict[str, int]:
    path = folder / "ref.fa"
    path.write_bytes(data)
    return contig_lengths(str(path))


def test_contigs_are_counted_in_order(tmp_path: Path) -> None:
    assert [*lengths(tmp_path, GOOD).items()] == [("chr1", 34), ("b", 1)]


def test_line_ends_of_windows_are_none_of_the_bases(tmp_path: Path) -> None:
    assert lengths(tmp_path, GOOD.replace(b"\n", b"\r\n")) == {"chr1": 34, "b": 1}


def test_blank_lines_before_the_first_contig_do_not_matter(tmp_path: Path) -> None:
    assert lengths(tmp_path, b"\n\r\n" + GOOD) == {"chr1": 34, "b": 1}


def test_gzipped_ones_are_read_in_one_or_several_members(tmp_path: Path) -> None:
    assert lengths(tmp_path, gzip.compress(GOOD)) == {"chr1": 34, "b": 1}
    assert lengths(tmp_path, gzip.compress(GOOD[:20]) + gzip.compress(GOOD[20:])) == {"chr1": 34, "b": 1}


@pytest.mark.parametrize("change", [lambda data: data[:-9], lambda data: data[:-1], lambda data: data + b"rest"])
def test_a_damaged_gzipped_one_is_refused(tmp_path: Path, change) -> None:
    with pytest.raises(FormatError, match=r"ref\.fa: gzipped file is cut short or damaged; found"):
        lengths(tmp_path, change(gzip.compress(GOOD)))


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", InputError, "has no contigs"),
        (b"\n\n", InputError, "has no contigs"),
        (b"ACGT\n", FormatError, "line 1: not FASTA; found b'ACGT'; expected > and a name"),
        (b"@a\nACGT\n+\nIIII\n", FormatError, "line 1: not FASTA"),
        (b"BAM\1", FormatError, "line 1: not FASTA"),
        (b">a\n>b\nAC\n", InputError, "a: contig has no bases"),
        (b">a\nAC\n>b", InputError, "b: contig has no bases"),
        (b">a\nAC\n>a x\nAC\n", InputError, "line 3: contig a is there twice"),
        (b">\nAC\n", InputError, "line 1: not a name for a contig; found ''"),
        (b"> a\nAC\n", InputError, "line 1: not a name for a contig; found ''"),
        (b">*a\nAC\n", InputError, r"line 1: not a name for a contig; found '\*a'"),
        (b">=a\nAC\n", InputError, "line 1: not a name for a contig; found '=a'"),
        (b">\xe9\nAC\n", InputError, "line 1: not a name for a contig"),
        (b">a\nACGU\n", FormatError, "line 2: not a letter of DNA; found 'U'; .*U is to be written as T"),
        (b">a\nAC\nA-C\n", FormatError, "line 3: not a letter of DNA; found '-'"),
        (b">a\nAC GT\n", FormatError, "line 2: not a letter of DNA; found ' '"),
        (b">a\nACGT\t\n", FormatError, r"line 2: not a letter of DNA; found '\\t'"),
        (b">a\nACGT\n+\nIIII\n", FormatError, "line 3: not a letter of DNA; found '[+]'"),
        (b">a\r\n\r\nACGT\r\n", FormatError, r"line 2: not a letter of DNA; found '\\r'"),
        (b">a\nMKLE\n", FormatError, "line 2: not a letter of DNA; found 'L'"),
        (b">a\nAC\xff\n", FormatError, "line 2: not a letter of DNA"),
    ],
)
def test_what_is_odd_is_told_in_one_line(tmp_path: Path, data: bytes, kind: type[ColonnadeError], message: str) -> None:
    with pytest.raises(kind, match=rf"ref\.fa: {message}"):
        lengths(tmp_path, data)


def test_what_can_be_read_once_only_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="not a file, and it must be read several times"):
            contig_lengths(str(path))


def test_an_absent_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        contig_lengths(str(tmp_path / "ref.fa"))


def test_a_name_that_sam_does_not_allow_is_told_and_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fasta = tmp_path / "ref.fa"
    fasta.write_bytes(b">gi|1|_genome,_complete(1)\nACGT\n")
    assert contig_lengths(str(fasta)) == {"gi|1|_genome,_complete(1)": 4}
    assert "gi|1|_genome,_complete(1) has a character that SAM does not allow" in caplog.text
