"""Is the posterior right? Draws against Gibbs sampling, acceptance and cost, and simulation-based calibration.

Run ``python validation/posterior.py [--loci N] [--random N] [--seed N]`` (some minutes). Prints, per kind of evidence: cost of a
set-up and of a draw, share of proposals accepted, and the largest distance (Kolmogorov-Smirnov) of any base's draws from
those of a Gibbs chain, with the distance that chance allows, the steps between the chain's draws and their correlation; the lowest
acceptance over random evidence; and the share of 90 % and 99 % intervals that hold the truth. Exit code 1 if a figure is out
of bounds.
"""

import argparse
import math
import sys
import time
from typing import Final

import numpy as np
import numpy.typing as npt
from evidence import distances, held, observe
from scipy.stats import ks_2samp

from colonnade.method import posterior_kernels
from colonnade.method.gibbs_kernels import draw_by_turns, start_of_chain
from colonnade.method.mixture_kernels import MAX_QUALITY, cells_of, propose
from colonnade.method.posterior import composition_draws, distance_draws

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

PRIOR: Final = 0.1
QUALITIES: Final = MAX_QUALITY + 1
LOWEST_ACCEPTANCE: Final = 0.05
OTHER_PRIORS: Final = (0.001, 1.0, 100.0)
LOWEST_OF_OTHER_PRIORS: Final = 0.02  # of one or two reads of quality 2, with a prior of 0.001
CHAIN: Final = 10_000  # draws kept of a chain
DEEP: Final = 100_000  # depth from which a twentieth must do
NO_DISTANCE: Final = 0.002
MOST_MEMORY: Final = 0.25  # correlation of successive draws of a chain


def evidence_of(counts: Counts) -> npt.NDArray[np.int32]:
    """As the kernels take it (1, 4, qualities, strands)."""
    return np.stack([counts, np.zeros_like(counts)], axis=2)[np.newaxis].astype(np.int32)


def draws_of(counts: Counts, n: int) -> Floats:
    """Draws (n, 4) of the composition."""
    return composition_draws(evidence_of(counts), np.zeros(1, np.int64), prior=PRIOR, draws=n, key=1)[0]


def mixture(rng: np.random.Generator, shares: list[float], depth: int, qualities: list[int]) -> Counts:
    """Counts (4, qualities) of reads of a known composition, with errors."""
    counts = np.zeros((4, QUALITIES), np.int64)
    for quality, n in zip(qualities, rng.multinomial(depth, [1 / len(qualities)] * len(qualities)), strict=True):
        error = 10 ** (-quality / 10)
        seen = error / 3 + (1 - 4 * error / 3) * np.array(shares)
        counts[:, quality] += rng.multinomial(n, seen)
    return counts


