import pytest
from shown import codes_of

from colonnade.errors import UsageError
from colonnade.simulate import Haplotype, Population, Reference, Site, Variant

REFERENCE = Reference.from_codes({"c": codes_of("ACGTTGCAAC" * 3), "d": codes_of("GGCC")})
SNV = Variant("c", 3, "A")


def test_true_shares_add_up_over_haplotypes_and_sites() -> None:
    other = Variant("c", 7, "G")
    haplotypes = (
        Haplotype("a", (0.5, 0.25), (SNV,)),
        Haplotype("b", (0.25, 0.25), (SNV, Variant("d", 1, "T"))),
        Haplotype("e", (0.25, 0.5)),
    )
    population = Population(("s", "t"), haplotypes, (Site(other, (0.1, 0.9)),))
    assert population.truth() == {SNV: (0.75, 0.5), other: (0.1, 0.9), Variant("d", 1, "T"): (0.25, 0.25)}


def test_without_haplotypes_there_is_the_reference() -> None:
    assert Population(("s", "t")).haplotypes == (Haplotype("reference", (1.0, 1.0)),)


@pytest.mark.parametrize(
    ("samples", "frequencies", "message"),
    [
        (("s",), [(0.5,), (0.4,)], "sample s do not sum to 1; found 0.9"),
        (("s", "t"), [(1.0, 0.2), (0.0, 0.7)], "sample t do not sum to 1"),
        (("s",), [(1.5,), (-0.5,)], "impossible share; found 1.5"),
        (("s",), [(float("nan"),)], "impossible share"),
        (("s", "t"), [(1.0,)], "lacks shares; found 1; expected 2"),
        (("s", "s"), [(1.0, 1.0)], "sample s is named twice"),
        ((), [()], "no sample"),
        (("a/b",), [(1.0,)], "cannot name a sample"),
        (("",), [(1.0,)], "cannot name a sample"),
        (("haplotype",), [(1.0,)], "haplotype cannot name a sample; expected another name than contig, "),
        (("variants",), [(1.0,)], "variants cannot name a sample"),
        (("position",), [(1.0,)], "position cannot name a sample"),
        (("REF",), [(1.0,)], "REF cannot name a sample"),
    ],
)
def test_numbers_and_names_that_make_no_population_are_refused(samples, frequencies, message: str) -> None:
    haplotypes = tuple(Haplotype(f"h{n}", shares) for n, shares in enumerate(frequencies))
    with pytest.raises(UsageError, match=message):
        Population(samples, haplotypes)


def test_haplotypes_have_different_names() -> None:
    with pytest.raises(UsageError, match="haplotype h is named twice"):
        Population(("s",), (Haplotype("h", (0.5,)), Haplotype("h", (0.5,))))


@pytest.mark.parametrize(
    "others",
    [
        [Variant("c", 3, "G")],
        [Variant("c", 2, "-TT")],
        [Variant("c", 2, "-TTGC")],
        [Variant("c", 3, "+G")],
        [Variant("c", 12, "-TT"), Variant("c", 13, "+C")],
    ],
)
def test_variants_of_one_haplotype_do_not_overlap(others: list[Variant]) -> None:
    with pytest.raises(UsageError, match="of haplotype h overlap"):
        Population(("s",), (Haplotype("h", (1.0,), (SNV, *others)),)).check(REFERENCE)


def test_a_site_may_not_overlap_a_haplotype() -> None:
    population = Population(("s",), (Haplotype("h", (1.0,), (SNV,)),), (Site(Variant("c", 3, "G"), (0.5,)),))
    with pytest.raises(UsageError, match="overlap"):
        population.check(REFERENCE)


def test_variants_of_different_haplotypes_may_overlap() -> None:
    two = (Haplotype("g", (0.5,), (SNV,)), Haplotype("h", (0.5,), (Variant("c", 2, "-TT"), Variant("d", 0, "+T"))))
    Population(("s",), two).check(REFERENCE)


def test_variants_are_on_contigs_of_the_reference() -> None:
    with pytest.raises(
        UsageError, match="no such contig in the reference; found e; expected one of its own, such as c, d"
    ):
        Population(("s",), (Haplotype("h", (1.0,), (Variant("e", 3, "A"),)),)).check(REFERENCE)
