"""What is drawn along the genome, and means over all of it: the tables ``depth`` and ``windows``, read batch by batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.compare.samples import Comparison
from colonnade.compare.stored import StoredResult
from colonnade.report.embedding import Array, pack_columns
from colonnade.report.rows import Rows

#: Stretches of the genome that depth is averaged over for the picture: about two for each pixel of its width.
MOST_STRETCHES: Final = 1_500

_COUNTED: Final = {
    "depth": "positions_covered",
    "windows": "loci_tested",
}  # positions of a window with something to see
_SUMMED: Final = ["sample_1", "sample_2", "loci", "weighted"]


@dataclass(frozen=True)
class Axis:
    """Contigs laid end to end, each only as far as something is known of it.

    Parameters
    ----------
    contigs
        Names, in the order of the reference.
    first, last
        First and last position of each, 1-based.
    """

    contigs: tuple[str, ...]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each contig begins on the axis, 0-based."""
        lengths = self.last - self.first + 1
        return np.asarray(np.cumsum(lengths) - lengths)

    @property
    def length(self) -> int:
        """Positions in all."""
        return int((self.last - self.first + 1).sum())

    def at(self, contig: Array, position: Array) -> npt.NDArray[np.int64]:
        """Where positions, 1-based, are on the axis, 0-based."""
        return np.asarray(self.starts[contig] + position - self.first[contig])


def make_axis(result: StoredResult, *tables: Rows) -> Axis:
    """Contigs as far as there are reads in windows, or, without such tables, as far as the rows of others go."""
    contigs = tuple(result.facts["reference"]["md5"])
    first = np.full(len(contigs), np.iinfo(np.int64).max)
    last = np.zeros(len(contigs), np.int64)
    table = next((name for name in _COUNTED if name in result.tables), "")
    for windows in result.batches(table) if table else ():
        batch = windows.filter(pc.greater(windows[_COUNTED[table]], 0))
        code = np.asarray(pc.index_in(batch["contig"], pa.array(contigs, pa.string())))
        np.minimum.at(first, code, np.asarray(batch["start"]))
        np.maximum.at(last, code, np.asarray(batch["end"]))
    for rows in tables:
        contig, position = rows.columns["contig"], rows.columns["position"].astype(np.int64)
        np.minimum.at(first, contig, position)
        np.maximum.at(last, contig, position)
    first[last == 0] = 1
    return Axis(contigs, first, last)


def mean_distances(result: StoredResult) -> dict[Comparison, float | None]:
    """The mean distance of each comparison over all positions compared; None where there were none."""
    sums = {comparison: [0.0, 0] for comparison in result.comparisons}
    for batch in result.batches("windows"):
        weighted = pc.multiply(batch["loci_tested"], batch["distance_mean"])
        table = pa.table([*batch.select(["sample_1", "sample_2", "loci_tested"]).columns, weighted], _SUMMED)
        grouped = table.group_by(_SUMMED[:2], use_threads=False).aggregate([("loci", "sum"), ("weighted", "sum")])
        for row in grouped.to_pylist():
            total = sums[Comparison(row["sample_1"], row["sample_2"])]
            total[0] += row["weighted_sum"] or 0.0
            total[1] += row["loci_sum"]
    return {comparison: total / n if n else None for comparison, (total, n) in sums.items()}


@dataclass(frozen=True)
class Depths:
    """Mean depth of each sample in stretches of the axis.

    Parameters
    ----------
    step
        Positions of a stretch.
    depth
        float32 (samples, stretches): bases of good quality, means over the positions that have one, 0 where none has; NaN
        where nothing was looked at. Where ``share`` is None, means over the positions looked at.
    share
        float32 (samples, stretches): share of the positions looked at that have a base of good quality; None where it is
        not known how much of each window was looked at.
    windows
        How many windows of the table there are in the axis.
    covered
        Of each sample, by name: the positions that have a base of good quality, and how many of these such a position has on
        average; None as ``share``.
    """

    step: int
    depth: npt.NDArray[np.float32]
    share: npt.NDArray[np.float32] | None
    windows: int
    covered: Mapping[str, tuple[int, float]] | None

    def pack(self) -> str:
        """As text for a page."""
        return pack_columns({"depth": self.depth} | ({} if self.share is None else {"share": self.share}))


def read_depths(result: StoredResult, axis: Axis) -> Depths:
    """Average ``depth`` over stretches of the axis, none shorter than the table's windows."""
    contigs, samples = pa.array(axis.contigs, pa.string()), pa.array(result.samples, pa.string())
    step = max(int(result.facts["options"]["window"]), -(-axis.length // MOST_STRETCHES))
    sums = np.zeros((3, len(samples), -(-axis.length // step)))  # bases, positions with one, positions looked at
    totals = np.zeros((2, len(samples)))
    windows = 0
    for batch in result.batches("depth"):
        contig = np.asarray(pc.index_in(batch["contig"], contigs))
        sample = np.asarray(pc.index_in(batch["sample"], samples))
        start, end = np.asarray(batch["start"]), np.asarray(batch["end"])
        looked_at = end - start + 1 if result.extent is None else result.extent.positions(batch)
        bases, covered = np.asarray(batch["depth_mean"]) * looked_at, np.asarray(batch["positions_covered"])
        totals += [np.bincount(sample, values, len(samples)) for values in (bases, covered)]
        here = (start >= axis.first[contig]) & (end <= axis.last[contig])
        windows += int((here & (sample == 0)).sum())
        place = (sample[here], axis.at(contig, (start + end) // 2)[here] // step)
        for sum_of, values in zip(sums, (bases, covered, looked_at), strict=True):
            np.add.at(sum_of, place, values[here])
    bases, covered, looked_at = sums
    if result.extent is None:
        return Depths(step, _mean(bases, looked_at), None, windows, None)
    depth = _mean(bases, np.where(looked_at > 0, np.maximum(covered, 1), 0))
    share = _mean(covered, looked_at)
    means = totals[0] / np.maximum(totals[1], 1)
    each = zip(totals[1].astype(int).tolist(), means.tolist(), strict=True)
    return Depths(step, depth, share, windows, dict(zip(result.samples, each, strict=True)))


def _mean(sums: npt.NDArray[np.float64], over: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """NaN where there is nothing to take it over."""
    return np.divide(sums, over, out=np.full_like(sums, np.nan), where=over > 0).astype(np.float32)
