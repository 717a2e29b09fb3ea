"""Overlapping mates, resolved so that no template counts twice at a position."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.records import overlap_kernels as kernels
from colonnade.records.batch import NO_MORE, RecordBatch
from colonnade.records.batch_kernels import DROPPED

_PASSED: Final = np.dtype([("hash", np.uint64), ("end", np.int64), ("file", np.uint16)], align=True)


def resolve_overlaps(
    batches: Iterable[RecordBatch], *, as_htslib: bool = False, lost: int = DROPPED
) -> Iterator[RecordBatch]:
    """Leave each template one base per position where two mates overlap, whatever batches the mates are in.

    The better base (or, where both agree, that of the mate which the name's hash chooses) keeps a changed quality; the other's is
    ``lost``. Mates of which one has no sequence are left alone. Mates are looked for in the same file.

    Parameters
    ----------
    batches
        Of one stream, in coordinate order; changed in place. Reads without qualities have been given some.
    as_htslib
        Records flagged as a proper pair, whichever two of a name meet first, as htslib: with a third record of the name, what
        comes of a position may depend on records that are not there. Else primary records, proper or not: a name has
        two of them, so it depends on those two alone, wherever regions are cut.
    lost
        Quality of a base that counts no more: ``DROPPED``, which no other base has, or 0 as htslib.

    Yields
    ------
    RecordBatch
        All records, once, in batches of any number. A record whose mate may still come is held back, until the mate has come or
        htslib would have forgotten it, so order holds only within a batch; ``complete`` says below which position no more come.
    """
    held = _Held.none()
    fronts = np.full(1, -1, np.int64)
    gathered: list[RecordBatch] = []
    for batch in batches:
        # What is held is copied every time, so new records wait until there are enough to be worth it.
        gathered.append(batch)
        del batch
        n_new = sum(len(part.data) for part in gathered)
        if 4 * n_new < len(held.waiting.data) and gathered[-1].complete != NO_MORE:
            continue
        batch = _gathered(gathered)
        gathered = []
        n_files = int(batch.records["file"].max(initial=0)) + 1
        fronts = np.pad(fronts, (0, max(0, n_files - fronts.size)), constant_values=-1)
        held, released = held.resolve(batch, fronts, as_htslib=as_htslib, lost=lost)
        del batch
        while released:  # nothing of a batch stays here while the next one is read
            yield released.pop(0)
    for rest in (held.waiting.ordered(), *gathered):
        if len(rest):
            yield rest


def _gathered(batches: list[RecordBatch]) -> RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return replace(RecordBatch.concatenated(batches), complete=batches[-1].complete)


def passed_records(batch: RecordBatch, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.void]:
    """Hash of the name, end and file of some records."""
    passed = np.empty(np.count_nonzero(chosen), _PASSED)
    kernels.note_passed(batch.data, batch.records, np.where(chosen, kernels.ENTERED, kernels.OUTSIDE), passed, 0)
    return passed


@dataclass(frozen=True)
class _Held:
    """What of earlier batches matters to the next one.

    Parameters
    ----------
    waiting, expiry
        Records that wait for their mates, and until where.
    passed
        Array of ``_PASSED``: other records that the pileup has not left behind. A third record of a name is treated by where
        the first two end.
    """

    waiting: RecordBatch
    expiry: npt.NDArray[np.int64]
    passed: npt.NDArray[np.void]

    @classmethod
    def none(cls) -> "_Held":
        return cls(RecordBatch.empty(), np.empty(0, np.int64), np.empty(0, _PASSED))

    def resolve(
        self, batch: RecordBatch, fronts: npt.NDArray[np.int64], *, as_htslib: bool, lost: int
    ) -> tuple["_Held", list[RecordBatch]]:
        """Resolve a batch; returns what is held after it, and the batches of what is not any more."""
        n_held, first = len(self.waiting), len(self.waiting) + len(self.passed)
        n = first + len(batch)
        heads = np.full(1 << max(4, (2 * n).bit_length()), -1, np.int32)
        earlier, states = np.full(n, -1, np.int32), np.full(n, kernels.OUTSIDE, np.uint8)
        hashes, expiry = np.empty(n, np.uint32), np.empty(n, np.int64)
        kernels.resolve_overlaps(
            self.waiting.data, self.waiting.records, self.expiry, self.passed,
            batch.data, batch.records, as_htslib, lost, fronts, heads, earlier, states, hashes, expiry,
        )  # fmt: skip
        if batch.complete == NO_MORE:
            return _Held.none(), [part for part in (self.waiting.ordered(), batch) if len(part)]
        still, begins = states[:n_held] == kernels.WAITING, states[first:] == kernels.WAITING
        held = _Held(
            RecordBatch.concatenated([self.waiting.taken(still), batch.taken(begins)]),
            np.concatenate([expiry[:n_held][still], expiry[first:][begins]]),
            self._passed(batch, states),
        )
        complete = int(held.waiting.records["start"].min(initial=batch.complete))
        released = [self.waiting.ordered(~still), replace(batch.without(begins), complete=complete)]
        return held, [part for part in released if len(part)]

    def _passed(self, batch: RecordBatch, states: npt.NDArray[np.uint8]) -> npt.NDArray[np.void]:
        n_held, first = len(self.waiting), len(self.waiting) + len(self.passed)
        kept = self.passed[states[n_held:first] == kernels.ENTERED]
        n_new = np.count_nonzero(states[:n_held] == kernels.ENTERED) + np.count_nonzero(
            states[first:] == kernels.ENTERED
        )
        passed = np.concatenate([kept, np.empty(n_new, _PASSED)])
        filled = kernels.note_passed(self.waiting.data, self.waiting.records, states[:n_held], passed, len(kept))
        kernels.note_passed(batch.data, batch.records, states[first:], passed, filled)
        return passed
