"""The BAI index: which BGZF chunks can hold records of a region, and where each 16 kb window begins."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import IndexMismatchError
from colonnade.formats import bai_kernels as kernels
from colonnade.formats.bgzf import Chunk, VirtualOffset

WINDOW_BITS: Final = 14
MAX_POSITION: Final = 1 << 29
_LEVELS: Final = ((0, 29), (1, 26), (9, 23), (73, 20), (585, 17), (4681, 14))  # first bin and bits of each level
_READ_THROUGH: Final = 1 << 16  # chunks closer than this in the file are read as one


class BaiIndex:
    """A whole BAI file as flat arrays.

    Parameters
    ----------
    path
        The ``.bai`` file.

    Raises
    ------
    IndexMismatchError
        The file is not a BAI index or is cut short.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        data = np.fromfile(self.path, np.uint8)
        if data[:4].tobytes() != b"BAI\x01" or data.size < 8:
            raise IndexMismatchError(
                "not a BAI index",
                path=path,
                found=repr(data[:4].tobytes()),
                expected=r"b'BAI\x01'",
                advice=_INDEX_AGAIN,
            )
        self.n_contigs = int(np.frombuffer(data[4:8], "<i4")[0])
        n_bins, n_chunks, n_windows, end = kernels.count_bai(data, self.n_contigs)
        if end < 0 or self.n_contigs < 0 or data.size - end not in (0, 8):
            raise IndexMismatchError("index is cut short or damaged", path=path, advice=_INDEX_AGAIN)
        self._bin_starts = np.zeros(self.n_contigs + 1, np.int64)
        self._window_starts = np.zeros(self.n_contigs + 1, np.int64)
        self._bins = np.empty(n_bins, np.int64)
        self._chunk_starts = np.zeros(n_bins + 1, np.int64)
        self._chunks = np.empty((n_chunks, 2), np.int64)
        self._windows = np.empty(n_windows, np.int64)
        kernels.fill_bai(
            data,
            self.n_contigs,
            self._bin_starts,
            self._window_starts,
            self._bins,
            self._chunk_starts,
            self._chunks,
            self._windows,
        )
        if not self._is_sound():
            raise IndexMismatchError("index is damaged", path=path, advice=_INDEX_AGAIN)
        #: Records without a position, at the end of the file; None where the index does not say.
        self.unplaced = None if data.size == end else int(np.frombuffer(data[end:], "<u8")[0])

    def chunks(self, contig: int, start: int, end: int) -> list[Chunk]:
        """The chunks that hold every record overlapping [start, end) of a contig (0-based), merged and in file order.

        Matches the chunks htslib's ``sam_itr_queryi`` reads, except that near neighbours are joined.
        """
        bins = slice(self._bin_starts[contig], self._bin_starts[contig + 1])
        numbers = self._bins[bins]
        last = min(end, MAX_POSITION) - 1
        wanted = np.zeros(numbers.size, bool)
        for first, bits in _LEVELS:
            wanted |= (numbers >= first + (start >> bits)) & (numbers <= first + (last >> bits))
        smallest = self._first_offset(contig, start)
        found = [
            self._chunks[self._chunk_starts[b] : self._chunk_starts[b + 1]] for b in np.flatnonzero(wanted) + bins.start
        ]
        merged: list[Chunk] = []
        for packed_start, packed_end in sorted(map(tuple, np.concatenate(found).tolist())) if found else []:
            if packed_end <= smallest or packed_end <= packed_start:
                continue
            chunk = Chunk(VirtualOffset.unpack(max(packed_start, smallest)), VirtualOffset.unpack(packed_end))
            if merged and chunk.start.block <= merged[-1].end.block + _READ_THROUGH:
                merged[-1] = Chunk(merged[-1].start, max(merged[-1].end, chunk.end))
            else:
                merged.append(chunk)
        return merged

    def window_offsets(self, contig: int) -> npt.NDArray[np.int64]:
        """File offset of the first block with a record that overlaps each 16 kb window, and last the end of the contig's.

        Windows that nothing overlaps take the offset of the window before, so the array never falls; it has no entry
        for windows after the last record, and one entry only for a contig without records.
        """
        windows = self._windows[self._window_starts[contig] : self._window_starts[contig + 1]] >> 16
        return np.maximum.accumulate(np.append(windows, self._last_offset(contig, contig + 1) >> 16))

    def last_offset(self) -> VirtualOffset | None:
        """Where the last indexed record ends; None for an index without records."""
        packed = self._last_offset(0, self.n_contigs)
        return VirtualOffset.unpack(packed) if packed else None

    def gaps(self, start: VirtualOffset) -> Iterator[Chunk]:
        """What no chunk covers between an offset, where records begin, and the last indexed record.

        Since every placed record is in a chunk, there must be nothing in these gaps.
        """
        starts, ends = self._chunks[self._is_placed()].T
        order = np.argsort(starts)
        reached = np.maximum.accumulate(np.append(start.block << 16 | start.within, ends[order]))[:-1]
        for end, next_start in zip(
            reached[starts[order] > reached], starts[order][starts[order] > reached], strict=True
        ):
            yield Chunk(VirtualOffset.unpack(end), VirtualOffset.unpack(next_start))

    def _is_placed(self) -> npt.NDArray[np.bool_]:
        """Which chunks are of records, not facts about a contig."""
        numbers: npt.NDArray[np.int64] = np.repeat(self._bins, np.diff(self._chunk_starts))
        is_placed: npt.NDArray[np.bool_] = numbers != kernels.METADATA_BIN
        return is_placed

    def _is_sound(self) -> bool:
        """Whether all holds that the order of records implies: nothing else guards an index against flipped bits."""
        if ((self._bins < 0) | (self._bins > kernels.METADATA_BIN)).any():
            return False
        contigs = np.repeat(np.arange(self.n_contigs), np.diff(self._bin_starts))
        by_number = np.lexsort((self._bins, contigs))
        if ((np.diff(contigs[by_number]) == 0) & (np.diff(self._bins[by_number]) == 0)).any():
            return False
        chosen = self._is_placed()
        starts, ends = self._chunks[chosen].T
        if (starts < 0).any() or (ends < starts).any():
            return False

        # Each bin reaches over 2^bits positions; no chunk comes after one of a bin that begins behind the end of its own.
        level_firsts, level_bits = np.array(_LEVELS).T
        levels = np.searchsorted(level_firsts, self._bins, side="right") - 1
        bin_firsts = self._bins - level_firsts[levels] << level_bits[levels]
        bin_of_chunk = np.repeat(np.arange(self._bins.size), np.diff(self._chunk_starts))[chosen]
        contig_of_chunk, firsts = contigs[bin_of_chunk], bin_firsts[bin_of_chunk]
        lasts = firsts + (1 << level_bits[levels][bin_of_chunk]) - 1
        order = np.argsort(starts, kind="stable")
        along = contig_of_chunk * MAX_POSITION
        if (np.maximum.accumulate((along + firsts)[order]) > (along + lasts)[order]).any():
            return False

        limits = np.searchsorted(contig_of_chunk, np.arange(self.n_contigs + 1))
        return all(
            _windows_fit(
                self._windows[self._window_starts[contig] : self._window_starts[contig + 1]],
                *(part[limits[contig] : limits[contig + 1]] for part in (starts, ends, firsts, lasts)),
            )
            for contig in np.flatnonzero(np.diff(self._window_starts))
        )

    def _last_offset(self, first_contig: int, end_contig: int) -> int:
        bins = slice(self._bin_starts[first_contig], self._bin_starts[end_contig])
        starts = self._chunk_starts[bins.start : bins.stop + 1]
        placed = np.repeat(self._bins[bins], np.diff(starts)) != kernels.METADATA_BIN
        return int(self._chunks[starts[0] : starts[-1], 1][placed].max(initial=0))

    def _first_offset(self, contig: int, position: int) -> int:
        windows = self._windows[self._window_starts[contig] : self._window_starts[contig + 1]]
        if not windows.size:
            return 0
        return int(windows[: (position >> WINDOW_BITS) + 1].max())


