"""A file or pipe read once, from its start to its end, and inflated on the way where it is gzip or BGZF."""

import os
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from zlib_ng import zlib_ng

from colonnade.errors import FormatError
from colonnade.formats import bgzf_kernels as kernels
from colonnade.formats.bgzf import BLOCKS_PER_TASK, EOF_BLOCK, MIN_BLOCK_SIZE, inflate_blocks
from colonnade.run.ordered import check_stopped, ordered_map

Packing = Literal["plain", "gzip", "bgzf"]
Bytes: TypeAlias = npt.NDArray[np.uint8]
StrPath: TypeAlias = str | os.PathLike[str]

STANDARD_INPUT: Final = "-"
CHUNK: Final = 1 << 20  # bytes read at a time, and what gzip may inflate to at a time

_PATIENCE: Final = 100  # milliseconds

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WRAPPER: Final = 31  # wbits of zlib: gzip, with a window of 32 KiB


class Source(Protocol):
    """Where bytes come from.

    Attributes
    ----------
    path
        As messages name it.
    size
        Bytes in all; None where nobody knows, as of a pipe.
    """

    path: str
    size: int | None

    def read(self, size: int) -> bytes:
        """The next bytes: fewer than ``size`` only at the end."""

    def close(self) -> None:
        """Close it; safe to call twice."""


