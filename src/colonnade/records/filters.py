"""Which records count, and which of their bases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import IntFlag
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

from colonnade.errors import FormatError, UsageError
from colonnade.regions import Region, check_region, merge_regions, read_bed


class Flag(IntFlag):
    """FLAG bits of the SAM specification, section 1.4, with samtools' names."""

    PAIRED = 0x1
    PROPER_PAIR = 0x2
    UNMAP = 0x4
    MUNMAP = 0x8
    REVERSE = 0x10
    MREVERSE = 0x20
    READ1 = 0x40
    READ2 = 0x80
    SECONDARY = 0x100
    QCFAIL = 0x200
    DUP = 0x400
    SUPPLEMENTARY = 0x800


#: What can become of a record, in the order of the kernels' numbers: the first condition that it fails removes it.
OUTCOMES: Final = (
    "kept", "unmapped", "require_flags", "any_flags", "exclude_flags", "min_mapq", "drop_orphans", "read_groups",
)  # fmt: skip

NO_FLAGS = Flag(0)
DEFAULT_EXCLUDE = Flag.UNMAP | Flag.SECONDARY | Flag.QCFAIL | Flag.DUP


def parse_flags(text: str) -> Flag:
    """Read flags as a number (decimal, 0x or 0 octal) or as names: ``UNMAP,DUP``; an empty text is no flag.

    Examples
    --------
    >>> int(parse_flags("UNMAP,DUP"))
    1028
    """
    total = Flag(0)
    for word in filter(None, text.split(",")):
        if word.upper() in Flag.__members__:
            total |= Flag[word.upper()]
            continue
        try:
            number = int(word, 8 if word.startswith("0") and word.isdecimal() else 0)
        except ValueError:
            number = -1
        if not 0 <= number <= 0xFFF:
            raise UsageError(
                f"unknown flag {word!r}", expected="a number from 0 to 4095 or names: " + ", ".join(Flag.__members__)
            )
        total |= Flag(number)
    return total


def read_read_groups(path: str | Path) -> tuple[str, ...]:
    """Read a file with one read group ID per line."""
    groups = []
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            name = line.rstrip("\r\n")
            if "\t" in name or "\0" in name:
                raise FormatError(
                    "not a read group ID",
                    path=path,
                    place=f"line {number}",
                    found=repr(name[:60]),
                    expected="one ID a line",
                )
            if name:
                groups.append(name)
    if not groups:
        raise FormatError("no read groups", path=path, expected="one ID a line")
    return tuple(dict.fromkeys(groups))


@dataclass(frozen=True)
class ReadFilter:
    """The conditions a record meets to count, and a base of it to count as of good quality.

    Parameters
    ----------
    min_mapq
        Smallest mapping quality.
    min_baseq
        Smallest base quality, after overlapping mates are resolved; bases below it count as low quality.
    require_flags, any_flags, exclude_flags
        All of the first must be set, at least one of the second unless it names none, and none of the third. Unmapped
        records never count.
    drop_orphans
        Leave out paired reads that are not flagged as a proper pair (samtools mpileup without ``-A``).
    read_groups
        IDs of the read groups to keep; None: all records, with or without a read group.
    exclude_read_groups
        IDs of read groups to leave out.
    trim5, trim3
        How many bases at the 5' and the 3' end of each read, as it was sequenced, count nowhere. Soft-clipped bases are part
        of the read. A trimmed base leaves its mate's base as it is.
    mask
        Intervals of the reference in which no base and no indel counts, primers for instance: a BED file, or regions.
    assume_quality
        Base quality of reads that come without; None: their bases count as low quality.
    """

    min_mapq: int = 10
    min_baseq: int = 5
    require_flags: Flag = NO_FLAGS
    any_flags: Flag = NO_FLAGS
    exclude_flags: Flag = DEFAULT_EXCLUDE
    drop_orphans: bool = False
    read_groups: tuple[str, ...] | None = None
    exclude_read_groups: tuple[str, ...] = ()
    trim5: int = 0
    trim3: int = 0
    mask: str | PathLike[str] | tuple[Region, ...] = ()
    assume_quality: int | None = None

    def __post_init__(self) -> None:
        for name, value, largest in (
            ("min_mapq", self.min_mapq, 255),
            ("min_baseq", self.min_baseq, 93),
            ("trim5", self.trim5, 1 << 30),
            ("trim3", self.trim3, 1 << 30),
            ("assume_quality", self.assume_quality or 0, 93),
        ):
            if not 0 <= value <= largest:
                raise UsageError(f"{name} is out of range", found=str(value), expected=f"0 to {largest}")
        if self.read_groups is not None and not self.read_groups:
            raise UsageError("read_groups is empty", expected="None for all, or at least one ID")
        if self.read_groups is not None and self.exclude_read_groups:
            raise UsageError("read groups are both chosen and left out", expected="one of the two")

    def __str__(self) -> str:
        """What differs from reading every record and base: ``min_mapq 10, exclude_flags UNMAP,DUP``."""
        nothing = EVERY_READ
        parts = [
            f"{field.name} {_shown(value)}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != getattr(nothing, field.name)
        ]
        return ", ".join(parts) or "all reads"

    def on(self, lengths: Mapping[str, int]) -> "ReadFilter":
        """The same filter for a reference with these contigs, its mask read, checked, sorted and merged."""
        if isinstance(self.mask, tuple):
            regions = [check_region(region, lengths) for region in self.mask]
        else:
            regions = read_bed(fspath(self.mask), lengths)
        return replace(self, mask=tuple(merge_regions(regions, lengths)))

    @property
    def masked(self) -> tuple[Region, ...]:
        """The regions of the mask, once it has been read."""
        if not isinstance(self.mask, tuple):
            raise UsageError("the mask has not been read", found=fspath(self.mask), expected="a filter made by on()")
        return self.mask

    def as_dict(self) -> dict[str, Any]:
        """Numbers and texts only, for JSON."""
        return {
            "min_mapq": self.min_mapq,
            "min_baseq": self.min_baseq,
            "require_flags": int(self.require_flags),
            "any_flags": int(self.any_flags),
            "exclude_flags": int(self.exclude_flags),
            "drop_orphans": self.drop_orphans,
            "read_groups": None if self.read_groups is None else list(self.read_groups),
            "exclude_read_groups": list(self.exclude_read_groups),
            "trim5": self.trim5,
            "trim3": self.trim3,
            "mask": [str(region) for region in self.masked],
            "assume_quality": self.assume_quality,
        }

    def explain(self, outcomes: Iterable[int]) -> dict[str, int]:
        """How many records were kept, and how many each condition in use removed; a record counts for the first it fails."""
        used = {
            "kept": True,
            "unmapped": True,
            "require_flags": self.require_flags != 0,
            "any_flags": self.any_flags != 0,
            "exclude_flags": self.exclude_flags != 0,
            "min_mapq": self.min_mapq > 0,
            "drop_orphans": self.drop_orphans,
            "read_groups": self.read_groups is not None or bool(self.exclude_read_groups),
        }
        return {name: int(number) for name, number in zip(OUTCOMES, outcomes, strict=True) if used[name]}


def _shown(value: object) -> str:
    if isinstance(value, Flag):
        return ",".join(flag.name or "" for flag in value)
    if isinstance(value, tuple):
        return f"({len(value)})" if len(value) > 5 else ",".join(map(str, value))
    return str(value)


#: Every mapped read, and every base of it.
EVERY_READ: Final = ReadFilter(min_mapq=0, min_baseq=0, exclude_flags=NO_FLAGS)
