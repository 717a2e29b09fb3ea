"""The binary files of a bwa index, ``.bwt``, ``.sa`` and ``.pac``: what they must be like, and their arrays."""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.align.contigs import ADVICE
from colonnade.align.index_kernels import BLOCK_BASES, BLOCK_BYTES, Suffixes
from colonnade.errors import FormatError, IndexMismatchError

#: All that an index needs; bwa takes ``.bwt`` as a sign that it is there (``bwa_idx_infer_prefix``, bwa.c).
SUFFIXES: Final = (".bwt", ".sa", ".pac", ".ann", ".amb")

_BWT_HEADER: Final = struct.Struct("<5Q")
_SA_HEADER: Final = struct.Struct("<7Q")
#: Bytes before the first block, and of four counts: at the start of each block, and behind the last.
HEADER_BYTES: Final = _BWT_HEADER.size
COUNTS_BYTES: Final = 32

_INTERVAL_MASK: Final = (1 << 32) - 1  # bwa keeps it as an int, and writes what is behind it, too
_WORD_BASES: Final = 16
_WORD_BYTES: Final = 4
_SAMPLES: Final = 64  # blocks of a .bwt file that its checksum looks at
_SUFFIXES_CHECKED: Final = 256  # of which one in four passes by chance


@dataclass(frozen=True)
class BwtFile:
    """What the head of a ``.bwt`` file says (``bwt_dump_bwt``, bwt.c).

    Parameters
    ----------
    path
        The file.
    primary
        The row whose base is the end of text.
    smaller
        How many bases are smaller than each of A, C, G, T.
    length
        Bases of both strands.
    """

    path: str
    primary: int
    smaller: tuple[int, int, int, int]
    length: int

    @classmethod
    def read(cls, path: str) -> "BwtFile":
        """Read the head of a file, and check its size.

        Raises
        ------
        FormatError
            The file is cut short or damaged.
        """
        primary, *ends = _header(path, _BWT_HEADER)
        length = ends[3]
        if ends != sorted(ends) or not 0 < primary <= length:
            raise FormatError("head of the file is damaged", path=path, found=f"{primary}, {ends}", advice=ADVICE)
        bwt = cls(path, primary, (0, ends[0], ends[1], ends[2]), length)
        _check_size(path, HEADER_BYTES + bwt.block_bytes + COUNTS_BYTES * (length % BLOCK_BASES > 0))
        return bwt

    @property
    def n_blocks(self) -> int:
        """Blocks, so that there is one for the place behind the last base, too."""
        return self.length // BLOCK_BASES + 1

    @property
    def block_bytes(self) -> int:
        """Bytes of all blocks in the file; the last is counts, and words of bases as far as there are bases.

        Behind it are the counts of all bases, which a last block without bases has itself.
        """
        words = -(-(self.length % BLOCK_BASES) // _WORD_BASES)
        return (self.n_blocks - 1) * BLOCK_BYTES + COUNTS_BYTES + words * _WORD_BYTES

    @property
    def counts(self) -> tuple[int, ...]:
        """How often each base is there."""
        return tuple(np.diff([*self.smaller, self.length]).tolist())

    @property
    def first_rows(self) -> tuple[int, ...]:
        """The first of all rows that begin with each base; row 0 is the end of text."""
        return tuple(1 + count for count in self.smaller)

    def checksum(self) -> bytes:
        """32 bytes that say which index this is: of its head, its end, and some blocks, which count what is before them."""
        size = os.path.getsize(self.path)
        digest = hashlib.blake2b(digest_size=32)
        with Path(self.path).open("rb", buffering=0) as file:
            digest.update(size.to_bytes(8, "little") + file.read(HEADER_BYTES))
            for sample in range(_SAMPLES):
                file.seek(HEADER_BYTES + (size - HEADER_BYTES) * sample // _SAMPLES // BLOCK_BYTES * BLOCK_BYTES)
                digest.update(file.read(BLOCK_BYTES))
            file.seek(-COUNTS_BYTES, os.SEEK_END)
            digest.update(file.read(COUNTS_BYTES))
        return digest.digest()


def map_suffixes(path: str, bwt: BwtFile) -> Suffixes:
    """Map a ``.sa`` file (``bwt_restore_sa``, bwt.c).

    Raises
    ------
    FormatError
        The file is cut short or damaged.
    IndexMismatchError
        It is of another index.
    """
    primary, *smaller, interval, length = _header(path, _SA_HEADER)
    if (primary, *smaller, length) != (bwt.primary, *bwt.smaller[1:], bwt.length, bwt.length):
        raise IndexMismatchError(
            "not of the same index as the .bwt file",
            path=path,
            found=f"row {primary} of {length}",
            expected=f"{bwt.primary} of {bwt.length}",
            advice=ADVICE,
        )
    interval &= _INTERVAL_MASK
    if interval.bit_count() != 1:
        raise FormatError(
            "sampling interval is damaged", path=path, found=str(interval), expected="a power of two", advice=ADVICE
        )
    count = bwt.length // interval + 1
    _check_size(path, _SA_HEADER.size + 8 * (count - 1))
    # The sample of row 0 is not in the file. The mapping begins with the number before, which a private copy of the page
    # replaces.
    samples = np.memmap(path, np.int64, "c", _SA_HEADER.size - 8, (count,))
    samples[0] = -1
    samples.flags.writeable = False
    return Suffixes(samples, interval)


def map_packed(path: str, length: int) -> npt.NDArray[np.uint8]:
    """Map a ``.pac`` file of so many bases: uint8 (length // 4 + 1,), 2 bits a base, the first in the high bits.

    Raises
    ------
    FormatError
        The file is cut short or damaged.
    """
    size = length // 4 + 2
    _check_size(path, size)
    packed = np.memmap(path, np.uint8, "r")
    if packed[-1] != length % 4:
        raise FormatError(
            "does not end as it should", path=path, found=str(packed[-1]), expected=str(length % 4), advice=ADVICE
        )
    return packed[:-1]


def check_bases(prefix: str, bwt: BwtFile, suffixes: Suffixes, packed: npt.NDArray[np.uint8]) -> None:
    """Look whether suffixes begin with the bases that they are sorted by: nothing else ties the ``.pac`` file to the others.

    Raises
    ------
    FormatError
        A suffix begins outside the genome.
    IndexMismatchError
        It begins with another base.
    """
    count = len(suffixes.samples)
    samples = np.unique(np.linspace(min(1, count - 1), count - 1, _SUFFIXES_CHECKED, dtype=np.int64))
    samples = samples[samples > 0]
    positions = suffixes.samples[samples]
    outside = (positions < 0) | (positions >= bwt.length)
    if outside.any():
        raise FormatError(
            "a suffix begins outside the genome",
            path=f"{prefix}.sa",
            place=f"sample {samples[outside][0]}",
            found=str(positions[outside][0]),
            expected=f"0 to {bwt.length - 1}",
            advice=ADVICE,
        )
    is_reverse = positions >= bwt.length // 2
    forward = np.where(is_reverse, bwt.length - 1 - positions, positions)
    bases = packed[forward // 4] >> (6 - 2 * (forward % 4)).astype(np.uint8) & 3
    bases = np.where(is_reverse, 3 - bases, bases)
    wrong = bases != np.searchsorted(bwt.first_rows, samples * suffixes.interval, "right") - 1
    if wrong.any():
        raise IndexMismatchError(
            "not of the same genome as the .bwt and .sa files",
            path=f"{prefix}.pac",
            found=f"other bases at {wrong.sum()} of {wrong.size} places",
            advice=ADVICE,
        )


def _header(path: str, layout: struct.Struct) -> tuple[int, ...]:
    with Path(path).open("rb") as file:
        data = file.read(layout.size)
    if len(data) < layout.size:
        raise _wrong_size(path, len(data), layout.size)
    return layout.unpack(data)


def _check_size(path: str, expected: int) -> None:
    size = os.path.getsize(path)
    if size != expected:
        raise _wrong_size(path, size, expected)


def _wrong_size(path: str, size: int, expected: int) -> FormatError:
    message = "the file is cut short" if size < expected else "the file is too long"
    return FormatError(message, path=path, found=f"{size} bytes", expected=str(expected), advice=ADVICE)
