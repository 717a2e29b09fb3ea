"""What is asked: everything that decides the result of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Literal

from colonnade.compare.options import CompareOptions
from colonnade.compare.samples import Comparison, Paths
from colonnade.regions import Region


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
