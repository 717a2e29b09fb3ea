"""The index of a genome: built, found, checked and mapped."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.align.build import PREFIX, Progress, run_bwa
from colonnade.align.bwa_files import SUFFIXES, BwtFile, check_bases, map_packed, map_suffixes
from colonnade.align.contigs import ADVICE, Contigs, read_contigs
from colonnade.align.fm_kernels import FmIndex
from colonnade.align.index_kernels import Suffixes
from colonnade.align.locks import making
from colonnade.align.reference import contig_lengths
from colonnade.align.repacked import open_repacked
from colonnade.errors import FormatError, IndexMismatchError, OutputError, UsageError
from colonnade.formats.fingerprint import Fingerprint

_log = logging.getLogger(__name__)

_SIGN: Final = SUFFIXES[0]  # the file that says that an index is there: removed first, renamed last
_ALTERNATIVE: Final = ".64"


@dataclass(frozen=True, eq=False)
class Index:
    """A bwa index whose files have been checked; its arrays are mapped when they are first used.

    Parameters
    ----------
    prefix
        What the names of its files begin with.
    contigs
        What it is made of.
    bwt
        The head of its ``.bwt`` file.
    """

    prefix: str
    contigs: Contigs
    bwt: BwtFile

    @cached_property
    def fm(self) -> FmIndex:
        """The FM-index as searching wants it, which is made if it is not there."""
        return open_repacked(self.bwt)

    @cached_property
    def suffixes(self) -> Suffixes:
        """The sampled suffix array."""
        return map_suffixes(f"{self.prefix}.sa", self.bwt)

    @cached_property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """What its files look like, by absolute names, in the order of ``SUFFIXES``."""
        prefix = os.path.abspath(self.prefix)
        return tuple(Fingerprint.of(prefix + suffix) for suffix in SUFFIXES)

    @cached_property
    def packed(self) -> npt.NDArray[np.uint8]:
        """The forward strand: uint8 (length // 4 + 1,), 2 bits a base, the first in the high bits."""
        return map_packed(f"{self.prefix}.pac", self.contigs.length)


def find_prefix(hint: str | os.PathLike[str]) -> str | None:
    """What the files of an index begin with, if there is one: the hint, or the hint and ``.64`` (``bwa_idx_infer_prefix``)."""
    hint = os.fspath(hint)
    prefixes = (f"{hint}{_ALTERNATIVE}", hint)
    return next((prefix for prefix in prefixes if Path(f"{prefix}{_SIGN}").exists()), None)


def open_index(prefix: str | os.PathLike[str]) -> Index:
    """Open a bwa index (0.6 or later), after a look at sizes and heads of its five files, and at some bases.

    Raises
    ------
    IndexMismatchError
        It is not there, or its files are not of one genome.
    FormatError
        A file is cut short or damaged.
    """
    found = find_prefix(prefix)
    if found is None:
        raise IndexMismatchError("no index", path=prefix, advice=f"make one: colonnade index {os.fspath(prefix)}")
    return open_files(found)


def open_files(prefix: str) -> Index:
    """Open the index whose files begin with this very prefix, as ``open_index`` does."""
    for suffix in SUFFIXES:
        if not Path(prefix + suffix).exists():
            raise IndexMismatchError("missing from the index", path=prefix + suffix, advice=ADVICE)
    contigs = read_contigs(prefix)
    bwt = BwtFile.read(f"{prefix}.bwt")
    if bwt.length != 2 * contigs.length:
        raise IndexMismatchError(
            "not of the same genome as the .ann file",
            path=bwt.path,
            found=f"{bwt.length} bases of both strands",
            expected=str(2 * contigs.length),
            advice=ADVICE,
        )
    suffixes = map_suffixes(f"{prefix}.sa", bwt)
    check_bases(prefix, bwt, suffixes, map_packed(f"{prefix}.pac", contigs.length))
    return Index(prefix, contigs, bwt)


def build_index(
    fasta: str | os.PathLike[str],
    *,
    prefix: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Index a FASTA file, byte for byte as ``bwa index`` does, and prepare the index for searching.

    Parameters
    ----------
    fasta
        Plain or gzipped.
    prefix
        What the names of the files begin with; by default that of the FASTA file.
    force
        Replace an index that is there.
    progress
        Called with (bases sorted, bases of both strands) now and then.

    Raises
    ------
    FormatError, InputError
        The FASTA file is not such that its index makes sense; see ``contig_lengths``.
    UsageError
        There is an index, and ``force`` is not set.
    OutputError
        The files cannot be written.
    """
    fasta = os.fspath(fasta)
    target = os.fspath(prefix or fasta)
    with _alone(target):
        found = find_prefix(target)
        if found and not force:
            raise UsageError("index exists", path=f"{found}{_SIGN}", advice="use it, or replace it with --force")
        return _build(fasta, found or target, progress)


def ensure_index(hint: str | os.PathLike[str], *, progress: Progress | None = None) -> Index:
    """Open the index that begins with ``hint``; if there is none and ``hint`` is a FASTA file, index it before.

    Raises as ``open_index`` and ``build_index`` do.
    """
    hint = os.fspath(hint)
    if find_prefix(hint) is None and Path(hint).is_file():
        with _alone(hint):
            if find_prefix(hint) is None:
                return _build(hint, hint, progress)
    index = open_index(hint)
    if Path(hint).is_file() and os.path.getmtime(hint) > os.path.getmtime(index.bwt.path):
        _log.warning("%s is newer than its index; if its bases have changed, use: colonnade index --force", hint)
    return index


@contextmanager
def _alone(target: str) -> Iterator[None]:
    """While nobody else builds an index with this prefix."""
    folder = Path(target).absolute().parent
    if not os.access(folder, os.W_OK):
        raise OutputError(
            "index cannot be written",
            path=target,
            found=f"{folder} is read-only" if folder.is_dir() else f"no folder {folder}",
            advice="name another place with --prefix",
        )
    with making(Path(f"{target}{_SIGN}")):
        yield


def _build(fasta: str, target: str, progress: Progress | None) -> Index:
    lengths = contig_lengths(fasta)
    bases = sum(lengths.values())
    _log.info("indexing %s: %d contigs, %d bases", fasta, len(lengths), bases)
    path = Path(target).absolute()
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        run_bwa(fasta, Path(folder), bases=bases, progress=progress)
        made = str(Path(folder, PREFIX))
        _require_contigs(made, lengths, fasta)
        _rename(made, target)
    index = open_index(target)
    if holes := index.contigs.hole_lengths.sum():
        _log.info("%d bases are not A, C, G or T; the index has random ones there, as bwa's", holes)
    _ = index.fm
    return index


def _require_contigs(prefix: str, lengths: dict[str, int], fasta: str) -> None:
    """Raise unless bwa has read the contigs that were looked at before."""
    contigs = read_contigs(prefix)
    found = dict(zip(contigs.names, contigs.lengths.tolist(), strict=True))
    if found != lengths:
        name = next(name for name in {**lengths, **found} if found.get(name) != lengths.get(name))
        raise FormatError(
            "bwa has read something else than was there before",
            path=fasta,
            place=name,
            found=f"{found.get(name, 0)} bases",
            expected=str(lengths.get(name, 0)),
            advice="leave the file as it is while it is indexed",
        )


def _rename(made: str, target: str) -> None:
    """Give files their final names, so that there is no index at any time which is half of another."""
    try:
        for suffix in SUFFIXES:
            with Path(made + suffix).open("rb") as file:
                os.fsync(file.fileno())
        Path(target + _SIGN).unlink(missing_ok=True)
        for suffix in reversed(SUFFIXES):
            os.replace(made + suffix, target + suffix)
    except OSError as error:
        raise OutputError("index cannot be written", path=target, found=error.strerror) from None
