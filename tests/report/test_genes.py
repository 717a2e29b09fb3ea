"""What an allele does to a protein is what translation of the whole changed sequence says."""

import logging
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from colonnade.formats.fasta import Fasta
from colonnade.regions import Region
from colonnade.report.coding import CodingSequence
from colonnade.report.genes import Effect, Genes

COV = "NC_045512.2"
COV_GENES = [
    "##gff-version 3",
    f"##sequence-region {COV} 1 29903",
    *(
        f"{COV}\tlab\tCDS\t{start}\t{end}\t.\t+\t0\tID={name};gene={gene}"
        for start, end, name, gene in (
            (266, 13468, "orf1ab", "ORF1ab"),
            (13468, 21555, "orf1ab", "ORF1ab"),
            (266, 13483, "orf1a", "ORF1a"),
            (21563, 25384, "s", "S"),
            (28274, 29533, "n", "N"),
            (28284, 28577, "orf9b", "ORF9b"),
        )
    ),
]


class Letters:
    """A reference in memory."""

    def __init__(self, sequence: str) -> None:
        self._sequence = np.frombuffer(sequence.encode(), np.uint8)

    def letters(self, region: Region) -> npt.NDArray[np.uint8]:
        return self._sequence[region.start : region.end]


def genes_on(sequence: str, *parts: tuple[int, int], reverse: bool = False, phase: int = 0, code: int = 1) -> Genes:
    return Genes([CodingSequence("g", "c", reverse, parts, phase, code)], Letters(sequence))  # type: ignore[arg-type]


def texts(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.text for effect in effects]


# Known changes of SARS-CoV-2


