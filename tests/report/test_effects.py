"""What a change means for genes is told from base to base, also where neither is the reference's."""

from pathlib import Path

import numpy as np
import pysam
import pytest

from colonnade.formats.fasta import BASES, Fasta
from colonnade.report.composition import NO_BASE, Changes
from colonnade.report.effects import with_effects, with_indel_effects
from colonnade.report.embedding import MISSING_4
from colonnade.report.genes import Genes
from colonnade.report.rows import STATES, Rows


@pytest.fixture
def genes(tmp_path: Path) -> Genes:
    """ATG GCT TAA, of a gene named a and, shifted by one base, of another."""
    fasta, gff = tmp_path / "r.fa", tmp_path / "r.gff3"
    fasta.write_text(">c\nATGGCTTAAA\n")
    pysam.faidx(str(fasta))
    rows = [
        ("c", ".", "CDS", "1", "9", ".", "+", "0", "ID=1;gene=a"),
        ("c", ".", "CDS", "2", "10", ".", "+", "0", "ID=2;gene=b"),
    ]
    gff.write_text("##gff-version 3\n" + "".join("\t".join(row) + "\n" for row in rows))
    return Genes.read(gff, Fasta(str(fasta)))


@pytest.fixture
def hiv(tmp_path: Path) -> Genes:
    """CAA TAA, and on the other strand TTG with an intron behind the T: 16, then 11 and 10."""
    fasta, gff = tmp_path / "h.fa", tmp_path / "h.gff3"
    fasta.write_text(">c\nCAATAAGGGCAGGGGA\n")
    pysam.faidx(str(fasta))
    rows = [
        ("c", ".", "CDS", "1", "6", ".", "+", "0", "ID=1;gene=pol"),
        ("c", ".", "CDS", "16", "16", ".", "-", "0", "ID=2;gene=rev"),
        ("c", ".", "CDS", "10", "11", ".", "-", "2", "ID=2;gene=rev"),
    ]
    gff.write_text("##gff-version 3\n" + "".join("\t".join(row) + "\n" for row in rows))
    return Genes.read(gff, Fasta(str(fasta)))


def all_said(
    genes: Genes, *changes: tuple[int, str, str], comparisons: tuple[int, ...] = (), states: tuple[str, ...] = ()
) -> list[str | None]:
    """What is said of rows, given as position, base that falls and base that rises."""
    n = len(changes)
    columns = {
        "contig": np.zeros(n, np.int64),
        "position": np.array([position for position, _, _ in changes]),
        "comparison": np.array(comparisons or [0] * n),
        "state": np.array([STATES.index(state) for state in states or ["changed"] * n]),
    }
    lost, gained = (
        np.array([BASES.index(change[side]) if change[side] else NO_BASE for change in changes]) for side in (1, 2)
    )
    nothing = np.zeros(n, np.uint16)
    found = with_effects(Rows(columns, {}, n), Changes(lost, gained, nothing, nothing, nothing, nothing), genes, ["c"])
    codes = found.columns["effect"].tolist()
    return [None if code == MISSING_4 else found.texts["effect"][code] for code in codes]


@pytest.mark.parametrize(
    ("lost", "gained", "text"),
    [
        ("T", "C", "a A2A (synonymous); b L2P"),
        ("C", "T", "a A2A (synonymous); b P2L"),
        ("C", "A", "a A2A (synonymous); b P2H"),
    ],
)
def test_a_substitution_is_told_in_its_direction(genes: Genes, lost: str, gained: str, text: str) -> None:
    assert all_said(genes, (6, lost, gained)) == [text]


def test_a_position_without_genes_says_nothing(genes: Genes) -> None:
    assert all_said(genes, (1, "A", "C"), (5, "", ""), (10, "A", "C")) == ["a M1L", None, "b K3N"]


def test_loci_of_a_codon_that_change_in_one_comparison_are_told_alone_and_together(hiv: Genes) -> None:
    loci = (1, "C", "A"), (3, "A", "T")
    assert all_said(hiv, *loci) == ["pol Q1K; with 3: Q1N", "pol Q1H; with 1: Q1N"]
    assert all_said(hiv, loci[0], (2, "A", "G"), loci[1]) == [
        "pol Q1K; with 2 and 3: Q1S",
        "pol Q1R; with 1 and 3: Q1S",
        "pol Q1H; with 1 and 2: Q1S",
    ]


def test_loci_of_a_codon_that_change_in_other_comparisons_or_not_surely_are_told_alone(hiv: Genes) -> None:
    loci = (1, "C", "A"), (3, "A", "T")
    alone = ["pol Q1K", "pol Q1H"]
    assert all_said(hiv, *loci, comparisons=(0, 1)) == alone
    assert all_said(hiv, *loci, states=("changed", "ambiguous")) == alone
    assert all_said(hiv, (3, "A", "T"), (4, "T", "A")) == ["pol Q1H", "pol *2K"]


def test_a_codon_of_the_reverse_strand_and_across_an_intron_is_told_together(hiv: Genes) -> None:
    assert all_said(hiv, (10, "C", "A"), (16, "A", "C")) == ["rev L1F; with 16: L1V", "rev L1V; with 10: L1V"]


def test_an_indel_is_told_by_the_event_whose_share_changes_most(genes: Genes) -> None:
    texts = {"events": ["@,+A,-GCT"], "counts_1": ["10,1,0"], "counts_2": ["0,1,10"]}
    columns = {name: np.zeros(1, np.uint32) for name in texts}
    rows = Rows({"contig": np.array([0]), "position": np.array([3]), **columns}, texts, 1)
    expected = "; ".join(effect.text for effect in genes.effects("c", 2, "-GCT"))
    assert expected
    assert with_indel_effects(rows, genes, ["c"]).texts["effect"] == [expected]
