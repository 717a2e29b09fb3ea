"""The share of false entries to expect in a list of changes, cut anywhere.

It is a mean of 1 - p over the list, so it is right as far as p is. Under the Dirichlet prior most loci differ much; in a genome
most are pure, and some lie just below the threshold: then few of the calls near it are true. So the distribution
of the true distance is first learned from all loci that were compared: from every row of the list, and from samples
of the loci that are not in it. docs/decisions/false_share.md has the figures.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.method import false_share_kernels as kernels
from colonnade.method.posterior import Draws, event_draws

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]

# Lower edges of the bins of the distance, in units of min_distance. All that lies above is one bin: with more, loci
# just below could pass for loci just above, which no depth tells apart.
EDGES: Final = np.array([0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1])
BINS: Final = EDGES.size
SAMPLED: Final = np.dtype([("priority", "<f8"), ("counts_1", "<i4", (4,)), ("counts_2", "<i4", (4,))])
SAMPLE: Final = 256  # loci sampled of each state
_PAIRINGS: Final = 64  # uses of each draw; with 6, tails were too rough for shares of 0.01
_SAMPLE_DRAWS: Final = 200
_SAMPLE_PAIRINGS: Final = 16
_REMEMBERED: Final = 4096  # count vectors whose draws are kept, 6.4 KB each
_PRIOR_DRAWS: Final = 20_000
_STEPS: Final = 300  # 3,000 gave the same shares


def false_shares(p_changed: Floats) -> Floats:
    """The posterior expected share of false entries among all rows that are at least as probable as each row.

    The mean of their 1 - p (Newton, Noueiry, Sarkar, Ahlquist 2004).

    Parameters
    ----------
    p_changed
        float64 (rows,): posterior probability of each change in the list, 0 to 1, in any order.

    Returns
    -------
    float64 (rows,): the same for rows of the same ``p_changed``, and never smaller where that is smaller.

    Examples
    --------
    >>> false_shares(np.array([0.75, 1.0, 0.5])).tolist()
    [0.125, 0.0, 0.25]
    """
    doubts = np.sort(1 - p_changed)
    means = np.cumsum(doubts) / np.arange(1, doubts.size + 1)
    # Means of rising numbers rise, but for rounding.
    rising = np.maximum.accumulate(means)
    return rising[np.searchsorted(doubts, 1 - p_changed, side="right") - 1]


def within_false_share(shares: Floats, *, most: float) -> npt.NDArray[np.bool_]:
    """Which rows make up the longest list of which at most ``most`` (0-1) is expected to be false, given ``false_shares``."""
    return shares <= most


def distance_counts(points_1: Draws, points_2: Draws, *, min_distance: float) -> Counts:
    """How many pairs of draws (loci, draws, 4) of two samples have a distance in each of the bins: int32 (loci, BINS)."""
    return _count_distances(points_1, points_2, min_distance, _PAIRINGS)


def sample_loci(
    counts_1: Counts, counts_2: Counts, rows: npt.NDArray[np.int64], *, start: int, key: int
) -> npt.NDArray[np.void]:
    """A random sample of loci: those of the lowest priority, which depends on key and position alone.

    Parameters
    ----------
    counts_1, counts_2
        int32 (positions, 4): base counts of a range.
    rows
        int64 (loci,), rising: which of these positions to sample from.
    start
        Position of the range on the contig.
    key
        As ``posterior.stream_key`` makes it; one for each contig: comparisons that share it sample the same positions.

    Returns
    -------
    ``SAMPLED`` (at most SAMPLE,), by rising priority.
    """
    low, priorities = np.empty(len(rows), np.int64), np.empty(len(rows))
    n, below = 0, 0.0
    while n < min(SAMPLE, len(rows)):
        below += 2 * SAMPLE / len(rows)
        n = kernels.find_low(np.uint64(key), rows, start, below, low, priorities)
    found = np.empty(n, SAMPLED)
    found["priority"] = priorities[:n]
    found["counts_1"] = counts_1[low[:n]]
    found["counts_2"] = counts_2[low[:n]]
    return merge_samples([found])


def merge_samples(samples: Sequence[npt.NDArray[np.void]]) -> npt.NDArray[np.void]:
    """The sample of several sets of loci together, given the sample of each; it does not matter how they were cut."""
    together = np.concatenate([np.empty(0, SAMPLED), *samples])
    return together[np.argsort(together["priority"], kind="stable")[:SAMPLE]]


def learned_p_changed(
    counts: Counts,
    others: Sequence[tuple[npt.NDArray[np.void], int]],
    *,
    min_distance: float,
    prior: float,
) -> Floats:
    """P(distance > min_distance) of the rows of one comparison, under the distribution of distances over all loci compared.

    Parameters
    ----------
    counts
        int32 (rows, BINS): ``distance_counts`` of each row, in the order of the list.
    others
        Per state of the loci that are not in the list: their sample, and how many there are.
    min_distance, prior
        As in ``CompareOptions``.

    Returns
    -------
    float64 (rows,).
    """
    sampled = [(sample, n) for sample, n in others if len(sample)]
    seen = [counts, *(_sample_counts(sample, min_distance=min_distance, prior=prior) for sample, _ in sampled)]
    weights = [np.ones(len(counts)), *(np.full(len(sample), n / len(sample)) for sample, n in sampled)]
    expected = _prior_shares(min_distance, prior)
    likelihoods = [_likelihoods(part, expected) for part in seen]
    shares = np.empty(BINS)
    kernels.fit_shares(np.concatenate(likelihoods), np.concatenate(weights), expected, _STEPS, shares)
    posterior: Floats = likelihoods[0] * shares
    changed: Floats = posterior[:, -1] / posterior.sum(axis=1)
    return changed


def _likelihoods(counts: Counts, prior_shares: Floats) -> Floats:
    """Likelihood of each bin, up to a factor per locus: posterior over prior mass. (loci, BINS)"""
    likelihoods: Floats = counts / counts.sum(axis=1, keepdims=True, dtype=np.int64) / prior_shares
    return likelihoods


def _count_distances(points_1: Draws, points_2: Draws, min_distance: float, pairings: int) -> Counts:
    counts = np.empty((len(points_1), BINS), np.int32)
    kernels.count_distances(points_1, points_2, EDGES * min_distance, pairings, counts)
    return counts


def _sample_counts(sample: npt.NDArray[np.void], *, min_distance: float, prior: float) -> Counts:
    """``distance_counts`` of sampled loci, given base counts alone; a function of the counts of each."""
    points_1, points_2 = _draws_of(sample["counts_1"], prior), _draws_of(sample["counts_2"], prior)
    # Where both samples have the same counts, their draws are the same: none may be paired with itself.
    return _count_distances(points_1, np.roll(points_2, -1, axis=1), min_distance, _SAMPLE_PAIRINGS)


def _draws_of(counts: Counts, prior: float) -> Draws:
    """Draws (loci, draws, 4) of Dirichlet(counts + prior), the same, but for the order of bases, where counts (loci, 4) are."""
    ranks = np.argsort(np.argsort(counts, axis=1, kind="stable"), axis=1)
    distinct, which = np.unique(np.sort(counts, axis=1), axis=0, return_inverse=True)
    draws = np.stack([_draws_of_sorted(tuple(some), prior) for some in distinct.tolist()])
    return np.take_along_axis(draws[which.reshape(-1)], ranks[:, np.newaxis], axis=2)


@lru_cache(maxsize=_REMEMBERED)
def _draws_of_sorted(counts: tuple[int, ...], prior: float) -> Draws:
    ordered = np.array(counts, "<i8")
    key = int.from_bytes(hashlib.blake2b(ordered.tobytes(), digest_size=8).digest(), "little")
    return event_draws(ordered, 0, prior=prior, draws=_SAMPLE_DRAWS, key=key)


@lru_cache(maxsize=4)
def _prior_shares(min_distance: float, prior: float) -> Floats:
    """Mass of each bin under the Dirichlet prior; a bin that no draw meets gets that of one pair. (BINS,)"""
    nothing = np.zeros(4, np.int64)
    one, two = (event_draws(nothing, side, prior=prior, draws=_PRIOR_DRAWS, key=0)[np.newaxis] for side in (0, 1))
    counts = np.maximum(_count_distances(one, two, min_distance, _PAIRINGS)[0], 1)
    shares: Floats = counts / counts.sum()
    return shares
