"""How htslib's pileup lets reads in: its depth limit, the reads that it ignores, and what it forgets from contig to contig."""

import numpy as np
import numpy.typing as npt

from colonnade.pileup import admission_kernels as kernels
from colonnade.records.batch import RecordBatch
from colonnade.records.filters import Flag
from colonnade.records.overlap import passed_records


class Admission:
    """htslib's depth limit, and which reads it ignores."""

    def __init__(self, max_depth: int, refused: npt.NDArray[np.int64]) -> None:
        self._max_depth = max_depth
        self._refused = refused
        self._front = -1
        self._ends = np.empty(0, np.int64)
        self._n_open = 0

    def admitted(self, batch: RecordBatch) -> RecordBatch:
        """The batch with the refused ones marked, without the ignored ones."""
        if self._max_depth:
            self._ends = np.concatenate([self._ends[: self._n_open], np.empty(len(batch), np.int64)])
        self._front, self._n_open = kernels.admit(
            batch.records, self._max_depth, self._front, self._ends, self._n_open, self._refused
        )
        return batch.without(batch.records["ordinal"] < 0)


class LeftOpen:
    """Reads of a file that are open where a contig ends: htslib lets the first read of the next contig in before it closes them.

    In doing so it forgets that read if it waits for a mate and an open one has its name (held by
    test_the_first_read_of_a_contig_is_forgotten_with_its_namesakes_on_the_one_before).
    """

    def __init__(self) -> None:
        self._open: list[npt.NDArray[np.void]] = []  # arrays of PASSED
        self._n_left = 0
        self._front = 0
        self._is_new = True

    def begin(self) -> None:
        """A contig begins."""
        self._is_new = True

    def pass_on(self, batch: RecordBatch) -> None:
        """Note the reads that are open after a batch, and mark the first of a contig if it will be forgotten."""
        if not len(batch):
            return
        if self._is_new:
            (first,) = passed_records(batch, np.arange(len(batch)) == 0)
            batch.records["alone"][0] = any(
                first["hash"] in part["hash"][part["end"] >= self._front] for part in self._open
            )
            self._open = []
            self._is_new = False
        front = self._front = int(batch.records["start"][-1])
        is_proper = batch.records["flag"] & Flag.PROPER_PAIR != 0
        self._open.append(passed_records(batch, is_proper & (batch.records["end"] >= front)))
        if sum(map(len, self._open)) > 2 * self._n_left:
            self._open = [part[part["end"] >= front] for part in self._open]
            self._n_left = sum(map(len, self._open))
