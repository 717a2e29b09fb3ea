"""Amplicon schemes: from a BED file of primers, or tiles of equal length."""

import re
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Final

from colonnade.errors import FormatError, UsageError
from colonnade.regions import Region
from colonnade.simulate.library import OVERLAP, PRIMER_LENGTH, Amplicon

_NAME: Final = re.compile(r"(.+)_(LEFT|RIGHT)(?:_.*)?", re.IGNORECASE)


def read_primers(path: str | PathLike[str], lengths: Mapping[str, int]) -> tuple[Amplicon, ...]:
    """Read a BED file of primers, named ``NAME_LEFT`` and ``NAME_RIGHT``, with anything behind another underscore for alternatives.

    Where a side has several primers, each left one is paired with each right one, and they share the depth.

    Parameters
    ----------
    path
        BED with at least four columns: contig, start, end, name.
    lengths
        Contig name to length.

    Raises
    ------
    FormatError
        A line is not such a primer, or an amplicon lacks a side.
    """
    sides: dict[tuple[str, str], dict[str, list[Region]]] = {}
    with open(path, encoding="utf-8-sig", errors="backslashreplace") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip() and not line.startswith(("#", "track", "browser")):
                name, side, primer = _primer(line, lengths, fspath(path), f"line {number}")
                sides.setdefault((primer.contig, name), {"LEFT": [], "RIGHT": []})[side].append(primer)
    amplicons = []
    for (contig, name), primers in sides.items():
        lefts, rights = primers["LEFT"], primers["RIGHT"]
        if not (lefts and rights):
            missing = "LEFT" if rights else "RIGHT"
            raise FormatError(
                f"amplicon {name} has no {missing} primer", path=fspath(path), expected=f"{name}_{missing}"
            )
        share = 1 / (len(lefts) * len(rights))
        amplicons += [Amplicon(contig, a.start, b.end, a.end, b.start, share) for a in lefts for b in rights]
    if not amplicons:
        raise FormatError("no primers", path=fspath(path))
    return tuple(sorted(amplicons))


def tile(
    lengths: Mapping[str, int], *, length: int, overlap: int = OVERLAP, primer: int = PRIMER_LENGTH
) -> tuple[Amplicon, ...]:
    """Amplicons of one length over all contigs, each overlapping the next; the last of a contig is moved to its end.

    A contig that is shorter than an amplicon gets none.

    Parameters
    ----------
    lengths
        Contig name to length.
    length, overlap, primer
        Bases of an amplicon, of its overlap with the next, and of a primer.

    Raises
    ------
    UsageError
        The numbers leave nothing between primers, or between one amplicon and the next, or no contig is long enough.
    """
    if not 0 < 2 * primer < length:
        raise UsageError("primers do not fit their amplicon", found=f"{primer} of {length}", expected="less than half")
    if not 0 <= overlap < length:
        raise UsageError("overlap of amplicons is out of range", found=str(overlap), expected=f"0 to {length - 1}")
    amplicons = []
    for contig, size in lengths.items():
        last = size - length
        starts = [*range(0, last, length - overlap), last] if last >= 0 else []
        amplicons += [Amplicon(contig, s, s + length, s + primer, s + length - primer) for s in starts]
    if not amplicons:
        expected = f"at most {max(lengths.values())}"
        raise UsageError("amplicons are longer than every contig", found=f"{length} bases", expected=expected)
    return tuple(amplicons)


def _primer(line: str, lengths: Mapping[str, int], path: str, place: str) -> tuple[str, str, Region]:
    """The amplicon, the side and the interval of one line."""
    fields = line.rstrip("\r\n").split("\t")
    name = _NAME.fullmatch(fields[3]) if len(fields) > 3 else None
    if not (name and fields[1].isdecimal() and fields[2].isdecimal()):
        raise FormatError(
            "not a primer",
            path=path,
            place=place,
            found=repr(line.strip()[:60]),
            expected="contig, start, end, NAME_LEFT or NAME_RIGHT, tab-separated",
        )
    primer = Region(fields[0], int(fields[1]), int(fields[2]))
    if not primer.start < primer.end <= lengths.get(primer.contig, 0):
        expected = f"positions within 1-{lengths[primer.contig]}" if primer.contig in lengths else "another contig"
        raise FormatError(
            "primer is outside the reference", path=path, place=place, found=str(primer), expected=expected
        )
    return name[1], name[2].upper(), primer
