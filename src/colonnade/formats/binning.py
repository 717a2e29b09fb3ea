"""Binning geometry of BAI and CSI: which bin a region belongs to, and which bins can hold what overlaps it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.formats import binning_kernels as kernels

MAX_DEPTH: Final = 9  # with one level more, htslib's bin numbers overflow 32 bits
_MAX_BITS: Final = 62  # so that the end of the last bin fits int64


@dataclass(frozen=True)
class Geometry:
    """Sizes and numbers of bins (SAM specification, section 5.3; CSIv1); positions are 0-based, regions half-open.

    Parameters
    ----------
    min_shift
        The smallest bins, those of level ``depth``, reach over ``2**min_shift`` positions.
    depth
        Levels below the root; each bin has eight children.

    Raises
    ------
    ValueError
        There is no such geometry.

    Examples
    --------
    >>> BAI.n_bins, BAI.metadata_bin, BAI.max_position
    (37449, 37450, 536870912)
    >>> BAI.reg2bin(16_000, 17_000), BAI.interval(585)
    (585, (0, 131072))
    >>> BAI.reg2bins(16_000, 17_000).tolist()
    [0, 1, 9, 73, 585, 4681, 4682]
    """

    min_shift: int
    depth: int

    def __post_init__(self) -> None:
        if not (0 <= self.depth <= MAX_DEPTH and 0 <= self.min_shift <= _MAX_BITS - 3 * self.depth):
            raise ValueError(f"no binning has min_shift {self.min_shift} and depth {self.depth}")

    @property
    def n_bins(self) -> int:
        """How many bins there are, those of all levels together."""
        return int(kernels.first_bin(self.depth + 1))

    @property
    def metadata_bin(self) -> int:
        """Number under which an index keeps counts of records instead of chunks; no bin has it."""
        return self.n_bins + 1

    @property
    def max_position(self) -> int:
        """The end of the last bin: no index of this geometry knows positions from here on."""
        return 1 << (self.min_shift + 3 * self.depth)

    def first_bin(self, level: int) -> int:
        """Number of the first bin of a level."""
        return int(kernels.first_bin(level))

    def level(self, number: int) -> int:
        """Level of a bin: 0 for the root, ``depth`` for the smallest."""
        return int(kernels.level_of(number))

    def parent(self, number: int) -> int:
        """The bin one level up that holds this one; -1 for the root."""
        return int(kernels.parent(number))

    def interval(self, number: int) -> tuple[int, int]:
        """First position of a bin, and the one after its last."""
        start, end = kernels.bin_interval(number, self.min_shift, self.depth)
        return int(start), int(end)

    def reg2bin(self, start: int, end: int) -> int:
        """The smallest bin that holds [start, end) wholly.

        Raises
        ------
        ValueError
            The region is empty, or not between 0 and ``max_position``.
        """
        if not 0 <= start < end <= self.max_position:
            raise ValueError(f"[{start}, {end}) is in no bin")
        return int(kernels.reg2bin(start, end, self.min_shift, self.depth))

    def reg2bins(self, start: int, end: int) -> npt.NDArray[np.int64]:
        """Ascending numbers of all bins that can hold a record overlapping [start, end), which is clipped first."""
        start, end = max(start, 0), min(end, self.max_position)
        if start >= end:
            return np.empty(0, np.int64)
        levels = range(self.depth + 1)
        return np.concatenate(
            [np.arange(*kernels.bin_range(level, start, end, self.min_shift, self.depth)) for level in levels]
        )


BAI: Final = Geometry(14, 5)
