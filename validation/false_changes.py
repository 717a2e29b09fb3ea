"""How often is a change called that is none? Distances just below the threshold, and pure against pure.

Run ``python validation/false_changes.py [--loci N] [--seed N]`` (about a minute). Prints the share of loci called changed
by depth and quality, by the screen and by the whole method, and draws ``docs/pictures/false_changes.svg``. Exit code 1 if
more than 2 % are called at a distance of 0.195 at depths from 20 on, or any pure locus at depths from 10 on (30 with
poor qualities).
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from evidence import LOWEST, QUALITIES, Calls, Floats, Judge, apart, observe, two_alleles
from pictures import Axis, Point, print_table, save_lines

from colonnade.compare.options import CompareOptions

Rng = np.random.Generator

DEPTHS: Final = (5, 10, 20, 30, 50, 100, 300, 1000, 10_000)
DISTANCE: Final = 0.195  # just below the default threshold of 0.2
ALLOWED: Final = 0.02
ALLOWED_FROM: Final = 20
#: Shares of the second base; around a half the spread of counts is largest.
WHERE: Final = {"any": "any shares", "pure": "shares 0 and 0.195", "half": "shares 0.4025 and 0.5975"}
PURE_FROM: Final = {"good": 10, "mixed": 10, "poor": 30}


def call(
    rng: Rng, judge: Judge, shares: tuple[Floats, Floats], depth: int, qualities: Sequence[Sequence[int]]
) -> Calls:
    """What is said of loci with these compositions, and the qualities of either sample."""
    first, second = (observe(rng, some, depth, these) for some, these in zip(shares, qualities, strict=True))
    return judge.calls(first, second, key=int(rng.integers(1 << 62)))


def near_threshold(rng: Rng, where: str, loci: int) -> tuple[Floats, Floats]:
    """Compositions at a distance of 0.195, by a key of ``WHERE``."""
    if where == "any":
        return apart(rng, DISTANCE, loci)
    lower = np.full(loci, 0.0 if where == "pure" else 0.5 - DISTANCE / 2)
    return two_alleles(lower), two_alleles(lower + DISTANCE)


def check_near_threshold(rng: Rng, judge: Judge, loci: int) -> bool:
    """Shares of false changes by depth, quality, and composition; whether they are within bounds."""
    found = {
        (depth, quality, where): call(rng, judge, near_threshold(rng, where, loci), depth, [QUALITIES[quality]] * 2)
        for depth in DEPTHS
        for quality in QUALITIES
        for where in WHERE
    }
    confirmed = {case: float(calls.confirmed.mean()) for case, calls in found.items()}
    _print_near_threshold(found, loci)
    save_lines(
        "false_changes",
        [Point(WHERE[where], f"{quality} qualities", depth, y) for (depth, quality, where), y in confirmed.items()],
        x=Axis("reads per locus", 4, 14_000, log=True, values=(10, 100, 1000, 10_000)),
        y=Axis(f"called changed at {DISTANCE}", 0, 0.06, format=".0%"),
        legend="",
        rule_y=1 - CompareOptions.confidence,
    )
    return all(share <= ALLOWED for (depth, *_), share in confirmed.items() if depth >= ALLOWED_FROM)


def _print_near_threshold(found: Mapping[tuple[int, str, str], Calls], loci: int) -> None:
    for where, shares in WHERE.items():
        rows = [
            [
                depth,
                *(" → ".join(f"{each.mean():.2%}" for each in found[depth, quality, where]) for quality in QUALITIES),
            ]
            for depth in DEPTHS
        ]
        title = f"True distance {DISTANCE}, {shares}, {loci} loci in each cell: called by the screen → confirmed"
        print_table(["depth", *QUALITIES], rows, title=title)


def check_pure(rng: Rng, judge: Judge, loci: int) -> bool:
    """Pure loci of the same base; whether none is called where none may be."""
    pure = two_alleles(np.zeros(loci)), two_alleles(np.zeros(loci))
    rows, well = [], True
    for depth in DEPTHS:
        by_quality = {quality: call(rng, judge, pure, depth, [QUALITIES[quality]] * 2) for quality in QUALITIES}
        unlike = call(rng, judge, pure, depth, [QUALITIES["good"], LOWEST])
        rows.append([depth, *map(_counts, by_quality.values()), _counts(unlike)])
        well &= not any(by_quality[quality].confirmed.any() for quality in QUALITIES if depth >= PURE_FROM[quality])
    header = ["depth", *QUALITIES, "good against quality 5"]
    print_table(header, rows, title=f"Pure against pure, {loci} loci in each cell: called by the screen → confirmed")
    return well


def _counts(calls: Calls) -> str:
    return " → ".join(str(np.count_nonzero(each)) for each in calls)


def main() -> int:
    """Both checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loci", type=int, default=10_000, help="in each cell")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, judge = np.random.default_rng(options.seed), Judge()
    results = [check_near_threshold(rng, judge, options.loci), check_pure(rng, judge, options.loci)]
    print("well" if all(results) else "OUT OF BOUNDS")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
