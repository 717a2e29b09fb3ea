"""Which records count, and which of their bases."""

from dataclasses import dataclass
from enum import IntFlag

from colonnade.errors import UsageError


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


@dataclass(frozen=True)
class ReadFilter:
    """The conditions a record meets to count, and a base of it to count as of good quality.

    Parameters
    ----------
    min_mapq
        Smallest mapping quality.
    min_baseq
        Smallest base quality, after overlapping mates are resolved; bases below it count as low quality.
    require_flags, exclude_flags
        All of the first must be set, none of the second. Unmapped records never count.
    drop_orphans
        Leave out paired reads that are not flagged as a proper pair (samtools mpileup without ``-A``).
    assume_quality
        Base quality of reads that come without; None: their bases count as low quality.
    """

    min_mapq: int = 10
    min_baseq: int = 5
    require_flags: Flag = NO_FLAGS
    exclude_flags: Flag = DEFAULT_EXCLUDE
    drop_orphans: bool = False
    assume_quality: int | None = None

    def __post_init__(self) -> None:
        for name, value, largest in (
            ("min_mapq", self.min_mapq, 255),
            ("min_baseq", self.min_baseq, 93),
            ("assume_quality", self.assume_quality or 0, 93),
        ):
            if not 0 <= value <= largest:
                raise UsageError(f"{name} is out of range", found=str(value), expected=f"0 to {largest}")
