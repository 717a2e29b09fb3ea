"""What adds up over ranges besides tables, in the same way however the genome was cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colonnade.compare.loading import LoadedRange
from colonnade.compare.options import CompareOptions
from colonnade.method.false_share import merge_samples, sample_loci
from colonnade.method.posterior import stream_key
from colonnade.method.screen_kernels import AMBIGUOUS, BELOW_MIN_DEPTH, CHANGED, NO_DATA, NO_REFERENCE, UNCHANGED
from colonnade.records.source import new_outcomes

#: The states, in the order of stats.
STATES = (NO_DATA, NO_REFERENCE, BELOW_MIN_DEPTH, CHANGED, AMBIGUOUS, UNCHANGED)

#: States of loci that are compared and not listed; false shares are learned from some of them, too.
UNLISTED = (AMBIGUOUS, UNCHANGED)

#: Columns of stats without the names: all positions, those in each state, and two that come before the posterior, or of indels.
STATISTICS = 1 + len(STATES) + 2

Sample = npt.NDArray[np.void]


@dataclass(frozen=True)
class Totals:
    """Numbers of one range, or of several together.

    Parameters
    ----------
    statistics
        int64 (comparisons, columns): columns of stats without the names.
    unlisted
        Per comparison and state of ``UNLISTED``: some of its loci (``false_share.SAMPLED``).
    outcomes
        Per sample: what became of its records (``ReadFilter.explain``).
    """

    statistics: npt.NDArray[np.int64]
    unlisted: Sequence[Sequence[Sample]]
    outcomes: Mapping[str, npt.NDArray[np.int64]]

    @classmethod
    def none(cls, comparisons: int, samples: Sequence[str]) -> "Totals":
        """Of no range at all."""
        unlisted = [[merge_samples([]) for _ in UNLISTED] for _ in range(comparisons)]
        statistics = np.zeros((comparisons, STATISTICS), np.int64)
        return cls(statistics, unlisted, {name: new_outcomes() for name in samples})

    def __add__(self, other: "Totals") -> "Totals":
        """Of both together."""
        unlisted = [
            [merge_samples(both) for both in zip(mine, theirs, strict=True)]
            for mine, theirs in zip(self.unlisted, other.unlisted, strict=True)
        ]
        outcomes = {name: numbers + other.outcomes[name] for name, numbers in self.outcomes.items()}
        return Totals(self.statistics + other.statistics, unlisted, outcomes)


def count_states(states: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """int64 (comparisons, 1 + states): all positions, and those in each state in the order of stats."""
    counts = [np.full(len(states), states.shape[1], np.int64)]
    counts += [np.count_nonzero(states == code, axis=1) for code in STATES]
    return np.column_stack(counts)


def sample_unlisted(
    loaded: LoadedRange, pairs: npt.NDArray[np.int64], states: npt.NDArray[np.int8], options: CompareOptions
) -> list[list[Sample]]:
    """Some unlisted loci of a range per comparison and state; for all comparisons the same positions, as far as can be."""
    key = stream_key(options.seed, loaded.region.contig, "", "false_share")
    start = loaded.region.start
    return [
        [
            sample_loci(loaded.counts[one], loaded.counts[two], np.flatnonzero(found == state), start=start, key=key)
            for state in UNLISTED
        ]
        for (one, two), found in zip(pairs, states, strict=True)
    ]
