"""Contigs and holes of an index, and files that are not as bwa writes them."""

from pathlib import Path

import pytest

from colonnade.align.contigs import read_contigs
from colonnade.errors import ColonnadeError, FormatError, IndexMismatchError

ANN = "30 3 11\n0 chr1 first  one, of a kind\n0 10 2\n0 HLA-A*01:01 (null)\n10 15 1\n5 c é\n25 5 0\n"
AMB = "30 3 3\n2 3 N\n7 3 n\n24 1 R\n"


def written(folder: Path, ann: str = ANN, amb: str = AMB) -> str:
    (folder / "ref.ann").write_text(ann)
    (folder / "ref.amb").write_text(amb)
    return str(folder / "ref")


def test_names_lengths_and_holes_are_read(tmp_path: Path) -> None:
    contigs = read_contigs(written(tmp_path))
    assert contigs.names == ["chr1", "HLA-A*01:01", "c"]
    assert contigs.lengths.tolist() == [10, 15, 5]
    assert contigs.offsets.tolist() == [0, 10, 25]
    assert contigs.hole_offsets.tolist() == [2, 7, 24]
    assert contigs.hole_lengths.tolist() == [3, 3, 1]
    assert contigs.length == 30


def test_there_may_be_no_holes(tmp_path: Path) -> None:
    contigs = read_contigs(written(tmp_path, "5 1 11\n0 a (null)\n0 5 0\n", "5 1 0\n"))
    assert (contigs.hole_offsets.tolist(), contigs.hole_lengths.tolist()) == ([], [])


def test_comments_of_any_kind_are_no_part_of_the_name(tmp_path: Path) -> None:
    for comment in ("", " ", " (null)", " a\tb", " 12 13", " \x1c\x85"):
        ann = ANN.replace("0 chr1 first  one, of a kind", f"0 chr1{comment}")
        assert read_contigs(written(tmp_path, ann)).names[0] == "chr1"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("30 3 11", "30 3", 1, "not understood"),
        ("30 3 11", "30 x 11", 1, "not understood"),
        ("30 3 11", "30 3 11 4", 1, "not understood"),
        ("30 3 11", "31 3 11", 1, "do not sum"),
        ("30 3 11", "10 1 11", 4, "one too many"),
        ("30 3 11", "30 4 11", 8, "cut short"),
        ("0 chr1", "x chr1", 2, "not understood"),
        ("0 chr1 first  one, of a kind", "0", 2, "not understood"),
        ("HLA-A*01:01", "chr1", 4, "two contigs have one name"),
        ("0 10 2", "0 10", 3, "not understood"),
        ("0 10 2", "-1 10 2", 3, "not understood"),
        ("0 10 2", f"0 {10**18} 2", 3, "not understood"),
        ("0 10 2", "0 9 2", 5, "contig HLA-A[*]01:01 does not follow"),
        ("25 5 0\n", "25 5 0", 7, "cut short"),
        ("25 5 0\n", "", 7, "cut short"),
        ("25 5 0", "25 0 0", 7, "contig c has no bases"),
        (ANN, "", 1, "cut short"),
        (ANN, "0 0 11\n", 1, "no contigs"),
    ],
)
def test_a_damaged_list_of_contigs_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in ANN
    with pytest.raises(FormatError, match=rf"ref\.ann: line {line}: .*{message}.*colonnade index --force"):
        read_contigs(written(tmp_path, ANN.replace(old, new)))


def test_a_name_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    prefix = written(tmp_path)
    (tmp_path / "ref.ann").write_bytes(ANN.encode("latin-1").replace(b"chr1", b"chr\xe9"))
    with pytest.raises(FormatError, match=r"ref\.ann: line 2: .*UTF-8"):
        read_contigs(prefix)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("30 3 3", "30 3", 1, "not understood"),
        ("30 3 3", "30 3 2", 4, "one too many"),
        ("30 3 3", "30 3 4", 5, "cut short"),
        ("24 1 R\n", "24 1 R", 4, "cut short"),
        ("7 3 n", "7 3  ", 3, "not understood"),
        ("7 3 n", "4 3 n", 3, "hole is out of place"),
        ("7 3 n", "7 4 n", 3, "hole is out of place"),
        ("7 3 n", "7 0 n", 3, "hole is out of place"),
        ("7 3 n", "11 3 n", 1, "there are 1 holes; expected 2 in contig 1"),
        ("24 1 R", "24 7 R", 4, "hole is out of place"),
        ("24 1 R", "30 1 R", 4, "hole is out of place"),
        (AMB, "", 1, "cut short"),
    ],
)
def test_a_damaged_list_of_holes_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in AMB
    with pytest.raises(FormatError, match=rf"ref\.amb: line {line}: .*{message}.*colonnade index --force"):
        read_contigs(written(tmp_path, amb=AMB.replace(old, new)))


@pytest.mark.parametrize("first", ["31 3 3", "30 2 3"])
def test_holes_of_another_genome_are_told(tmp_path: Path, first: str) -> None:
    with pytest.raises(IndexMismatchError, match=r"ref\.amb: not of the same genome as the \.ann file; found 3"):
        read_contigs(written(tmp_path, amb=AMB.replace("30 3 3", first)))


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    for size in range(len(ANN)):
        with pytest.raises(ColonnadeError, match=r"ref\.ann: line"):
            read_contigs(written(tmp_path, ann=ANN[:size]))
    for size in range(len(AMB)):
        with pytest.raises(ColonnadeError, match=r"ref\.amb: line"):
            read_contigs(written(tmp_path, amb=AMB[:size]))
