"""Reference sequences from an indexed FASTA file, as codes."""

import hashlib
import threading
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pysam

from colonnade.errors import FormatError
from colonnade.regions import Region

BASES: Final = "ACGT"
AMBIGUOUS: Final = 4
REFERENCE_LETTERS: Final = BASES + "N"  # by code
_STEP: Final = 1 << 22

_CODE = np.full(256, AMBIGUOUS, np.uint8)
for _code, _base in enumerate(BASES):
    _CODE[[ord(_base), ord(_base.lower())]] = _code


class Fasta:
    """A FASTA file with its ``.fai`` (made beside it if missing); safe to share between threads.

    Parameters
    ----------
    path
        Plain or bgzip-compressed FASTA.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        Path(self.path).stat()
        verbosity = pysam.set_verbosity(0)
        try:
            self._file = pysam.FastaFile(self.path)
        except (OSError, ValueError) as error:
            raise FormatError(
                "cannot be read as FASTA",
                path=path,
                found=str(error).splitlines()[0],
                expected="FASTA, plain or compressed with bgzip, in a folder where its .fai is or can be made",
            ) from None
        finally:
            pysam.set_verbosity(verbosity)
        self._lock = threading.Lock()
        #: Contig name to length, in the file's order.
        self.lengths = dict(zip(self._file.references, self._file.lengths, strict=True))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def codes(self, region: Region) -> npt.NDArray[np.uint8]:
        """The bases of a region: uint8, 0-3 for A, C, G, T in either case, ``AMBIGUOUS`` for all else."""
        return _CODE[np.frombuffer(self._fetch(region), np.uint8)]

    def checksum(self, contig: str) -> str:
        """MD5 of a contig in upper case without white space, as in ``M5`` of the SAM specification."""
        digest = hashlib.md5(usedforsecurity=False)
        for start in range(0, self.lengths[contig], _STEP):
            digest.update(self._fetch(Region(contig, start, min(start + _STEP, self.lengths[contig]))).upper())
        return digest.hexdigest()

    def _fetch(self, region: Region) -> bytes:
        with self._lock:
            sequence: str = self._file.fetch(region.contig, region.start, region.end)
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
