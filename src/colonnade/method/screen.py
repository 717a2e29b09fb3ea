"""The screen: which loci changed, given base counts alone."""

import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from colonnade.method import screen_kernels as kernels
from colonnade.method.quadrature import Quadrature
from colonnade.method.screen_kernels import EMPTY, UNDECIDED

Counts = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]
States = npt.NDArray[np.int8]

_CERTIFIED: Final = 512  # counts up to here are in the tables of bounds
_REMEMBERED: Final = 1 << 17  # keys whose states are remembered
_KEYS_AT_ONCE: Final = 1 << 16


@dataclass(frozen=True)
class Screened:
    """What the screen finds over a stretch of positions.

    Parameters
    ----------
    states
        int8 (comparisons, positions), codes of ``screen_kernels``.
    tested, distances
        int64 (comparisons, windows): positions compared, and the sum of the distances of their observed compositions in units of
        1 / ``DISTANCE_UNITS``.
    """

    states: States
    tested: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int64]


class Screen:
    """Decides loci by P(distance < min_distance) of Dirichlet(counts + prior) compositions.

    *changed* where the probability is at most 1 - confidence, *unchanged* where it is at least confidence, else
    *ambiguous*. Bounds decide most loci; the rest are integrated, once per distinct pair of counts up to a common permutation
    of the bases and the order of the samples as long as the memory holds it. Safe to share between threads.

    Parameters
    ----------
    min_distance, confidence, prior, min_depth
        As in ``CompareOptions``.
    remembered
        How many keys are remembered, a power of two; it changes the cost and never the answer.
    """

    def __init__(
        self,
        *,
        min_distance: float,
        confidence: float,
        prior: float,
        min_depth: int = 1,
        remembered: int = _REMEMBERED,
    ) -> None:
        self._confidence = confidence
        self._min_depth = min_depth
        minor, major = np.ogrid[: _CERTIFIED + 1, : _CERTIFIED + 1]
        self._near = betainc(minor + 3 * prior, major + prior, min_distance)
        self._far = betainc(minor + 3 * prior, major + prior, (1 - min_distance) / 2)
        self._quadrature = Quadrature(min_distance=min_distance, confidence=confidence, prior=prior)
        self._lock = threading.Lock()
        self._known_keys = np.zeros((remembered, 8), np.int64)
        self._known_states = np.full(remembered, EMPTY, np.int8)

    def states(self, counts_1: Counts, counts_2: Counts) -> States:
        """The states (positions,) of two samples with counts (positions, 4)."""
        pairs = np.array([[0, 1]])
        screened = self.screen(np.stack([counts_1, counts_2]), pairs, start=0, window=max(1, len(counts_1)))
        states: States = screened.states[0]
        return states

    def screen(
        self, counts: Counts, pairs: npt.NDArray[np.int64], *, start: int, window: int, reference: int = -1
    ) -> Screened:
        """Screen all comparisons over a stretch of positions.

        Parameters
        ----------
        counts
            int32 (samples, positions, 4).
        pairs
            int64 (comparisons, 2): indices of samples.
        start, window
            Position of the first row on its contig, 0-based; windows begin at multiples of ``window``.
        reference
            Which sample is the reference, if one is.
        """
        n = counts.shape[1]
        states = np.empty((len(pairs), n), np.int8)
        n_windows = (start + n - 1) // window - start // window + 1 if n else 0
        sums = np.zeros((len(pairs), n_windows, 2), np.int64)
        confidence = np.float32(self._confidence)
        kernels.certify(
            counts, pairs, reference, start, window, confidence, self._near, self._far, self._min_depth, states, sums
        )
        for found, (one, two) in zip(states, pairs.tolist(), strict=True):
            rows = np.flatnonzero(found == UNDECIDED)
            for first in range(0, len(rows), _KEYS_AT_ONCE):
                some = rows[first : first + _KEYS_AT_ONCE]
                keys = np.empty((len(some), 8), np.int64)
                kernels.canonical_keys(counts[one], counts[two], some, keys)
                found[some] = self._decide(keys)
        return Screened(states, sums[:, :, 0], sums[:, :, 1])

    def probabilities(self, keys: Keys) -> npt.NDArray[np.float64]:
        """P(distance < min_distance) for keys (n, 8): four counts of one sample, four of the other."""
        return self._quadrature.probabilities(_by_category(keys))

    def _decide(self, keys: Keys) -> States:
        """States of canonical keys (n, 8), each distinct one asked once."""
        distinct, numbers = group_keys(keys)
        states = np.empty(len(distinct), np.int8)
        with self._lock:
            kernels.recall(self._known_keys, self._known_states, distinct, states)
        new = np.flatnonzero(states == UNDECIDED)
        states[new] = self._quadrature.states(_by_category(distinct[new]))
        with self._lock:
            kernels.remember(self._known_keys, self._known_states, distinct[new], states[new])
        return states[numbers]


def _by_category(keys: Keys) -> npt.NDArray[np.int64]:
    """Keys (n, 8) as counts (n, 4, 2)."""
    return keys.reshape(-1, 2, 4).transpose(0, 2, 1)


def group_keys(keys: Keys) -> tuple[Keys, npt.NDArray[np.int64]]:
    """Distinct rows of keys (n, m) in order of first appearance, and which of them each key is, int64 (n,)."""
    slots = np.full(1 << (2 * len(keys)).bit_length(), -1, np.int64)
    numbers, firsts = np.empty(len(keys), np.int64), np.empty(len(keys), np.int64)
    n = kernels.number_keys(keys, slots, numbers, firsts)
    return keys[firsts[:n]], numbers
