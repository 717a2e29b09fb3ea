"""What is asked of a run besides the sheet, and the means to carry it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Literal, TypeAlias

from colonnade.align.options import AlignOptions
from colonnade.compare.options import CompareOptions
from colonnade.run.executor import Executor
from colonnade.run.progress import StageReport

Scheme: TypeAlias = Literal["all-pairs", "consecutive"]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What decides the results of a run.

    Parameters
    ----------
    reference
        FASTA of the genome.
    align, compare
        How reads are aligned, and how samples are compared.
    scheme
        ``all-pairs`` or ``consecutive``: which samples of a group are compared. None: consecutive ones where the sheet tells times,
        else all pairs.
    against
        Instead: each sample of a group with this one, or with ``REF``.
    regions, bed
        Where they are compared; everywhere without either.
    gff
        Genes, for the reports.
    """

    reference: str | PathLike[str]
    align: AlignOptions = field(default_factory=AlignOptions)
    compare: CompareOptions = field(default_factory=CompareOptions)
    scheme: Scheme | None = None
    against: str | None = None
    regions: Sequence[str] = ()
    bed: str | PathLike[str] | None = None
    gff: str | PathLike[str] | None = None


@dataclass(frozen=True)
class Means:
    """What a step is carried out with; no result depends on it.

    Parameters
    ----------
    threads
        Threads of this process.
    executor
        Who aligns and compares.
    memory
        Bytes for reads and counts of comparisons, in each process.
    progress
        Told how far each stage of a step is.
    """

    threads: int
    executor: Executor
    memory: int
    progress: StageReport
