"""Indel events of several samples side by side: which are the same, and how often each sample has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from colonnade.formats.fasta import Stretch
from colonnade.regions import Region
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
    names
        One per event: ``+ACG`` or ``-TT``; sorted within a junction.
    counts
        int64 (events, samples).
    matches
        int64 (junctions, samples): reads without an indel there.
    """

    positions: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    names: list[str]
    counts: npt.NDArray[np.int64]
    matches: npt.NDArray[np.int64]


def indel_table(tallies: Sequence[Tally], region: Region, reference: Stretch) -> IndelTable:
    """Join the indel events of all samples over a region.

    ``reference`` reaches from the start of the region as far as any deletion.
    """
    events, letters = join_events(tallies)
    samples = np.repeat(np.arange(len(tallies)), [len(t.events) for t in tallies])
    order = np.argsort(events["position"], kind="stable")
    events, samples = events[order], samples[order]

    groups = group_events(events, letters)
    n_groups = int(groups.max(initial=-1)) + 1
    counts = np.zeros((n_groups, len(tallies)), np.int64)
    np.add.at(counts, (groups, samples), events["count"])
    first = np.unique(groups, return_index=True)[1]
    names = [_name(event, letters, reference) for event in events[first]]
    where = events["position"][first]
    by_name = sorted(range(n_groups), key=lambda g: (where[g], names[g]))
    positions, starts = np.unique(where, return_index=True)
    rows = positions - region.start
    return IndelTable(
        positions=positions,
        starts=np.append(starts, n_groups),
        names=[names[g] for g in by_name],
        counts=counts[by_name],
        matches=np.stack([t.matches[rows] for t in tallies], axis=1).astype(np.int64),
    )


def _name(event: np.void, letters: npt.NDArray[np.uint8], reference: Stretch) -> str:
    length = int(event["length"])
    if length > 0:
        return "+" + letters[event["letters"] : event["letters"] + length].tobytes().decode("ascii")
    first = int(event["position"]) + 1
    return "-" + reference.text(first, first - length)
