"""BAI and CSI behind one interface: which BGZF chunks can hold records of a region."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import FormatError, IndexMismatchError
from colonnade.formats import binning
from colonnade.formats import index_kernels as kernels
from colonnade.formats.bgzf import BgzfFile, Chunk, VirtualOffset
from colonnade.formats.binning import Geometry
from colonnade.formats.index_checks_kernels import bins_reach_windows, is_sound

MOST_LANDMARKS: Final = 200
_BAI: Final = b"BAI\x01"
_CSI: Final = b"CSI\x01"
_GZIP: Final = b"\x1f\x8b"
_MOST_INFLATION: Final = 1032  # of deflate: a copy of 258 bytes takes 2 bits at least
_ADVICE: Final = "index the BAM again with: samtools index"

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BinningIndex:
    """A whole BAI or CSI index as flat arrays; virtual offsets are packed (file offset of the block << 16 | within).

    Parameters
    ----------
    path
        The file, for messages.
    geometry
        Sizes of the bins: those of BAI, or what the CSI says.
    n_contigs
        Contigs of the BAM file.
    unplaced
        Records without a position, at the end of the BAM; None where the index does not say.
    bin_starts
        int64 (contigs + 1): where a contig's bins are in ``bins`` and ``loffs``.
    bins
        int64: numbers of the bins, ascending within a contig; the metadata bins are left out.
    loffs
        int64, of each bin: offset of the first record that overlaps it (``loff`` of CSI), or 0. For BAI, that of its
        first window, as htslib's ``update_loff`` has it.
    chunk_starts
        int64 (bins + 1): where a bin's chunks are in ``chunk_array``.
    chunk_array
        int64 (chunks, 2): start and end of each chunk; within a bin, and from bin to bin of a level, in file order.
    window_starts
        int64 (contigs + 1): where a contig's linear index is in ``windows``.
    windows
        int64, of each 16 kb window: offset of the first record that overlaps it, or of the window before if there is
        none; 0 if there is none before either. Empty for CSI.
    unmapped
        int64 (contigs,): unmapped records that have a position; -1 where the index does not say.
    """

    path: str
    geometry: Geometry
    n_contigs: int
    unplaced: int | None
    bin_starts: Int64Array
    bins: Int64Array
    loffs: Int64Array
    chunk_starts: Int64Array
    chunk_array: Int64Array
    window_starts: Int64Array
    windows: Int64Array
    unmapped: Int64Array

    @classmethod
    def read(cls, path: str | Path) -> "BinningIndex":
        """Read a BAI or CSI file, compressed or not.

        The checksums of a compressed CSI find any damage, and what a BAI says twice most of what could hide records; for the
        rest, ``landmarks`` are to be checked with the file. An uncompressed CSI, which no tool is known to write, has neither.

        Raises
        ------
        IndexMismatchError
            The file is neither, is cut short, or says what cannot be true of sorted records.
        """
        data = _content(path)
        magic = data[:4].tobytes()
        if magic not in (_BAI, _CSI):
            raise _not_an_index(path, found=repr(magic))
        try:
            geometry, n_contigs, start = _parse_start(data)
        except (struct.error, ValueError):
            raise _damaged(path, "index is cut short or damaged") from None
        is_csi = magic == _CSI
        least = 4 if is_csi else 8  # bytes of a contig without records
        n_bins = n_chunks = n_windows = 0
        end = -1
        if 0 <= n_contigs <= (data.size - start) // least:
            n_bins, n_chunks, n_windows, end = kernels.count_index(data, start, n_contigs, is_csi, geometry.n_bins)
        if end < 0 or data.size - end not in (0, 8):
            raise _damaged(path, "index is cut short or damaged")
        index = cls(
            path=str(path),
            geometry=geometry,
            n_contigs=n_contigs,
            unplaced=None if data.size == end else int.from_bytes(data[end:].tobytes(), "little"),
            bin_starts=np.zeros(n_contigs + 1, np.int64),
            bins=np.empty(n_bins, np.int64),
            loffs=np.empty(n_bins, np.int64),
            chunk_starts=np.zeros(n_bins + 1, np.int64),
            chunk_array=np.empty((n_chunks, 2), np.int64),
            window_starts=np.zeros(n_contigs + 1, np.int64),
            windows=np.empty(n_windows, np.int64),
            unmapped=np.empty(n_contigs, np.int64),
        )
        # What the order of records implies must hold: nothing else guards an index against flipped bits.
        if not index._fill(data, start, is_csi=is_csi) or not is_sound(index._arrays):
            raise _damaged(path, "index is damaged")
        return index

    def chunks(self, contig: int, start: int, end: int) -> list[Chunk]:
        """The chunks that hold every record overlapping [start, end) of a contig (0-based), disjoint and in file order.

        They are those of all bins that overlap the region, without what lies before ``min_offset(contig, start)`` or from
        ``max_offset(contig, end)`` on; what shares a block is one chunk.
        """
        start, end = max(start, 0), min(end, self.geometry.max_position)
        if start >= end:
            return []
        smallest, largest = self.min_offset(contig, start), self.max_offset(contig, end)
        found = kernels.find_chunks(contig, start, end, smallest, largest, self._arrays)
        return [Chunk(VirtualOffset.unpack(first), VirtualOffset.unpack(last)) for first, last in found.tolist()]

    def min_offset(self, contig: int, position: int) -> int:
        """Packed offset that no record comes before which overlaps a position or starts behind it.

        From one position to the next it may fall, where the walk from bin to bin ends at a larger one; the greatest so far
        holds as well. A position behind the last bin counts as its last.
        """
        return int(kernels.min_offset(contig, position, self._arrays))

    def max_offset(self, contig: int, end: int) -> int:
        """Packed offset that no record overlapping a position before ``end`` comes after; 2**63 - 1 if there is none."""
        return int(kernels.max_offset(contig, end, self._arrays))

    def landmarks(self) -> Iterator[tuple[int, tuple[int, int], VirtualOffset]]:
        """Contig and interval of some bins, and where the first record of each is, for a reader to check.

        Nothing else says whether bins are as large as the index has it, their numbers right, and contigs in their places. They
        are those whose neighbours tell least: of each contig the last bin in the file, and that with the largest number, and
        bins behind a linear index. If there are more than ``MOST_LANDMARKS``, as many of them, the last among them.
        """
        with_chunks = np.flatnonzero(np.diff(self.chunk_starts))
        contigs = np.searchsorted(self.bin_starts, with_chunks, side="right") - 1
        first_records = self.chunk_array[self.chunk_starts[with_chunks], 0]
        by_place = np.lexsort((first_records, contigs))
        is_last = np.diff(contigs, append=-1) != 0
        begins = kernels.bin_begins(self.bins[with_chunks], self.geometry.min_shift, self.geometry.depth)
        n_windows = np.diff(self.window_starts)[contigs]
        is_behind = (n_windows > 0) & (begins >= n_windows << self.geometry.min_shift)
        chosen = np.union1d(by_place[is_last], np.flatnonzero(is_last | is_behind))
        steps = np.linspace(0, len(chosen) - 1, min(len(chosen), MOST_LANDMARKS)).astype(np.int64)
        for i in chosen[steps].tolist():
            interval = self.geometry.interval(int(self.bins[with_chunks[i]]))
            yield int(contigs[i]), interval, VirtualOffset.unpack(int(first_records[i]))

    def ends(self) -> Int64Array:
        """int64 (contigs,): a position that each contig must be longer than, for its last bin to begin within; -1 without bins."""
        begins = kernels.bin_begins(self.bins, self.geometry.min_shift, self.geometry.depth)
        ends = np.full(self.n_contigs, -1, np.int64)
        np.maximum.at(ends, np.repeat(np.arange(self.n_contigs), np.diff(self.bin_starts)), begins)
        return ends

    def last_offset(self) -> VirtualOffset | None:
        """Where the last indexed record ends; None for an index without records."""
        packed = int(self.chunk_array[:, 1].max(initial=0))
        return VirtualOffset.unpack(packed) if packed else None

    def gaps(self, start: VirtualOffset) -> Iterator[Chunk]:
        """What no chunk covers between an offset, where records begin, and the last indexed record.

        Since every placed record is in a chunk, there must be nothing in these gaps.
        """
        starts, ends = self.chunk_array.T
        order = np.argsort(starts)
        reached = np.maximum.accumulate(np.append(start.block << 16 | start.within, ends[order]))[:-1]
        is_gap = starts[order] > reached
        for end, next_start in zip(reached[is_gap].tolist(), starts[order][is_gap].tolist(), strict=True):
            yield Chunk(VirtualOffset.unpack(end), VirtualOffset.unpack(next_start))

    def _fill(self, data: npt.NDArray[np.uint8], start: int, *, is_csi: bool) -> bool:
        """Fill all arrays from the content of a file that has been counted; False if they cannot be of records."""
        is_filled = kernels.fill_index(
            data,
            start,
            is_csi,
            self.geometry.n_bins,
            self.bin_starts,
            self.bins,
            self.loffs,
            self.chunk_starts,
            self.chunk_array,
            self.window_starts,
            self.windows,
            self.unmapped,
        )
        if not is_filled or is_csi:
            return bool(is_filled)
        linear = self.window_starts, self.windows, self.geometry.min_shift, self.geometry.depth
        if not bins_reach_windows(self.bin_starts, self.bins, *linear):
            return False
        kernels.complete_linear_index(self.bin_starts, self.bins, self.loffs, *linear)
        return True

    @cached_property
    def _arrays(self) -> kernels.Index:
        """All that kernels need."""
        return kernels.Index(
            self.bin_starts,
            self.bins,
            self.loffs,
            self.chunk_starts,
            self.chunk_array,
            self.window_starts,
            self.windows,
            self.unmapped,
            self.geometry.min_shift,
            self.geometry.depth,
        )


def _content(path: str | Path) -> npt.NDArray[np.uint8]:
    """The bytes of an index file, inflated where it is compressed: CSI usually is, but htslib does not insist."""
    with open(path, "rb") as file:
        if file.read(2) != _GZIP:
            file.seek(0)
            return np.frombuffer(file.read(), np.uint8)
    try:
        with BgzfFile(path) as blocks:
            return np.frombuffer(blocks.take(VirtualOffset(0, 0), blocks.size * _MOST_INFLATION)[0], np.uint8)
    except FormatError as error:
        raise _damaged(path, f"index is cut short or damaged ({error.message})") from None


def _parse_start(data: npt.NDArray[np.uint8]) -> tuple[Geometry, int, int]:
    """Geometry, number of contigs, and where they begin; struct.error or ValueError if there is no such thing."""
    if data[:4].tobytes() == _BAI:
        return binning.BAI, *struct.unpack_from("<i", data.data, 4), 8
    min_shift, depth, n_auxiliary = struct.unpack_from("<iiI", data.data, 4)
    start = 16 + n_auxiliary
    return Geometry(min_shift, depth), *struct.unpack_from("<i", data.data, start), start + 4


def _not_an_index(path: str | Path, *, found: str) -> IndexMismatchError:
    return IndexMismatchError(
        "not a BAI or CSI index", path=path, found=found, expected=rf"{_BAI!r} or {_CSI!r}", advice=_ADVICE
    )


def _damaged(path: str | Path, message: str) -> IndexMismatchError:
    return IndexMismatchError(message, path=path, advice=_ADVICE)
