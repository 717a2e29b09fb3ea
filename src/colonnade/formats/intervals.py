"""The set of disjoint stretches of a BGZF file that some chunks cover, and how many bytes that is."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from colonnade.formats import intervals_kernels as kernels
from colonnade.formats.bgzf import Chunk, VirtualOffset

_FIRST_CAPACITY: Final = 16


class IntervalSet:
    """Disjoint chunks in file order, no two in the same block; whatever meets is merged, in whatever order it comes.

    Parameters
    ----------
    chunks
        What to begin with.

    Attributes
    ----------
    compressed
        Sum of ``end.block - start.block`` over the chunks, in bytes of the file.
    within
        Sum of ``end.within - start.within``, in inflated bytes; may be negative.

    Examples
    --------
    >>> some = IntervalSet([Chunk(VirtualOffset(0, 100), VirtualOffset(500, 20))])
    >>> some.add(Chunk(VirtualOffset(500, 80), VirtualOffset(900, 0)))
    >>> list(some)
    [Chunk(start=VirtualOffset(block=0, within=100), end=VirtualOffset(block=900, within=0))]
    >>> some.estimated_bytes(4.0)
    3500.0
    """

    def __init__(self, chunks: Iterable[Chunk] = ()) -> None:
        self.compressed = 0
        self.within = 0
        self._count = 0
        self._intervals = np.empty((_FIRST_CAPACITY, 2), np.int64)
        for chunk in chunks:
            self.add(chunk)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Chunk]:
        for start, end in self._intervals[: self._count].tolist():
            yield Chunk(VirtualOffset.unpack(start), VirtualOffset.unpack(end))

    def add(self, chunk: Chunk) -> None:
        """Cover a chunk as well; one inside a kept one, or an empty one, changes nothing.

        Raises
        ------
        ValueError
            The chunk ends before it starts.
        """
        if chunk.end < chunk.start:
            raise ValueError(f"{chunk} ends before it starts")
        if self._count == len(self._intervals):
            self._intervals = np.concatenate((self._intervals, np.empty_like(self._intervals)))
        start, end = (offset.block << kernels.BLOCK_BITS | offset.within for offset in chunk)
        count, compressed, within = kernels.insert(self._intervals, self._count, start, end)
        self._count = int(count)
        self.compressed += int(compressed)
        self.within += int(within)

    def estimated_bytes(self, ratio: float) -> float:
        """Inflated bytes of all chunks, where each compressed byte inflates to ``ratio``."""
        return self.compressed * ratio + self.within
