"""Does false_share hold? The real share of false entries in lists cut by it, over populations of loci of known truth.

Run ``python validation/false_share.py [--loci N] [--repeats N] [--depths LIST] [--min-distance F] [--populations LIST]
[--draws N]``. A depth is one for both samples (30), two (20/300), or one against REF (30/REF), which is pure: then the other
sample has the whole distance.
An entry is false where the true distance does not exceed min_distance. Prints, per population and depth: the rows of the list, how
many of them are false, how many were expected by p_changed itself (plain) and by the learned distribution of distances; and for
lists cut at a false_share of 0.01, 0.05 and 0.1 the false entries of all. Exit code 1 if a cut of the learned list holds
more false entries than its share allows, by more than 3 standard deviations.
"""

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.method.false_share import (
    BINS,
    distance_counts,
    false_shares,
    learned_p_changed,
    sample_loci,
    within_false_share,
)
from colonnade.method.posterior import composition_draws, distance_draws, reference_draws
from colonnade.method.screen import Screen
from colonnade.method.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]
Index = npt.NDArray[np.int64]
Rng = np.random.Generator

PRIOR: Final = 0.1
CONFIDENCE: Final = 0.99
CUTS: Final = (0.01, 0.05, 0.1)
QUALITIES: Final = (37, 30, 22, 12)
QUALITY_SHARES: Final = (0.70, 0.18, 0.08, 0.04)
AT_ONCE: Final = 500
REFERENCE_READS: Final = 1_000_000


def biallelic(minor_1: Floats, minor_2: Floats) -> Floats:
    """Compositions (2, loci, 4) of two samples, given the share of a second base in each."""
    theta = np.zeros((2, len(minor_1), 4))
    theta[:, :, 1] = minor_1, minor_2
    theta[:, :, 0] = 1 - theta[:, :, 1]
    return theta


def apart(rng: Rng, low: float, high: float, n: int) -> Floats:
    """Loci with a distance from ``low`` to ``high``; half of them pure in one sample."""
    distance = rng.uniform(low, high, n)
    lower = np.where(rng.random(n) < 0.5, 0, rng.random(n) * (1 - distance))
    return biallelic(*rng.permuted(np.stack([lower, lower + distance]), axis=0))


@dataclass(frozen=True)
class Population:
    """Shares of the loci: below the threshold (``lowest``·d to 0.995·d), changed (d to ``most``), mixed alike; others are pure."""

    below: float
    changed: float
    equal: float = 0.0
    lowest: float = 0.5
    most: float = 1.0

    def truths(self, rng: Rng, n: int, distance: float) -> Floats:
        """Compositions (2, loci, 4)."""
        below, changed, equal = (round(share * n) for share in (self.below, self.changed, self.equal))
        mixed = rng.uniform(0.05, 0.5, equal)
        pure = np.zeros(n - below - changed - equal)
        parts = (
            apart(rng, self.lowest * distance, 0.995 * distance, below),
            apart(rng, distance, self.most, changed),
            biallelic(mixed, mixed),
            biallelic(pure, pure),
        )
        return np.concatenate(parts, axis=1)


