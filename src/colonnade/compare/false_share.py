"""The share of false entries to expect in a list of changes, cut anywhere.

It is a mean of 1 - p over the list, so it is right as far as p is. Under the Dirichlet prior most loci differ much; in a genome
most are pure, and some lie just below the threshold: then few of the calls near it are true. So the distribution
of the true distance is first learned from all loci that were compared: from every row of the list, and from samples
of the loci that are not in it. docs/decisions/false_share.md has the figures.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.compare import false_share_kernels as kernels
from colonnade.compare.posterior import Draws, event_draws, reference_draws

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]

# Lower edges of the bins of the distance, in units of min_distance. All that lies above is one bin: with more, loci
# just below could pass for loci just above, which no depth tells apart.
EDGES: Final = np.array([0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1])
BINS: Final = EDGES.size
SAMPLED: Final = np.dtype([("priority", "<f8"), ("counts_1", "<i4", (4,)), ("counts_2", "<i4", (4,))])
SAMPLE: Final = 512  # loci sampled of each state; 200 gave the same shares
_SAMPLE_DRAWS: Final = 500
_PAIRINGS: Final = 64  # uses of each draw; with 6, tails were too rough for shares of 0.01
_PRIOR_DRAWS: Final = 200_000  # at the default prior the smallest bin has a mass of 0.005
_STEPS: Final = 300  # 2,000 gave the same shares


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
    counts = np.empty((len(points_1), BINS), np.int32)
    kernels.count_distances(points_1, points_2, EDGES * min_distance, _PAIRINGS, counts)
    return counts


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
        As ``posterior.stream_key`` makes it; one for each contig and comparison.

    Returns
    -------
    ``SAMPLED`` (at most SAMPLE,), by rising priority.
    """
    priorities = np.empty(len(rows))
    kernels.draw_priorities(np.uint64(key), rows + start, priorities)
    if len(rows) > SAMPLE:
        low = priorities <= np.partition(priorities, SAMPLE - 1)[SAMPLE - 1]
        rows, priorities = rows[low], priorities[low]
    found = np.empty(len(rows), SAMPLED)
    found["priority"] = priorities
    found["counts_1"] = counts_1[rows]
    found["counts_2"] = counts_2[rows]
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
    expected = _prior_shares(min_distance=min_distance, prior=prior)
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


def _sample_counts(sample: npt.NDArray[np.void], *, min_distance: float, prior: float) -> Counts:
    """``distance_counts`` of sampled loci, given base counts alone."""
    streams = sample["priority"].view(np.int64)
    points_1, points_2 = (
        reference_draws(np.ascontiguousarray(sample[name]), streams, prior=prior, draws=_SAMPLE_DRAWS, key=key)
        for key, name in enumerate(("counts_1", "counts_2"))
    )
    return distance_counts(points_1, points_2, min_distance=min_distance)


def _prior_shares(*, min_distance: float, prior: float) -> Floats:
    """Mass of each bin under the Dirichlet prior; a bin that no draw meets gets that of one pair. (BINS,)"""
    nothing = np.zeros(4, np.int64)
    points = [event_draws(nothing, position, prior=prior, draws=_PRIOR_DRAWS, key=0)[np.newaxis] for position in (0, 1)]
    counts = np.maximum(distance_counts(*points, min_distance=min_distance)[0], 1)
    shares: Floats = counts / counts.sum()
    return shares
