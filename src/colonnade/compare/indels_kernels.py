"""Gathering the indel events of two samples."""

from colonnade.jit import kernel


@kernel
def gather_events(starts, event_counts, junctions, counts):
    """Fill ``counts`` (junctions, 1 + events, 2), from the second row on, with the events that either sample has.

    ``starts`` says where the events of each junction begin in ``event_counts`` (events, 2).
    """
    for i in range(junctions.size):
        k = 1
        for event in range(starts[junctions[i]], starts[junctions[i] + 1]):
            if event_counts[event, 0] > 0 or event_counts[event, 1] > 0:
                counts[i, k] = event_counts[event]
                k += 1
