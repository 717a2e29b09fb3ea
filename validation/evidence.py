"""What other scripts share: evidence of loci whose truth is known, and what the method says of it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from colonnade.compare.options import CompareOptions
from colonnade.method.posterior import Draws, composition_draws, distance_draws, reference_draws
from colonnade.method.screen import Screen
from colonnade.method.screen_kernels import CHANGED
from colonnade.records.filters import ReadFilter

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Evidence = npt.NDArray[np.int32]

#: Base qualities by name, each as frequent as the others of its name.
QUALITIES: Final = {"good": (30, 33, 36, 40), "mixed": (5, 10, 20, 30, 40), "poor": (5, 6, 7, 8, 9, 10)}
#: The lowest quality that counts by default: 32 % of such bases are wrong.
LOWEST: Final = (ReadFilter.min_baseq,)

_HIGHEST: Final = 40
_LOCI_AT_ONCE: Final = 500


def observe(rng: np.random.Generator, shares: Floats, depth: int, qualities: Sequence[int]) -> Evidence:
    """Counts (loci, 4, qualities, 2) of ``depth`` reads of each composition of ``shares`` (loci, 4), errors as qualities state."""
    evidence = np.zeros((len(shares), 4, _HIGHEST + 1, 2), np.int32)
    reads = rng.multinomial(depth, [1 / len(qualities)] * len(qualities), len(shares))
    for number, quality in enumerate(qualities):
        error = 10 ** (-quality / 10)
        evidence[:, :, quality, 0] = rng.multinomial(reads[:, number], error / 3 + (1 - 4 * error / 3) * shares)
    return evidence


def distances(shares_1: Floats, shares_2: Floats) -> Floats:
    """True distances (loci,) of compositions (loci, 4)."""
    return np.sqrt(0.5 * ((shares_1 - shares_2) ** 2).sum(axis=1))


def two_alleles(shares: Floats) -> Floats:
    """Compositions (loci, 4) of two bases, the second with these shares."""
    return np.stack([1 - shares, shares, 0 * shares, 0 * shares], axis=1)


def apart(rng: np.random.Generator, distance: float, loci: int) -> tuple[Floats, Floats]:
    """Two compositions (loci, 4) of two bases at a distance; the lower share is anything from 0 on."""
    lower = rng.uniform(0, 1 - distance, loci)
    first, second = two_alleles(lower), two_alleles(lower + distance)
    swapped = rng.random((loci, 1)) < 0.5
    return np.where(swapped, second, first), np.where(swapped, first, second)


def held(truths: Floats, draws: Draws, rate: float) -> Flags:
    """Which truths (n,) lie within the central interval of draws (n, m), by ranks."""
    ranks = (draws < truths[:, np.newaxis]).sum(axis=1)
    outside = round((1 - rate) / 2 * (draws.shape[1] + 1))
    return (ranks >= outside) & (ranks <= draws.shape[1] - outside)


def draw(evidence: Evidence, *, draws: int, key: int, prior: float = CompareOptions.prior) -> Draws:
    """Compositions (loci, draws, 4) from the posterior, which knows qualities."""
    return composition_draws(evidence, np.arange(len(evidence)), prior=prior, draws=draws, key=key)


def draw_from_counts(evidence: Evidence, *, draws: int, key: int, prior: float = CompareOptions.prior) -> Draws:
    """Compositions (loci, draws, 4) of Dirichlet(counts + prior), which does not."""
    counts = evidence.sum(axis=(2, 3), dtype=np.int32)
    return reference_draws(counts, np.arange(len(evidence)), prior=prior, draws=draws, key=key)


class Calls(NamedTuple):
    """What is said of each locus: changed by counts alone, and confirmed with qualities."""

    screened: Flags
    confirmed: Flags


class Judge:
    """The definition of a change, applied to evidence: the screen's state, then the posterior's quantile."""

    def __init__(self, options: CompareOptions | None = None) -> None:
        self._options = options = options or CompareOptions()
        self._screen = Screen(min_distance=options.min_distance, confidence=options.confidence, prior=options.prior)

    def calls(self, evidence_1: Evidence, evidence_2: Evidence, *, key: int) -> Calls:
        """What is said of the loci of two samples."""
        counts = (evidence.sum(axis=(2, 3), dtype=np.int32) for evidence in (evidence_1, evidence_2))
        screened = self._screen.states(*counts) == CHANGED
        confirmed = np.zeros(len(screened), bool)
        rows = np.flatnonzero(screened)
        for start in range(0, rows.size, _LOCI_AT_ONCE):
            some = rows[start : start + _LOCI_AT_ONCE]
            confirmed[some] = self._exceeds(evidence_1[some], evidence_2[some], some, key)
        return Calls(screened, confirmed)

    def _exceeds(self, evidence_1: Evidence, evidence_2: Evidence, loci: npt.NDArray[np.int64], key: int) -> Flags:
        options = self._options
        points = [
            composition_draws(evidence, loci, prior=options.prior, draws=options.draws, key=key + sample)
            for sample, evidence in enumerate((evidence_1, evidence_2))
        ]
        return np.quantile(distance_draws(*points), 1 - options.confidence, axis=1) > options.min_distance
