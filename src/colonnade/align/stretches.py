"""Stretches of the output: where its blocks end, so that whoever makes records deflates them, however batches are cut.

A stretch is what is written of so many reads of the input. A large one is deflated by itself: blocks begin and end with it. Small
ones that follow each other share their blocks, as far as the next large one.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from colonnade.formats.bgzf_writer import BLOCK_CONTENT, BgzfWriter, deflate_blocks

#: Reads of a stretch, counted from the first of the run, whether they are written or not. Most batches are cut at multiples of it;
#: others have few reads at their ends that somebody else deflates. As its last block is short, files are 0.1 to 0.3 % larger.
READS: Final = 2048
#: Bytes of records in a large stretch. Where few reads are written, blocks of small ones would make the file larger.
LEAST: Final = 4 * BLOCK_CONTENT


class Pieces(NamedTuple):
    """What a batch has of each stretch that it has part of.

    Attributes
    ----------
    data
        The pieces, one behind the other.
    sizes
        Bytes of each. The first goes on with a stretch, the others begin one, and all but the last end it. Where the number is
        negative, these are the blocks of a whole stretch; else records as they are.
    """

    data: pa.Buffer
    sizes: tuple[int, ...]

    def split(self) -> Iterator[tuple[memoryview, bool]]:
        """Each piece, and whether it is deflated."""
        rest = memoryview(self.data)
        for size in self.sizes:
            yield rest[: abs(size)], size < 0
            rest = rest[abs(size) :]


def undivided(data: npt.NDArray[np.uint8]) -> Pieces:
    """Records that are not to be deflated."""
    return Pieces(pa.py_buffer(data), (data.size,))


def deflated(data: npt.NDArray[np.uint8], bounds: npt.NDArray[np.int64], start: int) -> Pieces:
    """Deflate what is whole and large among the stretches of a batch.

    Parameters
    ----------
    data
        Records.
    bounds
        Int64 (reads + 1,): where that of each read begins, and ends; a read that is not written has no bytes.
    start
        How many reads of the input there are before these.
    """
    view = memoryview(data.data)
    cuts = [0, *bounds[-start % READS :: READS].tolist(), len(view)]
    pieces = [view[begin:end] for begin, end in pairwise(cuts)]
    sizes = [len(piece) for piece in pieces]
    for number in range(1, len(pieces) - 1):
        if sizes[number] >= LEAST:
            pieces[number] = memoryview(deflate_blocks(pieces[number]))
            sizes[number] = -len(pieces[number])
    return Pieces(pa.py_buffer(b"".join(pieces)), tuple(sizes))


class StretchWriter:
    """Writes the pieces of one batch after the other; the bytes do not depend on how batches are cut.

    Parameters
    ----------
    stream
        What they are written to.
    """

    def __init__(self, stream: BgzfWriter) -> None:
        self._stream = stream
        self._begun = bytearray()  # of a stretch that is not large so far
        self._is_large = False

    def write(self, pieces: Pieces) -> None:
        """Write the pieces of a batch, or keep what may be the begin of a large stretch."""
        for number, (piece, is_deflated) in enumerate(pieces.split()):
            if number:
                self.end_stretch()
            if is_deflated:
                self._stream.append(piece)
            else:
                self._go_on(piece)

    def end_stretch(self) -> None:
        """Write what is left of a stretch; called at the end of all."""
        self._stream.write(self._begun)
        self._begun.clear()
        if self._is_large:
            self._stream.end_block()
        self._is_large = False

    def _go_on(self, piece: memoryview) -> None:
        self._begun += piece
        if len(self._begun) >= LEAST and not self._is_large:
            self._stream.end_block()
            self._is_large = True
        if self._is_large:
            self._stream.write(self._begun)
            self._begun.clear()
