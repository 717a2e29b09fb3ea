"""P(distance < min_distance) of two compositions, given counts: decided without random numbers."""

import threading
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtri

from colonnade.compare import quadrature_kernels as kernels
from colonnade.compare.quadrature_kernels import POINTS
from colonnade.compare.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED

_TABULATED: Final = 256  # counts below this have exact gamma quantiles
_GRID: Final = (np.arange(POINTS) + 0.5) / POINTS
_NORMAL: Final = ndtri(_GRID)


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
        self._variates = _gamma_quantiles(prior)

    def probabilities(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """P(distance < min_distance), float64 (n,), for counts (n, categories, 2) of two samples.

        Off by less than 0.001 next to confidence and 1 - confidence, by up to 0.02 elsewhere.
        """
        low, high = 1 - self._confidence, self._confidence
        table = self._variates.of(np.unique(counts[counts < _TABULATED]))
        result = np.empty(len(counts))
        kernels.probabilities_below(
            np.ascontiguousarray(counts), self._distance, low, high, self._prior, table, _NORMAL, result
        )
        return result

    def states_of(self, below: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
        """The state, int8 (n,), for each P(distance < min_distance)."""
        states = np.full(len(below), AMBIGUOUS, np.int8)
        states[below >= self._confidence] = UNCHANGED
        states[below <= 1 - self._confidence] = CHANGED
        return states


class _GammaQuantiles:
    """Quantiles of gamma distributions with shapes count + prior, made as they are asked for; safe to share between threads."""

    def __init__(self, prior: float) -> None:
        self._prior = prior
        self._table = np.zeros((_TABULATED, POINTS))
        self._known = np.zeros(_TABULATED, bool)
        self._lock = threading.Lock()

    def of(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The table (``_TABULATED``, ``POINTS``) with at least the rows of some counts."""
        with self._lock:
            missing = counts[~self._known[counts]]
            self._table[missing] = gammaincinv(missing[:, np.newaxis] + self._prior, _GRID)
            self._known[missing] = True
        return self._table


@lru_cache(maxsize=4)
def _gamma_quantiles(prior: float) -> _GammaQuantiles:
    return _GammaQuantiles(prior)
