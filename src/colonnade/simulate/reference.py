"""The reference that populations differ from: given, or made up."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike, fspath
from typing import Final

import numpy as np
import pysam

from colonnade.errors import FormatError, UsageError
from colonnade.formats.fasta import Fasta
from colonnade.formats.silence import silence
from colonnade.regions import Region
from colonnade.simulate.library import check_seed
from colonnade.simulate.variants import Codes, to_text

RANDOM_CONTIG: Final = "random"
LONGEST_CONTIG: Final = (1 << 31) - 2  # BAM could hold one base more, which htslib tells of every longer one in FASTA
_LINE: Final = 60  # letters of a line of FASTA


@dataclass(frozen=True)
class Reference:
    """Contigs, of which one is in memory at a time; those without bases are left out, as BAM cannot have them.

    Parameters
    ----------
    lengths
        Contig name to length, in order.
    codes
        Gives the codes of a contig: uint8, 0-3 for A, C, G, T in either case and 4 for anything else.
    path
        The file that they are in, if any.

    Raises
    ------
    UsageError
        There is no contig with bases, or one is longer than BAM can hold.
    """

    lengths: Mapping[str, int]
    codes: Callable[[str], Codes]
    path: str | None = None

    def __post_init__(self) -> None:
        if not self.lengths:
            raise UsageError("the reference has no bases", path=self.path)
        for contig, length in self.lengths.items():
            _check_length(contig, length, self.path)

    @classmethod
    def from_fasta(cls, path: str | PathLike[str]) -> "Reference":
        """The contigs of a FASTA file.

        Raises
        ------
        FormatError
            It cannot be read as FASTA, or its last contig has no bases, so that htslib makes no index of it.
        """
        fasta = _open_fasta(fspath(path))
        lengths = {contig: length for contig, length in fasta.lengths.items() if length}
        whole = lru_cache(1)(lambda contig: fasta.stretch(Region(contig, 0, lengths[contig])).codes)
        return cls(lengths, whole, fasta.path)

    @classmethod
    def from_codes(cls, contigs: Mapping[str, Codes]) -> "Reference":
        """Contigs that are in memory."""
        return cls({name: len(codes) for name, codes in contigs.items() if len(codes)}, contigs.__getitem__)

    @classmethod
    def random(cls, length: int, *, seed: int, contig: str = RANDOM_CONTIG) -> "Reference":
        """One made-up contig, with few long repeats of one base."""
        check_seed(seed)
        _check_length(contig, length)
        return cls.from_codes({contig: random_codes(length, np.random.default_rng([seed, 0]))})

    def require(self, contig: str) -> None:
        """Raise unless there is such a contig."""
        if contig not in self.lengths:
            several = ", ".join(list(self.lengths)[:3])
            raise UsageError(
                "no such contig in the reference", found=contig, expected=f"one of its own, such as {several}"
            )

    def fasta_lines(self) -> Iterator[str]:
        """The contigs as FASTA."""
        for contig in self.lengths:
            text = to_text(self.codes(contig))
            yield f">{contig}\n"
            yield from (text[i : i + _LINE] + "\n" for i in range(0, len(text), _LINE))


def random_codes(length: int, rng: np.random.Generator) -> Codes:
    """A random sequence in which a base seldom comes three times or more in a row."""
    # Numbers of another width would be other numbers, and a seed would no longer give the sequence that it gave.
    codes = rng.integers(0, 4, length, np.uint32).astype(np.uint8)
    for _ in range(3):
        same = np.flatnonzero(codes[1:] == codes[:-1]) + 1
        again = same[rng.random(same.size) < 0.5]
        codes[again] = rng.integers(0, 4, again.size)
    return codes


def _check_length(contig: str, length: int, path: str | None = None) -> None:
    """Raise unless a contig has bases, and no more than BAM can hold."""
    if not 1 <= length <= LONGEST_CONTIG:
        expected = f"1 to {LONGEST_CONTIG} bases"
        raise UsageError(f"length of contig {contig} is out of range", path=path, found=str(length), expected=expected)


def _open_fasta(path: str) -> Fasta:
    """Open a FASTA file; where htslib can make no index of it, say so if that is for a last contig without bases."""
    try:
        return Fasta(path)
    except FormatError:
        last = _last_line(path)
        if not last.startswith(">"):
            raise
        raise FormatError("the last contig has no bases", path=path, found=last[:60], advice="remove it") from None


def _last_line(path: str) -> str:
    """The last line of a plain or compressed file that is not blank; nothing where it cannot be read."""
    last = b""
    with silence, suppress(OSError), pysam.BGZFile(path, "rb", None) as lines:
        for line in lines:
            last = line.strip() or last
    return last.decode(errors="backslashreplace")
