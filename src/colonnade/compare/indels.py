"""The indel distance: the same question asked of indel events instead of bases."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from colonnade.compare.loading import LoadedRange
from colonnade.compare.loci import STATE_NAMES, summarise_distances, wanted
from colonnade.compare.options import CompareOptions
from colonnade.compare.posterior import distance_draws, event_draws, stream_key
from colonnade.compare.rows import Rows
from colonnade.compare.samples import REF, REF_DEPTH, Comparison
from colonnade.compare.screen_kernels import (
    AMBIGUOUS,
    BELOW_MIN_DEPTH,
    CHANGED,
    NO_DATA,
    NO_REFERENCE,
    UNCHANGED,
    UNDECIDED,
)
from colonnade.formats.bases import AMBIGUOUS as AMBIGUOUS_BASE
from colonnade.tally.indels import IndelTable, indel_table


def add_indels(
    loaded: LoadedRange, comparisons: Sequence[Comparison], options: CompareOptions, rows: Rows
) -> list[int]:
    """Compare the indel events after each position, add rows of idist, and count the changed ones per comparison."""
    table = _with_reference(indel_table(list(loaded.tallies.values()), loaded.region, loaded.reference))
    columns = {name: number for number, name in enumerate([*loaded.tallies, REF])}
    changed = []
    for comparison in comparisons:
        one, two = columns[comparison.sample_1], columns[comparison.sample_2]
        states = _screen(table, one, two, options)
        if comparison.sample_2 == REF:
            states[loaded.bases[table.positions - loaded.region.start] == AMBIGUOUS_BASE] = NO_REFERENCE
        open_junctions = (states == UNDECIDED) | wanted(states, options)
        for junction in np.flatnonzero(open_junctions).tolist():
            states[junction] = _compare_junction(
                loaded, table, junction, comparison, (one, two), int(states[junction]), options, rows
            )
        changed.append(int(np.count_nonzero(states == CHANGED)))
    return changed


def _with_reference(table: IndelTable) -> IndelTable:
    """The table with REF as one more sample, which never has an indel."""
    return IndelTable(
        positions=table.positions,
        starts=table.starts,
        names=table.names,
        counts=np.pad(table.counts, ((0, 0), (0, 1))),
        matches=np.pad(table.matches, ((0, 0), (0, 1)), constant_values=REF_DEPTH),
    )


def _screen(table: IndelTable, one: int, two: int, options: CompareOptions) -> npt.NDArray[np.int8]:
    """States of all junctions for two samples: proven *unchanged* where few reads of both have an indel, else undecided.

    With u and v the shares of reads with any indel, the distance is at most the larger of the two.
    """
    counts = table.counts[:, [one, two]]
    matches = table.matches[:, [one, two]]
    if not len(table.positions):
        return np.empty(0, np.int8)
    n_events = np.add.reduceat((counts.sum(axis=1) > 0).astype(np.int64), table.starts[:-1])[:, np.newaxis]
    with_indel = np.add.reduceat(counts, table.starts[:-1], axis=0)
    prior = options.indel_prior
    near = betainc(with_indel + np.maximum(n_events, 1) * prior, matches + prior, options.min_distance).prod(axis=1)
    depths = (with_indel + matches).min(axis=1)
    states = np.full(len(table.positions), UNDECIDED, np.int8)
    states[near >= options.confidence] = UNCHANGED
    states[depths < options.min_depth] = BELOW_MIN_DEPTH
    states[(depths <= 0) | (n_events[:, 0] == 0)] = NO_DATA
    return states


def _compare_junction(
    loaded: LoadedRange,
    table: IndelTable,
    junction: int,
    comparison: Comparison,
    columns: tuple[int, int],
    state: int,
    options: CompareOptions,
    rows: Rows,
) -> int:
    """Decide one junction by draws of both event compositions; add its row if it is to be reported. Returns its state."""
    position = int(table.positions[junction])
    events = slice(table.starts[junction], table.starts[junction + 1])
    counts = np.vstack((table.matches[junction], table.counts[events]))[:, list(columns)]
    names = ["@", *table.names[events]]
    present = [0, *(k for k in range(1, len(names)) if counts[k].any())]
    counts = counts[present]
    draws = [
        event_draws(
            counts[:, side].copy(),
            position,
            prior=options.indel_prior,
            draws=options.draws,
            key=stream_key(options.seed, loaded.region.contig, sample, "indels"),
        )
        for side, sample in enumerate((comparison.sample_1, comparison.sample_2))
    ]
    distances = distance_draws(draws[0][np.newaxis], draws[1][np.newaxis])
    if state == UNDECIDED:
        state = _decide(float((distances > options.min_distance).mean()), options.confidence)
    if wanted(np.array([state]), options)[0]:
        rows.extend(
            {
                "contig": loaded.region.contig,
                "position": position + 1,
                "reference": loaded.letters(np.array([position - loaded.region.start]))[0],
                "sample_1": comparison.sample_1,
                "sample_2": comparison.sample_2,
                "state": STATE_NAMES[state],
                "events": ",".join(names[k] for k in present),
                "counts_1": ",".join(map(str, counts[:, 0].tolist())),
                "counts_2": ",".join(map(str, counts[:, 1].tolist())),
                **summarise_distances(distances, options),
            },
            1,
        )
    return state


def _decide(p_changed: float, confidence: float) -> int:
    if p_changed >= confidence:
        return CHANGED
    return UNCHANGED if p_changed <= 1 - confidence else AMBIGUOUS
