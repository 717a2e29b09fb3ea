"""The posterior at the loci of a range that deserve it, and the rows that tell of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from colonnade.compare.loading import LoadedRange
from colonnade.compare.options import CompareOptions
from colonnade.compare.posterior import Draws, composition_draws, distance_draws, reference_draws, stream_key
from colonnade.compare.rows import Rows
from colonnade.compare.samples import REF, Comparison
from colonnade.compare.screen_kernels import AMBIGUOUS, CHANGED, UNCHANGED
from colonnade.formats.fasta import BASES
from colonnade.tally.counts import EVIDENCE_BYTES, evidence

STATE_NAMES = {UNCHANGED: "unchanged", AMBIGUOUS: "ambiguous", CHANGED: "changed"}
_LOCI_AT_ONCE = 256
_MOST_EVIDENCE = 64 << 20  # bytes of evidence to count in one pass over the reads

States = npt.NDArray[np.int8]
Index = npt.NDArray[np.int64]


def wanted(states: States, options: CompareOptions) -> npt.NDArray[np.bool_]:
    """Which loci the result shows, given their states: all that were compared, or those that changed."""
    return states >= UNCHANGED if options.loci == "tested" else states == CHANGED


def add_loci(
    loaded: LoadedRange,
    comparisons: Sequence[Comparison],
    states: Sequence[States],
    options: CompareOptions,
    rows: Mapping[str, Rows],
) -> None:
    """Confirm what the screen found, in place in ``states`` (one per comparison), and add rows of dist, comp and evidence."""
    loci = np.flatnonzero(np.any([wanted(state, options) for state in states], axis=0))
    most = max(_LOCI_AT_ONCE, _MOST_EVIDENCE // (EVIDENCE_BYTES * len(loaded.tallies)))
    for start in range(0, len(loci), most):
        some = loci[start : start + most]
        counted = _count_evidence(loaded, some + loaded.region.start, options)
        for first in range(0, len(some), _LOCI_AT_ONCE):
            chosen = slice(first, first + _LOCI_AT_ONCE)
            block = _Block(loaded, some[chosen], {name: counts[chosen] for name, counts in counted.items()}, options)
            for comparison, state in zip(comparisons, states, strict=True):
                block.add_distances(comparison, state, rows["dist"])
            block.add_compositions(rows["comp"], rows["evidence"])


def _count_evidence(loaded: LoadedRange, positions: Index, options: CompareOptions) -> dict[str, npt.NDArray[np.int32]]:
    """Evidence of every sample at some positions; the reads may have to be read again for it."""
    start, end = int(positions[0]), int(positions[-1]) + 1
    min_baseq = options.read_filter.min_baseq
    return {
        name: evidence(loaded.batches(name, start=start, end=end), positions, min_baseq=min_baseq)
        for name in loaded.tallies
    }


class _Block:
    """Some loci, with evidence and draws of every sample."""

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
        self._reported = np.zeros(len(loci), bool)
        self._evidence = evidence
        self._draws: dict[str, Draws] = {}

    def add_distances(self, comparison: Comparison, states: States, rows: Rows) -> None:
        """Settle the states of this comparison at the block's loci, and add those to be reported."""
        at = np.flatnonzero(wanted(states[self._loci], self._options))
        if not at.size:
            return
        options = self._options
        draws_1, draws_2 = self._draw(comparison.sample_1), self._draw(comparison.sample_2)
        distances = distance_draws(draws_1[at], draws_2[at])
        confirmed = np.quantile(distances, 1 - options.confidence, axis=1) > options.min_distance
        final = states[self._loci[at]]
        final[(final == CHANGED) & ~confirmed] = AMBIGUOUS
        states[self._loci[at]] = final

        kept = wanted(final, options)
        at, final, distances = at[kept], final[kept], distances[kept]
        self._reported[at] = True
        loci = self._loci[at]
        depth_1 = self._loaded.counts(comparison.sample_1)[loci].sum(axis=1)
        depth_2 = self._loaded.counts(comparison.sample_2)[loci].sum(axis=1)
        rows.extend(
            {
                "contig": self._loaded.region.contig,
                "position": (self._positions[at] + 1).tolist(),
                "reference": self._loaded.letters(loci),
                "sample_1": comparison.sample_1,
                "sample_2": comparison.sample_2,
                "depth_1": depth_1.tolist(),
                "depth_2": None if comparison.sample_2 == REF else depth_2.tolist(),
                "state": [STATE_NAMES[state] for state in final.tolist()],
                **summarise_distances(distances, options),
            },
            len(at),
        )

    def add_compositions(self, comp: Rows, evidence_rows: Rows) -> None:
        """Add the composition of every sample at the reported loci, and the evidence for it."""
        for at in np.flatnonzero(self._reported).tolist():
            for name in self._loaded.tallies:
                self._add_composition(at, name, comp)
                self._add_evidence(at, name, evidence_rows)

    def _draw(self, name: str) -> Draws:
        if name not in self._draws:
            options = self._options
            key = stream_key(options.seed, self._loaded.region.contig, name, "composition")
            if name == REF:
                self._draws[name] = reference_draws(
                    self._loaded.counts(REF)[self._loci],
                    self._positions,
                    prior=options.prior,
                    draws=options.draws,
                    key=key,
                )
            else:
                self._draws[name] = composition_draws(
                    self._evidence[name], self._positions, prior=options.prior, draws=options.draws, key=key
                )
        return self._draws[name]

    def _add_composition(self, at: int, name: str, rows: Rows) -> None:
        tally = self._loaded.tallies[name]
        row, position = int(self._loci[at]), int(self._positions[at])
        depth = int(tally.bases[row].sum())
        shares: dict[str, list[float]] = {}
        points = self._draw(name)[at]
        means = points.mean(axis=0)
        ranks = np.empty(4, np.int64)
        ranks[np.argsort(-means, kind="stable")] = np.arange(1, 5)
        if depth:
            quantiles = np.quantile(points, self._options.quantiles, axis=0)
            shares = {f"q{q:g}": v.tolist() for q, v in zip(self._options.quantiles, quantiles, strict=True)}
            shares["mean"] = means.tolist()
        first, last = np.searchsorted(tally.events["position"], [position, position + 1])
        rows.extend(
            {
                "contig": self._loaded.region.contig,
                "position": position + 1,
                "reference": self._loaded.letters(self._loci[at : at + 1])[0],
                "sample": name,
                "depth": depth,
                "depth_low_quality": int(tally.low_quality[row]),
                "depth_indel": int(tally.events["count"][first:last].sum()),
                "base": [*BASES],
                "rank": ranks.tolist(),
                **shares,
            },
            4,
        )

    def _add_evidence(self, at: int, name: str, rows: Rows) -> None:
        counts = self._evidence[name][at]
        base, quality, strand = np.nonzero(counts)
        rows.extend(
            {
                "contig": self._loaded.region.contig,
                "position": int(self._positions[at]) + 1,
                "sample": name,
                "base": [BASES[b] for b in base.tolist()],
                "quality": quality.tolist(),
                "strand": ["+-"[s] for s in strand.tolist()],
                "count": counts[base, quality, strand].tolist(),
            },
            len(base),
        )


def summarise_distances(distances: Draws, options: CompareOptions) -> dict[str, list[float]]:
    """The columns that describe draws (loci, draws) of a distance."""
    quantiles = np.quantile(distances, options.quantiles, axis=1)
    return {
        "p_changed": (distances > options.min_distance).mean(axis=1).tolist(),
        "distance_mean": distances.mean(axis=1).tolist(),
        **{f"distance_q{q:g}": v.tolist() for q, v in zip(options.quantiles, quantiles, strict=True)},
    }
