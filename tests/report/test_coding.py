"""Coding sequences are put together from the lines of a file in the order in which they are translated."""

import logging
from pathlib import Path

import pytest

from colonnade.errors import FormatError, InputError
from colonnade.report.coding import CodingSequence, read_coding

LENGTHS = {"chr1": 1000, "ring": 300}


def cds(start: int, end: int, attributes: str, *, strand: str = "+", phase: str = ".", contig: str = "chr1") -> str:
    return f"{contig}\tlab\tCDS\t{start}\t{end}\t.\t{strand}\t{phase}\t{attributes}"


def feature(kind: str, attributes: str) -> str:
    return f"chr1\tlab\t{kind}\t1\t900\t.\t+\t.\t{attributes}"


RING = "ring\tlab\tregion\t1\t300\t.\t+\t.\tID=ring;Is_circular=true"


@pytest.fixture
def read(tmp_path: Path):
    def read(*lines: str) -> tuple[CodingSequence, ...]:
        (tmp_path / "a.gff").write_text("\n".join(lines) + "\n")
        return read_coding(tmp_path / "a.gff", LENGTHS).coding

    return read


def test_lines_of_one_id_are_one_sequence_in_the_order_of_translation(read) -> None:
    forward = [cds(101, 110, "ID=a"), cds(41, 60, "ID=a")]
    reverse = [cds(41, 60, "ID=b", strand="-", phase="1"), cds(101, 110, "ID=b", strand="-", phase="2")]
    first, second = read(*forward, *reverse)
    assert (first.parts, first.is_reverse, first.phase) == (((40, 60), (100, 110)), False, 0)
    assert (second.parts, second.is_reverse, second.phase) == (((100, 110), (40, 60)), True, 2)


def test_lines_without_id_are_joined_by_each_parent(read) -> None:
    first, second, third = read(cds(1, 30, "Parent=t1,t2"), cds(41, 70, "Parent=t2"), cds(81, 90, ""))
    assert (first.parts, second.parts, third.parts) == (((0, 30),), ((0, 30), (40, 70)), ((80, 90),))


def test_parts_may_overlap_or_leave_a_gap_where_ribosomes_slip(read) -> None:
    back, on = read(cds(1, 31, "ID=a"), cds(31, 60, "ID=a"), cds(101, 130, "ID=b"), cds(132, 160, "ID=b"))
    assert (back.parts, on.parts) == (((0, 31), (30, 60)), ((100, 130), (131, 160)))


@pytest.mark.parametrize("strand", ["+", "-"])
def test_a_sequence_may_cross_the_start_of_a_circular_contig(
    read, strand: str, caplog: pytest.LogCaptureFixture
) -> None:
    def on_ring(start: int, end: int, name: str, phase: str = ".") -> str:
        return cds(start, end, f"ID={name}", strand=strand, phase=phase, contig="ring")

    expected = ((200, 250), (280, 300), (0, 40), (60, 90))
    lines = [on_ring(201, 250, "a"), on_ring(281, 340, "a"), on_ring(61, 90, "a")]
    more = [on_ring(201, 250, "b"), on_ring(281, 300, "b"), on_ring(1, 40, "b"), on_ring(61, 90, "b")]
    for sequence in read(RING, *lines, *more):
        assert sequence.parts == (expected if strand == "+" else expected[::-1])
    (alone,) = read(RING, on_ring(281, 340, "c", phase="2"))
    assert alone.phase == 2
    assert not caplog.records


