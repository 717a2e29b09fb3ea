"""How well a plan's estimates hold: against the sizes that the blocks themselves give."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from colonnade.formats.alignments import AlignmentFile
from colonnade.plan.inflation import blocks_of, window_shift
from colonnade.plan.ranges import Range

_BYTES_AT_ONCE: Final = 1 << 22


def true_bytes(planned: Range, files: Sequence[AlignmentFile]) -> tuple[int, ...]:
    """Uncompressed bytes between the virtual offsets of a range's chunks in each file, from the headers of all their blocks.

    Raises
    ------
    FormatError
        A chunk is not where the index says, or a file is damaged.
    """
    return tuple(
        sum(piece.wanted.stop - piece.wanted.start for piece in blocks_of(file).pieces(chunks, size=_BYTES_AT_ONCE))
        if chunks
        else 0
        for file, chunks in zip(files, planned.chunks, strict=True)
    )


class Accuracy:
    """Estimated against true bytes of all ranges and files; as text, one line.

    Parameters
    ----------
    files, target
        What was planned, and for how many bytes of each file.

    Attributes
    ----------
    n_ranges, n_windows
        How many ranges there are, and how many of them are a single window, which no index can split.
    n_over, n_windows_over
        How many truly hold more than twice the target in some file: ranges of several windows, and single windows.
    """

    def __init__(self, files: Sequence[AlignmentFile], *, target: int) -> None:
        self.n_ranges = self.n_windows = self.n_over = self.n_windows_over = 0
        self._shift = window_shift(files)
        self._target = target
        self._errors: list[float] = []

    def add(self, planned: Range, true: Sequence[int]) -> None:
        """Count one range, with its true bytes in each file."""
        first, last = planned.region.start, planned.region.end - 1
        is_window = first >> self._shift == last >> self._shift
        is_over = max(true) > 2 * self._target
        self.n_ranges += 1
        self.n_windows += is_window
        self.n_over += is_over and not is_window
        self.n_windows_over += is_over and is_window
        self._errors += [
            abs(estimated - expected) / expected
            for estimated, expected in zip(planned.bytes, true, strict=True)
            if expected
        ]

    @property
    def median_error(self) -> float:
        """Of |estimated - true| / true, over all ranges and files that hold any bytes; 0 where none does."""
        return float(np.median(self._errors)) if self._errors else 0.0

    @property
    def largest_error(self) -> float:
        """The largest of them."""
        return max(self._errors, default=0.0)

    def __str__(self) -> str:
        return (
            f"{self.n_ranges} ranges; relative error of the estimates: median {self.median_error:.1%}, largest "
            f"{self.largest_error:.1%}; more than twice the target: {self.n_over} ranges of several windows, and "
            f"{self.n_windows_over} of {self.n_windows} single windows"
        )
