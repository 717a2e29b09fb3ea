from pathlib import Path

import pytest
from shown import codes_of

from colonnade.errors import ColonnadeError, FormatError
from colonnade.simulate import Descent, Reference, random_population, read_population
from colonnade.simulate.tables import haplotype_lines, truth_lines

REFERENCE = Reference.from_codes({"chr2": codes_of("ACGTTGCAAC" * 3), "chr1": codes_of("TACGTTGCAAC")})
HEADER = "haplotype\tearly\tvariants\tlate\n"


def read(folder: Path, text: str):
    path = folder / "population.tsv"
    path.write_text(text)
    return read_population(path, REFERENCE)


def test_haplotypes_that_were_written_are_read_the_same(tmp_path: Path) -> None:
    reference = Reference.random(5000, seed=3)
    population = random_population(reference, ("a", "b"), Descent(indel_rate=0.005), seed=3)
    path = tmp_path / "haplotypes.tsv"
    path.write_text("".join(haplotype_lines(population, reference)))
    assert read_population(path, reference) == population


def test_truth_has_a_line_for_each_variant_in_the_order_of_the_reference(tmp_path: Path) -> None:
    population = read(tmp_path, HEADER + "a\t0.25\tchr1:3:C>A;chr2:10:+GG;chr2:4:-TG\t1\nb\t0.75\tchr1:3:C>A\t0\n")
    assert list(truth_lines(population, REFERENCE)) == [
        "contig\tposition\tevent\tearly\tlate\n",
        "chr2\t4\t-TG\t0.25\t1\n",
        "chr2\t10\t+GG\t0.25\t1\n",
        "chr1\t3\tA\t1\t1\n",
    ]


@pytest.mark.parametrize("nothing", ["", "."])
def test_a_haplotype_may_be_the_reference(tmp_path: Path, nothing: str) -> None:
    assert read(tmp_path, HEADER + f"a\t1\t{nothing}\t1\n").haplotypes[0].variants == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a table of haplotypes; found ''"),
        ("haplotype\tvariants\na\t.\n", "not a table of haplotypes"),
        ("haplotype\tearly\na\t1\n", "not a table of haplotypes"),
        ("haplotype\tvariants\ts\ts\na\t.\t1\t1\n", "not a table of haplotypes"),
        (HEADER, "not a table of haplotypes; found only a header"),
        (HEADER + "a\t1\t.\n", "line 2: wrong number of fields; found 3; expected 4"),
        (HEADER + "a\t1\t.\tall\n", "line 2: a frequency is no number; found 'all'"),
        (HEADER + "a\t1\tchr1:3\t1\n", "line 2: not a variant; found 'chr1:3'"),
        (
            HEADER + "a\t1\tchr1:3:G>A\t1\n",
            "line 2: variant chr1:3:A does not fit the reference; found G in the variant; expected C",
        ),
        (HEADER + "a\t1\tchr1:3:-TT\t1\n", "line 2: variant chr1:3:-TT does not fit the reference"),
        (HEADER + "a\t1\t.\t1\nb\t0\tchr3:3:G>A\t0\n", "line 3: no such contig in the reference; found chr3"),
        (
            HEADER + "a\t1\tchr1:12:G>A\t1\n",
            "line 2: variant chr1:12:A is outside its contig; expected positions within 1-11",
        ),
        (
            HEADER + "a\t1\tchr2:5:+T\t1\n",
            "line 2: variant chr2:5:[+]T is not at its leftmost place; expected chr2:3:[+]T",
        ),
        (HEADER + "a\t1\tchr2:3:-T;chr2:4:T>A\t1\n", "variants chr2:3:-T and chr2:4:A of haplotype a overlap"),
        (HEADER + "a\t0.5\t.\t1\nb\t0.4\t.\t0\n", "frequencies of sample early do not sum to 1; found 0.9"),
        (HEADER + "a\t1\t.\t1\na\t0\t.\t0\n", "haplotype a is named twice"),
    ],
)
def test_a_table_that_is_no_population_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ColonnadeError, match=message) as caught:
        read(tmp_path, text)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_table_that_is_not_utf_8_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "population.tsv"
    path.write_bytes((HEADER + "a\t1\t.\t1\ncaf\xe9\t0\t.\t0\n").encode("latin-1"))
    with pytest.raises(FormatError, match=r"population.tsv: line 3: not text in UTF-8; found b'caf\\xe9"):
        read_population(path, REFERENCE)
    path.write_text(HEADER + "caf\xe9\t1\t.\t1\n", encoding="utf-8-sig")
    assert read_population(path, REFERENCE).haplotypes[0].name == "caf\xe9"
