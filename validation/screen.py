"""Is the screen right? Its probabilities and states against long independent sampling.

Run ``python validation/screen.py [--keys N] [--points N] [--seed N]``. Prints, per distance and kind of key: how many
replicates were used; the largest error among keys within 0.005 and within 0.0015 of a threshold, the latter also in standard errors
of the sampling; and states that differ from the sampled ones by more than the promise allows (p within 0.001 of a threshold).
Exit code 1 if there is one.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.compare.screen import Screen
from colonnade.compare.screen_kernels import AMBIGUOUS, CHANGED, MARGINS, REPLICATES, UNCHANGED

Keys = npt.NDArray[np.int64]
Rng = np.random.Generator

DISTANCES: Final = (0.02, 0.05, 0.2, 0.5)
CONFIDENCE: Final = 0.99
PRIOR: Final = 0.1
PROMISE: Final = 0.001
NEAR: Final = 0.005
AT: Final = 0.0015
CHUNK: Final = 50_000


def sampled(key: Keys, distance: float, points: int, seed: int) -> tuple[float, float]:
    """P(distance < ``distance``) by plain sampling, and its standard error; stops early far from both thresholds."""
    rng = np.random.default_rng([seed, *key.tolist()])
    below = done = 0
    while done < points:
        shares = rng.standard_gamma(key[:, np.newaxis] + PRIOR, (8, CHUNK))
        gap = shares[:4] / shares[:4].sum(0) - shares[4:] / shares[4:].sum(0)
        below += np.count_nonzero((gap**2).sum(0) < 2 * distance**2)
        done += CHUNK
        p = below / done
        error = math.sqrt(max(p * (1 - p), 1 / done) / done)
        if min(abs(p - 1 + CONFIDENCE), abs(p - CONFIDENCE)) > PROMISE + 6 * error:
            break
    return p, error


def covered(rng: Rng, distance: float, n: int) -> Keys:
    """Mostly pure loci and some mixed ones at depths around 30, 100 and 1000, in both samples."""
    pure = np.array([0.997, 0.001, 0.001, 0.001])
    keys = []
    for depth in rng.choice([30, 100, 1000], n):
        first = rng.dirichlet([0.4] * 4) if rng.random() < 0.7 else pure
        second = moved(rng, first, distance * rng.uniform(0, 2.5))
        keys.append([*rng.multinomial(rng.poisson(depth), first), *rng.multinomial(rng.poisson(depth), second)])
    return np.array(keys)


def moved(rng: Rng, composition: npt.NDArray[np.float64], distance: float) -> npt.NDArray[np.float64]:
    """A composition that lies ``distance`` away, or as far as there is room, in a random direction."""
    aim = rng.dirichlet([0.3] * 4)
    length = math.sqrt(0.5 * ((aim - composition) ** 2).sum())
    return composition + (aim - composition) * min(1.0, distance / length)


def shallow(rng: Rng, _: float, n: int) -> Keys:
    """Depths of 1 to 15, any composition."""
    samples = [rng.multinomial(rng.integers(1, 16), rng.dirichlet([0.3] * 4)) for _ in range(2 * n)]
    return np.array(samples).reshape(n, 8)


def near_threshold(rng: Rng, distance: float, n: int) -> Keys:
    """Any depths from 2 to 20,000; only keys that a coarse sample puts within 0.01 of a threshold."""
    keys: list[list[int]] = []
    while len(keys) < n:
        first = rng.dirichlet([0.3] * 4)
        second = moved(rng, first, distance * rng.uniform(0, 3))
        depths = (10 ** rng.uniform(0.3, 4.3, 2)).astype(int)
        key = np.array([*rng.multinomial(depths[0], first), *rng.multinomial(depths[1], second)])
        shares = rng.standard_gamma(key[:, np.newaxis] + PRIOR, (8, 2000))
        gap = shares[:4] / shares[:4].sum(0) - shares[4:] / shares[4:].sum(0)
        p = ((gap**2).sum(0) < 2 * distance**2).mean()
        if 0 < p < 0.02 or 0.98 < p < 1:
            keys.append(key.tolist())
    return np.array(keys)


def adversarial(rng: Rng, _: float, n: int) -> Keys:
    """Ties, empty bases, counts at the ends of the tables (255-257, 511-513), one deep sample against a shallow one."""
    values = [0, 0, 0, 1, 1, 2, 3, 5, 10, 50, 255, 256, 257, 511, 512, 513, 3000, 100_000]
    keys = rng.choice(values, (n, 8))
    alike = rng.random(n) < 0.3
    keys[alike, 4:] = keys[alike, :4] + rng.integers(0, 3, (np.count_nonzero(alike), 4))
    keys[keys[:, :4].sum(1) == 0, 0] = 1
    keys[keys[:, 4:].sum(1) == 0, 5] = 1
    return keys


def against_reference(rng: Rng, distance: float, n: int) -> Keys:
    """Samples at depths 5 to 3000 against 10^6 of one base, around the distance."""
    keys = np.zeros((n, 8), np.int64)
    for key in keys:
        share = min(1.0, distance * rng.uniform(0, 2.5))
        minor = rng.dirichlet([0.3] * 3) * share
        key[:4] = rng.multinomial(int(10 ** rng.uniform(0.7, 3.5)), [1 - share, *minor])
        key[4] = 1_000_000
    return keys


KINDS: Final[tuple[Callable[[Rng, float, int], Keys], ...]] = (
    covered,
    shallow,
    near_threshold,
    adversarial,
    against_reference,
)


def wrong(
    states: npt.NDArray[np.int8], p: npt.NDArray[np.float64], error: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which states differ from those of every p that sampling (4 standard errors) and the promise leave possible."""
    slack = PROMISE + 4 * error
    changed, unchanged = p <= 1 - CONFIDENCE + slack, p >= CONFIDENCE - slack
    ambiguous = (p > 1 - CONFIDENCE - slack) & (p < CONFIDENCE + slack)
    return ~np.select(
        [states == CHANGED, states == UNCHANGED, states == AMBIGUOUS], [changed, unchanged, ambiguous], False
    )


