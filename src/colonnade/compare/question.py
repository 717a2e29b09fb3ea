"""What is asked: everything that decides the result of a comparison, and which part of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Final, Literal

from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import Comparison, Paths
from colonnade.errors import UsageError
from colonnade.regions import Region

_MOST_PARTS: Final = 100_000  # each knows where all of them begin


@dataclass(frozen=True)
class Question:
    """Which samples to compare where, and how: everything that decides the result.

    Parameters
    ----------
    samples
        Name to BAM file, or to several.
    reference
        FASTA file.
    scheme, against, pairs
        Which samples to compare: ``all-pairs`` or ``consecutive``; or all against one (or ``REF``); or a list.
    regions, bed
        Where: regions (texts such as ``chr1:1-100``, or ``Region``) and a BED file; everywhere without either.
    options
        How.
    """

    samples: Mapping[str, Paths]
    reference: str | PathLike[str]
    scheme: Literal["all-pairs", "consecutive"] = "all-pairs"
    against: str | None = None
    pairs: Sequence[Comparison] | None = None
    regions: Sequence[str | Region] = ()
    bed: str | PathLike[str] | None = None
    options: CompareOptions = field(default_factory=CompareOptions)


@dataclass(frozen=True)
class Part:
    """One of several parts of a question, which hold about as many bytes each; ``Part(2, 5)`` is the second of five.

    Parameters
    ----------
    number
        From 1.
    of
        How many parts there are.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= _MOST_PARTS:
            expected = f"a number from 1 to that of all parts, {_MOST_PARTS} at most"
            raise UsageError("part is out of range", found=str(self), expected=expected)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read ``2/5``."""
        numbers = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if not numbers:
            raise UsageError("not a part", found=repr(text), expected="I/N, such as 2/5")
        return cls(int(numbers[1]), int(numbers[2]))
