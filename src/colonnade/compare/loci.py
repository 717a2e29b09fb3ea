"""Loci that pass the screen: their quality-aware posterior, and the rows of dist, comp and evidence."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.compare.loading import LoadedRange
from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import REF, Comparison
from colonnade.formats.fasta import BASES
from colonnade.method.false_share import BINS, distance_counts
from colonnade.method.posterior import Draws, composition_draws, distance_draws, reference_draws, stream_key
from colonnade.method.quantiles import sorted_quantiles
from colonnade.method.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED
from colonnade.method.strand import reference_strand_p_values, strand_p_values
from colonnade.run.ordered import check_stopped
from colonnade.tally.counts import EVIDENCE_BYTES, evidence

STATE_NAMES = {UNCHANGED: "unchanged", AMBIGUOUS: "ambiguous", CHANGED: "changed"}
_DRAW_BYTES = 64 << 20  # that all samples' draws of the loci in work may take
_MOST_LOCI = 256
_MOST_EVIDENCE = 64 << 20  # bytes of evidence to count in one pass over the reads

States = npt.NDArray[np.int8]
Index = npt.NDArray[np.int64]
Tables = dict[str, list[pa.Table]]


def wanted(states: States, options: CompareOptions) -> npt.NDArray[np.bool_]:
    """Which loci the result shows, given their states: all that were compared, or those that changed."""
    return states >= UNCHANGED if options.loci == "tested" else states == CHANGED


def add_loci(
    loaded: LoadedRange,
    comparisons: Sequence[Comparison],
    states: States,
    options: CompareOptions,
    schemas: Mapping[str, pa.Schema],
    tables: Tables,
) -> None:
    """Confirm what the screen found, in place in ``states`` (comparisons, positions), and add tables of what is to be shown.

    ``tables`` has a list for dist, comp and evidence, or for those of them that are wanted.
    """
    loci = np.flatnonzero(wanted(states, options).any(axis=0))
    samples = len(loaded.tallies)
    at_once = min(_MOST_LOCI, max(1, _DRAW_BYTES // (options.draws * 4 * 8 * samples)))
    most = max(at_once, _MOST_EVIDENCE // (EVIDENCE_BYTES * samples))
    for start in range(0, len(loci), most):
        some = loci[start : start + most]
        counted = _count_evidence(loaded, some + loaded.region.start, options)
        for first in range(0, len(some), at_once):
            chosen = slice(first, first + at_once)
            block = _Block(loaded, some[chosen], {name: counts[chosen] for name, counts in counted.items()}, options)
            reported, dist = block.distances(comparisons, states)
            makers = {"comp": block.compositions, "evidence": block.evidence}
            for name, into in tables.items():
                if reported.size:
                    columns = dist if name == "dist" else makers[name](reported)
                    into.append(pa.table(columns, schema=schemas[name]))


def _count_evidence(loaded: LoadedRange, positions: Index, options: CompareOptions) -> dict[str, npt.NDArray[np.int32]]:
    """Evidence of every sample at some positions; the reads may have to be read again for it."""
    start, end = int(positions[0]), int(positions[-1]) + 1
    min_baseq = options.read_filter.min_baseq
    return {
        name: evidence(loaded.batches(name, start=start, end=end), positions, min_baseq=min_baseq)
        for name in loaded.tallies
    }


class _Block:
    """Some loci, with evidence and draws of every sample.

    Parameters
    ----------
    loaded
        The range.
    loci
        Rows of it.
    evidence
        int32 (loci, 4, qualities, 2) of each sample.
    options
        How to compare.
    """

    def __init__(
        self,
        loaded: LoadedRange,
        loci: Index,
        evidence: dict[str, npt.NDArray[np.int32]],
        options: CompareOptions,
    ) -> None:
        self._loaded = loaded
        self._loci = loci
        self._options = options
        self._positions = loci + loaded.region.start
        self._evidence = evidence
        self._draws: dict[str, Draws] = {}

    def distances(self, comparisons: Sequence[Comparison], states: States) -> tuple[Index, dict[str, pa.Array]]:
        """Settle the states of all comparisons at these loci; which loci are to be shown, and columns of dist for them."""
        parts = [
            self._compared(comparison, number, states[number])
            for number, comparison in enumerate(comparisons)
            if wanted(states[number, self._loci], self._options).any()
        ]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.lexsort((columns["comparison"], columns["at"]))
        columns = {name: column[order] for name, column in columns.items()}
        at, number = columns.pop("at"), columns.pop("comparison")
        names = [pa.array([getattr(c, side) for c in comparisons]).take(number) for side in ("sample_1", "sample_2")]
        is_ref = np.array([c.sample_2 == REF for c in comparisons])[number]
        return np.unique(at), {
            **self._places(at),
            "sample_1": names[0],
            "sample_2": names[1],
            "depth_1": pa.array(columns["depth_1"]),
            "depth_2": pa.array(columns["depth_2"], mask=is_ref),
            "state": state_names(columns["state"]),
            "p_changed": pa.array(columns["p_changed"]),
            "strand_p": pa.array(columns["strand_p"], mask=np.isnan(columns["strand_p"])),
            "false_share": pa.nulls(len(at), pa.float64()),
            **distance_columns(columns["distance_mean"], columns["quantiles"], self._options),
            "distance_counts": pa.FixedSizeListArray.from_arrays(
                pa.array(columns["distance_counts"].reshape(-1)), BINS
            ),
        }

    def _compared(self, comparison: Comparison, number: int, states: States) -> dict[str, npt.NDArray[np.generic]]:
        """One comparison at the loci that it is to show, and its states settled in place."""
        check_stopped()
        options = self._options
        at = np.flatnonzero(wanted(states[self._loci], options))
        draws_1, draws_2 = self._draw(comparison.sample_1)[at], self._draw(comparison.sample_2)[at]
        distances = distance_draws(draws_1, draws_2)
        distances.sort(axis=1)
        confirmed = sorted_quantiles(distances, [1 - options.confidence])[:, 0] > options.min_distance
        strand_p = self._strand_p(comparison, at)
        confirmed &= ~(strand_p < options.min_strand_p)
        final = states[self._loci[at]]
        final[(final == CHANGED) & ~confirmed] = AMBIGUOUS
        states[self._loci[at]] = final

        kept = wanted(final, options)
        counts = np.zeros((len(at), BINS), np.int32)
        changed = final == CHANGED
        counts[changed] = distance_counts(draws_1[changed], draws_2[changed], min_distance=options.min_distance)
        distances, loci = distances[kept], self._loci[at[kept]]
        one, two = (self._loaded.index(name) for name in (comparison.sample_1, comparison.sample_2))
        return {
            "at": at[kept],
            "comparison": np.full(len(loci), number),
            "depth_1": self._loaded.counts[one, loci].sum(axis=1),
            "depth_2": self._loaded.counts[two, loci].sum(axis=1),
            "state": final[kept],
            "p_changed": (distances > options.min_distance).mean(axis=1),
            "strand_p": strand_p[kept],
            "distance_mean": distances.mean(axis=1),
            "quantiles": sorted_quantiles(distances, options.quantiles),
            "distance_counts": counts[kept],
        }

    def _strand_p(self, comparison: Comparison, at: Index) -> npt.NDArray[np.float64]:
        evidence_1 = self._evidence[comparison.sample_1][at]
        if comparison.sample_2 == REF:
            return reference_strand_p_values(evidence_1, self._loaded.counts[-1, self._loci[at]])
        return strand_p_values(evidence_1, self._evidence[comparison.sample_2][at])

    def compositions(self, at: Index) -> dict[str, pa.Array]:
        """Columns of comp: the composition of every sample at some of the loci."""
        names = list(self._loaded.tallies)
        counts = self._loaded.counts[: len(names), self._loci[at]].transpose(1, 0, 2)  # (loci, samples, 4)
        depths = counts.sum(axis=2)
        n = len(at) * len(names)
        points = np.stack([self._draw(name)[at].transpose(0, 2, 1) for name in names], axis=1)
        points = points.reshape(n, 4, self._options.draws)
        means = points.mean(axis=2)
        points.sort(axis=2)
        quantiles = sorted_quantiles(points, self._options.quantiles).reshape(4 * n, -1)
        ranks = np.empty((n, 4), np.int64)
        np.put_along_axis(ranks, np.argsort(-means, axis=1, kind="stable"), np.arange(1, 5), axis=1)
        missing = np.repeat(depths.reshape(-1) == 0, 4)
        tallies = list(self._loaded.tallies.values())
        low_quality = np.stack([tally.low_quality[self._loci[at]] for tally in tallies], axis=1)
        indels = np.stack([_events_at(tally.events, self._positions[at]) for tally in tallies], axis=1)
        shares = {f"q{q:g}": quantiles[:, k] for k, q in enumerate(self._options.quantiles)}
        return {
            **self._places(np.repeat(at, 4 * len(names))),
            "sample": pa.array(names).take(np.tile(np.repeat(np.arange(len(names)), 4), len(at))),
            "depth": pa.array(np.repeat(depths, 4)),
            "depth_low_quality": pa.array(np.repeat(low_quality, 4)),
            "depth_indel": pa.array(np.repeat(indels, 4)),
            "base": pa.array(list(BASES) * n),
            "rank": pa.array(ranks.reshape(-1)),
            "mean": pa.array(means.reshape(-1), mask=missing),
            **{name: pa.array(column, mask=missing) for name, column in shares.items()},
        }

    def evidence(self, at: Index) -> dict[str, pa.Array]:
        """Columns of evidence: what every sample shows at some of the loci."""
        found = []
        for number, counts in enumerate(self._evidence.values()):
            row, base, quality, strand = np.nonzero(counts[at])
            found.append(
                (at[row], np.full(len(row), number), base, quality, strand, counts[at][row, base, quality, strand])
            )
        row, sample, base, quality, strand, count = map(np.concatenate, zip(*found, strict=True))
        order = np.lexsort((sample, row))
        places = self._places(row[order])
        return {
            "contig": places["contig"],
            "position": places["position"],
            "sample": pa.array(list(self._evidence)).take(sample[order]),
            "base": pa.array(list(BASES)).take(base[order]),
            "quality": pa.array(quality[order]),
            "strand": pa.array(["+", "-"]).take(strand[order]),
            "count": pa.array(count[order].astype(np.int64)),
        }

    def _places(self, at: Index) -> dict[str, pa.Array]:
        letters = pa.array(self._loaded.letters(self._loci))
        return {
            "contig": pa.repeat(self._loaded.region.contig, len(at)),
            "position": pa.array(self._positions[at] + 1),
            "reference": letters.take(at),
        }

    def _draw(self, name: str) -> Draws:
        if name not in self._draws:
            check_stopped()
            options = self._options
            key = stream_key(options.seed, self._loaded.region.contig, name, "composition")
            if name == REF:
                counts = self._loaded.counts[-1, self._loci]
                self._draws[name] = reference_draws(
                    counts, self._positions, prior=options.prior, draws=options.draws, key=key
                )
            else:
                self._draws[name] = composition_draws(
                    self._evidence[name], self._positions, prior=options.prior, draws=options.draws, key=key
                )
        return self._draws[name]


def state_names(states: States) -> pa.Array:
    """The names of states of loci that were compared."""
    names = [STATE_NAMES[code] for code in sorted(STATE_NAMES)]
    return pa.array(names).take(np.searchsorted(sorted(STATE_NAMES), states))


def distance_columns(means: Draws, quantiles: Draws, options: CompareOptions) -> dict[str, pa.Array]:
    """Columns that describe a distance, given its mean (rows,) and quantiles (rows, quantiles)."""
    return {
        "distance_mean": pa.array(means),
        **{f"distance_q{q:g}": pa.array(quantiles[:, k]) for k, q in enumerate(options.quantiles)},
    }


def _events_at(events: npt.NDArray[np.void], positions: Index) -> Index:
    """How many reads have an indel right after each position."""
    total = np.concatenate([[0], np.cumsum(events["count"])])
    firsts, lasts = (np.searchsorted(events["position"], positions, side=side) for side in ("left", "right"))
    reads: Index = total[lasts] - total[firsts]
    return reads
