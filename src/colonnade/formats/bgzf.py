"""BGZF: blocks of at most 64 KiB, each a gzip member, addressed by virtual offsets."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import deflate
import numpy as np
import numpy.typing as npt

from colonnade.errors import FormatError
from colonnade.formats import bgzf_kernels as kernels
from colonnade.run.ordered import ordered_map

EOF_BLOCK: Final = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
MAX_BLOCK_SIZE: Final = 1 << 16
MIN_BLOCK_SIZE: Final = 26  # header with its BC field, and trailer; only a bound for how many blocks fit a buffer
BLOCKS_PER_TASK: Final = 16
USUAL_RATIO: Final = 4  # inflated over compressed bytes; only a guess of how much to read at once


class VirtualOffset(NamedTuple):
    """A place in a BGZF file: where its block starts in the file, and where it is in the inflated block."""

    block: int
    within: int

    @classmethod
    def unpack(cls, packed: int) -> "VirtualOffset":
        """Split the 64-bit form used in indexes: 48 bits of file offset, 16 bits of offset in the block."""
        return cls(int(packed) >> 16, int(packed) & 0xFFFF)


class Chunk(NamedTuple):
    """A run of records between two virtual offsets."""

    start: VirtualOffset
    end: VirtualOffset


class BgzfFile:
    """Random access to a BGZF file; reads are positional, so one object serves many threads.

    Parameters
    ----------
    path
        The file. Opened at once; ``close`` or a ``with`` block closes it.

    Raises
    ------
    FormatError
        The file is empty, is not BGZF, or lacks the end-of-file block that tells it is whole.
    """

    _descriptor = -1

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._descriptor = os.open(self.path, os.O_RDONLY)
        self.size = os.fstat(self._descriptor).st_size
        try:
            self._check_start()
            self._check_end()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()  # a worker keeps the files of its last runs open, and drops them

    def __enter__(self) -> "BgzfFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pieces(self, chunks: Iterable[Chunk], *, size: int) -> Iterator["Piece"]:
        """Cut chunks into runs of whole blocks that hold about ``size`` inflated bytes at most, and one block at least.

        Each piece is read when it is asked for, with one large read for several of them.
        """
        for chunk in chunks:
            self._check_place(chunk)
            yield from self._pieces_of(chunk, size)

    def is_empty_between(self, start: VirtualOffset, end: VirtualOffset) -> bool:
        """Whether two virtual offsets are the same place: nothing but ends of blocks and empty blocks lies between."""
        block, within = start
        while block < end.block:
            header = np.frombuffer(os.pread(self._descriptor, MAX_BLOCK_SIZE, block), np.uint8)
            found = np.empty((1, 4), np.int64)
            count, length, status = kernels.scan_blocks(header, 1, found)
            if status != kernels.OK or count == 0 or found[0, 3] > within:
                return False
            block, within = block + length, 0
        return (block, within) == end

    def take(self, offset: VirtualOffset, size: int) -> tuple[bytes, VirtualOffset]:
        """The ``size`` bytes that follow a virtual offset, or all there are, and where they end."""
        block, within = offset
        found = np.empty((1, 4), np.int64)
        taken = bytearray()
        while len(taken) < size and block < self.size:
            raw = np.frombuffer(self._pread(min(MAX_BLOCK_SIZE, self.size - block), block), np.uint8)
            count, length, status = kernels.scan_blocks(raw, 1, found)
            if status != kernels.OK or count == 0:
                raise self._error("not the start of a BGZF block", block)
            data = np.empty(found[0, 3], np.uint8)
            self.inflate(data, raw, found, np.zeros(1, np.int64), block)
            end = min(data.size, within + size - len(taken))
            taken += data[within:end].tobytes()
            block, within = (block, end) if end < data.size else (block + length, 0)
        return bytes(taken), VirtualOffset(block, within)

    def _check_place(self, chunk: Chunk) -> None:
        start, end = chunk
        stop = end.block + (1 if end.within else 0)
        if not 0 <= start.block < self.size or stop > self.size or end < start:
            outside = end.block if 0 <= start.block < self.size else start.block
            raise self._error("virtual offset lies outside the file", outside, found=f"a file of {self.size} bytes")

    def _pieces_of(self, chunk: Chunk, size: int) -> Iterator["Piece"]:
        offset, skip = chunk.start
        stop = chunk.end.block + (1 if chunk.end.within else 0)
        while offset < stop:
            raw, blocks = self._scan(offset, stop, size)
            for part in _cut(blocks, size):
                end = offset + _end_of(part[-1])
                inflated = int(part[:, 3].sum())
                wanted = slice(skip, inflated if end < stop else self._wanted_of_last(chunk, offset, part))
                if skip > part[0, 3] or wanted.stop > inflated:
                    raise self._error("a virtual offset points behind the end of its block", offset + int(part[0, 0]))
                yield Piece(self, raw, part, offset, wanted, inflated, end >= stop)
                skip = 0
            offset = end

    def _wanted_of_last(self, chunk: Chunk, origin: int, part: npt.NDArray[np.int64]) -> int:
        """How many inflated bytes of a chunk's last blocks belong to it."""
        block, within = chunk.end
        if origin + (part[-1, 0] if within else _end_of(part[-1])) != block:
            raise self._error("not the start of a BGZF block", block)
        return int(part[: -1 if within else None, 3].sum()) + within

    def _scan(self, offset: int, stop: int, size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Compressed bytes from a block on, and the blocks in them that start before ``stop``: one at least."""
        wanted = min(self.size - offset, min(stop - offset, size // USUAL_RATIO) + MAX_BLOCK_SIZE)
        raw = np.frombuffer(self._pread(wanted, offset), np.uint8)
        blocks = np.empty((wanted // MIN_BLOCK_SIZE + 1, 4), np.int64)
        count, length, status = kernels.scan_blocks(raw, stop - offset, blocks)
        if status == kernels.NOT_A_BLOCK:
            raise self._error("not the start of a BGZF block", offset + length)
        if count == 0:
            raise self._error("a block is cut short", offset, advice="the file is truncated: make it again")
        return raw, blocks[:count].copy()

    def _pread(self, size: int, offset: int) -> bytes:
        parts = []
        while size:
            part = os.pread(self._descriptor, min(size, 1 << 30), offset)
            if not part:
                raise self._error("the file ended early", offset, advice="was it changed while being read?")
            parts.append(part)
            size -= len(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def inflate(
        self,
        data: npt.NDArray[np.uint8],
        raw: npt.NDArray[np.uint8],
        blocks: npt.NDArray[np.int64],
        targets: npt.NDArray[np.int64],
        origin: int,
    ) -> None:
        """Inflate blocks, with their bytes and the offset of those in the file, to the targets in ``data``; checks CRC32."""
        inflate_blocks(data, raw, blocks, targets, path=self.path, origin=origin)

    def _check_start(self) -> None:
        try:
            magic = os.pread(self._descriptor, 16, 0)
        except OSError as error:  # a folder, a pipe
            raise FormatError("cannot be read", path=self.path, found=error.strerror, expected="a BAM file") from None
        if not magic:
            raise FormatError("file is empty", path=self.path, expected="a BAM file")
        if magic[:2] != b"\x1f\x8b":
            raise FormatError(
                "not a BAM file", path=self.path, place="offset 0", found=repr(magic[:4]), expected="BGZF (1f 8b 08 04)",
            )  # fmt: skip
        if len(magic) < 16 or not magic[3] & 4 or magic[12:14] != b"BC":
            raise FormatError(
                "gzip, but not BGZF", path=self.path, place="offset 0", expected="blocks with a BC field",
                advice="compress with bgzip or samtools instead of gzip",
            )  # fmt: skip

    def _check_end(self) -> None:
        tail = os.pread(self._descriptor, len(EOF_BLOCK), max(0, self.size - len(EOF_BLOCK)))
        if tail != EOF_BLOCK:
            raise FormatError(
                "file is truncated",
                path=self.path,
                place=f"offset {self.size}",
                found="no end-of-file block",
                expected="the 28-byte empty BGZF block at the end",
                advice="copy or make the file again",
            )

    def _error(self, message: str, offset: int, **details: str) -> FormatError:
        return FormatError(message, path=self.path, place=f"compressed offset {offset}", **details)


def inflate_blocks(
    data: npt.NDArray[np.uint8],
    raw: npt.NDArray[np.uint8],
    blocks: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    *,
    path: str,
    origin: int,
) -> None:
    """Inflate BGZF blocks to their targets in ``data``, and check length and CRC32 of each.

    Parameters
    ----------
    data
        Uint8, filled.
    raw, blocks
        Compressed bytes, and int64 (blocks, 4) where blocks are in them, as ``scan_blocks`` says.
    targets
        Int64 (blocks,): where each goes.
    path, origin
        The file, and where ``raw`` begins in it, for messages.

    Raises
    ------
    FormatError
        A block is damaged.
    """
    view = raw.data
    for (offset, start, length, inflated), target in zip(blocks.tolist(), targets.tolist(), strict=True):
        place = f"compressed offset {origin + offset}"
        try:
            block = deflate.deflate_decompress(view[start : start + length], max(inflated, 1))
        except deflate.DeflateError:
            raise FormatError(
                "a block does not inflate", path=path, place=place, advice="the file is damaged"
            ) from None
        trailer = int.from_bytes(view[start + length : start + length + 4], "little")
        if len(block) != inflated or deflate.crc32(block) != trailer:
            raise FormatError(
                "checksum of a block is wrong",
                path=path,
                place=place,
                found=f"CRC32 {deflate.crc32(block):08x} of {len(block)} bytes",
                expected=f"{trailer:08x} of {inflated}",
                advice="the file is damaged",
            )
        data[target : target + inflated] = np.frombuffer(block, np.uint8)


def _end_of(block: npt.NDArray[np.int64]) -> int:
    return int(block[1] + block[2]) + kernels.TRAILER_SIZE


def _cut(blocks: npt.NDArray[np.int64], size: int) -> Iterator[npt.NDArray[np.int64]]:
    """Runs of blocks of at most ``size`` inflated bytes, or of one block."""
    inflated = np.concatenate(([0], np.cumsum(blocks[:, 3])))
    first = 0
    while first < len(blocks):
        last = max(first + 1, int(np.searchsorted(inflated, inflated[first] + size, side="right")) - 1)
        yield blocks[first:last]
        first = last


@dataclass(frozen=True)
class Piece:
    """Neighbouring blocks of one chunk, read but not yet inflated.

    Parameters
    ----------
    file
        Where they are from.
    raw, blocks, origin
        Compressed bytes, where the blocks are in them (as ``scan_blocks`` says), and their offset in the file.
    wanted
        The part of the inflated bytes that belongs to the chunk.
    size
        Inflated bytes in all.
    is_last
        Whether the chunk ends here.
    """

    file: BgzfFile
    raw: npt.NDArray[np.uint8]
    blocks: npt.NDArray[np.int64]
    origin: int
    wanted: slice
    size: int
    is_last: bool

    def inflate(self, data: npt.NDArray[np.uint8], *, threads: int = 1) -> None:
        """Fill uint8 ``data`` (size,)."""
        targets = np.cumsum(self.blocks[:, 3]) - self.blocks[:, 3]
        tasks = [slice(first, first + BLOCKS_PER_TASK) for first in range(0, len(self.blocks), BLOCKS_PER_TASK)]
        for _ in ordered_map(
            lambda task: self.file.inflate(data, self.raw, self.blocks[task], targets[task], self.origin),
            tasks,
            threads=threads,
        ):
            pass
