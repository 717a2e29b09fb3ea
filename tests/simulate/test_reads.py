"""What reads show is what the population, the library and the qualities say."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown import PERFECT, Simulate, codes_of, is_likely, records_of, spelled, variants_shown

import colonnade as cn
from colonnade.errors import UsageError
from colonnade.formats.fasta import BASES
from colonnade.simulate import (
    Amplicon,
    Damage,
    Descent,
    Haplotype,
    Library,
    Population,
    Reference,
    Site,
    Variant,
    random_population,
    simulate,
)
from colonnade.simulate.reference import RANDOM_CONTIG as CONTIG
from colonnade.simulate.variants import leftmost, to_text

ANCHOR = 10
ONE = Population(("s",))


def check_reads_are_their_haplotypes(path: Path, population: Population, reference: Reference) -> int:
    """Hold every base and every CIGAR of error-free reads against the haplotype that their HP tag names."""
    texts = {contig: to_text(reference.codes(contig)) for contig in reference.lengths}
    made = {(h, c): spelled(h, c, reference.codes(c)) for h in population.haplotypes for c in reference.lengths}
    checked = 0
    for record in records_of(path):
        haplotype = population.haplotypes[record.get_tag("HP") - 1]
        contig, start, end = record.reference_name, record.reference_start, record.reference_end
        inside = {
            v for v in haplotype.variants if v.contig == contig and start <= v.position and v.end <= end - v.is_indel
        }
        assert variants_shown(record, texts[contig]) == inside
        sequence, offsets = made[haplotype, contig]
        first = offsets[start] - record.query_alignment_start
        assert sequence[first : first + record.query_length] == record.query_sequence
        runs = [length for operation, length in record.cigartuples if operation == pysam.CMATCH]
        assert len(record.cigartuples) == 1 or min(runs[0], runs[-1]) >= ANCHOR
        checked += 1
    return checked


@pytest.mark.parametrize("seed", [1, 2])
def test_error_free_reads_are_pieces_of_their_haplotype_aligned_as_its_variants_say(
    simulated: Simulate, seed: int
) -> None:
    reference = Reference.random(6000, seed=seed)
    population = random_population(reference, ("s",), Descent(snv_rate=0.01, indel_rate=0.01), seed=seed)
    made = simulated(population, reference, Library(depth=50, qualities=PERFECT), seed=seed)
    assert check_reads_are_their_haplotypes(made.reads["s"][0], population, reference) > 2000


@st.composite
def small_populations(draw: st.DrawFn) -> tuple[Population, Reference]:
    """Two contigs, one with ambiguous bases, and two haplotypes with any variants that may stand side by side."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    reference = Reference.from_codes({name: rng.integers(0, 4, 300).astype(np.uint8) for name in ("a", "b")})
    reference.codes("b")[200:204] = 4
    haplotypes = []
    for name in ("one", "two"):
        taken: dict[str, set[int]] = {"a": set(), "b": set(range(200, 204))}
        variants = []
        for contig, position, shift in draw(
            st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 270), st.integers(-25, 25)), max_size=25)
        ):
            codes = reference.codes(contig)
            if shift < 0:
                event = "-" + to_text(codes[position + 1 : position + 1 - shift])
            elif shift > 0:
                event = "+" + to_text(rng.integers(0, 4, shift))
            else:
                event = BASES[(codes[position] + 1) % 4]
            variant = Variant(contig, position, event) if "N" not in event else None
            if variant is not None and variant.is_indel:
                variant = leftmost(variant, codes)
            if (
                variant is not None
                and variant.end < 300
                and not taken[contig] & set(range(variant.position, variant.end))
            ):
                taken[contig] |= set(range(variant.position, variant.end))
                variants.append(variant)
        haplotypes.append(Haplotype(name, (0.5,), tuple(variants)))
    return Population(("s",), tuple(haplotypes)), reference


@given(small_populations(), st.integers(30, 80), st.booleans())
@settings(max_examples=40)
def test_any_haplotypes_are_spelled_and_aligned_right(made, read_length: int, paired: bool) -> None:
    population, reference = made
    library = Library(
        depth=20, read_length=read_length, paired=paired, template_mean=70, template_sd=20, qualities=PERFECT
    )
    with tempfile.TemporaryDirectory() as folder:
        files = simulate(population, reference, Path(folder, "made"), library=library)
        path = files.reads["s"][0]
        check_reads_are_their_haplotypes(path, population, reference)
        n_records = sum(1 for _ in records_of(path))
        tallies = [cn.tally(path, contig, reference=files.reference) for contig in ("a", "b")]
        assert sum(tally.records["kept"] for tally in tallies) == n_records


