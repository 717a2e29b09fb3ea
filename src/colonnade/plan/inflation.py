"""How many uncompressed bytes of a BAM file one compressed byte stands for."""

from collections.abc import Sequence
from typing import Final, cast

import numpy as np

from colonnade.errors import FormatError
from colonnade.formats.alignments import AlignmentFile
from colonnade.formats.bam import BamFile
from colonnade.formats.bgzf import BgzfFile, Chunk, VirtualOffset
from colonnade.formats.bgzf_kernels import TRAILER_SIZE
from colonnade.formats.binning import BAI
from colonnade.formats.index import BinningIndex
from colonnade.formats.intervals_kernels import BLOCK_BITS

USUAL_RATIO: Final = 4.0  # of a BAM file that cannot be measured
PLACES: Final = 8
SAMPLED_BYTES: Final = 1 << 22  # inflated, in all places together: about a megabyte is read


def blocks_of(file: AlignmentFile) -> BgzfFile:
    """The blocks of a file that has an index: only BAM has both, be it a temporary one."""
    return cast(BamFile, file).blocks


def window_shift(files: Sequence[AlignmentFile]) -> int:
    """Ranges end at multiples of two to the power of this: the largest of the files' windows."""
    return max((file.index.geometry.min_shift for file in files if file.index is not None), default=BAI.min_shift)


def inflation_ratio(file: AlignmentFile) -> float:
    """Uncompressed over compressed bytes, from the headers of some blocks with records; nothing is inflated.

    The blocks follow on starts of chunks at eight places that are spread evenly over the bytes of the file, so the ratio
    depends on the file alone. It is 4 where no block can be read: no chunks, or an index that does not fit the file.
    """
    if file.index is None or not len(file.index.chunk_array):
        return USUAL_RATIO
    compressed = inflated = 0
    starts, end = _places(file.index)
    for start in starts:
        try:
            piece = next(blocks_of(file).pieces([Chunk(start, end)], size=SAMPLED_BYTES // len(starts)))
        except (FormatError, StopIteration):  # tells nothing; whoever reads the file will say what is wrong
            continue
        first, last = piece.blocks[0], piece.blocks[-1]
        compressed += int(last[1] + last[2] + TRAILER_SIZE - first[0])
        inflated += piece.size
    return inflated / compressed if inflated else USUAL_RATIO


def _places(index: BinningIndex) -> tuple[list[VirtualOffset], VirtualOffset]:
    """Starts of chunks, at most eight, nearest before evenly spaced places; and the end of the last chunk."""
    starts = np.sort(index.chunk_array[:, 0])
    end = int(index.chunk_array[:, 1].max())
    wanted = np.linspace(starts[0] >> BLOCK_BITS, end >> BLOCK_BITS, PLACES, endpoint=False)
    chosen = np.unique(starts[np.searchsorted(starts >> BLOCK_BITS, wanted, side="right") - 1])
    return [VirtualOffset.unpack(start) for start in chosen.tolist()], VirtualOffset.unpack(end)