def from_prior(rng: Rng, n: int, _: float) -> Floats:
    """Compositions (2, loci, 4), both from the prior; fewer loci, since most are changed."""
    return rng.dirichlet([PRIOR] * 4, (2, n // 20))


POPULATIONS: Final[dict[str, Callable[[Rng, int, float], Floats]]] = {
    "a prior": from_prior,
    "b1 2% below, 1% changed": Population(0.02, 0.01).truths,
    "b2 4.8% below, 0.2% changed": Population(0.048, 0.002).truths,
    "b3 5% just below, 0.05% changed": Population(0.05, 0.0005, lowest=0.85).truths,
    "b4 5% below, none changed": Population(0.05, 0).truths,
    "b5 none below, 0.2% changed": Population(0, 0.002).truths,
    "b6 2% below, 1% changed to 0.4": Population(0.02, 0.01, most=0.4).truths,
    "c 20% mixed, 1.8% below, 0.2% changed": Population(0.018, 0.002, equal=0.2).truths,
}


def read_bases(rng: Rng, theta: Floats, depth: float) -> Counts:
    """Evidence (loci, 4, qualities): reads of compositions (loci, 4), with the errors that their qualities state."""
    reads = rng.multinomial(rng.poisson(depth, len(theta)), QUALITY_SHARES)
    evidence = np.empty((len(theta), 4, len(QUALITIES)), np.int32)
    for i, quality in enumerate(QUALITIES):
        error = 10 ** (-quality / 10)
        evidence[:, :, i] = rng.multinomial(reads[:, i], error / 3 + (1 - 4 * error / 3) * theta)
    return evidence


@dataclass(frozen=True)
class Sample:
    """Base counts (loci, 4) of a sample, and how to draw its composition at some loci: float64 (loci, draws, 4)."""

    counts: Counts
    draw: Callable[[Index], Floats]


def sequenced(rng: Rng, theta: Floats, depth: float, key: int, draws: int) -> Sample:
    """Reads of compositions (loci, 4)."""
    evidence = read_bases(rng, theta, depth)

    def draw(loci: Index) -> Floats:
        whole = np.zeros((len(loci), 4, max(QUALITIES) + 1, 2), np.int32)
        whole[:, :, QUALITIES, 0] = evidence[loci]
        return composition_draws(whole, loci, prior=PRIOR, draws=draws, key=key)

    return Sample(evidence.sum(axis=2, dtype=np.int32), draw)


def reference(loci: int, draws: int) -> Sample:
    """The pseudo-sample REF: the first base everywhere."""
    counts = np.zeros((loci, 4), np.int32)
    counts[:, 0] = REFERENCE_READS
    return Sample(counts, lambda at: reference_draws(counts[at], at, prior=PRIOR, draws=draws, key=1))


def simulated(rng: Rng, theta: Floats, depths: str, draws: int) -> tuple[Sample, Sample]:
    """Two samples of compositions (2, loci, 4), at depths as on the command line."""
    one, _, two = depths.partition("/")
    first = sequenced(rng, theta[0], float(one), 0, draws)
    if two == "REF":
        return first, reference(len(theta[1]), draws)
    return first, sequenced(rng, theta[1], float(two or one), 1, draws)


def distances_of(theta: Floats) -> Floats:
    """True distances (loci,) of compositions (2, loci, 4)."""
    distances: Floats = np.sqrt(0.5 * ((theta[0] - theta[1]) ** 2).sum(axis=1))
    return distances


@dataclass
class Outcome:
    """Lists of one kind over repeats: entries expected to be false; (false, all) entries of the lists cut at ``CUTS``."""

    expected: float = 0.0
    kept: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(CUTS), 2), np.int64))

    def add(self, p_changed: Floats, false: npt.NDArray[np.bool_]) -> None:
        """Count another list."""
        shares = false_shares(p_changed)
        self.expected += float((1 - p_changed).sum())
        kept = [within_false_share(shares, most=cut) for cut in CUTS]
        self.kept += [[np.count_nonzero(false[rows]), np.count_nonzero(rows)] for rows in kept]

    def holds(self) -> bool:
        """Whether no cut has too many false entries (Poisson, 3 standard deviations and one)."""
        allowed = self.kept[:, 1] * CUTS
        return bool(np.all(self.kept[:, 0] <= allowed + 3 * np.sqrt(allowed) + 1))

    def __str__(self) -> str:
        cuts = (f"{false:4}/{n:<5} {false / n if n else math.nan:.3f}" for false, n in self.kept)
        return f"expected {self.expected:7.1f}  " + "  ".join(cuts)


def judge(one: Sample, two: Sample, distance: float) -> tuple[Floats, Floats, Index]:
    """Plain and learned probabilities of the rows of a list, and at which loci they are."""
    states = Screen(min_distance=distance, confidence=CONFIDENCE, prior=PRIOR).states(one.counts, two.counts)
    plain, bins = [np.empty(0)], [np.empty((0, BINS), np.int32)]
    screened = np.flatnonzero(states == CHANGED)
    for start in range(0, len(screened), AT_ONCE):
        loci = screened[start : start + AT_ONCE]
        points_1, points_2 = one.draw(loci), two.draw(loci)
        distances = distance_draws(points_1, points_2)
        confirmed = np.quantile(distances, 1 - CONFIDENCE, axis=1) > distance
        states[loci[~confirmed]] = AMBIGUOUS
        plain.append((distances[confirmed] > distance).mean(axis=1))
        bins.append(distance_counts(points_1[confirmed], points_2[confirmed], min_distance=distance))
    others = []
    for state in (AMBIGUOUS, UNCHANGED):
        loci = np.flatnonzero(states == state)
        others.append((sample_loci(one.counts, two.counts, loci, start=0, key=5), len(loci)))
    learned = learned_p_changed(np.concatenate(bins), others, min_distance=distance, prior=PRIOR)
    return np.concatenate(plain), learned, np.flatnonzero(states == CHANGED)


def main() -> int:
    """Simulate, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loci", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--depths", default="30,100,300")
    parser.add_argument("--min-distance", type=float, default=0.2)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--populations", default="a,b,c", help="beginnings of their names")
    options = parser.parse_args()
    well = True
    for name, truths in POPULATIONS.items():
        if not name.startswith(tuple(options.populations.split(","))):
            continue
        for depth in options.depths.split(","):
            plain, learned, found, false = Outcome(), Outcome(), 0, 0
            for repeat in range(options.repeats):
                rng = np.random.default_rng([repeat, *depth.encode(), *name.encode()])
                theta = truths(rng, options.loci, options.min_distance)
                if depth.endswith("/REF"):
                    distances = distances_of(theta)
                    theta = biallelic(distances, np.zeros(len(distances)))
                p_plain, p_learned, rows = judge(*simulated(rng, theta, depth, options.draws), options.min_distance)
                wrong = distances_of(theta)[rows] <= options.min_distance
                plain.add(p_plain, wrong)
                learned.add(p_learned, wrong)
                found, false = found + len(wrong), false + int(np.count_nonzero(wrong))
            well &= learned.holds()
            print(f"{name}, depth {depth}: {found} rows, {false} false ({false / max(found, 1):.3f})")
            print(f"  plain    {plain}\n  learned  {learned}", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
