from dataclasses import replace

import numpy as np
import pytest

from colonnade.errors import UsageError
from colonnade.simulate import Descent, Population, Reference, place_sites, random_population
from colonnade.simulate.reference import random_codes

DESCENT = Descent(haplotypes=12, snv_rate=0.01, indel_rate=0.004)


def made(
    seed: int = 1, descent: Descent = DESCENT, samples: tuple[str, ...] = ("a", "b", "c")
) -> tuple[Population, Reference]:
    reference = Reference.random(20_000, seed=seed)
    return random_population(reference, samples, descent, seed=seed), reference


def test_made_populations_fit_their_reference() -> None:
    for seed in range(4):
        population, reference = made(seed)
        population.check(reference)


def test_haplotypes_gain_variants_at_the_rates_asked_for() -> None:
    population, _ = made(descent=Descent(haplotypes=40, snv_rate=0.002, indel_rate=0.0008))
    truth = population.truth()
    indels = sum(variant.is_indel for variant in truth)
    snvs = len(truth) - indels
    assert abs(snvs - 39 * 40) < 5 * np.sqrt(39 * 40)
    assert abs(indels - 39 * 16) < 5 * np.sqrt(39 * 16)


def test_a_haplotype_has_all_that_another_one_had_and_more() -> None:
    population, _ = made()
    variants = [set(haplotype.variants) for haplotype in population.haplotypes]
    assert variants[0] == set()
    for number, own in enumerate(variants[1:], start=1):
        assert any(older < own for older in variants[:number])


def test_frequencies_change_with_turnover_only() -> None:
    still, _ = made(descent=replace(DESCENT, turnover=0.0))
    assert (np.ptp(still.frequencies, axis=1) == 0).all()
    moving, _ = made()
    assert (np.ptp(moving.frequencies, axis=1) > 0).any()
    assert np.allclose(moving.frequencies.sum(axis=0), 1, atol=1e-12)


def test_the_same_seed_makes_the_same_population() -> None:
    assert made(5)[0] == made(5)[0]
    assert made(5)[0] != made(6)[0]


def test_ambiguous_bases_do_not_vary() -> None:
    codes = random_codes(5000, np.random.default_rng(1))
    codes[1000:4000] = 4
    reference = Reference.from_codes({"c": codes, "empty": codes[:0]})
    population = random_population(reference, ("s",), replace(DESCENT, haplotypes=13), seed=1)
    assert len(population.truth()) > 250
    assert not any(variant.end > 1000 and variant.position < 4000 for variant in population.truth())


def test_rates_count_known_bases_and_a_contig_without_any_gains_nothing() -> None:
    codes = random_codes(20_000, np.random.default_rng(1))
    codes[1000:19_000] = 4
    reference = Reference.from_codes({"unknown": np.full(9000, 4, np.uint8), "c": codes})
    descent = Descent(haplotypes=40, snv_rate=0.002, indel_rate=0)
    n_variants = len(random_population(reference, ("s",), descent, seed=1).truth())
    assert abs(n_variants - 39 * 4) < 5 * np.sqrt(39 * 4)


def test_known_bases_are_all_found_where_few_are_known() -> None:
    codes = np.full(100_000, 4, np.uint8)
    codes[[0, 70_000, 70_001, 99_999]] = 0
    reference = Reference.from_codes({"c": codes})
    descent = Descent(haplotypes=20, snv_rate=0.01, indel_rate=0)
    truths = [random_population(reference, ("s",), descent, seed=seed).truth() for seed in range(30)]
    assert {variant.position for truth in truths for variant in truth} == {0, 70_000, 70_001, 99_999}


def test_every_base_of_a_contig_may_be_another_one_the_last_too() -> None:
    descent = Descent(haplotypes=2, snv_rate=0.1, indel_rate=0)
    reference = Reference.from_codes({f"c{n}": np.zeros(1 + n % 2, np.uint8) for n in range(200)})
    population = random_population(reference, ("s",), descent, seed=1)
    population.check(reference)
    places = {(reference.lengths[variant.contig], variant.position) for variant in population.truth()}
    assert places == {(1, 0), (2, 0), (2, 1)}


def test_too_many_variants_for_a_contig_are_refused() -> None:
    with pytest.raises(UsageError, match="no room for so many variants"):
        made(descent=Descent(haplotypes=200, snv_rate=0.1))


@pytest.mark.parametrize("options", [{"haplotypes": 0}, {"snv_rate": -1}, {"indel_rate": 1}, {"turnover": 1.1}])
def test_numbers_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="out of range"):
        Descent(**options)


def test_sites_have_the_shares_asked_for_and_fit_the_reference() -> None:
    codes = random_codes(9000, np.random.default_rng(1))
    shares = [(n / 10, 1 - n / 10) for n in range(11)]
    sites = place_sites("c", codes, shares, np.random.default_rng(2), indels=4)
    assert sorted(site.shares for site in sites) == sorted(shares)
    assert sum(site.variant.is_indel for site in sites) == 4
    Population(("s", "t"), sites=tuple(sites)).check(Reference.from_codes({"c": codes}))
