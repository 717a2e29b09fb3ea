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
from colonnade.report.rows import Rows


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


def said(genes: Genes, position: int, lost: str, gained: str) -> tuple[str | None, list[str]]:
    rows = Rows({"contig": np.array([0]), "position": np.array([position])}, {}, 1)
    codes = [np.array([BASES.index(base) if base else NO_BASE]) for base in (lost, gained)]
    nothing = np.zeros(1, np.uint16)
    found = with_effects(rows, Changes(*codes, nothing, nothing, nothing, nothing), genes, ["c"])
    code = int(found.columns["effect"][0])
    if code == MISSING_4:
        return None, []
    return found.texts["effect"][code], found.texts["genes"][int(found.columns["genes"][0])].split("\n")


@pytest.mark.parametrize(
    ("lost", "gained", "text"),
    [
        ("T", "C", "a A2A (synonymous); b L2P"),
        ("C", "T", "a A2A (synonymous); b P2L"),
        ("C", "A", "a A2A (synonymous); b P2H"),
    ],
)
def test_a_substitution_is_told_in_its_direction(genes: Genes, lost: str, gained: str, text: str) -> None:
    assert said(genes, 6, lost, gained) == (text, ["a", "b"])


def test_a_position_without_genes_says_nothing(genes: Genes) -> None:
    assert said(genes, 10, "A", "C")[1] == ["b"]
    assert said(genes, 1, "A", "C")[1] == ["a"]
    assert said(genes, 5, "", "") == (None, [])


def test_an_indel_is_told_by_the_event_whose_share_changes_most(genes: Genes) -> None:
    texts = {"events": ["@,+A,-GCT"], "counts_1": ["10,1,0"], "counts_2": ["0,1,10"]}
    columns = {name: np.zeros(1, np.uint32) for name in texts}
    rows = Rows({"contig": np.array([0]), "position": np.array([3]), **columns}, texts, 1)
    expected = "; ".join(effect.text for effect in genes.effects("c", 2, "-GCT"))
    assert expected
    assert with_indel_effects(rows, genes, ["c"]).texts["effect"] == [expected]
