"""Writing BGZF: a stream cut into blocks, which are deflated side by side and written in order."""

import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import deflate
import numpy as np
import numpy.typing as npt

from colonnade.errors import UsageError
from colonnade.formats.bgzf import BLOCKS_PER_TASK, EOF_BLOCK, VirtualOffset
from colonnade.formats.output import ADVICE_ON_FOLDERS, cannot_be_written

BLOCK_CONTENT: Final = 0xFF00  # bytes of the stream in a block, as in htslib (BGZF_BLOCK_SIZE)
DEFAULT_LEVEL: Final = 6
MAX_LEVEL: Final = 12  # libdeflate's

_HEADER: Final = EOF_BLOCK[:16]  # the same in all blocks; BSIZE follows
_OVERHEAD: Final = len(_HEADER) + 2 + 8  # with BSIZE, CRC32 and ISIZE
_TASK_SIZE: Final = BLOCKS_PER_TASK * BLOCK_CONTENT

Bytes: TypeAlias = bytes | bytearray | memoryview | npt.NDArray[np.uint8]


class BgzfWriter:
    r"""A BGZF file being written; its bytes depend neither on the number of threads nor on the sizes of the writes.

    Memory is bounded: some MB for each thread. After an exception, in a ``with`` block or in the writer itself, the file
    ends without the end-of-file block, so that every reader takes it for truncated.

    Parameters
    ----------
    target
        A path, or a binary file, which is written from where it stands and stays open.
    level
        libdeflate's: 0 stores, 1 is the fastest, 12 the smallest.
    threads
        How many threads deflate. With one, the caller's does.

    Raises
    ------
    OutputError
        The file cannot be created or written.
    UsageError
        There is no such level.

    Examples
    --------
    >>> import gzip, io
    >>> file = io.BytesIO()
    >>> with BgzfWriter(file, threads=2) as stream:
    ...     stream.write(b"chr1\t0\t100\n")
    11
    >>> gzip.decompress(file.getvalue())
    b'chr1\t0\t100\n'
    """

    def __init__(self, target: str | Path | BinaryIO, *, level: int = DEFAULT_LEVEL, threads: int = 1) -> None:
        if not 0 <= level <= MAX_LEVEL:
            raise UsageError("no such compression level", found=str(level), expected=f"0 to {MAX_LEVEL}")
        self._level = level
        self._threads = threads
        self._pending = bytearray()
        self._waiting: deque[Future[bytes | memoryview]] = deque()
        self._size = 0
        self._pool = None if threads == 1 else ThreadPoolExecutor(threads)
        if isinstance(target, str | Path):
            self.path, self._file, self._owned = str(target), _create(target), True
        else:
            self.path, self._file, self._owned = str(getattr(target, "name", "a stream")), target, False
        self._open = True

    def __enter__(self) -> "BgzfWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()

    def write(self, data: Bytes) -> int:
        """Append bytes, contiguous in memory; they may be changed as soon as this returns. Gives their number."""
        view = memoryview(data.data if isinstance(data, np.ndarray) else data)
        if view.nbytes:  # an empty array cannot be cast
            view = view.cast("B")
        with self._writing():
            for start in range(0, view.nbytes, _TASK_SIZE):
                self._pending += view[start : start + _TASK_SIZE]
                if len(self._pending) >= _TASK_SIZE:
                    self._submit(_TASK_SIZE)
        return view.nbytes

    def end_block(self) -> None:
        """Let a block end behind what was written; there is none of nothing."""
        with self._writing():
            self._submit(len(self._pending))

    def append(self, blocks: bytes | memoryview) -> None:
        """Append what ``deflate_blocks`` made and nobody changes; a block ends behind what was written before."""
        made: Future[bytes | memoryview] = Future()
        made.set_result(blocks)
        self.end_block()
        with self._writing():
            self._waiting.append(made)
            self._drain(0 if self._pool is None else self._threads)

    def tell(self) -> VirtualOffset:
        """Where the next byte will be, counted from where the file stood at first.

        Waits for the threads: meant for an offset per contig, not for one per record.
        """
        with self._writing():
            self._submit(len(self._pending) // BLOCK_CONTENT * BLOCK_CONTENT)
            self._drain(0)
        return VirtualOffset(self._size, len(self._pending))

    def close(self) -> None:
        """Write what is left and the end-of-file block; safe to call twice, and does nothing after an error."""
        if not self._open:
            return
        with self._writing():
            self._submit(len(self._pending))
            self._drain(0)
            self._put(EOF_BLOCK)
            if self._owned:
                self._file.close()
        self._abandon()

    def _submit(self, size: int) -> None:
        """Deflate the first pending bytes: a whole number of blocks, unless one is to end behind them."""
        if size == 0:
            return
        piece = bytes(memoryview(self._pending)[:size])
        del self._pending[:size]
        if self._pool is None:
            self._put(deflate_blocks(piece, self._level))
        else:
            self._waiting.append(self._pool.submit(deflate_blocks, piece, self._level))
            self._drain(self._threads)

    def _drain(self, n_waiting: int) -> None:
        while len(self._waiting) > n_waiting:
            self._put(self._waiting.popleft().result())

    def _put(self, blocks: bytes | memoryview) -> None:
        self._file.write(blocks)
        self._size += len(blocks)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Whatever goes wrong, nothing more is written: with a block lost, what follows must not look complete."""
        if not self._open:
            raise ValueError("the BGZF file is closed")
        try:
            yield
        except OSError as error:
            self._abandon()
            raise cannot_be_written(self.path, error) from None
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._open = False
        self._waiting.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._owned:
            with contextlib.suppress(OSError):
                self._file.close()


def deflate_blocks(content: bytes | memoryview, level: int = DEFAULT_LEVEL) -> bytes:
    """BGZF blocks (SAM specification, section 4.1) of a piece of a stream; every one is full but the last.

    No block outgrows 64 KiB: what does not shrink libdeflate stores, with 5 bytes for each 5,000 at worst.

    Parameters
    ----------
    content
        The piece; a memoryview has single bytes.
    level
        As ``BgzfWriter`` takes it.
    """
    view = memoryview(content)
    parts: list[bytes | bytearray] = []
    for start in range(0, len(content), BLOCK_CONTENT):
        piece = view[start : start + BLOCK_CONTENT]
        deflated = deflate.deflate_compress(piece, level)
        parts += [
            _HEADER,
            (len(deflated) + _OVERHEAD - 1).to_bytes(2, "little"),
            deflated,
            deflate.crc32(piece).to_bytes(4, "little"),
            len(piece).to_bytes(4, "little"),
        ]
    return b"".join(parts)


def _create(path: str | Path) -> BinaryIO:
    try:
        return open(path, "wb")
    except OSError as error:
        raise cannot_be_written(path, error, ADVICE_ON_FOLDERS) from None
