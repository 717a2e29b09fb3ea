"""Genomic intervals: 0-based and half-open inside, 1-based text and BED at the edge."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from colonnade.errors import FormatError, UsageError


@dataclass(frozen=True, order=True)
class Region:
    """An interval of one contig: 0-based, half-open.

    Parameters
    ----------
    contig
        Name of the contig.
    start, end
        First position, and the position after the last one.
    """

    contig: str
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.contig}:{self.start + 1}-{self.end}"


def parse_region(text: str, lengths: Mapping[str, int]) -> Region:
    """Read ``chr1``, ``chr1:1,001-2,000``, ``chr1:1,001`` (from there to the end) or ``chr1:-2,000``; 1-based, inclusive.

    A text that is itself the name of a contig means that contig, colons and all; braces keep a name with colons
    together (``{HLA:01}:5-9``), as in samtools.

    Examples
    --------
    >>> parse_region("chr1:1,001-2,000", {"chr1": 5000})
    Region(contig='chr1', start=1000, end=2000)
    """
    if text in lengths:
        return Region(text, 0, lengths[text])
    braced = re.fullmatch(r"\{(.*)\}(?::([^}]*))?", text)
    contig, colon, interval = text.rpartition(":")
    if not colon:
        contig, interval = text, ""
    if braced and contig not in lengths:
        contig, interval = braced[1], braced[2] or ""
    if contig not in lengths:
        raise UsageError(
            f"region {text!r} names an unknown contig",
            found=contig,
            expected="a contig, such as " + ", ".join(list(lengths)[:3]),
        )
    digits = re.fullmatch(r"([0-9]{0,99})(?:-([0-9]{0,99}))?", interval.replace(",", ""))
    if not digits:
        raise UsageError(f"region {text!r} cannot be read", found=repr(interval), expected="FIRST-LAST, 1-based")
    start = int(digits[1]) - 1 if digits[1] else 0
    end = int(digits[2]) if digits[2] else lengths[contig]
    if start < 0 or end <= start or start >= lengths[contig]:
        raise UsageError(
            f"region {text!r} is empty or outside its contig",
            found=f"{start + 1}-{end}",
            expected=f"positions within 1-{lengths[contig]}",
        )
    return Region(contig, start, min(end, lengths[contig]))


def check_region(region: Region, lengths: Mapping[str, int]) -> Region:
    """Return a region unless it lies outside the contigs."""
    if not 0 <= region.start < region.end <= lengths.get(region.contig, 0):
        raise UsageError(
            f"region {region} is empty or outside its contig",
            found=f"start {region.start}, end {region.end}",
            expected=f"0 <= start < end <= {lengths[region.contig]}"
            if region.contig in lengths
            else "a contig of the reference",
        )
    return region


def read_bed(path: str | Path, lengths: Mapping[str, int]) -> list[Region]:
    """Read the intervals of a BED file (0-based, half-open) and check them against contig lengths."""
    regions = []
    with open(path, encoding="utf-8-sig", errors="backslashreplace") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.rstrip("\r\n").split("\t")
            if not line.strip() or line.startswith("#") or line.split()[0] in ("track", "browser"):
                continue
            place = f"line {number}"
            if len(fields) < 3 or not all(re.fullmatch("[0-9]{1,99}", field) for field in fields[1:3]):
                raise FormatError(
                    "not a BED line",
                    path=path,
                    place=place,
                    found=repr(line.strip()[:60]),
                    expected="contig, start, end",
                )
            region = Region(fields[0], int(fields[1]), int(fields[2]))
            if region.contig not in lengths:
                raise FormatError(
                    "unknown contig", path=path, place=place, found=region.contig, expected="a contig of the reference"
                )
            if not region.start < region.end <= lengths[region.contig]:
                raise FormatError(
                    "interval is empty or outside its contig",
                    path=path,
                    place=place,
                    found=f"{region.start}-{region.end}",
                    expected=f"0 <= start < end <= {lengths[region.contig]}",
                )
            regions.append(region)
    return regions


def regions_of_interest(
    regions: Sequence[str | Region], bed: str | PathLike[str] | None, lengths: Mapping[str, int]
) -> list[Region]:
    """Regions and those of a BED file, checked, sorted and merged; all contigs where neither is given.

    Parameters
    ----------
    regions
        Texts, or regions.
    bed
        BED file.
    lengths
        Contig name to length; their order is that of the result.
    """
    wanted = [
        check_region(region, lengths) if isinstance(region, Region) else parse_region(region, lengths)
        for region in regions
    ]
    if bed is not None:
        wanted += read_bed(fspath(bed), lengths)
    elif not regions:
        wanted = [Region(contig, 0, length) for contig, length in lengths.items() if length]
    return merge_regions(wanted, lengths)


def merge_regions(regions: Iterable[Region], order: Mapping[str, int]) -> list[Region]:
    """Sort regions by contig order and start, and join those that overlap or touch, so that each locus comes once.

    Parameters
    ----------
    regions
        In any order, overlapping or not.
    order
        Contig names; their order in this mapping is the order of the result.
    """
    rank = {contig: number for number, contig in enumerate(order)}
    merged: list[Region] = []
    for region in sorted(regions, key=lambda r: (rank[r.contig], r.start, r.end)):
        last = merged[-1] if merged else None
        if last is not None and last.contig == region.contig and region.start <= last.end:
            merged[-1] = Region(last.contig, last.start, max(last.end, region.end))
        else:
            merged.append(region)
    return merged