def test_depth_and_shares_of_bases_are_those_of_the_truth(simulated: Simulate) -> None:
    reference = Reference.random(2500, seed=4)
    population = random_population(reference, ("early", "late"), Descent(snv_rate=0.02, indel_rate=0), seed=4)
    library = Library(depth=5000, qualities=PERFECT, template_mean=200, template_sd=15)
    made = simulated(population, reference, library)
    truth = population.truth()
    assert len(truth) > 100
    codes = reference.codes(CONTIG)
    inside = slice(300, -300)
    for sample, name in enumerate(population.samples):
        counts = cn.tally(made.reads[name][0], CONTIG)
        assert abs(counts.depth[inside].mean() / 5000 - 1) < 0.01
        expected = np.zeros((len(codes), 4))
        expected[np.arange(len(codes)), codes] = 1
        for variant, shares in truth.items():
            expected[variant.position, codes[variant.position]] -= shares[sample]
            expected[variant.position, BASES.index(variant.event)] += shares[sample]
        spread = np.sqrt(counts.depth[:, np.newaxis] * expected * (1 - expected))
        misses = np.abs(counts.bases - counts.depth[:, np.newaxis] * expected)
        assert (misses <= 5 * spread + 0.5).all()


def test_haplotypes_have_the_templates_that_their_frequencies_say(simulated: Simulate) -> None:
    reference = Reference.random(3000, seed=5)
    population = random_population(reference, ("a", "b"), Descent(snv_rate=0.01, indel_rate=0.01), seed=5)
    made = simulated(population, reference, Library(depth=1000))
    for sample, name in enumerate(population.samples):
        tags = Counter(r.get_tag("HP") - 1 for r in records_of(made.reads[name][0]) if r.is_read1)
        for number, haplotype in enumerate(population.haplotypes):
            assert is_likely(tags[number], tags.total(), haplotype.frequencies[sample])


def test_sites_are_independent_of_each_other_and_of_haplotypes(simulated: Simulate) -> None:
    reference = Reference.from_codes({"c": codes_of("ACGGTTCAGCATTCGACTAG" * 20)})
    own = Variant("c", 200, "T")
    near, far = Variant("c", 190, "C"), Variant("c", 209, "+GA")
    haplotypes = (Haplotype("h", (0.4,), (own,)), Haplotype("r", (0.6,)))
    population = Population(("s",), haplotypes, (Site(near, (0.5,)), Site(far, (0.3,))))
    made = simulated(population, reference, Library(depth=3000, template_mean=150, template_sd=0, qualities=PERFECT))
    text = to_text(reference.codes("c"))
    seen = Counter()
    for record in records_of(made.reads["s"][0]):
        if record.is_read1 and record.reference_start < 180 and record.reference_end > 225:
            seen[frozenset(variants_shown(record, text))] += 1
    assert seen.total() > 2000
    for variants, count in seen.items():
        share = 1.0
        for variant, one in ((own, 0.4), (near, 0.5), (far, 0.3)):
            share *= one if variant in variants else 1 - one
        assert is_likely(count, seen.total(), share)
    assert len(seen) == 8


@pytest.mark.parametrize("quality", [0, 5, 12, 25])
def test_bases_are_wrong_as_often_as_their_quality_says_and_any_other_base_alike(
    simulated: Simulate, quality: int
) -> None:
    reference = Reference.random(1000, seed=6)
    other = 40
    library = Library(depth=1000, qualities=((quality, 0.25), (other, 0.75)))
    codes = reference.codes(CONTIG).astype(int)
    shifts = {quality: np.zeros(4, np.int64), other: np.zeros(4, np.int64)}
    for record in records_of(simulated(ONE, reference, library).reads["s"][0]):
        bases = codes_of(record.query_sequence).astype(int)
        shift = (bases - codes[record.reference_start : record.reference_end]) % 4
        qualities = np.array(record.query_qualities)
        for value, counts in shifts.items():
            counts += np.bincount(shift[qualities == value], minlength=4)
    total = sum(counts.sum() for counts in shifts.values())
    assert is_likely(shifts[quality].sum(), total, 0.25)
    for value, counts in shifts.items():
        error = 10 ** (-value / 10)
        assert is_likely(counts[1:].sum(), counts.sum(), error)
        assert all(is_likely(count, counts.sum(), error / 3) for count in counts[1:])


