"""Do intervals hold the truth as often as they say? Truths from the prior, fixed truths, and truths at and near a distance of 0.

Run ``python validation/calibration.py [--loci N] [--seed N]`` (about four minutes). Prints the share of 90 % and 99 %
intervals that hold the truth, by depth and quality, beside those of a posterior that knows counts only, and draws
``docs/pictures/calibration.svg``. Exit code 1 if a share is out of bounds: 0.01 from its rate for truths from the prior;
0.85-0.91 and 0.97-0.995, give or take three standard errors, for fixed truths of two bases.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from evidence import QUALITIES, Floats, distances, draw, draw_from_counts, held, observe, two_alleles
from pictures import Axis, Point, print_table, save_lines

from colonnade.compare.options import CompareOptions
from colonnade.method.posterior import Draws, distance_draws

Rng = np.random.Generator
Sampler = Callable[..., Draws]

RATES: Final = (0.9, 0.99)
DRAWS: Final = 999  # one less than a multiple of 200, so that the ends of both intervals are draws
LOCI_AT_ONCE: Final = 500
PRIOR_DEPTHS: Final = (5, 30, 100, 500, 5000)
DEPTHS: Final = (5, 10, 30, 100, 300, 1000, 10_000)
ALLOWED: Final = 0.01
EXPECTED: Final = {0.9: (0.85, 0.91), 0.99: (0.97, 0.995)}

#: Compositions of two samples; no share but 0 is nearer than 0.05 to 0 or 1.
TWO_BASES: Final = (
    ((0.5, 0.5, 0, 0), (0.7, 0.3, 0, 0)),
    ((0.9, 0.1, 0, 0), (0.6, 0.4, 0, 0)),
    ((0.05, 0.95, 0, 0), (0.5, 0.5, 0, 0)),
    ((0.2, 0.8, 0, 0), (0.95, 0.05, 0, 0)),
)
FOUR_BASES: Final = (
    ((0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4)),
    ((0.25, 0.25, 0.25, 0.25), (0.7, 0.1, 0.1, 0.1)),
    ((0.85, 0.05, 0.05, 0.05), (0.05, 0.85, 0.05, 0.05)),
    ((0.6, 0.2, 0.1, 0.1), (0.4, 0.4, 0.1, 0.1)),
)
SMALL_DISTANCES: Final = (0.0, 0.03, 0.1)
SMALL_DISTANCE_DEPTHS: Final = (5, 30, 100, 1000, 10_000)
LEAST_UPPER: Final = 0.93  # of upper 95 % bounds at these distances

Coverage = Mapping[tuple[str, float], float]


def coverage(
    rng: Rng, shares: tuple[Floats, Floats], depth: int, qualities: Sequence[int], sampler: Sampler
) -> Coverage:
    """Share of intervals of the ``distance`` and of the ``composition`` (bases that are there) that hold it, by rate."""
    held_by: dict[tuple[str, float], list[bool]] = {}
    for truths, points in _blocks(rng, shares, depth, qualities, sampler):
        distance, drawn = distances(*truths), distance_draws(*points)
        for rate in RATES:
            held_by.setdefault(("distance", rate), []).extend(held(distance, drawn, rate))
            of_shares = held_by.setdefault(("composition", rate), [])
            for truth, sample in zip(truths, points, strict=True):
                for base in range(4):
                    there = truth[:, base] > 0
                    of_shares.extend(held(truth[there, base], sample[there, :, base], rate))
    return {name: float(np.mean(values)) for name, values in held_by.items()}


def _blocks(
    rng: Rng, shares: tuple[Floats, Floats], depth: int, qualities: Sequence[int], sampler: Sampler
) -> Iterator[tuple[tuple[Floats, Floats], tuple[Draws, Draws]]]:
    for start in range(0, len(shares[0]), LOCI_AT_ONCE):
        first, second = (some[start : start + LOCI_AT_ONCE] for some in shares)
        seen = (observe(rng, some, depth, qualities) for some in (first, second))
        points_1, points_2 = (sampler(each, draws=DRAWS, key=int(rng.integers(1 << 62))) for each in seen)
        yield (first, second), (points_1, points_2)


def from_prior(rng: Rng, loci: int) -> tuple[Floats, Floats]:
    """Compositions (loci, 4) of two samples, from the prior."""
    first, second = rng.dirichlet([CompareOptions.prior] * 4, (2, loci))
    return first, second


def fixed(pair: tuple[Sequence[float], Sequence[float]], loci: int) -> tuple[Floats, Floats]:
    """The same compositions at every locus."""
    first, second = (np.tile(np.array(shares, float), (loci, 1)) for shares in pair)
    return first, second


def check_prior(rng: Rng, loci: int) -> bool:
    """Truths from the prior; whether every share is within 0.01 of its rate."""
    rows, well = [], True
    for depth in PRIOR_DEPTHS:
        full = coverage(rng, from_prior(rng, loci), depth, QUALITIES["mixed"], draw)
        counts = coverage(rng, from_prior(rng, loci // 5), depth, QUALITIES["mixed"], draw_from_counts)
        rows.append([depth, *(f"{full[name]:.4f}" for name in full), *(f"{counts['distance', r]:.3f}" for r in RATES)])
        well &= all(abs(full[what, rate] - rate) <= ALLOWED for what, rate in full)
    header = [
        "depth",
        *(f"{what}, {rate:.0%}" for what, rate in full),
        *(f"counts only: distance, {r:.0%}" for r in RATES),
    ]
    print_table(header, rows, title=f"Truths from the prior, {loci} loci at each depth, mixed qualities")
    return well


def check_fixed(rng: Rng, loci: int) -> bool:
    """Fixed truths by depth and quality; whether those of two bases are within bounds."""
    points: list[Point] = []
    well = True
    for title, line, truths, sampler in (
        ("two bases", "two bases", TWO_BASES, draw),
        ("four bases", "four bases", FOUR_BASES, draw),
        ("two bases, counts only", "two bases, counts without qualities", TWO_BASES, draw_from_counts),
    ):
        found = {
            (depth, quality): [coverage(rng, fixed(pair, loci), depth, QUALITIES[quality], sampler) for pair in truths]
            for depth in DEPTHS
            for quality in QUALITIES
        }
        _print_fixed(f"Fixed truths, {title}: mean (lowest) of {len(truths)} truths, {loci} loci each", found)
        points += [
            Point(f"{quality} qualities", line, depth, float(np.mean([c["distance", 0.9] for c in each])))
            for (depth, quality), each in found.items()
        ]
        if line == "two bases":
            well = all(as_expected(each, loci) for each in found.values())
    save_lines(
        "calibration",
        points,
        x=Axis("reads per locus", 4, 14_000, log=True, values=(10, 100, 1000, 10_000)),
        y=Axis("90 % intervals that hold the distance", 0, 1, format=".0%"),
        legend="",
        band=EXPECTED[0.9],
    )
    return well


def _print_fixed(title: str, found: Mapping[tuple[int, str], Sequence[Coverage]]) -> None:
    for what in ("distance", "composition"):
        rows = [
            [depth, *(_summary(found[depth, quality], what, rate) for quality in QUALITIES for rate in RATES)]
            for depth in DEPTHS
        ]
        header = ["depth", *(f"{quality}, {rate:.0%}" for quality in QUALITIES for rate in RATES)]
        print_table(header, rows, title=f"{title}, {what}")


def _summary(each: Sequence[Coverage], what: str, rate: float) -> str:
    values = [one[what, rate] for one in each]
    return f"{np.mean(values):.3f} ({min(values):.3f})"


def as_expected(each: Sequence[Coverage], loci: int) -> bool:
    """Whether the mean coverage of several truths, of so many loci each, is what fixed truths let expect."""
    means = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    slack = {rate: 3 * math.sqrt(rate * (1 - rate) / (loci * len(each))) for rate in RATES}
    return all(
        EXPECTED[rate][0] - slack[rate] <= mean <= EXPECTED[rate][1] + slack[rate] for (_, rate), mean in means.items()
    )


def check_small(rng: Rng, loci: int) -> bool:
    """Distances at and near 0; whether the upper 95 % bound holds them often enough."""
    found = [
        (distance, depth, *near_zero(rng, distance, depth, loci))
        for distance in SMALL_DISTANCES
        for depth in SMALL_DISTANCE_DEPTHS
    ]
    rows = [[f"{distance:g}", depth, *(f"{share:.3f}" for share in shares)] for distance, depth, *shares in found]
    header = ["true distance", "depth", "90 % interval holds", "upper 95 % bound holds", "median of the bound"]
    print_table(header, rows, title=f"Shares 0.3 and 0.3 + distance, mixed qualities, {loci} loci each")
    return all(upper >= LEAST_UPPER for _, _, _, upper, _ in found)


def near_zero(rng: Rng, distance: float, depth: int, loci: int) -> tuple[float, float, float]:
    """Share of 90 % intervals and of upper 95 % bounds that hold a small distance, and the median of the bounds."""
    shares = two_alleles(np.full(loci, 0.3)), two_alleles(np.full(loci, 0.3 + distance))
    both, upper, bounds = [], [], []
    for truths, points in _blocks(rng, shares, depth, QUALITIES["mixed"], draw):
        truth, drawn = distances(*truths), distance_draws(*points)
        both.append(held(truth, drawn, 0.9))
        bounds.append(np.quantile(drawn, 0.95, axis=1))
        upper.append(truth <= bounds[-1])
    return float(np.mean(both)), float(np.mean(upper)), float(np.median(bounds))


def main() -> int:
    """All checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--loci", type=int, default=1000, help="per fixed truth, depth and quality; ten times as many from the prior"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    results = [
        check_prior(rng, 10 * options.loci),
        check_fixed(rng, options.loci),
        check_small(rng, options.loci),
    ]
    print("well" if all(results) else "OUT OF BOUNDS")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
