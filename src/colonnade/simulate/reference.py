"""The reference that populations differ from: given, or made up."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike, fspath
from typing import Final

import numpy as np

from colonnade.errors import UsageError
from colonnade.formats.fasta import Fasta
from colonnade.regions import Region
from colonnade.simulate.library import check_seed
from colonnade.simulate.variants import Codes, to_text

RANDOM_CONTIG: Final = "random"
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
    """

    lengths: Mapping[str, int]
    codes: Callable[[str], Codes]
    path: str | None = None

    def __post_init__(self) -> None:
        if not self.lengths:
            raise UsageError("the reference has no bases")

    @classmethod
    def from_fasta(cls, path: str | PathLike[str]) -> "Reference":
        """The contigs of a FASTA file."""
        fasta = Fasta(fspath(path))
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
    codes = rng.integers(0, 4, length).astype(np.uint8)
    for _ in range(3):
        same = np.flatnonzero(codes[1:] == codes[:-1]) + 1
        again = same[rng.random(same.size) < 0.5]
        codes[again] = rng.integers(0, 4, again.size)
    return codes
