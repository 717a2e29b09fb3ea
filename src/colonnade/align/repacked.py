"""The FM-index as searching wants it: made once from a ``.bwt`` file, kept beside it or in a cache folder, and mapped."""

import hashlib
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.align.bwa_files import COUNTS_BYTES, HEADER_BYTES, BwtFile
from colonnade.align.contigs import ADVICE
from colonnade.align.fm_kernels import BLOCK_WORDS, FmIndex
from colonnade.align.index_kernels import BLOCK_BASES, BLOCK_BYTES, repack
from colonnade.align.locks import making
from colonnade.errors import FormatError, OutputError

_log = logging.getLogger(__name__)

SUFFIX: Final = ".colonnade"

_MAGIC: Final = b"COLFM\0\0\1"  # the last byte is the version of the layout
_HEADER: Final = struct.Struct("<8sQQQ32s")  # magic, primary, length, 0, checksum of the .bwt: one cache line
_PIECE_BLOCKS: Final = 1 << 16  # 4 MB
_ADVICE: Final = "it is kept beside the .bwt file, or where that is read-only in the folder that XDG_CACHE_HOME names"


def open_repacked(bwt: BwtFile) -> FmIndex:
    """Map the FM-index of a ``.bwt`` file, which is made if there is none, or one of another file.

    Raises
    ------
    FormatError
        The ``.bwt`` file is damaged.
    OutputError
        The FM-index can be written neither beside it nor to the cache folder.
    """
    checksum = bwt.checksum()
    found = find_repacked(bwt, checksum)
    return _make(bwt, _header(bwt, checksum)) if found is None else found


def find_repacked(bwt: BwtFile, checksum: bytes) -> FmIndex | None:
    """Map the FM-index of a ``.bwt`` file with this head and checksum, which need not be there itself; None if there is none."""
    header = _header(bwt, checksum)
    return next((_map(path, bwt) for path in _places(bwt.path) if _is_current(path, bwt, header)), None)


def _make(bwt: BwtFile, header: bytes) -> FmIndex:
    beside, cached = _places(bwt.path)
    path = beside if os.access(beside.parent, os.W_OK) else cached
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with making(path):
            if not _is_current(path, bwt, header):
                _write(path, bwt, header)
    except OSError as error:
        raise OutputError("search index cannot be written", path=path, found=error.strerror, advice=_ADVICE) from None
    return _map(path, bwt)


def _header(bwt: BwtFile, checksum: bytes) -> bytes:
    return _HEADER.pack(_MAGIC, bwt.primary, bwt.length, 0, checksum)


def _places(path: str) -> tuple[Path, Path]:
    """Where the FM-index of a file may be: beside it, or in the cache folder."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    absolute = Path(path).resolve()
    key = hashlib.blake2b(os.fsencode(absolute), digest_size=8).hexdigest()
    return Path(path).with_suffix(SUFFIX), Path(folder, "colonnade", f"{absolute.stem}.{key}{SUFFIX}")


def _is_current(path: Path, bwt: BwtFile, header: bytes) -> bool:
    size = len(header) + bwt.n_blocks * BLOCK_BYTES
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(header)) == header and os.fstat(file.fileno()).st_size == size
    return False


def _map(path: Path, bwt: BwtFile) -> FmIndex:
    blocks = np.memmap(path, np.uint64, "r", _HEADER.size)
    return FmIndex(blocks, bwt.primary, bwt.length)


def _write(path: Path, bwt: BwtFile, header: bytes) -> None:
    _log.info("preparing %s for searching: %s", bwt.path, path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(header)
            for blocks in _repacked(bwt):
                file.write(blocks)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _repacked(bwt: BwtFile) -> Iterator[memoryview]:
    """The blocks, some MB at a time; each is checked by the counts of the next."""
    counts = np.zeros(4, np.int64)
    first_rows = np.array(bwt.first_rows, np.int64)
    total = bwt.n_blocks
    buffers = np.empty((2, min(total, _PIECE_BLOCKS) * BLOCK_WORDS), np.uint64)
    with Path(bwt.path).open("rb") as file:
        file.seek(HEADER_BYTES)
        for start in range(0, total, _PIECE_BLOCKS):
            raw, blocks = buffers[:, : (total - start) * BLOCK_WORDS]
            left = bwt.length - start * BLOCK_BASES
            _read(file, raw.view(np.uint8), bwt.block_bytes - start * BLOCK_BYTES)
            sound = repack(raw, left, first_rows, counts, blocks)
            if sound * BLOCK_WORDS < raw.size:
                raise _damaged(bwt, f"block {start + sound}", raw[sound * BLOCK_WORDS :][:4].tolist(), counts.tolist())
            yield blocks.data
        file.seek(-COUNTS_BYTES, os.SEEK_END)
        last = np.frombuffer(file.read(), np.int64).tolist()
    if not last == counts.tolist() == list(bwt.counts):
        raise _damaged(bwt, "end", last, list(bwt.counts))


def _read(file: BufferedReader, target: npt.NDArray[np.uint8], available: int) -> None:
    """Fill an array from a file; with zeros behind what is available."""
    end = min(target.size, available)
    file.readinto(target[:end].data)
    target[end:] = 0


def _damaged(bwt: BwtFile, place: str, found: list[int], expected: list[int]) -> FormatError:
    return FormatError(
        "counts of A, C, G, T are not those of the bases before them",
        path=bwt.path,
        place=place,
        found=str(found),
        expected=str(expected),
        advice=ADVICE,
    )
