"""A comparison in a few numbers for each sample and each comparison, read from its tables bit by bit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.compare.samples import Comparison
from colonnade.compare.stored import StoredResult, read_result
from colonnade.report.along import mean_distances

POINTS: Final = 500  # of the line of a sample along the genome, at most

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampleDepth:
    """How deep a sample is.

    Parameters
    ----------
    mean
        Bases of good quality at a position that has any, on average; 0 where none has.
    breadth
        Share of such positions among those that were looked at, 0-1.
    along
        Bases of good quality at a position of a stretch of the genome, on average: float64 (points,), not a number where nothing
        was looked at.
    """

    mean: float
    breadth: float
    along: Numbers


@dataclass(frozen=True)
class ResultSummary:
    """The numbers of one comparison of samples.

    Parameters
    ----------
    stats
        The rows of the table stats.
    distances
        Mean distance of observed compositions over all positions compared; None where there were none.
    depths
        By sample.
    positions
        The middle of each stretch of ``SampleDepth.along``, with contigs laid end to end: float64 (points,), not a number where
        nothing was looked at.
    """

    stats: list[dict[str, Any]]
    distances: dict[Comparison, float | None]
    depths: dict[str, SampleDepth]
    positions: Numbers

    @classmethod
    def read(cls, prefix: Path) -> "ResultSummary":
        """Read what is needed of a result in files."""
        result = read_result(prefix)
        stats = result.read("stats").to_pylist()
        starts, length = _contig_starts(result)
        bins = min(POINTS, max(1, length))
        edges = np.ceil(length * np.arange(1, bins + 1) / bins)
        depths, positions = _depths(result, starts, edges, stats[0]["loci"])
        return cls(stats, mean_distances(result), depths, positions)


def _contig_starts(result: StoredResult) -> tuple[dict[str, int], int]:
    """Where contigs begin if they are laid end to end, each up to its last window, and where the last one ends."""
    ends: dict[str, int] = {}
    for batch in result.batches("depth"):
        last = (
            pa.table({name: batch[name] for name in ("contig", "end")}).group_by("contig").aggregate([("end", "max")])
        )
        ends.update({row["contig"]: max(row["end_max"], ends.get(row["contig"], 0)) for row in last.to_pylist()})
    starts = np.cumsum([0, *ends.values()]).tolist()
    return dict(zip(ends, starts, strict=False)), starts[-1]


def _depths(
    result: StoredResult, starts: dict[str, int], edges: Numbers, loci: int
) -> tuple[dict[str, SampleDepth], Numbers]:
    """Of all samples, and the middles of the stretches that end at the edges; windows go to those in which they begin."""
    numbers = {name: number for number, name in enumerate(result.samples)}
    bases, positions, middles = np.zeros((3, len(numbers), len(edges)))
    covered = np.zeros(len(numbers))
    for batch in result.batches("depth"):
        sample = np.array([numbers[name] for name in batch["sample"].to_pylist()], np.int64)
        offset = np.array([starts[name] for name in batch["contig"].to_pylist()], np.int64)
        start, end = (offset + batch[name].to_numpy() for name in ("start", "end"))
        place = sample, np.searchsorted(edges, start)
        size = end - start + 1 if result.extent is None else result.extent.positions(batch)
        np.add.at(bases, place, batch["depth_mean"].to_numpy() * size)
        np.add.at(positions, place, size)
        np.add.at(middles, place, (start + end) / 2 * size)
        np.add.at(covered, sample, batch["positions_covered"].to_numpy())
    along, middles = (_divided(sums, positions) for sums in (bases, middles))
    depths = {
        name: SampleDepth(
            float(bases[number].sum() / max(1.0, covered[number])), float(covered[number] / max(1, loci)), along[number]
        )
        for name, number in numbers.items()
    }
    return depths, middles[0]


def _divided(sums: Numbers, counts: Numbers) -> Numbers:
    quotient: Numbers = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return quotient
