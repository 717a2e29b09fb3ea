"""A sheet of samples: what is compared with what, and where the reads are."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, TypeAlias

from colonnade.align.inputs import ReadFiles

#: The group of samples that are in none, and the start of its files' names.
DEFAULT_GROUP: Final = "all"

#: What can be the name of a file on any system, of a sample in VCF, and of a read group.
NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
NAME_RULE: Final = "letters, digits and _ . + -, 100 at most, the first a letter, a digit or _"

Time: TypeAlias = float | date


@dataclass(frozen=True)
class SheetSample:
    """A sample of a sheet.

    Parameters
    ----------
    name
        Its name.
    group
        Samples of the same group are compared with each other.
    time
        When it was taken, as a number or a day; None where that is not told, which is so for all samples of a group or for none.
    reads
        What is to be aligned, each with its read group.
    alignments
        Sorted BAM, CRAM or SAM files.
    """

    name: str
    group: str = DEFAULT_GROUP
    time: Time | None = None
    reads: tuple[ReadFiles, ...] = ()
    alignments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """Samples in the order of the file.

    Parameters
    ----------
    path
        The file.
    samples
        At least one; names are unique.
    """

    path: str
    samples: tuple[SheetSample, ...]

    @cached_property
    def groups(self) -> dict[str, tuple[SheetSample, ...]]:
        """The samples of each group: by time, and in the order of the sheet where times are the same or not told."""
        found: dict[str, list[SheetSample]] = {}
        for sample in self.samples:
            found.setdefault(sample.group, []).append(sample)
        return {name: _by_time(samples) for name, samples in found.items()}


def _by_time(samples: list[SheetSample]) -> tuple[SheetSample, ...]:
    if samples[0].time is not None:
        samples = sorted(samples, key=lambda sample: sample.time)  # type: ignore[arg-type, return-value]
    return tuple(samples)
