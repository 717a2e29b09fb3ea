"""What became of the reads, counted and told."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from colonnade.align import summary_kernels as kernels
from colonnade.formats.html import panel, table

CONFIDENT: Final = 20  # mapping quality from which on a place counts as sure, as in infer_isize (bwape.c)


@dataclass(frozen=True, kw_only=True)
class AlignSummary:
    """How many reads came to what.

    Parameters
    ----------
    reads
        All that were read, but for what is left out.
    aligned
        Those that were given a place.
    confident
        Those whose mapping quality is 20 or more.
    too_long
        Those of more than 65,535 bases, which are not searched for.
    kept
        Those that stay as they are, since they were aligned before.
    pairs
        Pairs of mates.
    proper_pairs
        Those whose mates lie as the mates of one template do.
    rescued
        Mates that were found by the place of the other one.
    orphans
        Mates without their mate that were dropped, or that went on as single reads.
    not_written
        Reads that were not written, as they, or their mates, have no place.
    left_out
        Records of the input that are secondary or supplementary, and so are no reads of their own.
    """

    reads: int = 0
    aligned: int = 0
    confident: int = 0
    too_long: int = 0
    kept: int = 0
    pairs: int = 0
    proper_pairs: int = 0
    rescued: int = 0
    orphans: int = 0
    not_written: int = 0
    left_out: int = 0

    def __str__(self) -> str:
        return "; ".join(self._parts())

    def _repr_html_(self) -> str:
        counts = {field.name.replace("_", " "): getattr(self, field.name) for field in fields(self)}
        return panel(
            "AlignSummary", table(("", "count"), [row for row in counts.items() if row[1] or row[0] == "reads"])
        )

    def _parts(self) -> Iterator[str]:
        yield f"{self.reads} reads, {self.aligned} aligned, {self.confident} with mapping quality {CONFIDENT} or more"
        if self.pairs:
            yield f"{self.pairs} pairs, {self.proper_pairs} of them proper, {self.rescued} mates rescued"
        others = (
            (self.kept, "reads left as they were"),
            (self.orphans, "mates without their mate"),
            (self.not_written, "reads not written, as they or their mates are unaligned"),
            (self.left_out, "secondary and supplementary records left out"),
        )
        yield from (f"{count} {what}" for count, what in others if count)


class Counts(NamedTuple):
    """Those numbers of the summary that records show."""

    reads: int = 0
    aligned: int = 0
    confident: int = 0
    too_long: int = 0
    kept: int = 0
    pairs: int = 0
    proper_pairs: int = 0
    rescued: int = 0
    not_written: int = 0

    @classmethod
    def of(
        cls,
        data: npt.NDArray[np.uint8],
        records: npt.NDArray[np.int64],
        kept: npt.NDArray[np.bool_],
        *,
        not_written: int = 0,
    ) -> "Counts":
        """Count final records.

        Parameters
        ----------
        data, records
            Uint8 bytes, and int64 (reads + 1,): where each record begins, and the last one ends.
        kept
            Bool (reads,): which of them stay as they were.
        not_written
            How many of them are not to be written.
        """
        counted = kernels.count_records(data, records, kept, CONFIDENT)
        return cls._make(map(int, (*counted, not_written)))

    def plus(self, other: "Counts") -> "Counts":
        """The sum of both."""
        return Counts(*(own + others for own, others in zip(self, other, strict=True)))
