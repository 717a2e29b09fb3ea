"""P(distance < min_distance) of two compositions, given counts: decided without random numbers."""

import math
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtri

from colonnade.method import quadrature_kernels as kernels
from colonnade.method.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED

Counts = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]

POINTS: Final = 4096

# A first look, at fewer points, at what is far from both thresholds.
_FIRST_POINTS: Final = 512

#: By how much a probability may be off where it decides a state; but for a confidence above 0.99 a tenth of what it leaves.
TOLERANCE: Final = 0.001

# An integral goes on until what is left to the tolerance exceeds so many standard errors of independent points: five of the
# worst keys, whose error is up to 1.18 times theirs (docs/decisions/screen.md).
_STANDARD_ERRORS: Final = 5.9

_TABULATED: Final = 256  # counts below this have exact gamma quantiles


class Quadrature:
    """Integrates over pairs of Dirichlet(counts + prior) compositions; safe to share between threads.

    Parameters
    ----------
    min_distance, confidence
        As in ``CompareOptions``.
    prior
        Prior count of each category.
    """

    def __init__(self, *, min_distance: float, confidence: float, prior: float) -> None:
        self._distance = min_distance
        self._confidence = confidence
        self._prior = prior
        tolerance = min(TOLERANCE, (1 - confidence) / 10)
        one_point = confidence * (1 - confidence)  # the variance that it has where it matters
        enough = one_point * (_STANDARD_ERRORS / tolerance) ** 2 / POINTS
        self._replicates = 2 ** np.arange(max(0, math.ceil(math.log2(enough))) + 1)
        points = np.append(_FIRST_POINTS, POINTS * self._replicates)
        margins = np.maximum(_STANDARD_ERRORS * np.sqrt(one_point / points) - tolerance, 0.0)
        self._first_margin, self._margins = margins[:1], margins[1:]

    def probabilities(self, counts: Counts) -> Probabilities:
        """P(distance < min_distance), float64 (n,), for counts (n, categories, 2) of two samples.

        Off by less than ``TOLERANCE`` where that decides between states, by up to 0.02 elsewhere.
        """
        return self._integrate(counts, POINTS, self._replicates, self._margins)

    def states(self, counts: Counts) -> npt.NDArray[np.int8]:
        """The state, int8 (n,), for counts (n, categories, 2): that of ``probabilities``."""
        below = self._integrate(counts, _FIRST_POINTS, self._replicates[:1], self._first_margin)
        thresholds = np.array([1 - self._confidence, self._confidence])
        near = np.flatnonzero(abs(below[:, np.newaxis] - thresholds).min(axis=1) <= self._first_margin)
        below[near] = self.probabilities(counts[near])
        return self.states_of(below)

    def states_of(self, below: Probabilities) -> npt.NDArray[np.int8]:
        """The state, int8 (n,), for each P(distance < min_distance)."""
        states = np.full(len(below), AMBIGUOUS, np.int8)
        states[below >= self._confidence] = UNCHANGED
        states[below <= 1 - self._confidence] = CHANGED
        return states

    def _integrate(
        self, counts: Counts, points: int, replicates: npt.NDArray[np.int64], margins: npt.NDArray[np.float64]
    ) -> Probabilities:
        if counts.shape[1] > kernels.NAMED:  # the largest first: what the innermost loop does not name loses digits
            order = np.argsort(-counts.sum(axis=2), axis=1, kind="stable")
            counts = np.take_along_axis(counts, order[:, :, np.newaxis], axis=1)
        variates = _variates(self._prior, points)
        result = np.empty(len(counts))
        kernels.probabilities_below(
            np.ascontiguousarray(counts),
            self._distance,
            1 - self._confidence,
            self._confidence,
            replicates,
            margins,
            self._prior,
            variates.quantiles(np.unique(counts[counts < _TABULATED])),
            variates.normal,
            variates.visits,
            result,
        )
        return result


@dataclass(frozen=True)
class _Variates:
    """Quantiles at the points of a hypercube: of gamma distributions with shapes count + prior, made as they are asked for.

    Safe to share between threads.
    """

    prior: float
    grid: npt.NDArray[np.float64]
    normal: npt.NDArray[np.float64]
    visits: npt.NDArray[np.int32]
    _table: npt.NDArray[np.float32]
    _known: npt.NDArray[np.bool_]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def quantiles(self, counts: Counts) -> npt.NDArray[np.float32]:
        """The kernel's table with at least some counts. Single precision is ample: a point counts for 1 / ``POINTS``."""
        points = len(self.grid)
        with self._lock:
            missing = counts[~self._known[counts]]
            made = gammaincinv(missing[:, np.newaxis] + self.prior, self.grid)
            for dimension, order in enumerate(self.visits):
                self._table[dimension, missing, :points] = self._table[dimension, missing, points:] = made[:, order]
            self._known[missing] = True
        return self._table


@lru_cache(maxsize=4)  # two priors, each with two numbers of points: at most 144 MiB
def _variates(prior: float, points: int) -> _Variates:
    grid = (np.arange(points) + 0.5) / points
    visits: npt.NDArray[np.int32] = kernels.latin_hypercube(points)  # type: ignore[no-untyped-call]
    table = np.zeros((len(visits), _TABULATED, 2 * points), np.float32)
    return _Variates(prior, grid, ndtri(grid), visits, table, np.zeros(_TABULATED, bool))