def test_an_error_in_one_mate_says_nothing_of_the_other(simulated: Simulate) -> None:
    reference = Reference.random(1000, seed=7)
    library = Library(depth=1000, template_mean=100, template_sd=0, read_length=100, qualities=((10, 1.0),))
    codes = reference.codes(CONTIG)
    wrong = {False: {}, True: {}}
    for record in records_of(simulated(ONE, reference, library).reads["s"][0]):
        there = codes[record.reference_start : record.reference_end]
        wrong[record.is_read1][record.query_name] = codes_of(record.query_sequence) != there
    both = np.concatenate([first & wrong[False][name] for name, first in wrong[True].items()])
    assert is_likely(int(both.sum()), both.size, 0.01)


def test_damage_falls_off_from_both_ends_and_is_in_both_mates(simulated: Simulate) -> None:
    reference = Reference.random(2000, seed=8)
    damage = Damage(rate=0.4, decay=0.6)
    library = Library(depth=2000, template_mean=70, template_sd=15, read_length=60, qualities=PERFECT, damage=damage)
    text = to_text(reference.codes(CONTIG))
    seen = {"CT": Counter(), "GA": Counter()}
    bases = {"CT": Counter(), "GA": Counter()}
    shown: dict[tuple[str, int], str] = {}
    for record in records_of(simulated(ONE, reference, library).reads["s"][0]):
        start = min(record.reference_start, record.next_reference_start)
        end = start + abs(record.template_length)
        for position, base in enumerate(record.query_sequence, start=record.reference_start):
            assert shown.setdefault((record.query_name, position), base) == base
            pair = {"C": "CT", "G": "GA"}.get(text[position])
            if pair is None:
                assert base == text[position]
                continue
            distance = position - start if pair == "CT" else end - 1 - position
            if record.is_read1:
                bases[pair][distance] += 1
                seen[pair][distance] += base == pair[1]
            assert base in pair
    for pair in ("CT", "GA"):
        for distance in range(20):
            assert is_likely(seen[pair][distance], bases[pair][distance], 0.4 * 0.6**distance)
        assert bases[pair][0] > 1000


AMPLICONS = (Amplicon("c", 0, 150, 20, 130), Amplicon("c", 100, 260, 120, 240, 0.5), Amplicon("c", 240, 400, 260, 380))


def test_templates_of_amplicons_end_at_primers_which_hide_variants(simulated: Simulate) -> None:
    reference = Reference.from_codes({"b": codes_of("ACGT" * 30), "c": codes_of("ACGGTTCAGCATTCGACTAG" * 20)})
    variants = {
        Variant("c", 10, "G"): [],
        Variant("c", 110, "C"): [0],
        Variant("c", 119, "A"): [0],
        Variant("c", 120, "T"): [0, 1],
        Variant("c", 129, "G"): [0, 1],
        Variant("c", 130, "G"): [1],
        Variant("c", 140, "C"): [1],
        Variant("c", 179, "+CCCC"): [1],
        Variant("c", 237, "-AG"): [1],
        Variant("c", 250, "C"): [],
        Variant("c", 259, "+AA"): [2],
        Variant("c", 390, "-TT"): [],
    }
    haplotype = Haplotype("h", (1.0,), tuple(variants))
    library = Library(depth=1000, read_length=100, qualities=PERFECT, amplicons=AMPLICONS)
    made = simulated(Population(("s",), (haplotype,)), reference, library)
    text = to_text(reference.codes("c"))
    templates = Counter()
    shown = {}
    for record in records_of(made.reads["s"][0]):
        number = int(record.query_name.split(".")[2])
        assert record.reference_name == "c"
        shown.setdefault(number, set()).update(variants_shown(record, text))
        if record.is_forward:
            assert record.reference_start == AMPLICONS[number].start
            assert record.template_length == AMPLICONS[number].end - AMPLICONS[number].start
            templates[number] += 1
    for variant, amplicons in variants.items():
        assert [number for number in range(3) if variant in shown[number]] == amplicons
    for number, amplicon in enumerate(AMPLICONS):
        expected = 1000 * amplicon.share
        assert abs(templates[number] - expected) < 5 * np.sqrt(expected)