def replicates(p: npt.NDArray[np.float64]) -> str:
    """How many keys used how many replicates, as far as their final values tell."""
    away = np.minimum(abs(p - 1 + CONFIDENCE), abs(p - CONFIDENCE))
    stage = np.argmax(away[:, np.newaxis] > np.append(MARGINS[:-1], -1.0), axis=1)
    return " ".join(f"{r}:{np.mean(stage == i):.0%}" for i, r in enumerate(REPLICATES))


def check(
    pool: ProcessPoolExecutor, kind: Callable[[Rng, float, int], Keys], distance: float, options: argparse.Namespace
) -> int:
    """Print one line; returns how many states are wrong."""
    keys = kind(np.random.default_rng(options.seed), distance, options.keys)
    screen = Screen(min_distance=distance, confidence=CONFIDENCE, prior=PRIOR)
    counts = keys.astype(np.int32)
    states = screen.states(counts[:, :4], counts[:, 4:])
    start = time.process_time()
    mine = screen.probabilities(keys)
    cost = (time.process_time() - start) / len(keys)
    jobs = pool.map(
        sampled, keys, *zip(*[(distance, options.points, options.seed)] * len(keys), strict=True), chunksize=8
    )
    p, error = np.array(list(jobs)).T
    away = np.minimum(abs(p - 1 + CONFIDENCE), abs(p - CONFIDENCE))
    near, at = away < NEAR, away < AT
    off = abs(mine - p)
    bad = wrong(states, p, error)
    near_figures = f"near {np.count_nonzero(near):4} off {off[near].max(initial=0):.5f}"
    at_figures = (
        f"at {np.count_nonzero(at):4} off {off[at].max(initial=0):.5f} ({(off / error)[at].max(initial=0):.1f} se)"
    )
    print(
        f"{distance:<5} {kind.__name__:<18} {cost * 1e6:5.0f} us/key  {near_figures}  {at_figures}"
        f"  wrong {np.count_nonzero(bad)}  replicates {replicates(mine)}",
        flush=True,
    )
    for row in np.flatnonzero(bad):
        print("   ", keys[row].tolist(), "state", states[row], "p", mine[row], "sampled", p[row], "se", error[row])
    return np.count_nonzero(bad)


def main() -> int:
    """Check every kind of key at every distance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1000, help="of each kind at each distance (20 sets)")
    parser.add_argument("--points", type=int, default=4_000_000, help="sampled for a key near a threshold")
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        bad = sum(check(pool, kind, distance, options) for distance in DISTANCES for kind in KINDS)
    print("states decided wrongly:", bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
