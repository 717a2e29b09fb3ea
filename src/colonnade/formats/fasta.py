"""Reference sequences from an indexed FASTA file, as codes."""

import contextlib
import hashlib
import mmap
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pysam

from colonnade.errors import FormatError, IndexMismatchError
from colonnade.formats.bases import AMBIGUOUS
from colonnade.formats.silence import silence
from colonnade.regions import Region

BASES: Final = "ACGT"
_GZIP: Final = b"\x1f\x8b"
REFERENCE_LETTERS: Final = BASES + "N"  # by code
_STEP: Final = 1 << 22
_LAST: Final = re.compile(rb"[^\s>]\s*(?:>|\Z)")  # base of a contig

_CODE = np.full(256, AMBIGUOUS, np.uint8)
for _code, _base in enumerate(BASES):
    _CODE[[ord(_base), ord(_base.lower())]] = _code


@dataclass(frozen=True)
class Stretch:
    """A piece of one contig of the reference.

    Parameters
    ----------
    start
        Position of its first base, 0-based.
    codes
        uint8, 0-3 for A, C, G, T in either case, ``AMBIGUOUS`` for all else.
    """

    start: int
    codes: npt.NDArray[np.uint8]

    @classmethod
    def unknown(cls, start: int, end: int) -> "Stretch":
        """Ambiguous bases, where there is no reference."""
        return cls(start, np.full(end - start, AMBIGUOUS, np.uint8))

    def between(self, start: int, end: int) -> npt.NDArray[np.uint8]:
        """The codes of positions [start, end)."""
        return self.codes[start - self.start : end - self.start]

    def text(self, start: int, end: int) -> str:
        """The letters of positions [start, end), as N where ambiguous or behind the end of the stretch."""
        letters = "".join(REFERENCE_LETTERS[code] for code in self.between(start, end).tolist())
        return letters.ljust(end - start, "N")


class Fasta:
    """A FASTA file with its ``.fai`` (made beside it if missing); safe to share between threads.

    Parameters
    ----------
    path
        Plain or bgzip-compressed FASTA.

    Raises
    ------
    FormatError
        It is something else, or its ``.fai`` cannot be made.
    IndexMismatchError
        The ``.fai`` tells of contigs that begin or end elsewhere, as that of an older file does.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        Path(self.path).stat()
        try:
            with silence:
                self._file = pysam.FastaFile(self.path)
        except (OSError, ValueError) as error:
            raise FormatError(
                "cannot be read as FASTA",
                path=path,
                found=str(error).splitlines()[0],
                expected="FASTA, plain or compressed with bgzip, in a folder where its .fai is or can be made",
            ) from None
        _check_index(self.path)
        self._lock = threading.Lock()
        #: Contig name to length, in the file's order.
        self.lengths = dict(zip(self._file.references, self._file.lengths, strict=True))

    @property
    def files(self) -> list[str]:
        """Names of the file, and of those of its indexes that are there."""
        return [self.path, *(index for index in (f"{self.path}.fai", f"{self.path}.gzi") if Path(index).is_file())]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def stretch(self, region: Region) -> Stretch:
        """The bases of a region."""
        return Stretch(region.start, _CODE[np.frombuffer(self._fetch(region), np.uint8)])

    def letters(self, region: Region) -> npt.NDArray[np.uint8]:
        """The letters of a region as they stand in the file: uint8, ASCII."""
        return np.frombuffer(self._fetch(region), np.uint8)

    def checksum(self, contig: str) -> str:
        """MD5 of a contig in upper case without white space, as in ``M5`` of the SAM specification."""
        digest = hashlib.md5(usedforsecurity=False)
        for start in range(0, self.lengths[contig], _STEP):
            digest.update(self._fetch(Region(contig, start, min(start + _STEP, self.lengths[contig]))).upper())
        return digest.hexdigest()

    def _fetch(self, region: Region) -> bytes:
        with self._lock, silence:
            try:
                sequence: str = self._file.fetch(region.contig, region.start, region.end)
            except (ValueError, OSError):  # pysam's words for htslib reading nothing, or less
                sequence = ""
        if len(sequence) != len(region):
            raise FormatError(
                "sequence is shorter than its index says",
                path=self.path,
                place=str(region),
                found=f"{len(sequence)} bases",
                expected=str(len(region)),
                advice="remove the .fai and make it again: samtools faidx",
            )
        return sequence.encode("ascii")


def _check_index(path: str) -> None:
    """Compare where contigs of a plain file begin and end with its ``.fai``, which nothing else does: htslib reads on."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        if text[:2] == _GZIP:
            return
        for line in Path(f"{path}.fai").read_bytes().splitlines():
            name, *numbers = line.split(b"\t")
            is_there = False
            with contextlib.suppress(ValueError, ArithmeticError):  # of numbers that are none, or make no sense
                length, offset, bases, width = map(int, numbers[:4])
                is_there = _is_there(text, name, length, offset, bases, width)
            if not is_there:
                raise IndexMismatchError(
                    "the .fai is not of this file, which is cut short or newer",
                    path=path,
                    place=name.decode(errors="replace"),
                    advice="if the file is whole, make the .fai again: samtools faidx",
                )


def _is_there(text: mmap.mmap, name: bytes, length: int, offset: int, bases: int, width: int) -> bool:
    """Whether the title of a contig is before its offset, its first line is as long as told, and its last base is the last."""
    title = text[text.rfind(b"\n", 0, max(0, offset - 1)) + 1 : offset]
    is_titled = title.split()[:1] == [b">" + name]
    if not length:
        return is_titled
    first_end = text[offset + bases : offset + width] if length > bases else b"\n"
    lines, rest = divmod(length - 1, bases)
    last = offset + lines * width + rest
    return is_titled and first_end.isspace() and _LAST.match(text, last) is not None