@pytest.fixture(scope="module")
def cov(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Genes:
    path = tmp_path_factory.mktemp("cov") / "cov.gff"
    path.write_text("\n".join(COV_GENES) + "\n")
    return Genes.read(path, Fasta(shared_data / "sarscov2_twist" / f"{COV}.fasta"))


@pytest.mark.parametrize(
    ("position", "allele", "expected"),
    [
        (23403, "G", ["S D614G"]),
        (23063, "T", ["S N501Y"]),
        (14408, "T", ["ORF1ab P4715L"]),  # behind the slippage
        (3037, "T", ["ORF1ab F924F (synonymous)", "ORF1a F924F (synonymous)"]),
        (13468, "A", ["ORF1ab N4401K", "ORF1ab R4402R (synonymous)", "ORF1a N4401K"]),  # read twice
        (28311, "T", ["N P13L", "ORF9b P10S"]),
        (28881, "A", ["N R203K"]),
        (25384, "T", ["S *1274Y"]),
        (21764, "-TACATG", ["S HV69- (in-frame deletion)"]),
        (21990, "-TTA", ["S Y144- (in-frame deletion)"]),
        (22204, "+GAGCCAGAA", ["S R214REPE (in-frame insertion)"]),
        (22204, "+GA", ["S R214 frameshift"]),
        (13467, "-C", ["ORF1ab N4401 slippage site", "ORF1a N4401 frameshift"]),
        (25380, "-CACATAAACG", ["S T1273 end lost"]),
        (21560, "-TATGT", ["S M1 start lost"]),
        (23403, "A", []),
        (100, "T", []),
        (29903, "T", []),
    ],
)
def test_known_changes_have_their_known_names(cov: Genes, position: int, allele: str, expected: list[str]) -> None:
    assert texts(cov.effects(COV, position - 1, allele)) == expected


def test_an_annotation_of_another_reference_is_told(
    cov: Genes, shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fasta = Fasta(shared_data / "sarscov2_twist" / f"{COV}.fasta")
    for n_shifted, expected in ((0, False), (2, False), (len(COV_GENES), True)):
        lines = [line.split("\t") for line in COV_GENES[2:]]
        for fields in lines[:n_shifted]:
            fields[3:5] = (str(int(field) + 1) for field in fields[3:5])
        (tmp_path / "a.gff").write_text("\n".join("\t".join(fields) for fields in lines) + "\n")
        with caplog.at_level(logging.WARNING):
            genes = Genes.read(tmp_path / "a.gff", fasta)
        assert ("coding sequences have stop codons within" in caplog.text) == expected
        assert len(genes.doubts) == expected


def test_an_effect_tells_codons_and_amino_acids(cov: Genes) -> None:
    assert cov.effects(COV, 23402, "G") == (Effect("S", 614, "D", "G", "GAT", "GGT", "S D614G"),)


def test_a_contig_without_genes_and_no_indel_have_no_effect(cov: Genes) -> None:
    assert cov.effects("chr1", 23402, "G") == ()
    assert cov.effects(COV, 23402, "@") == ()


# HIV-1 HXB2, whose genes overlap, two of them spliced; places and changes as in the Los Alamos HIV database


HIV_GENES = [
    f"{{contig}}\tlab\tCDS\t{start}\t{end}\t.\t+\t{phase}\tID=cds-{gene};Name={gene}"
    for gene, start, end, phase in (
        ("gag", 790, 2292, 0),
        ("pol", 2085, 5096, 0),
        ("tat", 5831, 6045, 0),
        ("tat", 8379, 8469, 1),
        ("rev", 5970, 6045, 0),
        ("rev", 8379, 8653, 2),
        ("env", 6225, 8795, 0),
        ("nef", 8797, 9417, 0),
    )
]


@pytest.fixture(scope="module")
def hiv(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Genes, str]:
    fasta = Fasta(shared_data / "hiv_caprisa" / "HXB2.fasta")
    (contig,) = fasta.lengths
    path = tmp_path_factory.mktemp("hiv") / "hiv.gff"
    path.write_text("\n".join(HIV_GENES).format(contig=contig) + "\n")
    return Genes.read(path, fasta), contig


@pytest.mark.parametrize(
    ("position", "allele", "expected"),
    [
        (2858, "C", ["pol K258N"]),  # K103N of the reverse transcriptase, which begins at 2550
        (3099, "G", ["pol M339V"]),  # M184V
        (9167, "G", ["nef *124W"]),  # HXB2 has a stop there
        (8385, "T", ["tat T74T (synonymous)", "rev P28L", "env L721F"]),
        (2100, "-T", ["gag W438 frameshift", "pol L6 frameshift"]),
    ],
)
def test_all_of_the_genes_that_overlap_are_told(
    hiv: tuple[Genes, str], position: int, allele: str, expected: list[str]
) -> None:
    genes, contig = hiv
    assert texts(genes.effects(contig, position - 1, allele)) == expected


def test_braf_v600e_is_found_on_the_reverse_strand_of_exon_15(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "braf.gff"  # GRCh37; c.1742-1860, which begins with the last two bases of codon 581
    path.write_text("chr7\tlab\tCDS\t140453075\t140453193\t.\t-\t2\tID=exon-15;gene=BRAF\n")
    genes = Genes.read(path, Fasta(shared_data / "amplicon_braf_tumour_normal" / "ref_Npadded.fa.gz"))
    expected = (Effect("BRAF", 600 - 581, "V", "E", "GTG", "GAG", "BRAF V19E"),)
    assert genes.effects("chr7", 140453135, "T") == expected


# By hand


def test_a_codon_may_be_split_by_an_intron() -> None:
    genes = genes_on("ATGAAgttttaGCTGA", (0, 5), (11, 16))  # ATG AA|G CTG A
    assert texts(genes.effects("c", 3, "C")) == ["g K2Q"]
    assert texts(genes.effects("c", 11, "C")) == ["g K2N"]
    assert texts(genes.effects("c", 12, "G")) == ["g L3V"]
    assert texts(genes.effects("c", 2, "-A")) == ["g K2 frameshift"]
    assert texts(genes.effects("c", 2, "-AAG")) == texts(genes.effects("c", 4, "+A")) == ["g K2 splice site"]
    assert texts(genes.effects("c", 10, "+A")) == ["g K2 splice site"]
    assert genes.effects("c", 7, "A") == genes.effects("c", 5, "-TTT") == genes.effects("c", 6, "+A") == ()


@pytest.mark.parametrize("reverse", [False, True])
def test_an_insertion_beside_a_gene_has_no_effect(reverse: bool) -> None:
    genes = genes_on("CCATGCATCC", (2, 8), reverse=reverse)
    assert genes.effects("c", 1, "+A") == genes.effects("c", 7, "+A") == ()
    assert len(genes.effects("c", 2, "+A")) == len(genes.effects("c", 6, "+A")) == 1


def test_a_gene_on_the_reverse_strand_is_read_backwards() -> None:
    genes = genes_on("TTTCATGGTTTCATCC", (13, 15), (3, 10), reverse=True)  # GA|A ACC ATG
    assert genes.effects("c", 14, "A") == (Effect("g", 1, "E", "*", "GAA", "TAA", "g E1*"),)
    assert texts(genes.effects("c", 9, "C")) == ["g E1E (synonymous)"]
    assert texts(genes.effects("c", 3, "A")) == ["g M3I"]
    assert genes.effects("c", 4, "+GCG") == (Effect("g", 3, "M", "TL", "ATG", "ACGCTG", "g M3TL (in-frame insertion)"),)
    assert genes.effects("c", 6, "-GTT") == (Effect("g", 1, "ET", "D", "GAAACC", "GAC", "g ET1D (in-frame deletion)"),)
    assert texts(genes.effects("c", 12, "-T")) == ["g E1 frameshift"]
    assert texts(genes.effects("c", 13, "-CC")) == ["g E1 start lost"]
    assert texts(genes.effects("c", 2, "-CA")) == ["g M3 frameshift"]
    assert texts(genes.effects("c", 1, "-TC")) == ["g M3 end lost"]


def test_bases_before_and_behind_whole_codons_have_no_effect() -> None:
    genes = genes_on("AATGAAAC", (0, 8), phase=1)
    assert genes.effects("c", 0, "C") == ()
    assert texts(genes.effects("c", 1, "C")) == ["g M1L"]
    assert genes.effects("c", 7, "T") == ()
    assert genes.effects("c", 6, "-C") == ()


def test_unknown_bases_are_an_unknown_amino_acid_and_lower_case_is_read() -> None:
    genes = genes_on("atgNAA", (0, 6))
    assert texts(genes.effects("c", 2, "A")) == ["g M1I"]
    assert texts(genes.effects("c", 5, "C")) == ["g X2X (synonymous)"]


def test_genetic_codes_differ_where_they_do() -> None:
    for code, amino_acid in ((1, "*"), (11, "*"), (2, "W"), (4, "W")):
        assert texts(genes_on("TGG", (0, 3), code=code).effects("c", 2, "A"))[0].startswith(f"g W1{amino_acid}")


def test_transcripts_that_share_a_change_are_one_line() -> None:
    sequence = CodingSequence("g", "c", False, ((0, 6),), 0, 1), CodingSequence("g", "c", False, ((0, 9),), 0, 1)
    genes = Genes(sequence, Letters("ATGAAATTT"))  # type: ignore[arg-type]
    assert texts(genes.effects("c", 3, "G")) == ["g K2E"]
    assert texts(genes.effects("c", 5, "+A")) == ["g K2 frameshift"]


# Against translation of the whole


STANDARD = dict(
    zip(
        map("".join, product("TCAG", repeat=3)),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)


@st.composite
def made_genes(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]], bool, int]:
    """A genome, ascending parts, strand, and phase; parts overlap by a base, or leave gaps."""
    parts, at = [], draw(st.integers(0, 3))
    for _ in range(draw(st.integers(1, 4))):
        end = at + draw(st.integers(3, 14))
        parts.append((at, end))
        at = end + draw(st.sampled_from([-1, 1, 2, 5]))
    length = parts[-1][1] + draw(st.integers(0, 3))
    genome = draw(st.text("ACGT", min_size=length, max_size=length))
    return genome, parts, draw(st.booleans()), draw(st.integers(0, 2))


def spliced(genome: str, parts: list[tuple[int, int]], *, reverse: bool, phase: int) -> list[str]:
    """Whole codons of a gene."""
    letters = "".join(genome[start:end] for start, end in parts)
    if reverse:
        letters = letters[::-1].translate(str.maketrans("ACGT", "TGCA"))
    letters = letters[phase:]
    return [letters[k : k + 3] for k in range(0, len(letters) - 2, 3)]


def translated(codons: list[str]) -> str:
    return "".join(STANDARD[codon] for codon in codons)


def as_genes(made: tuple[str, list[tuple[int, int]], bool, int]) -> Genes:
    genome, parts, reverse, phase = made
    return genes_on(genome, *(parts[::-1] if reverse else parts), reverse=reverse, phase=phase)


def changed_offsets(parts: list[tuple[int, int]], position: int, n_gone: int, *, reverse: bool) -> tuple[int, int]:
    """Of spliced bases, in the order of translation: the first and last that are deleted, or the one before an insertion."""
    places = [place for start, end in parts for place in range(start, end)]
    if reverse:
        places.reverse()
    wanted = range(position + 1, position + 1 + n_gone) if n_gone else [position + 1 if reverse else position]
    found = [k for k, place in enumerate(places) if place in wanted]
    return min(found), max(found) if n_gone else min(found)


@settings(max_examples=250)
@given(made=made_genes(), data=st.data())
def test_a_base_changes_the_codons_that_translation_says(made, data: st.DataObject) -> None:
    genome, parts, reverse, phase = made
    position = data.draw(st.integers(0, len(genome) - 1))
    base = data.draw(st.sampled_from("ACGT"))
    changed = genome[:position] + base + genome[position + 1 :]
    before = spliced(genome, parts, reverse=reverse, phase=phase)
    after = spliced(changed, parts, reverse=reverse, phase=phase)
    expected = [
        (number, STANDARD[old], STANDARD[new], old, new)
        for number, (old, new) in enumerate(zip(before, after, strict=True), start=1)
        if old != new
    ]
    found = [
        (e.codon_number, e.amino_acid_reference, e.amino_acid_allele, e.codon_reference, e.codon_allele)
        for e in as_genes(made).effects("c", position, base)
    ]
    assert sorted(found) == expected


@settings(max_examples=400)
@given(made=made_genes(), data=st.data())
def test_an_indel_within_a_part_changes_the_protein_as_translation_says(made, data: st.DataObject) -> None:
    genome, parts, reverse, phase = made
    start, end = data.draw(st.sampled_from([part for part in parts if part[1] - part[0] > 2]))
    position = data.draw(st.integers(start, end - 2))
    inserted = data.draw(st.text("ACGT", min_size=0, max_size=7))
    n = data.draw(st.integers(1, end - 1 - position))
    size = len(inserted) or -n
    allele = f"+{inserted}" if inserted else f"-{genome[position + 1 : position + 1 + n]}"
    gone = range(position + 1, position + 1 + n) if not inserted else range(0)
    assume(not any(sum(s <= p < e for s, e in parts) > 1 for p in gone))  # in the code twice, where ribosomes slip

    def moved(place: int) -> int:
        return place + size if place > position else place

    changed = genome[: position + 1] + inserted + genome[position + 1 + len(gone) :]
    after_parts = [(moved(s), moved(e - 1) + 1 if e - 1 not in gone else position + 1) for s, e in parts]
    before = spliced(genome, parts, reverse=reverse, phase=phase)
    after = spliced(changed, after_parts, reverse=reverse, phase=phase)
    effects = as_genes(made).effects("c", position, allele)
    first, last = changed_offsets(parts, position, len(gone), reverse=reverse)
    assert bool(effects) == (first >= phase and (last - phase) // 3 < len(before))
    if not effects:
        return
    (effect,) = effects
    if size % 3:
        assert effect.text.endswith("frameshift")
        assert effect.amino_acid_allele == ""
        unchanged = effect.codon_number - 1
        assert after[:unchanged] == before[:unchanged]
        assert before[unchanged] == effect.codon_reference
        return
    assert effect.text.endswith("(in-frame insertion)" if inserted else "(in-frame deletion)")
    at, behind = effect.codon_number - 1, effect.codon_number - 1 + len(effect.amino_acid_reference)
    assert "".join(before[at:behind]) == effect.codon_reference
    assert translated(before[at:behind]) == effect.amino_acid_reference
    assert translated(before)[:at] + effect.amino_acid_allele + translated(before)[behind:] == translated(after)