def _windows_fit(
    windows: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    firsts: npt.NDArray[np.int64],
    lasts: npt.NDArray[np.int64],
) -> bool:
    """Whether the offsets of a contig's windows rise, and each is in a chunk of a bin that overlaps its window.

    Windows that nothing overlaps have the offset of a neighbour, or 0 at the start.
    """
    known = np.flatnonzero(windows)
    offsets = windows[known]
    if (np.diff(offsets) < 0).any() or (offsets < 0).any():
        return False
    if not offsets.size:
        return True
    # Marks the windows whose offset is in a chunk, and which its bin overlaps, by where such stretches begin and end.
    first = np.maximum(np.searchsorted(offsets, starts), np.searchsorted(known, firsts >> WINDOW_BITS))
    end = np.minimum(np.searchsorted(offsets, ends), np.searchsorted(known, (lasts >> WINDOW_BITS) + 1))
    steps = np.zeros(known.size + 1, np.int64)
    np.add.at(steps, first[first < end], 1)
    np.add.at(steps, end[first < end], -1)
    is_found = np.cumsum(steps[:-1]) > 0
    run_starts = np.flatnonzero(np.diff(offsets, prepend=-1))
    return bool(np.logical_or.reduceat(is_found, run_starts).all())


_INDEX_AGAIN: Final = "index the BAM again with: samtools index"
