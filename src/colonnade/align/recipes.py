"""How workers open the index that a run began with: what is searched, or all of it."""

import os
from dataclasses import dataclass, replace

from colonnade.align.bwa_files import BwtFile
from colonnade.align.fm_kernels import FmIndex
from colonnade.align.index import Index, open_files
from colonnade.align.repacked import find_repacked, open_repacked
from colonnade.errors import InputError
from colonnade.formats.fingerprint import Fingerprint

_ADVICE = "all workers need the same index under this name"


@dataclass(frozen=True)
class SearchRecipe:
    """What is searched, a byte in memory for each base: it takes the ``.colonnade`` file, or the ``.bwt`` file to make it of.

    Parameters
    ----------
    bwt
        The head of the ``.bwt`` file.
    checksum
        What ``BwtFile.checksum`` says of it.
    """

    bwt: BwtFile
    checksum: bytes

    @classmethod
    def of(cls, genome: Index) -> "SearchRecipe":
        """That of an index that is open here."""
        return cls(replace(genome.bwt, path=os.path.abspath(genome.bwt.path)), genome.bwt.checksum())

    def open(self) -> FmIndex:
        """Open it, made anew where it is absent; raise InputError where that is not possible."""
        found = find_repacked(self.bwt, self.checksum)
        if found is not None:
            return found
        try:
            checksum = self.bwt.checksum()
        except OSError as error:
            text = error.strerror or str(error)
            raise InputError("cannot be read by this worker", path=self.bwt.path, found=text, advice=_ADVICE) from None
        if checksum != self.checksum:
            raise InputError("another index than the one that the run began with", path=self.bwt.path, advice=_ADVICE)
        return open_repacked(self.bwt)


@dataclass(frozen=True)
class IndexRecipe:
    """All of an index.

    Parameters
    ----------
    prefix
        What the names of its files begin with.
    files
        What they look like.
    """

    prefix: str
    files: tuple[Fingerprint, ...]

    @classmethod
    def of(cls, genome: Index) -> "IndexRecipe":
        """That of an index that is open here."""
        return cls(os.path.abspath(genome.prefix), genome.fingerprints)

    def open(self) -> Index:
        """Open it; raise InputError where a file is absent or another one."""
        for file in self.files:
            file.check()
        return open_files(self.prefix)