class FileSource:
    """A file, a pipe that has a name, or standard input (``-``)."""

    def __init__(self, path: StrPath) -> None:
        is_standard_input = os.fspath(path) == STANDARD_INPUT
        self.path = "standard input" if is_standard_input else os.fspath(path)
        with self._named():
            self._file = open(0 if is_standard_input else path, "rb", buffering=0, closefd=not is_standard_input)  # noqa: SIM115
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        status = os.fstat(self._file.fileno())
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None

    def read(self, size: int) -> bytes:
        """The next bytes: fewer than ``size`` only at the end."""
        parts = []
        with self._named():
            while size > 0 and (part := self._next(size)):
                parts.append(part)
                size -= len(part)
        return b"".join(parts)

    def _next(self, size: int) -> bytes:
        """What there is to read, waited for; a pipe that stays silent does not keep a thread that is to end."""
        while not self._poll.poll(_PATIENCE):
            check_stopped()
        return self._file.read(size)

    def close(self) -> None:
        """Close it; safe to call twice. Standard input stays open for others."""
        self._file.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What the system says of a file that is open, and of standard input, is without a name."""
        try:
            yield
        except OSError as error:
            error.filename = self.path
            raise


class InputStream:
    """The inflated bytes of a source, as many at a time as the reader wants to see.

    Parameters
    ----------
    source
        Where the bytes come from. Whoever opened it closes it.
    threads
        How many inflate BGZF. Plain gzip cannot be shared out.

    Attributes
    ----------
    data, at
        Inflated bytes in memory, uint8, and where those begin that the reader has not taken.
    packing
        What the source is.
    consumed
        Bytes read of the source.

    Raises
    ------
    FormatError
        By any method: the source is cut short or damaged. Of gzip all checksums are verified; that BGZF ends with its
        end-of-file block is up to ``require_end_block``, as some writers of FASTQ leave it out.
    """

    def __init__(self, source: Source, *, threads: int = 1) -> None:
        self._source = source
        self._threads = threads
        self._tail = b""
        self.path, self.size = source.path, source.size
        self.consumed = 0
        self.data, self.at = np.empty(0, np.uint8), 0
        start = self._read()
        self.packing: Packing = "plain" if start[:2] != _GZIP_MAGIC else "bgzf" if start[12:14] == b"BC" else "gzip"
        inflate = {"plain": self._as_it_is, "gzip": self._gzip, "bgzf": self._bgzf}[self.packing]
        self._parts = inflate(start)

    def extend(self) -> bool:
        """Read on behind the bytes that were not taken, as many as these at least; False where nothing is left."""
        parts: list[Bytes] = []
        while sum(map(len, parts)) < max(1, self.data.size - self.at) and (part := next(self._parts, None)) is not None:
            parts.append(part)
        if parts:
            self.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
        return bool(parts)

    def append(self, part: Bytes) -> None:
        """Put bytes behind those that were not taken; the latter move to the start of ``data``."""
        self.data = np.concatenate((self.data[self.at :], part)) if self.at < self.data.size else part
        self.at = 0

    def peek(self, size: int) -> bytes:
        """The next bytes, which are not taken by this: fewer than ``size`` only at the end."""
        while self.data.size - self.at < size and self.extend():
            pass
        return self.data[self.at : self.at + size].tobytes()

    def take(self, size: int) -> bytes:
        """The next bytes: fewer than ``size`` only at the end."""
        taken = self.peek(size)
        self.at += len(taken)
        return taken

    @property
    def has_end_block(self) -> bool:
        """Whether the bytes read so far end with the block that closes a BGZF file."""
        return self._tail == EOF_BLOCK

    def require_end_block(self) -> None:
        """Raise FormatError unless BGZF that was read to its end has its end-of-file block."""
        if not self.has_end_block:
            raise FormatError(
                "truncated",
                path=self.path,
                place=f"offset {self.consumed}",
                found="no end-of-file block",
                expected="the 28-byte empty BGZF block at the end",
                advice="copy or make it again",
            )

    def _read(self) -> bytes:
        part = self._source.read(CHUNK)
        self.consumed += len(part)
        self._tail = (self._tail + part[-len(EOF_BLOCK) :])[-len(EOF_BLOCK) :]
        return part

    def _as_it_is(self, part: bytes) -> Iterator[Bytes]:
        while part:
            yield np.frombuffer(part, np.uint8)
            part = self._read()

    def _gzip(self, part: bytes) -> Iterator[Bytes]:
        """Members of a gzip file, one after the other; between and behind them may be zeros, as tapes have them."""
        while part := part.lstrip(b"\0") or self._read():
            if part[0] == 0:
                continue
            member = zlib_ng.decompressobj(_GZIP_WRAPPER)
            while not member.eof:
                try:
                    inflated = member.decompress(part, CHUNK)
                except zlib_ng.error as error:
                    raise self._damaged("does not inflate", self.consumed, found=str(error)) from None
                part = member.unconsumed_tail
                if inflated:
                    yield np.frombuffer(inflated, np.uint8)
                elif not part and not member.eof and not (part := self._read()):
                    raise self._cut_short("a gzip file that ends too early")
            part = member.unused_data

    def _bgzf(self, part: bytes) -> Iterator[Bytes]:
        """Blocks; where a gzip file of another kind follows, as ``cat`` makes it, its members."""
        rest = b""
        while part:
            raw = np.frombuffer(rest + part, np.uint8)
            origin = self.consumed - raw.size
            found = np.empty((raw.size // MIN_BLOCK_SIZE + 1, 4), np.int64)
            count, length, status = kernels.scan_blocks(raw, raw.size, found)
            if count:
                yield self._inflate(raw, found[:count], origin)
            rest = raw[length:].tobytes()
            if status == kernels.NOT_A_BLOCK:
                if not rest.startswith(_GZIP_MAGIC):
                    raise self._damaged("not the start of a BGZF block", origin + length)
                yield from self._gzip(rest)
                return
            part = self._read()
        if rest:
            raise self._cut_short("a BGZF block that ends too early")

    def _inflate(self, raw: Bytes, blocks: npt.NDArray[np.int64], origin: int) -> Bytes:
        ends = np.cumsum(blocks[:, 3])
        data = np.empty(int(ends[-1]), np.uint8)
        targets = ends - blocks[:, 3]
        tasks = [slice(first, first + BLOCKS_PER_TASK) for first in range(0, len(blocks), BLOCKS_PER_TASK)]
        for _ in ordered_map(
            lambda task: inflate_blocks(data, raw, blocks[task], targets[task], path=self.path, origin=origin),
            tasks,
            threads=self._threads,
        ):
            pass
        return data

    def _cut_short(self, found: str) -> FormatError:
        return FormatError(
            "truncated", path=self.path, place=f"offset {self.consumed}", found=found, advice="copy or make it again"
        )

    def _damaged(self, message: str, offset: int, *, found: str | None = None) -> FormatError:
        return FormatError(
            message, path=self.path, place=f"compressed offset {offset}", found=found, advice="the file is damaged"
        )
