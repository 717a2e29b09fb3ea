"""The reference of a run: where its index is, and whether that is of it."""

import os
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.align.index import Index, open_index
from colonnade.errors import FormatError, IndexMismatchError
from colonnade.formats.bases import AMBIGUOUS
from colonnade.formats.fasta import Fasta
from colonnade.regions import Region

FOLDER: Final = "reference"

_AT_ONCE: Final = 1 << 22  # bases
_CODE: Final = np.uint8(3)
_SHIFTS: Final = np.array([6, 4, 2, 0], np.uint8)  # of the four bases of a byte, the first in the high bits


def readable_reference(reference: str | os.PathLike[str], folder: Path) -> str:
    """The FASTA file, or a link to it in a folder of the run where no ``.fai`` is beside it and none can be made."""
    name = os.fspath(reference)
    if os.path.isfile(f"{name}.fai") or os.access(os.path.dirname(os.path.abspath(name)), os.W_OK):
        return name
    link = folder / FOLDER / os.path.basename(name)
    link.parent.mkdir(exist_ok=True)
    if not (link.exists() and link.samefile(name) and _has_current_index(link)):
        link.unlink(missing_ok=True)
        Path(f"{link}.fai").unlink(missing_ok=True)
        link.symlink_to(os.path.abspath(name))
    return str(link)


def _has_current_index(link: Path) -> bool:
    try:
        Fasta(link).close()
    except (FormatError, IndexMismatchError):
        return False
    return True


def check_index(prefix: str, reference: str) -> None:
    """Compare an index with the FASTA file beside it, base for base.

    Raises
    ------
    IndexMismatchError
        It is of other contigs or other bases.
    """
    index, fasta = open_index(prefix), Fasta(reference)
    try:
        lengths = dict(zip(index.contigs.names, index.contigs.lengths.tolist(), strict=True))
        differing = (name for name in {**lengths, **fasta.lengths} if lengths.get(name) != fasta.lengths.get(name))
        if (name := next(differing, None)) is not None:
            raise _mismatch(prefix, name, f"{lengths.get(name, 0)} bases", str(fasta.lengths.get(name, 0)))
        for name, offset in zip(lengths, index.contigs.offsets.tolist(), strict=True):
            _check_bases(index, fasta, name, offset)
    finally:
        fasta.close()


def _check_bases(index: Index, fasta: Fasta, contig: str, offset: int) -> None:
    length = fasta.lengths[contig]
    for start in range(0, length, _AT_ONCE):
        end = min(start + _AT_ONCE, length)
        expected = fasta.stretch(Region(contig, start, end)).codes
        differs = (_unpacked(index.packed, offset + start, offset + end) != expected) & (expected != AMBIGUOUS)
        if differs.any():
            place = f"{contig}:{start + int(differs.argmax()) + 1}"
            raise _mismatch(index.prefix, place, "another base", "that of the FASTA file")


def _unpacked(packed: npt.NDArray[np.uint8], start: int, end: int) -> npt.NDArray[np.uint8]:
    """Codes of the bases [start, end)."""
    first = start // 4
    codes: npt.NDArray[np.uint8] = (packed[first : (end + 3) // 4, None] >> _SHIFTS & _CODE).reshape(-1)
    return codes[start - 4 * first : end - 4 * first]


def _mismatch(prefix: str, place: str, found: str, expected: str) -> IndexMismatchError:
    return IndexMismatchError(
        "index is not of the reference beside it",
        path=prefix,
        place=place,
        found=found,
        expected=expected,
        advice="make it again: colonnade index --force; and remove a .fai that is older than the FASTA file",
    )
