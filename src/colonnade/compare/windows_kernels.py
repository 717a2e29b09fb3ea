"""Sums over fixed windows."""

from colonnade.jit import kernel


@kernel
def add_depths(counts, low_quality, start, window, sums):
    """Add one sample's depths to int64 ``sums`` (windows, 3): positions covered, bases of good quality, and of low quality.

    ``counts`` (positions, 4) and ``low_quality`` (positions,) begin at position ``start``, ``sums`` at the window that it is in.
    """
    row = 0
    while row < low_quality.size:
        number = (start + row) // window
        stop = min(low_quality.size, (number + 1) * window - start)
        covered = 0
        good = 0
        low = 0
        for i in range(row, stop):
            depth = counts[i, 0] + counts[i, 1] + counts[i, 2] + counts[i, 3]
            covered += depth > 0
            good += depth
            low += low_quality[i]
        here = sums[number - start // window]
        here[0] += covered
        here[1] += good
        here[2] += low
        row = stop
