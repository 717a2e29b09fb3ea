"""How many positions of a window a comparison looked at: the tables of windows have means over these."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.regions import regions_of_interest

_ENDLESS: Final = (1 << 31) - 1  # no contig is longer, and windows end with theirs
_STRIDE: Final = 1 << 32  # from contig to contig, where all are laid on one line


class Extent:
    """What a run looked at, from the facts about it.

    Raises
    ------
    OSError, ColonnadeError
        Regions were named by a BED file, which is not there any more, or is damaged.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        number = {contig: number for number, contig in enumerate(facts["reference"]["md5"])}
        regions = regions_of_interest(facts["regions"], facts["bed"], dict.fromkeys(number, _ENDLESS))
        intervals = [(number[of.contig] * _STRIDE + of.start, number[of.contig] * _STRIDE + of.end) for of in regions]
        self._contigs = pa.array(list(number), pa.string())
        self._starts, ends = np.array(intervals, np.int64).reshape(-1, 2).T  # disjoint and rising
        self._last_ends = np.concatenate([[0], ends])
        self._looked_at = np.concatenate([[0], np.cumsum(ends - self._starts)])

    def positions(self, windows: pa.RecordBatch) -> npt.NDArray[np.int64]:
        """Positions looked at in each row of ``windows`` or ``depth``: int64 (rows,)."""
        contigs = np.asarray(pc.index_in(windows["contig"], self._contigs)).astype(np.int64) * _STRIDE
        starts, ends = windows["start"].to_numpy() - 1, windows["end"].to_numpy()
        return self._before(contigs + ends) - self._before(contigs + starts)

    def _before(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """How many positions were looked at before each place on the line."""
        begun = np.searchsorted(self._starts, places)
        return np.asarray(self._looked_at[begun] - np.maximum(0, self._last_ends[begun] - places))