def test_a_sequence_that_has_both_ends_of_a_linear_contig_begins_at_its_start(read) -> None:
    (whole,) = read(cds(1, 100, "ID=a"), cds(301, 1000, "ID=a"))
    assert whole.parts == ((0, 100), (300, 1000))


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([cds(1, 9, "ID=c;gene=env;Name=NP_1;product=p")], "env"),
        ([cds(1, 9, "ID=c;gene_name=TP53;Name=NP_1")], "TP53"),
        ([cds(1, 9, "ID=c;Parent=t;Name=NP_1"), feature("mRNA", "ID=t;Parent=g;Name=x"), feature("gene", "ID=g;Name=pol")], "pol"),
        ([cds(1, 9, "ID=c;Parent=g"), feature("pseudogene", "ID=g;locus_tag=b0001")], "b0001"),
        ([cds(1, 9, "ID=c;Parent=t;Name=spike"), feature("mRNA", "ID=t;Parent=t")], "spike"),
        ([cds(1, 9, "ID=c;locus_tag=b0002;product=p")], "b0002"),
        ([cds(1, 9, "ID=c;product=gag%2C polyprotein")], "gag, polyprotein"),
        ([cds(1, 9, "ID=c")], "c"),
        ([cds(1, 9, "")], "CDS"),
    ],
)  # fmt: skip
def test_the_gene_has_the_best_name_there_is(read, lines: list[str], name: str) -> None:
    assert [sequence.gene for sequence in read(*lines)] == [name]


def test_contigs_that_the_reference_lacks_are_told_once(read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read(cds(1, 9, "ID=a"), cds(1, 9, "ID=b", contig="chr2"), cds(1, 9, "ID=c", contig="chr3"))
    assert len(found) == 1
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "contigs that the reference has not are left out: chr2, chr3"
    ]


def test_a_region_that_is_a_piece_of_a_contig_says_nothing_of_its_length(read) -> None:
    assert len(read("##sequence-region chr1 101 500", "##sequence-region chr1 1 1000", cds(101, 109, "ID=a"))) == 1


def test_no_sequence_at_all_is_told(read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert read(feature("gene", "ID=g")) == ()
    assert "no CDS on a contig of the reference" in caplog.text


def test_sequences_on_both_strands_are_left_out_and_told(read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read(cds(1, 9, "ID=a;gene=rps12"), cds(21, 29, "ID=a", strand="-"), cds(1, 9, "ID=b"))
    assert [sequence.gene for sequence in found] == ["b"]
    assert "genes with parts on both strands are left out: rps12" in caplog.text


@pytest.mark.parametrize("strand", ["+", "-"])
def test_phases_that_deny_the_lengths_are_told(read, strand: str, caplog: pytest.LogCaptureFixture) -> None:
    def parts(name: str, *phases: str) -> list[str]:
        places = [(1, 10), (21, 30)] if strand == "+" else [(21, 30), (1, 10)]
        both = zip(places, phases, strict=True)
        return [cds(*place, f"ID={name}", strand=strand, phase=phase) for place, phase in both]

    with caplog.at_level(logging.WARNING):
        assert len(read(*parts("good", "1", "0"), *parts("silent", ".", "."), *parts("bad", "0", "0"))) == 3
    assert [record.message.rpartition(": ")[2] for record in caplog.records] == ["bad"]


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        ("##sequence-region chr1 1 999", InputError, "contig chr1 has another length than in the reference; found 999;"),
        (cds(990, 1001, "ID=a"), InputError, "a CDS outside of contig chr1 of the reference; found 990-1001; expected 1-1000"),
        (cds(310, 320, "ID=a", contig="ring"), InputError, "a CDS outside of contig ring"),
        (cds(10, 320, "ID=a", contig="ring"), InputError, "a CDS outside of contig ring"),
        (cds(1, 9, "ID=a", strand="."), FormatError, "a CDS without strand; found .; expected + or -"),
        (cds(1, 9, "ID=a;transl_table=25"), InputError, "unknown genetic code; found transl_table=25; expected one of 1, 2, 4, 11"),
        (cds(1, 9, "ID=a;transl_table=x"), InputError, "unknown genetic code; found transl_table=x"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_reference_is_named_by_its_line(read, line: str, kind: type, said: str) -> None:
    with pytest.raises(kind, match="line 2: ") as caught:
        read(RING, line)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
