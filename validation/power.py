"""What is found, and at which price? Calls of the method, of the screen alone, and of a plain difference of frequencies.

Run ``python validation/power.py [--loci N] [--seed N]`` (about two minutes). Power means nothing without error, so each
table and picture has the calls at a true distance of 0.195, which are false, beside those above the threshold of 0.2. The
last line of each table is the difference of frequencies with a threshold that is raised, at each depth, until it calls
no more falsely than the method does: what could be had with knowledge of the truth. Draws ``docs/pictures/power.svg`` and
``docs/pictures/power_by_depth.svg``. Exit code 1 if the method finds less than that rival by more than 5 points.
"""

import argparse
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from evidence import QUALITIES, Calls, Evidence, Floats, Judge, apart, distances, observe
from pictures import Axis, Point, print_table, save_lines

from colonnade.compare.options import CompareOptions

Rng = np.random.Generator

DEPTHS: Final = (10, 30, 100, 300, 1000)
SHIFTS: Final = (0.05, 0.1, 0.15, 0.195, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0)
BELOW: Final = 0.195  # the largest of the distances that are no change
DRAWN_DEPTHS: Final = (10, 30, 100, 1000)
BY_DEPTH: Final = (10, 20, 30, 50, 100, 300, 1000, 10_000)
BY_DEPTH_SHIFTS: Final = (0.25, 0.3, 0.4, 0.6)
THRESHOLD: Final = CompareOptions.min_distance
LOST: Final = 0.05
FOR_ERROR: Final = 10  # times as many loci where calls are rare

METHOD, SCREEN, DIFFERENCE, RIVAL = (
    "colonnade",
    "screen alone",
    "difference of frequencies",
    "difference, raised threshold",
)


class Seen(NamedTuple):
    """What is said of loci, and how far apart their frequencies are."""

    calls: Calls
    differences: Floats


def look(rng: Rng, judge: Judge, shift: float, depth: int, quality: str, loci: int) -> Seen:
    """Loci at a true distance, with any shares."""
    first, second = (observe(rng, shares, depth, QUALITIES[quality]) for shares in apart(rng, shift, loci))
    calls = judge.calls(first, second, key=int(rng.integers(1 << 62)))
    return Seen(calls, distances(_frequencies(first), _frequencies(second)))


def _frequencies(evidence: Evidence) -> Floats:
    counts = evidence.sum(axis=(2, 3))
    return counts / counts.sum(axis=1, keepdims=True)


def power(seen: Mapping[float, Seen]) -> dict[str, list[float]]:
    """Share called at each distance, by method."""
    false_share = seen[BELOW].calls.confirmed.mean()
    raised = float(np.quantile(seen[BELOW].differences, 1 - false_share, method="higher"))
    return {
        METHOD: [float(each.calls.confirmed.mean()) for each in seen.values()],
        SCREEN: [float(each.calls.screened.mean()) for each in seen.values()],
        DIFFERENCE: [float((each.differences > THRESHOLD).mean()) for each in seen.values()],
        RIVAL: [float((each.differences > raised).mean()) for each in seen.values()],
    }


def check_shifts(rng: Rng, judge: Judge, loci: int) -> bool:
    """Calls by distance at several depths; whether the method finds what can be found at its share of false changes."""
    points: list[Point] = []
    well = True
    for depth in DEPTHS:
        found = power(
            {
                shift: look(rng, judge, shift, depth, "mixed", FOR_ERROR * loci if shift == BELOW else loci)
                for shift in SHIFTS
            }
        )
        rows = [[name, *(f"{share:.3f}" for share in shares)] for name, shares in found.items()]
        header = ["true distance", *(f"{shift:g}" for shift in SHIFTS)]
        print_table(header, rows, title=f"Share called changed, depth {depth}, mixed qualities, {loci} loci each")
        well &= all(method >= rival - LOST for method, rival in zip(found[METHOD], found[RIVAL], strict=True))
        if depth in DRAWN_DEPTHS:
            for name in (METHOD, SCREEN, DIFFERENCE):
                points += [Point(f"depth {depth}", name, x, y) for x, y in zip(SHIFTS, found[name], strict=True)]
    save_lines(
        "power",
        points,
        x=Axis("true distance (0-1)", 0, 1, values=(0, 0.2, 0.4, 0.6, 0.8, 1)),
        y=Axis("loci called changed", 0, 1, format=".0%"),
        legend="",
        rule_x=THRESHOLD,
    )
    return well


def show_depths(rng: Rng, judge: Judge, loci: int) -> None:
    """What the method calls by depth and quality, at some distances."""
    shifts = (BELOW, *BY_DEPTH_SHIFTS)
    points, rows = [], []
    for depth in BY_DEPTH:
        row: list[object] = [depth]
        for quality in QUALITIES:
            found = [float(look(rng, judge, shift, depth, quality, loci).calls.confirmed.mean()) for shift in shifts]
            row += [f"{share:.3f}" for share in found]
            points += [
                Point(f"{quality} qualities", f"distance {shift:g}", depth, share)
                for shift, share in zip(shifts, found, strict=True)
            ]
        rows.append(row)
    header = ["depth", *(f"{quality}, {shift:g}" for quality in QUALITIES for shift in shifts)]
    print_table(header, rows, title=f"Share called changed by quality and true distance, {loci} loci in each cell")
    save_lines(
        "power_by_depth",
        points,
        x=Axis("reads per locus", 8, 14_000, log=True, values=(10, 100, 1000, 10_000)),
        y=Axis("loci called changed", 0, 1, format=".0%"),
        legend="",
    )


def main() -> int:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loci", type=int, default=2000, help="at each distance, depth and quality")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, judge = np.random.default_rng(options.seed), Judge()
    well = check_shifts(rng, judge, options.loci)
    show_depths(rng, judge, options.loci)
    print("well" if well else "OUT OF BOUNDS")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
