"""The screen: which loci changed, given base counts alone."""

import threading
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaincinv, ndtri

from colonnade.compare import screen_kernels as kernels
from colonnade.compare.screen_kernels import POINTS, UNDECIDED

Counts = npt.NDArray[np.int32]

_CERTIFIED: Final = 512  # counts up to here are in the tables of bounds
_TABULATED: Final = 256  # counts below this have exact gamma quantiles
_REMEMBERED: Final = 1 << 16  # keys whose state each thread remembers


class Screen:
    """Decides loci by P(distance < min_distance) of Dirichlet(counts + prior) compositions.

    *changed* where the probability is at most 1 - confidence, *unchanged* where it is at least confidence, else
    *ambiguous*. Bounds decide most loci; the rest are integrated, once per distinct pair of counts up to a common permutation
    of the bases and the order of the samples as long as the memory holds it. Safe to share between threads.

    Parameters
    ----------
    min_distance, confidence, prior, min_depth
        As in ``CompareOptions``.
    """

    def __init__(self, *, min_distance: float, confidence: float, prior: float, min_depth: int = 1) -> None:
        self._distance = min_distance
        self._confidence = confidence
        self._prior = prior
        self._min_depth = min_depth
        minor, major = np.ogrid[: _CERTIFIED + 1, : _CERTIFIED + 1]
        self._near = betainc(minor + 3 * prior, major + prior, min_distance)
        self._far = betainc(minor + 3 * prior, major + prior, (1 - min_distance) / 2)
        grid = (np.arange(POINTS) + 0.5) / POINTS
        self._grid = grid
        self._normal = ndtri(grid)
        self._table = np.zeros((_TABULATED, POINTS))
        self._tabulated = np.zeros(_TABULATED, bool)
        self._lock = threading.Lock()
        self._memories = threading.local()

    def states(self, counts_1: Counts, counts_2: Counts) -> npt.NDArray[np.int8]:
        """The state of each position, as codes of ``screen_kernels``.

        Parameters
        ----------
        counts_1, counts_2
            int32 (positions, 4).
        """
        states = np.empty(len(counts_1), np.int8)
        kernels.certify(counts_1, counts_2, self._confidence, self._near, self._far, self._min_depth, states)
        open_rows = np.flatnonzero(states == UNDECIDED)
        if open_rows.size:
            marked = np.zeros(_TABULATED, bool)
            kernels.mark_counts(counts_1, counts_2, open_rows, marked)
            self._tabulate(np.flatnonzero(marked))
            kernels.decide(
                counts_1,
                counts_2,
                open_rows,
                self._distance,
                self._confidence,
                self._prior,
                self._table,
                self._normal,
                *self._memory(),
                states,
            )
        return states

    def probabilities(self, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """P(distance < min_distance) for keys (n, 8): four counts of one sample, four of the other."""
        self._tabulate(np.unique(keys[keys < _TABULATED]))
        result = np.empty(len(keys))
        kernels.probabilities_below(
            keys, self._distance, 1 - self._confidence, self._confidence, self._prior, self._table, self._normal, result
        )
        return result

    def _memory(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """Keys and states that the calling thread remembers: each has its own, so no lock is needed."""
        held: tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]] | None = getattr(self._memories, "held", None)
        if held is None:
            held = np.zeros((_REMEMBERED, 8), np.int64), np.zeros(_REMEMBERED, np.int8)
            self._memories.held = held
        return held

    def _tabulate(self, counts: npt.NDArray[np.int64]) -> None:
        with self._lock:
            missing = counts[~self._tabulated[counts]]
            self._table[missing] = gammaincinv(missing[:, np.newaxis] + self._prior, self._grid)
            self._tabulated[missing] = True
