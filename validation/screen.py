"""Is the screen right? Its states against plain sampling, on keys of many kinds that were not used to choose anything in it.

Run ``python validation/screen.py [--keys N] [--seed N]`` (about five minutes). A state may be wrong only where p, the
probability that the distance is below the threshold, lies within 0.001 of where states change. Each key is sampled at
4,000 points, and at more until the state is surely right or surely wrong (exact binomial bounds that fail once in 10^9),
up to 10^7; keys whose p may lie within 0.001 of such a place are sampled at 10^6 points at least. Of these, the error
of the screen's own p is told where p is close, within 0.0015.
Exit code 1 if a state is wrong, or cannot be told.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pictures import print_table
from scipy.special import betaincinv

from colonnade.compare.options import CompareOptions
from colonnade.method.screen import Screen
from colonnade.method.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED

Keys = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rng = np.random.Generator
Range = tuple[float, float]

PRIOR: Final = CompareOptions.prior
PROMISE: Final = 0.001
POINTS: Final = (4000, 40_000, 200_000, 1_000_000, 10_000_000)
AT_LEAST: Final = 1_000_000  # points for keys that are close
CLOSE: Final = 0.0015
CHUNK: Final = 50_000
DOUBT: Final = 1e-9  # probability that a bound does not hold


class Question(NamedTuple):
    """What the screen is asked: the threshold, and the confidence."""

    distance: float
    confidence: float

    @property
    def turns(self) -> Range:
        """Values of p at which states change."""
        return 1 - self.confidence, self.confidence

    def away(self, p: float) -> float:
        """How far a p is from where states change."""
        return min(abs(p - turn) for turn in self.turns)

    def allowed(self, state: int) -> Range:
        """Values of p that the promise allows for a state."""
        low, high = self.turns
        return {
            CHANGED: (0.0, low + PROMISE),
            AMBIGUOUS: (low - PROMISE, high + PROMISE),
            UNCHANGED: (high - PROMISE, 1.0),
        }[state]


QUESTIONS: Final = (
    Question(0.02, 0.99),
    Question(0.05, 0.99),
    Question(0.2, 0.99),
    Question(0.5, 0.99),
    Question(0.2, 0.95),
)


class Verdict(NamedTuple):
    """What sampling says of a state: points, p, and whether it is right; None if that cannot be told."""

    points: int
    p: float
    right: bool | None


def verdict(key: Keys, question: Question, state: int, seed: int) -> Verdict:
    """Sample a key until its state is surely right or wrong."""
    rng = np.random.default_rng([seed, *key.tolist()])
    low, high = question.allowed(state)
    below = done = 0
    right = None
    for points in POINTS:
        below += _count_below(rng, key, question.distance, points - done)
        done = points
        least, most = _bounds(below, done)
        is_close = any(least < turn + PROMISE and most > turn - PROMISE for turn in question.turns)
        right = True if low <= least and most <= high else False if most < low or least > high else None
        if right is not None and (done >= AT_LEAST or not is_close):
            break
    return Verdict(done, below / done, right)


def _count_below(rng: Rng, key: Keys, distance: float, points: int) -> int:
    """At how many of so many points two compositions, Dirichlet(counts + prior), are nearer than ``distance``."""
    below = 0
    for start in range(0, points, CHUNK):
        squared = _squared_distances(rng, key, min(CHUNK, points - start))
        below += np.count_nonzero(squared < distance**2)
    return below


def _squared_distances(rng: Rng, key: Keys, points: int) -> Floats:
    gammas = rng.standard_gamma(key[:, np.newaxis] + PRIOR, (8, points))
    difference = gammas[:4] / gammas[:4].sum(axis=0) - gammas[4:] / gammas[4:].sum(axis=0)
    return 0.5 * (difference**2).sum(axis=0)


def _bounds(below: int, points: int) -> Range:
    """Between what a probability surely lies (Clopper and Pearson 1934)."""
    least = betaincinv(below, points - below + 1, DOUBT) if below else 0.0
    most = betaincinv(below + 1, points - below, 1 - DOUBT) if below < points else 1.0
    return float(least), float(most)


# Kinds of keys


def covered(rng: Rng, question: Question, n: int) -> Keys:
    """Mostly pure loci and some mixed ones at depths around 30, 100 and 1000, in both samples."""
    pure = np.array([0.997, 0.001, 0.001, 0.001])
    keys = []
    for depth in rng.choice([30, 100, 1000], n):
        first = rng.dirichlet([0.4] * 4) if rng.random() < 0.7 else pure
        second = moved(rng, first, question.distance * rng.uniform(0, 2.5))
        keys.append([*rng.multinomial(rng.poisson(depth), first), *rng.multinomial(rng.poisson(depth), second)])
    return np.array(keys)


def moved(rng: Rng, composition: Floats, distance: float) -> Floats:
    """A composition that lies ``distance`` away, or as far as there is room, in a random direction."""
    aim = rng.dirichlet([0.3] * 4)
    length = math.sqrt(0.5 * ((aim - composition) ** 2).sum())
    return composition + (aim - composition) * min(1.0, distance / length)


def shallow(rng: Rng, _: Question, n: int) -> Keys:
    """Depths of 1 to 15, any composition."""
    samples = [rng.multinomial(rng.integers(1, 16), rng.dirichlet([0.3] * 4)) for _ in range(2 * n)]
    return np.array(samples).reshape(n, 8)


def near_threshold(rng: Rng, question: Question, n: int) -> Keys:
    """Depths from 2 to 20,000; only keys that a coarse sample puts within 0.005 of a place where states change."""
    keys: list[list[int]] = []
    while len(keys) < n:
        first = rng.dirichlet([0.3] * 4)
        second = moved(rng, first, question.distance * rng.uniform(0, 3))
        depths = (10 ** rng.uniform(0.3, 4.3, 2)).astype(int)
        key = np.array([*rng.multinomial(depths[0], first), *rng.multinomial(depths[1], second)])
        p = (_squared_distances(rng, key, 2000) < question.distance**2).mean()
        if any(abs(p - turn) < 0.005 for turn in question.turns):
            keys.append(key.tolist())
    return np.array(keys)


def adversarial(rng: Rng, _: Question, n: int) -> Keys:
    """Ties, empty bases, counts around powers of two, where tables may end, one deep sample against a shallow one."""
    values = [0, 0, 0, 1, 1, 2, 3, 5, 10, 50, 255, 256, 257, 511, 512, 513, 3000, 100_000]
    keys = rng.choice(values, (n, 8))
    alike = rng.random(n) < 0.3
    keys[alike, 4:] = keys[alike, :4] + rng.integers(0, 3, (np.count_nonzero(alike), 4))
    keys[keys[:, :4].sum(axis=1) == 0, 0] = 1
    keys[keys[:, 4:].sum(axis=1) == 0, 5] = 1
    return keys


def against_reference(rng: Rng, question: Question, n: int) -> Keys:
    """Samples at depths 5 to 3000 against 10^6 of one base, around the distance."""
    keys = np.zeros((n, 8), np.int64)
    for key in keys:
        share = min(1.0, question.distance * rng.uniform(0, 2.5))
        minor = rng.dirichlet([0.3] * 3) * share
        key[:4] = rng.multinomial(int(10 ** rng.uniform(0.7, 3.5)), [1 - share, *minor])
        key[4] = 1_000_000
    return keys


def deep(rng: Rng, question: Question, n: int) -> Keys:
    """Depths from 5,000 to 10^6, at a distance of the threshold give or take four standard deviations of the counts' spread."""
    keys = []
    for _ in range(n):
        depths = (10 ** rng.uniform(3.7, 6, 2)).astype(int)
        first = rng.dirichlet([0.5] * 4)
        spread = math.sqrt(0.25 * (1 / depths).sum())
        second = moved(rng, first, max(0.0, question.distance + rng.uniform(-4, 4) * spread))
        keys.append([*rng.multinomial(depths[0], first), *rng.multinomial(depths[1], second)])
    return np.array(keys)