def kinds(rng: np.random.Generator) -> dict[str, Counts]:
    """Evidence of many kinds."""
    pure, mixed, half, every = [1.0, 0, 0, 0], [0.9, 0.1, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4
    usual, poor, worst = list(range(10, 41)), list(range(5, 11)), [2, 3, 5]
    return {
        "3 reads, qualities 2-5": mixture(rng, mixed, 3, worst),
        "30, qualities 10-40, mixed": mixture(rng, mixed, 30, usual),
        "30, qualities 2-5, mixed": mixture(rng, mixed, 30, worst),
        "30, qualities 2-40, every base": mixture(rng, every, 30, [2, 5, 10, 20, 40]),
        "500, qualities 10-40, pure": mixture(rng, pure, 500, usual),
        "500, qualities 10-40, half": mixture(rng, half, 500, usual),
        "500, qualities 2-5, every base": mixture(rng, every, 500, worst),
        "5,000, qualities 5-10, mixed": mixture(rng, mixed, 5000, poor),
        "5,000, qualities 5-10, pure": mixture(rng, pure, 5000, poor),
        "50,000, qualities 5-10, pure": mixture(rng, pure, 50_000, poor),
        "100,000, qualities 30-40, mixed": mixture(rng, mixed, 100_000, list(range(30, 41))),
        "100,000, qualities 10-20, pure": mixture(rng, pure, 100_000, list(range(10, 21))),
        "1,000,000, qualities 2-40, mixed": mixture(rng, mixed, 1_000_000, [2, *range(10, 41)]),
        "10,000 at quality 20, 20 minor": mixture(rng, pure, 10_000, [20]) + mixture(rng, [0, 1.0, 0, 0], 20, [20]),
        "10,000 at quality 10, 20 minor": mixture(rng, pure, 10_000, [10]) + mixture(rng, [0, 1.0, 0, 0], 20, [10]),
    }


def chain(counts: Counts, n: int) -> tuple[Floats, int]:
    """Draws (n, 4) by Gibbs sampling, and how many steps lie between them."""
    cells, points = cells_of(evidence_of(counts)[0]), np.empty((n, 4))
    draw_by_turns(*cells, PRIOR, np.uint64(3), points)
    return points, start_of_chain(*cells, PRIOR)[1]


def memory(points: Floats) -> float:
    """The largest correlation of successive draws (n, 4)."""
    return max(float(np.corrcoef(points[:-1, o], points[1:, o])[0, 1]) for o in range(4))


def acceptance(counts: Counts, prior: float = PRIOR) -> float:
    """Share of proposals that are accepted, summed from the kernels' tables."""
    reads, odds, totals = cells_of(evidence_of(counts)[0])
    tilt, tables, firsts = propose(reads, odds, totals, prior)
    proposed = np.ones(1)
    for table in tables:
        proposed = np.convolve(proposed, np.diff(table, prepend=0.0))
    chances = posterior_kernels.acceptance(totals.sum() - sum(firsts), proposed.size, prior, tilt)
    return float((proposed * chances).sum())


def costs(counts: Counts) -> tuple[float, float]:
    """Seconds for a set-up, and for a draw."""
    evidence, points = evidence_of(counts)[0], np.empty((2000, 4))
    times = []
    for n, repeats in ((1, 100), (2000, 20)):
        start = time.process_time()
        for repeat in range(repeats):
            posterior_kernels.draw_composition(
                evidence, PRIOR, posterior_kernels.MOST_PROPOSALS, np.uint64(repeat), points[:n]
            )
        times.append((time.process_time() - start) / repeats)
    return times[0], (times[1] - times[0]) / 1999


def check_kinds(rng: np.random.Generator) -> bool:
    """One line per kind of evidence; whether all is well."""
    well = True
    for name, counts in kinds(rng).items():
        set_up, a_draw = costs(counts)
        accepted = acceptance(counts)
        by_turns, steps = chain(counts, CHAIN if counts.sum() < DEEP else CHAIN // 20)
        mine = draws_of(counts, 100_000)
        distance = max(ks_2samp(mine[:, o], by_turns[:, o]).statistic for o in range(4))
        kept = memory(by_turns)
        # As many independent draws as the chain is worth; 1.95 is passed once in 1,000 times.
        noise = 1.95 * math.sqrt((1 + max(kept, 0.0)) / (1 - kept) / len(by_turns) + 1 / len(mine))
        well &= accepted >= LOWEST_ACCEPTANCE and distance <= noise + NO_DISTANCE and kept <= MOST_MEMORY
        print(
            f"{name:<34} set-up {set_up * 1e6:7.1f} us  draw {a_draw * 1e6:5.3f} us  accepted {accepted:.2f}"
            f"  from Gibbs {distance:.4f} (noise {noise:.4f}, {steps:3} steps, correlation {kept:.3f})",
            flush=True,
        )
    return well


def check_acceptance(rng: np.random.Generator, n: int) -> bool:
    """The lowest acceptance over random evidence, most of it poor."""
    accepted, others, slowest, hardest = [], [], 0.0, np.zeros((4, QUALITIES), np.int64)
    points = np.empty((100, 4))
    for i in range(n):
        qualities = rng.choice([2, 3, 4, 5, 7, 10, 15, 20, 30, 40], rng.integers(1, 4), replace=False)
        depth = int(10 ** rng.uniform(0, 4.3))
        counts = mixture(rng, rng.dirichlet([rng.choice([0.1, 1.0, 20.0])] * 4).tolist(), depth, qualities.tolist())
        accepted.append(acceptance(counts))
        others.append(acceptance(counts, rng.choice(OTHER_PRIORS)))
        start = time.process_time()
        posterior_kernels.draw_composition(
            evidence_of(counts)[0], PRIOR, posterior_kernels.MOST_PROPOSALS, np.uint64(i), points
        )
        took = time.process_time() - start
        if took > slowest:
            slowest, hardest = took, counts
    print(f"random evidence: accepted from {min(accepted):.3f}, 1 % below {np.quantile(accepted, 0.01):.3f}")
    print(f"  with priors of 0.001, 1 and 100: accepted from {min(others):.3f}")
    print(f"  slowest set-up and 100 draws {slowest * 1e3:.2f} ms, at depth {hardest.sum()}")
    return min(accepted) >= LOWEST_ACCEPTANCE and min(others) >= LOWEST_OF_OTHER_PRIORS


def check_calibration(rng: np.random.Generator, loci: int) -> bool:
    """One line per depth; whether every share is within 0.01 of its rate."""
    well = True
    for depth in (30, 100, 500):
        figures: dict[tuple[str, float], list[float]] = {}
        for _ in range(0, loci, 1000):
            truths, points = [], []
            for key in rng.integers(1, 1 << 40, 2):
                truth = rng.dirichlet([PRIOR] * 4, 1000)
                evidence = observe(rng, truth, depth, range(10, 41))
                truths.append(truth)
                points.append(composition_draws(evidence, np.arange(1000), prior=PRIOR, draws=999, key=int(key)))
            distance = distances(*truths)
            for rate in (0.9, 0.99):
                figures.setdefault(("share", rate), []).append(held(truths[0][:, 0], points[0][:, :, 0], rate).mean())
                figures.setdefault(("distance", rate), []).append(held(distance, distance_draws(*points), rate).mean())
        means = {name: float(np.mean(values)) for name, values in figures.items()}
        well &= all(abs(mean - rate) <= 0.01 for (_, rate), mean in means.items())
        print(
            f"depth {depth:3}, {loci} loci:",
            "  ".join(f"{n} {r:.0%}: {m:.4f}" for (n, r), m in means.items()),
            flush=True,
        )
    return well


def main() -> int:
    """All checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loci", type=int, default=10_000, help="of each depth in the calibration")
    parser.add_argument("--random", type=int, default=5000, help="sets of random evidence")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    costs(mixture(rng, [0.5, 0.5, 0, 0], 30, [20]))  # compiles
    results = [
        check_kinds(rng),
        check_acceptance(rng, options.random),
        check_calibration(rng, options.loci),
    ]
    print("well" if all(results) else "OUT OF BOUNDS")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