def test_templates_avoid_ambiguous_bases(simulated: Simulate) -> None:
    codes = Reference.random(2000, seed=9).codes(CONTIG)
    codes[700:710] = codes[0] = codes[1999] = 4
    made = simulated(ONE, Reference.from_codes({"c": codes}), Library(depth=2000))
    spans = [
        (r.reference_start, r.reference_start + r.template_length)
        for r in records_of(made.reads["s"][0])
        if r.is_forward
    ]
    assert len(spans) > 5000
    assert all(start > 0 and end < 2000 and (end <= 700 or start >= 710) for start, end in spans)
    assert max(end for _, end in spans) == 1999
    assert any(end == 700 for _, end in spans)
    assert any(start == 710 for start, _ in spans)


@pytest.mark.parametrize("marked", [False, True])
def test_duplicates_are_copies_with_errors_of_their_own(simulated: Simulate, marked: bool) -> None:
    reference = Reference.random(3000, seed=10)
    library = Library(
        depth=300, duplicates=0.4, mark_duplicates=marked, qualities=((15, 1.0),), damage=Damage(), template_sd=60
    )
    made = simulated(ONE, reference, library)
    records = [record for record in records_of(made.reads["s"][0]) if record.is_read1]
    copies = [record for record in records if record.query_name.count(".") == 4]
    assert is_likely(len(copies), len(records), 0.4)
    assert [record.is_duplicate for record in records] == [marked and r.query_name.count(".") == 4 for r in records]
    originals = {record.query_name: record for record in records}
    same = []
    for copy in copies:
        original = originals[copy.query_name.rpartition(".")[0]]
        assert (copy.reference_start, copy.template_length) == (original.reference_start, original.template_length)
        same.append(copy.query_sequence == original.query_sequence)
    assert not any(same)
    counts = cn.tally(made.reads["s"][0], CONTIG, read_filter=cn.ReadFilter(exclude_flags=cn.Flag.UNMAP))
    assert abs(counts.depth[500:-500].mean() / 300 - 1) < 0.08


def test_lengths_of_templates_are_normal_and_none_is_too_short(simulated: Simulate) -> None:
    library = Library(depth=300, template_mean=50, template_sd=15, read_length=100)
    made = simulated(ONE, Reference.random(5000, seed=11), library)
    lengths = np.array([r.template_length for r in records_of(made.reads["s"][0]) if r.is_forward])
    assert lengths.min() == 30
    usual = np.arange(30, 141)
    weights = np.exp(-0.5 * ((usual - 50) / 15) ** 2)
    mean = weights @ usual / weights.sum()
    assert abs(lengths.mean() - mean) < 5 * 15 / np.sqrt(len(lengths))


def test_templates_begin_evenly_along_each_haplotype_insertions_too(simulated: Simulate) -> None:
    reference = Reference.from_codes({"c": codes_of("ACGGTTCAGCATTCGACTAG" * 30)})
    inserted = Variant("c", 299, "+" + "CCTA" * 10)
    population = Population(
        ("s",), (Haplotype("h", (0.5,), (inserted, Variant("c", 319, "-AC"))), Haplotype("r", (0.5,)))
    )
    population.check(reference)
    library = Library(depth=20_000, read_length=60, template_mean=60, template_sd=0, qualities=PERFECT, paired=False)
    made = simulated(population, reference, library)
    sequence, offsets = spelled(population.haplotypes[0], "c", reference.codes("c"))
    starts = Counter()
    for record in records_of(made.reads["s"][0]):
        if record.get_tag("HP") == 1:
            starts[offsets[record.reference_start] - record.query_alignment_start] += 1
    rate = 20_000 / 60 / 2
    assert len(sequence) == 638
    assert all(abs(starts[start] - rate) < 5.5 * np.sqrt(rate) for start in range(638 - 60 + 1))
    assert max(starts) == 638 - 60


@pytest.mark.parametrize(
    "options",
    [
        *({"depth": value} for value in (0, -1, float("nan"), 1e9)),
        *({"read_length": value} for value in (0, 29, 10**6)),
        *({"template_mean": 5}, {"template_sd": -1}, {"duplicates": 1.0}),
        *({"qualities": value} for value in ((), ((94, 1.0),), ((30, 0.5),), ((30, 1.5), (20, -0.5)))),
    ],
)
def test_libraries_that_cannot_be_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="out of range"):
        Library(**options)


@pytest.mark.parametrize("options", [{"rate": -0.1}, {"rate": 1.1}, {"decay": 1.0}, {"decay": -0.1}])
def test_damage_that_cannot_be_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="out of range"):
        Damage(**options)
