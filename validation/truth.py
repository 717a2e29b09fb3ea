"""Recall and false changes against simulated truth, beside what the definition itself expects.

A site counts as a true change where the true distance exceeds min_distance. Whether the method can see it depends on depth:
the expected share of calls is found by drawing base counts at the true shares and the depths of the simulated
data, with the errors that the qualities state, and asking the definition (screen, then posterior) about each.

    python validation/truth.py
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colonnade.compare.engine import compare
from colonnade.compare.options import CompareOptions
from colonnade.formats.fasta import BASES
from colonnade.method.posterior import composition_draws, distance_draws
from colonnade.method.screen import Screen
from colonnade.method.screen_kernels import CHANGED
from colonnade.regions import Region
from colonnade.simulate import Library, Population, Reference, Site, place_sites, simulate
from colonnade.simulate.library import QUALITIES

CONTIG = "virus"
SPACING = 170
OPTIONS = CompareOptions(loci="tested", draws=1000)
AGREEING_MATES = 45  # quality that the likelihood takes for two mates that agree


@dataclass(frozen=True)
class Outcome:
    """A site with what was found there."""

    site: Site
    depths: tuple[int, int]
    called: bool
    expected: float


@dataclass(frozen=True)
class Truth:
    """All simulated sites, and changes called where nothing differs."""

    sites: list[Outcome]
    false_elsewhere: int
    loci: int

    def among(self, low: float, high: float) -> list[Outcome]:
        """Sites with a true distance in [low, high]."""
        return [s for s in self.sites if low <= round(s.site.distance(), 9) <= high]


def measure(folder: Path, shifts: np.ndarray, *, depth: float, seed: int, replicates: int = 10) -> Truth:
    """Simulate one site per shift at random shares, compare, and find the expected share of calls of each site."""
    rng = np.random.default_rng(seed)
    lower = rng.random(len(shifts)) * (1 - shifts)
    flipped = rng.random(len(shifts)) < 0.5
    shares = [
        (float(a), float(a + d)) if f else (float(a + d), float(a))
        for a, d, f in zip(lower, shifts, flipped, strict=True)
    ]
    reference = Reference.random(SPACING * (len(shifts) + 3), seed=seed, contig=CONTIG)
    codes = reference.codes(CONTIG)
    sites = place_sites(CONTIG, codes, shares, rng)
    population = Population(("early", "late"), sites=tuple(sites))
    made = simulate(population, reference, folder / CONTIG, library=Library(depth=depth), seed=seed)
    samples = {name: files[0] for name, files in made.reads.items()}
    result = compare(samples, reference=made.reference, options=CALLS)
    called = set(result.dist["position"].to_pylist())
    regions = [Region(CONTIG, site.variant.position, site.variant.position + 1) for site in sites]
    tested = compare(samples, reference=made.reference, regions=regions, options=OPTIONS)
    rows = {row["position"]: row for row in tested.dist.to_pylist()}
    found = []
    for site in sites:
        row = rows[site.variant.position + 1]
        depths = row["depth_1"], row["depth_2"]
        expected = expected_calls(codes[site.variant.position], site, depths, rng, replicates)
        found.append(Outcome(site, depths, site.variant.position + 1 in called, expected))
    elsewhere = called - {site.variant.position + 1 for site in sites}
    return Truth(found, len(elsewhere), len(codes))


CALLS = CompareOptions()


def expected_calls(base: int, site: Site, depths: tuple[int, int], rng: np.random.Generator, replicates: int) -> float:
    """Share of calls of the definition, over independent draws of the reads of one site."""
    other = BASES.index(site.variant.event)
    seen = [
        np.stack([_draw_reads(int(base), other, site.shares[t], depths[t], rng) for _ in range(replicates)])
        for t in (0, 1)
    ]
    states = _SCREEN.states(*(evidence.sum(axis=(2, 3), dtype=np.int32) for evidence in seen))
    passed = np.flatnonzero(states == CHANGED)
    if not passed.size:
        return 0.0
    draws = [
        composition_draws(e[passed], passed, prior=OPTIONS.prior, draws=OPTIONS.draws, key=int(rng.integers(1 << 62)))
        for e in seen
    ]
    lowest = np.quantile(distance_draws(*draws), 1 - OPTIONS.confidence, axis=1)
    return float(np.count_nonzero(lowest > OPTIONS.min_distance) / replicates)


_QUALITIES, _SHARES = zip(*QUALITIES, strict=True)
_SCREEN = Screen(min_distance=CALLS.min_distance, confidence=CALLS.confidence, prior=CALLS.prior)


def _draw_reads(base: int, other: int, share: float, depth: int, rng: np.random.Generator) -> np.ndarray:
    """(base, quality, strand) counts of independent reads; where two mates agree, as about half do, errors are rare."""
    evidence = np.zeros((4, AGREEING_MATES + 1, 2), np.int32)
    true = np.where(rng.random(depth) < share, other, base)
    qualities = np.where(rng.random(depth) < 0.5, AGREEING_MATES, rng.choice(_QUALITIES, depth, p=_SHARES))
    wrong = rng.random(depth) < 10.0 ** (-0.1 * qualities)
    shown = np.where(wrong, (true + rng.integers(1, 4, depth)) % 4, true)
    np.add.at(evidence, (shown, qualities, rng.integers(0, 2, depth)), 1)
    return evidence


def summarise(truth: Truth, low: float, high: float, fewest: int = 0) -> tuple[int, float, float]:
    """Number of sites with a true distance in [low, high] and enough templates, share called, share expected."""
    chosen = [s for s in truth.among(low, high) if min(s.depths) >= fewest]
    called = float(np.mean([s.called for s in chosen]))
    return len(chosen), called, float(np.mean([s.expected for s in chosen]))


def main() -> None:
    """Print the figures."""
    print("| depth | true distance | sites | called | expected by the definition |")
    print("|---:|---|---:|---:|---:|")
    for depth in (30, 100, 300):
        rng = np.random.default_rng(depth)
        shifts = np.concatenate((rng.uniform(0.05, 0.19, 500), rng.uniform(0.2, 1.0, 1000)))
        rng.shuffle(shifts)
        with tempfile.TemporaryDirectory() as folder:
            truth = measure(Path(folder), shifts, depth=depth, seed=depth)
        for low, high in ((0.05, 0.19), (0.2, 1.0), (0.2, 0.35), (0.35, 0.5), (0.5, 0.65), (0.65, 1.0)):
            sites, called, expected = summarise(truth, low, high)
            print(f"| {depth} | {low:g}-{high:g} | {sites} | {called:.4f} | {expected:.4f} |")
        sites, called, expected = summarise(truth, 0.65, 1.0, fewest=60) if depth > 30 else (0, 0.0, 0.0)
        if sites:
            print(f"| {depth} | 0.65-1, 60 templates or more | {sites} | {called:.4f} | {expected:.4f} |")
        print(f"| {depth} | none | {truth.loci - len(truth.sites)} | {truth.false_elsewhere / truth.loci:.6f} | 0 |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
