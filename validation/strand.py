"""Is the strand test honest, and what does it find? Simulated loci, by depth.

Run ``python validation/strand.py [--loci N] [--seed N]`` (some seconds). Prints how often the test rejects at 0.05, 0.01 and 0.001
under the null (real changes seen alike by both strands, whatever their mix), and at 0.001 under three artefacts and under a real
change with a slight bias; then the smallest p-value that so many reads of a new allele can reach. Exit code 1 if it rejects a true
null more often than it says (by more than four standard errors).
"""

import argparse
import math
import sys
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.method.strand import strand_p_values

Counts = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float64]

DEPTHS: Final = (10, 30, 100, 1000, 10_000)
LEVELS: Final = (0.05, 0.01, 0.001)
ERROR: Final = 0.003
SIDES: Final = 4  # standard errors


def sample(rng: np.random.Generator, depth: int, minor: Shares, forward: Shares) -> Counts:
    """Evidence (loci, 4, 1 quality, 2): of A, but for a share of C on each strand (loci, 2); ``forward`` (loci,) share of reads."""
    n = np.empty((len(minor), 2), np.int64)
    n[:, 0] = rng.binomial(depth, forward)
    n[:, 1] = depth - n[:, 0]
    shares = np.stack([1 - minor, minor, 0 * minor, 0 * minor], axis=2)
    seen = ERROR / 3 + (1 - 4 * ERROR / 3) * shares
    return rng.multinomial(n, seen).transpose(0, 2, 1)[:, :, np.newaxis].astype(np.int32)


def both(share: Shares) -> Shares:
    """The same share on both strands."""
    return np.stack([share, share], axis=1)


def null(rng: np.random.Generator, depth: int, loci: int) -> tuple[Counts, Counts]:
    """Real changes: shares from anywhere, half of them from nothing; strands mixed anyhow, in each sample its own way."""
    before = np.where(rng.random(loci) < 0.5, 0.0, rng.random(loci))
    return (
        sample(rng, depth, both(before), rng.uniform(0.05, 0.95, loci)),
        sample(rng, depth, both(rng.random(loci)), rng.uniform(0.05, 0.95, loci)),
    )


def one_strand(rng: np.random.Generator, depth: int, loci: int) -> tuple[Counts, Counts]:
    """C in 40 % of forward reads of the second sample, and nowhere else."""
    half, none = np.full(loci, 0.5), np.zeros(loci)
    return sample(rng, depth, both(none), half), sample(rng, depth, np.stack([none + 0.4, none], axis=1), half)


def shifted_mix(rng: np.random.Generator, depth: int, loci: int) -> tuple[Counts, Counts]:
    """One amplicon per strand: A on forward, C on reverse reads; 12 % reverse reads, then 31 %."""
    minor = np.tile([0.0, 1.0], (loci, 1))
    return sample(rng, depth, minor, np.full(loci, 0.88)), sample(rng, depth, minor, np.full(loci, 0.69))


def uneven(rng: np.random.Generator, depth: int, loci: int) -> tuple[Counts, Counts]:
    """A new allele with 30 % of forward and 10 % of reverse reads."""
    half, none = np.full(loci, 0.5), np.zeros(loci)
    return sample(rng, depth, both(none), half), sample(rng, depth, np.stack([none + 0.3, none + 0.1], axis=1), half)


def slight_bias(rng: np.random.Generator, depth: int, loci: int) -> tuple[Counts, Counts]:
    """A real change from 0 to 20 %, of which forward reads show 21 % and reverse reads 19 %."""
    half, none = np.full(loci, 0.5), np.zeros(loci)
    return sample(rng, depth, both(none), half), sample(rng, depth, np.stack([none + 0.21, none + 0.19], axis=1), half)


def check_null(rng: np.random.Generator, loci: int) -> bool:
    """One line per depth; whether no level is passed too often."""
    well = True
    for depth in DEPTHS:
        p = strand_p_values(*null(rng, depth, loci))
        rates = [float((p <= level).mean()) for level in LEVELS]
        bounds = [level + SIDES * math.sqrt(level / loci) for level in LEVELS]
        well &= all(rate <= bound for rate, bound in zip(rates, bounds, strict=True))
        print(
            f"null, depth {depth:6}, {loci} loci:",
            "  ".join(f"p <= {level}: {rate:.4f}" for level, rate in zip(LEVELS, rates, strict=True)),
            f"  without an answer: {np.isnan(p).mean():.4f}",
            flush=True,
        )
    return well


def show_power(rng: np.random.Generator, loci: int) -> None:
    """One line per artefact and depth."""
    for kind in (one_strand, shifted_mix, uneven, slight_bias):
        rates = [float((strand_p_values(*kind(rng, depth, loci)) <= LEVELS[-1]).mean()) for depth in DEPTHS]
        print(f"{kind.__name__:<12} p <= {LEVELS[-1]} at depths {DEPTHS}: ", " ".join(f"{rate:.3f}" for rate in rates))


def show_smallest() -> None:
    """The p-value of a new allele that so many reads show, all on one strand, at an even mix and depth 100."""
    reads = np.array([1, 2, 3, 4, 5, 6, 8, 10, 15])
    before, after = np.zeros((2, len(reads), 4, 1, 2), np.int32)
    before[:, 0], after[:, 0, 0, 1] = 50, 50
    after[:, 0, 0, 0], after[:, 1, 0, 0] = 50 - reads, reads
    print("new allele on one strand only, 50 + 50 reads: reads, p")
    for n, p in zip(reads.tolist(), strand_p_values(before, after).tolist(), strict=True):
        print(f"  {n:3} {p:.2g}")


def main() -> int:
    """All figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loci", type=int, default=50_000, help="of each kind and depth")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    well = check_null(rng, options.loci)
    show_power(rng, options.loci // 10)
    show_smallest()
    print("well" if well else "OUT OF BOUNDS")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
