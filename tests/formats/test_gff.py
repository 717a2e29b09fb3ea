"""GFF3 is read as its specification says, and what is none is told by its line."""

import contextlib
import gzip
from pathlib import Path

import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colonnade.errors import FormatError
from colonnade.formats.gff import SEQUENCE_REGION, Feature, read_features

LINE = "chr1\tlab\tCDS\t11\t25\t.\t-\t2\tID=cds-1;Parent=a,b%2Cc;note=x%3By"
TEXT = f"##gff-version 3\n# a comment\n\n##sequence-region chr%7C1 1 500\n{LINE}\n##FASTA\n>chr1\nACGT\n"


def read(path: Path, text: str) -> list[Feature]:
    path.write_text(text)
    return list(read_features(path))


def test_lines_become_features_until_the_sequences_begin(tmp_path: Path) -> None:
    region, feature = read(tmp_path / "a.gff", TEXT)
    assert (region.contig, region.type, region.start, region.end) == ("chr|1", SEQUENCE_REGION, 0, 500)
    assert (feature.contig, feature.type, feature.start, feature.end) == ("chr1", "CDS", 10, 25)
    assert (feature.strand, feature.phase, feature.line) == ("-", 2, 5)
    assert feature.values("Parent") == ["a", "b,c"]
    assert feature.values("note") == ["x;y"]
    assert feature.values("missing") == []
    assert len(read(tmp_path / "a.gff", f"{LINE}\n>chr1\nACGT\n")) == 1


def test_it_may_be_compressed_have_the_lines_of_windows_or_lack_the_last_newline(tmp_path: Path) -> None:
    expected = read(tmp_path / "a.gff", TEXT)
    (tmp_path / "b.gff.gz").write_bytes(gzip.compress(TEXT.encode()))
    with pysam.BGZFile(str(tmp_path / "c.gff.gz"), "wb") as file:
        file.write(TEXT.encode())
    (tmp_path / "d.gff").write_bytes(TEXT.replace("\n", "\r\n").encode())
    (tmp_path / "e.gff").write_text(TEXT.partition("\n##FASTA")[0])
    for name in ("b.gff.gz", "c.gff.gz", "d.gff", "e.gff"):
        assert list(read_features(tmp_path / name)) == expected


def test_types_that_nobody_asks_for_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.gff").write_text(f"{LINE}\n{LINE.replace('CDS', 'exon')}\n")
    assert [feature.type for feature in read_features(tmp_path / "a.gff", skip={"exon"})] == ["CDS"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("\t", " ", "wrong number of fields; found 1; expected 9"),
        ("\tlab", "", "wrong number of fields; found 8; expected 9"),
        ("11\t25", "25\t11", "not an interval; found 25 11"),
        ("11", "0", "not an interval; found 0 25"),
        ("25", "x", "not an interval; found 11 x"),
        ("25", "9" * 5000, f"not an interval; found 11 {'9' * 57}..."),
        ("-", "*", "unknown strand; found '*'; expected + - . ?"),
        ("\t2\t", "\t3\t", "unknown phase; found '3'; expected 0 1 2 ."),
        ("ID=cds-1", "ID", "not an attribute; found 'ID'; expected name=value"),
        ("ID=cds-1", 'gene_id "a"', "GTF, not GFF3; found 'gene_id \"a\"'; expected name=value; convert it: gffread"),
    ],
)
def test_a_line_that_is_wrong_is_named(before: str, after: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read(tmp_path / "a.gff", TEXT.replace(LINE, LINE.replace(before, after)))
    assert str(caught.value).startswith(f"{tmp_path}/a.gff: line 5: {said}")


def test_a_sequence_region_must_be_whole(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="line 1: wrong number of words"):
        read(tmp_path / "a.gff", "##sequence-region chr1 1\n")


def test_a_compressed_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gff.gz").write_bytes(gzip.compress(TEXT.encode())[:-20])
    with pytest.raises(FormatError, match="truncated"):
        list(read_features(tmp_path / "a.gff.gz"))


@given(
    fields=st.lists(
        st.sampled_from([*LINE.split("\t"), "", "\xff", "9" * 30, "%zz", "=;=", "ID=%FF", "²"]), max_size=10
    ),
    ends=st.sampled_from(["\n", "\r\n", "", "\0"]),
)
def test_whatever_is_in_a_line_is_read_or_refused(
    fields: list[str], ends: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "some.gff"
    path.write_bytes(("\t".join(fields) + ends).encode("latin-1"))
    with contextlib.suppress(FormatError):
        assert len(list(read_features(path))) <= 1