#: Kinds of keys, and how many of each per thousand asked for; those near a threshold cost the most to judge.
KINDS: Final[dict[Callable[[Rng, Question, int], Keys], int]] = {
    covered: 1000,
    shallow: 700,
    near_threshold: 150,
    adversarial: 900,
    against_reference: 800,
    deep: 800,
}


class Finding(NamedTuple):
    """What was found on the keys of one kind: states, the screen's own p, its seconds for each, and verdicts of sampling."""

    question: Question
    states: npt.NDArray[np.int8]
    mine: Floats
    cost: float
    verdicts: list[Verdict]

    def count(self, right: bool | None) -> int:
        """How many states are right, wrong, or cannot be told."""
        return sum(verdict.right is right for verdict in self.verdicts)

    def row(self) -> list[object]:
        """As cells of the table."""
        long = [row for row, verdict in enumerate(self.verdicts) if verdict.points >= AT_LEAST]
        close = [row for row in long if self.question.away(self.verdicts[row].p) < CLOSE]
        off = max((abs(self.mine[row] - self.verdicts[row].p) for row in close), default=0.0)
        shares = "/".join(f"{np.mean(self.states == state):.0%}" for state in (CHANGED, AMBIGUOUS, UNCHANGED))
        return [
            len(self.states),
            shares,
            f"{self.cost * 1e6:.0f}",
            len(long),
            len(close),
            f"{off:.5f}" if close else "",
            self.count(None),
            self.count(False),
        ]


def examine(keys: Keys, question: Question, seed: int) -> Finding:
    """Ask the screen about keys, and judge its states."""
    screen = Screen(min_distance=question.distance, confidence=question.confidence, prior=PRIOR)
    counts = keys.astype(np.int32)
    states = screen.states(np.ascontiguousarray(counts[:, :4]), np.ascontiguousarray(counts[:, 4:]))
    start = time.process_time()
    mine = screen.probabilities(keys)
    cost = (time.process_time() - start) / len(keys)
    verdicts = [verdict(key, question, state, seed) for key, state in zip(keys, states.tolist(), strict=True)]
    return Finding(question, states, mine, cost, verdicts)


def main() -> int:
    """Every kind of key, every question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1000, help="of the most frequent kind for each question")
    parser.add_argument("--seed", type=int, default=1871)
    options = parser.parse_args()
    examine(np.ones((2, 8), np.int64), QUESTIONS[0], 1)  # compiles
    rows, bad = [], 0
    for number, question in enumerate(QUESTIONS):
        for which, (kind, per_thousand) in enumerate(KINDS.items()):
            rng = np.random.default_rng([options.seed, number, which])
            keys = kind(rng, question, options.keys * per_thousand // 1000)
            found = examine(keys, question, options.seed)
            rows.append(
                [f"{question.distance:g}, {question.confidence:g}", kind.__name__.replace("_", " "), *found.row()]
            )
            for key, each, state in zip(keys, found.verdicts, found.states, strict=True):
                if not each.right:
                    bad += 1
                    print(key.tolist(), "state", state, "sampled", each, question, file=sys.stderr)
    header = ["min_distance, confidence", "keys", "number", "changed/ambiguous/unchanged", "µs a key"]
    header += ["10^6 points or more", "of these close", "p off by at most", "cannot be told", "wrong"]
    print_table(header, rows)
    print(f"{sum(row[2] for row in rows)} keys; states wrong or not told: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
