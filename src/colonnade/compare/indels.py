"""The indel distance: the same question asked of indel events instead of bases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import betainc

from colonnade.compare.indels_kernels import gather_events
from colonnade.compare.loading import LoadedRange
from colonnade.compare.loci import distance_columns, state_names, wanted
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF, REF_DEPTH, Comparison
from colonnade.formats.bases import AMBIGUOUS as AMBIGUOUS_BASE
from colonnade.method.posterior import Draws, distance_draws, event_draws, stream_key
from colonnade.method.quadrature import Quadrature
from colonnade.method.quantiles import sorted_quantiles
from colonnade.method.screen import group_keys
from colonnade.method.screen_kernels import BELOW_MIN_DEPTH, CHANGED, NO_DATA, NO_REFERENCE, UNCHANGED, UNDECIDED
from colonnade.run.ordered import check_stopped
from colonnade.tally.indels import IndelTable, indel_table

_ROWS_AT_ONCE: Final = 1024  # whose draws are held

States = npt.NDArray[np.int8]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Row:
    """A junction to be reported for one comparison."""

    junction: int
    comparison: int
    state: int
    p_changed: float
    names: list[str]
    counts: npt.NDArray[np.int64]


class IndelComparer:
    """Compares the indel events after each position; safe to share between threads.

    Parameters
    ----------
    comparisons, options
        Which samples, and how.
    schema
        Of idist.
    """

    def __init__(self, comparisons: Sequence[Comparison], options: CompareOptions, schema: pa.Schema) -> None:
        self._comparisons = tuple(comparisons)
        self._options = options
        self._schema = schema
        self._quadrature = Quadrature(
            min_distance=options.min_distance, confidence=options.confidence, prior=options.indel_prior
        )

    def __call__(self, loaded: LoadedRange) -> tuple[list[int], list[pa.Table]]:
        """How many positions of a range are followed by a changed composition, per comparison; and the rows of idist."""
        table = indel_table(list(loaded.tallies.values()), loaded.region, loaded.reference)
        if not len(table.positions):
            return [0] * len(self._comparisons), []
        table = _with_reference(table)
        changed: list[int] = []
        rows: list[_Row] = []
        for number, comparison in enumerate(self._comparisons):
            check_stopped()
            pair = _Pair.of(table, loaded.index(comparison.sample_1), loaded.index(comparison.sample_2))
            states = self._screen(pair)
            if comparison.sample_2 == REF:
                states[loaded.bases[table.positions - loaded.region.start] == AMBIGUOUS_BASE] = NO_REFERENCE
            rows += self._decide(table, pair, number, states)
            changed.append(int(np.count_nonzero(states == CHANGED)))
        rows.sort(key=lambda row: (row.junction, row.comparison))
        blocks = [rows[first : first + _ROWS_AT_ONCE] for first in range(0, len(rows), _ROWS_AT_ONCE)]
        return changed, [self._table(loaded, table, block) for block in blocks]

    def _screen(self, pair: "_Pair") -> States:
        """Proven *unchanged* where few reads of both samples have an indel, else undecided or not to be compared.

        With u and v the shares of reads with any indel, the distance is at most the larger of the two.
        """
        options = self._options
        prior = options.indel_prior
        with_event = pair.with_event + np.maximum(pair.seen, 1)[:, np.newaxis] * prior
        near = betainc(with_event, pair.matches + prior, options.min_distance).prod(axis=1)
        depths = (pair.with_event + pair.matches).min(axis=1)
        states = np.full(len(near), UNDECIDED, np.int8)
        states[near >= options.confidence] = UNCHANGED
        states[depths < options.min_depth] = BELOW_MIN_DEPTH
        states[(depths <= 0) | (pair.seen == 0)] = NO_DATA
        return states

    def _decide(self, table: IndelTable, pair: "_Pair", number: int, states: States) -> Iterator[_Row]:
        """Settle, in place, what is undecided, and give the junctions that the result shows."""
        settled = wanted(states, self._options) & (states != UNDECIDED)  # by a bound; to be shown with its probability
        junctions = np.flatnonzero((states == UNDECIDED) | settled)
        for seen in np.unique(pair.seen[junctions]).tolist():
            some = junctions[pair.seen[junctions] == seen]
            counts = pair.counts(some, seen)
            distinct, numbers = group_keys(counts.reshape(len(some), -1))
            found = self._quadrature.states(distinct.reshape(-1, seen + 1, 2))[numbers]
            states[some] = np.where(settled[some], states[some], found)
            shown = np.flatnonzero(wanted(states[some], self._options))
            below = self._quadrature.probabilities(counts[shown])
            for k, p in zip(shown.tolist(), below.tolist(), strict=True):
                names = ["@", *(table.name(event) for event in pair.events(int(some[k])))]
                yield _Row(int(some[k]), number, int(states[some[k]]), 1 - p, names, counts[k])

    def _table(self, loaded: LoadedRange, table: IndelTable, rows: Sequence[_Row]) -> pa.Table:
        options = self._options
        positions = table.positions[[row.junction for row in rows]]
        distances = np.stack([self._distances(loaded, row, p) for row, p in zip(rows, positions.tolist(), strict=True)])
        distances.sort(axis=1)
        comparisons = [self._comparisons[row.comparison] for row in rows]
        columns = {
            "contig": pa.repeat(loaded.region.contig, len(rows)),
            "position": pa.array(positions + 1),
            "reference": pa.array(loaded.letters(positions - loaded.region.start)),
            "sample_1": pa.array([comparison.sample_1 for comparison in comparisons]),
            "sample_2": pa.array([comparison.sample_2 for comparison in comparisons]),
            "state": state_names(np.array([row.state for row in rows], np.int8)),
            "p_changed": pa.array([row.p_changed for row in rows]),
            "false_share": pa.nulls(len(rows), pa.float64()),
            "events": pa.array([",".join(row.names) for row in rows]),
            "counts_1": pa.array([",".join(map(str, row.counts[:, 0].tolist())) for row in rows]),
            "counts_2": pa.array([",".join(map(str, row.counts[:, 1].tolist())) for row in rows]),
            **distance_columns(distances.mean(axis=1), sorted_quantiles(distances, options.quantiles), options),
        }
        return pa.table(columns, schema=self._schema)

    def _distances(self, loaded: LoadedRange, row: _Row, position: int) -> Draws:
        """Draws (draws,) of the distance at one junction."""
        options, comparison = self._options, self._comparisons[row.comparison]
        draws = [
            event_draws(
                row.counts[:, side].copy(),
                position,
                prior=options.indel_prior,
                draws=options.draws,
                key=stream_key(options.seed, loaded.region.contig, sample, "indels"),
            )[np.newaxis]
            for side, sample in enumerate((comparison.sample_1, comparison.sample_2))
        ]
        distances: Draws = distance_draws(*draws)[0]
        return distances


@dataclass(frozen=True)
class _Pair:
    """The junctions of a table for two samples.

    Parameters
    ----------
    starts, event_counts
        Of the table; int64 (events, 2).
    matches, with_event
        int64 (junctions, 2): reads without and with an indel.
    seen
        int64 (junctions,): events that either sample has.
    """

    starts: Index
    event_counts: Index
    matches: Index
    with_event: Index
    seen: Index

    @classmethod
    def of(cls, table: IndelTable, one: int, two: int) -> "_Pair":
        counts = np.ascontiguousarray(table.counts[:, [one, two]])
        firsts = table.starts[:-1]
        seen = np.add.reduceat(counts.any(axis=1).astype(np.int64), firsts)
        matches = np.ascontiguousarray(table.matches[:, [one, two]])
        return cls(table.starts, counts, matches, np.add.reduceat(counts, firsts, axis=0), seen)

    def events(self, junction: int) -> list[int]:
        """Which events of the table either sample has at a junction."""
        first, last = self.starts[junction : junction + 2]
        events: list[int] = (first + np.flatnonzero(self.event_counts[first:last].any(axis=1))).tolist()
        return events

    def counts(self, junctions: Index, seen: int) -> Index:
        """int64 (junctions, 1 + seen, 2): reads without an event, then with each one, at junctions that have so many."""
        counts = np.empty((len(junctions), 1 + seen, 2), np.int64)
        counts[:, 0] = self.matches[junctions]
        gather_events(self.starts, self.event_counts, junctions, counts)
        return counts


def _with_reference(table: IndelTable) -> IndelTable:
    """The table with REF as one more sample, which never has an indel."""
    return replace(
        table,
        counts=np.pad(table.counts, ((0, 0), (0, 1))),
        matches=np.pad(table.matches, ((0, 0), (0, 1)), constant_values=REF_DEPTH),
    )
