"""The contigs of a bwa index: the ``.ann`` and ``.amb`` files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import FormatError, IndexMismatchError

Int64Array = npt.NDArray[np.int64]

_MOST_DIGITS: Final = 18  # of a number that 64 bits hold
ADVICE: Final = "make the index again: colonnade index --force"


@dataclass(frozen=True, eq=False)
class Contigs:
    """The contigs that an index was made of, which it holds one behind the other, and where they had no A, C, G or T.

    Parameters
    ----------
    names
        In the order of the index.
    lengths, offsets
        int64 (contigs,): bases, and 0-based position of the first on the concatenated contigs.
    hole_offsets, hole_lengths
        int64 (holes,): runs of a letter other than A, C, G, T, for which the index has random bases; 0-based on the concatenated
        contigs, ascending, none across two contigs.
    """

    names: list[str]
    lengths: Int64Array
    offsets: Int64Array
    hole_offsets: Int64Array
    hole_lengths: Int64Array

    @property
    def length(self) -> int:
        """Bases of all contigs, one strand."""
        return int(self.offsets[-1] + self.lengths[-1])


def read_contigs(prefix: str) -> Contigs:
    """The contigs of the index ``prefix``.

    Lines are as ``bns_dump`` (bntseq.c) writes them. In ``.ann``: bases, contigs and a seed; then for each contig a line of
    a number, its name and a comment, and a line of its offset, length and holes. In ``.amb``: bases, contigs and holes; then
    for each hole its offset, length and letter.

    Raises
    ------
    FormatError
        A file is cut short or damaged, or a contig is such as SAM has no place for: of no bases, or of the name of another.
    IndexMismatchError
        The two files are of different genomes.
    """
    lines = _Lines(f"{prefix}.ann")
    length, n_contigs, _ = lines.numbers("bases, contigs and seed")
    names, table = _read_annotations(lines, n_contigs)
    offsets, lengths, n_holes = table.T.copy()
    if lengths.sum() != length:
        raise lines.error("lengths of contigs do not sum to the bases", f"{lengths.sum()} bases", line=1)
    lines.end()
    holes, hole_lengths = _read_holes(f"{prefix}.amb", offsets, lengths, n_holes)
    return Contigs(names, lengths, offsets, holes, hole_lengths)


def _read_annotations(lines: "_Lines", n_contigs: int) -> tuple[list[str], Int64Array]:
    """Names, and int64 (contigs, 3) of offset, length and holes."""
    names: dict[str, None] = {}
    rows = []
    end = 0
    for _ in range(n_contigs):
        name = lines.name()
        if name in names:
            raise lines.error("two contigs have one name", "each name once", found=name.encode())
        names[name] = None
        offset, length, holes = lines.numbers("offset, length and holes of a contig")
        if offset != end:
            raise lines.error(f"contig {name} does not follow the one before", f"an offset of {end}")
        if length == 0:
            raise lines.error(f"contig {name} has no bases", "one or more")
        rows.append((offset, length, holes))
        end += length
    if not rows:
        raise lines.error("there are no contigs", "one or more")
    return list(names), np.array(rows, np.int64)


def _read_holes(
    path: str, offsets: Int64Array, lengths: Int64Array, of_contigs: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Offsets and lengths of the holes, of which each contig has as many as it should."""
    lines = _Lines(path)
    bases, contigs, n_holes = lines.numbers("bases, contigs and holes")
    if (bases, contigs) != (lengths.sum(), len(lengths)):
        raise IndexMismatchError(
            "not of the same genome as the .ann file",
            path=path,
            found=f"{bases} bases, {contigs} contigs",
            expected=f"{lengths.sum()} and {len(lengths)}",
            advice=ADVICE,
        )
    rows = [lines.numbers("offset, length and letter of a hole", letter=True) for _ in range(n_holes)]
    lines.end()
    holes, hole_lengths = np.array(rows, np.int64).reshape(-1, 2).T.copy()
    ends = holes + hole_lengths
    contig = np.searchsorted(offsets, holes, "right") - 1
    sound = (hole_lengths > 0) & (holes >= np.append(0, ends[:-1])) & (ends <= (offsets + lengths)[contig])
    if not sound.all():
        expected = "one of some bases, behind the one before, in one contig"
        raise lines.error("hole is out of place", expected, line=2 + int(sound.argmin()))
    counts = np.bincount(contig, minlength=contigs)
    if (wrong := np.flatnonzero(counts != of_contigs)).size:
        expected = f"{of_contigs[wrong[0]]} in contig {wrong[0] + 1}, as in the .ann file"
        raise lines.error(f"there are {counts[wrong[0]]} holes", expected, line=1)
    return holes, hole_lengths


class _Lines:
    """A text file line by line, whose errors name file and line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lines = self._read()
        self._number = 0

    def _read(self) -> Iterator[bytes]:
        with Path(self._path).open("rb") as file:
            for self._number, line in enumerate(file, 1):
                yield line
        self._number += 1

    def numbers(self, expected: str, *, letter: bool = False) -> list[int]:
        """The next line as three whole numbers, or as two and a letter, which is left out."""
        words = self._next(expected).split()
        numbers = words[:2] if letter else words
        if len(words) != 3 or not all(word.isdigit() and len(word) <= _MOST_DIGITS for word in numbers):
            raise self.error("line is not understood", expected, found=b" ".join(words))
        return [int(word) for word in numbers]

    def name(self) -> str:
        """The contig that the next line names."""
        expected = "a number and the name of a contig, in UTF-8"
        line = self._next(expected)
        words = line.split(maxsplit=2)
        try:
            int(words[0])
            return words[1].decode()
        except (ValueError, IndexError):
            raise self.error("line is not understood", expected, found=line.rstrip()) from None

    def end(self) -> None:
        """Raise if there are more lines."""
        if (line := next(self._lines, None)) is not None:
            raise self.error("line is one too many", "the end of the file", found=line.rstrip())

    def error(self, message: str, expected: str, *, line: int | None = None, found: bytes | None = None) -> FormatError:
        """What to raise of this line, or of another."""
        return FormatError(
            message,
            path=self._path,
            place=f"line {line or self._number}",
            found=None if found is None else repr(found.decode(errors="replace")),
            expected=expected,
            advice=ADVICE,
        )

    def _next(self, expected: str) -> bytes:
        line = next(self._lines, b"")
        if not line.endswith(b"\n"):
            raise self.error("the file is cut short", expected)
        return line
