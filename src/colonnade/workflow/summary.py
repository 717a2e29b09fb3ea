"""A comparison in a few numbers for each sample and each comparison, read from its tables bit by bit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.compare.samples import Comparison
from colonnade.compare.stored import StoredResult, read_result
from colonnade.report.along import Axis, Depths, mean_distances, read_depths


@dataclass(frozen=True)
class ResultSummary:
    """The numbers of one comparison of samples.

    Parameters
    ----------
    samples
        Their names.
    stats
        The rows of the table stats.
    distances
        Mean distance of observed compositions over all positions compared; None where there were none.
    axis, depths
        Contigs laid end to end, and the depth of all samples along them.
    """

    samples: tuple[str, ...]
    stats: list[dict[str, Any]]
    distances: dict[Comparison, float | None]
    axis: Axis
    depths: Depths

    @classmethod
    def read(cls, prefix: Path) -> "ResultSummary":
        """Read what is needed of a result in files."""
        result = read_result(prefix)
        axis, stats = _whole_axis(result), result.read("stats").to_pylist()
        return cls(result.samples, stats, mean_distances(result), axis, read_depths(result, axis))

    def covered(self, sample: str) -> tuple[float, float] | None:
        """How many bases of good quality a position with any has on average, and the share of such positions among those
        that were looked at, 0-1; None where it is not known how much of each window was looked at.
        """
        if self.depths.covered is None:
            return None
        positions, mean = self.depths.covered[sample]
        return mean, positions / max(1, self.stats[0]["loci"])

    def along(self, sample: str) -> list[tuple[int, float]]:
        """The middle of each stretch in which anything was looked at, 1-based, and the depth there."""
        depth = self.depths.depth[self.samples.index(sample)].astype(np.float64)
        known = np.flatnonzero(~np.isnan(depth))
        first, last = known * self.depths.step + 1, np.minimum((known + 1) * self.depths.step, self.axis.length)
        middles = (first + last) // 2
        return list(zip(middles.tolist(), depth[known].tolist(), strict=True))


def _whole_axis(result: StoredResult) -> Axis:
    """Contigs from their first position to the end of their last windows, with reads or without: so groups share an axis."""
    contigs = tuple(result.facts["reference"]["md5"])
    last: npt.NDArray[np.int64] = np.zeros(len(contigs), np.int64)
    for batch in result.batches("depth"):
        contig = np.asarray(pc.index_in(batch["contig"], pa.array(contigs, pa.string())))
        np.maximum.at(last, contig, np.asarray(batch["end"]))
    return Axis(contigs, np.ones_like(last), last)
