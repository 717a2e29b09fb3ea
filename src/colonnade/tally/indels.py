"""Indel events of several samples side by side: which are the same, and how often each sample has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colonnade.formats.fasta import Stretch
from colonnade.regions import Region
from colonnade.tally import counts_kernels as kernels
from colonnade.tally.counts import Tally, group_events, join_events


@dataclass(frozen=True)
class IndelTable:
    """The positions of a region after which any sample has an indel.

    Parameters
    ----------
    positions
        int64 (junctions,), 0-based, rising.
    starts
        int64 (junctions + 1,): where each junction's events begin.
    events, letters
        Array of ``EVENT``, each distinct one once, sorted by name within a junction; and what they insert.
    counts
        int64 (events, samples).
    matches
        int64 (junctions, samples): reads without an indel there.
    reference
        Reaches as far as any deletion.
    """

    positions: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    events: npt.NDArray[np.void]
    letters: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.int64]
    matches: npt.NDArray[np.int64]
    reference: Stretch

    @property
    def names(self) -> list[str]:
        """One per event: ``+ACG``, an insertion, or ``-TT``, a deletion."""
        return [self.name(number) for number in range(len(self.events))]

    def name(self, number: int) -> str:
        """The name of one event."""
        event = self.events[number]
        length = int(event["length"])
        if length > 0:
            return "+" + self.letters[event["letters"] : event["letters"] + length].tobytes().decode("ascii")
        first = int(event["position"]) + 1
        return "-" + self.reference.text(first, first - length)


def indel_table(tallies: Sequence[Tally], region: Region, reference: Stretch) -> IndelTable:
    """Join the indel events of all samples over a region.

    ``reference`` reaches from the start of the region as far as any deletion.
    """
    events, letters = join_events(tallies)
    samples = np.repeat(np.arange(len(tallies)), [len(t.events) for t in tallies])
    groups = group_events(events, letters)
    firsts = np.unique(groups, return_index=True)[1]
    counts = np.zeros((len(firsts), len(tallies)), np.int64)
    np.add.at(counts, (groups, samples), events["count"])
    once = events[firsts]
    order = np.argsort(once["position"], kind="stable")
    kernels.sort_by_name(once, letters, order)
    once, counts = once[order], counts[order]
    positions, starts = np.unique(once["position"], return_index=True)
    rows = positions - region.start
    return IndelTable(
        positions=positions,
        starts=np.append(starts, len(once)),
        events=once,
        letters=letters,
        counts=counts,
        matches=np.stack([t.matches_at(rows) for t in tallies], axis=1, dtype=np.int64),
        reference=reference,
    )
