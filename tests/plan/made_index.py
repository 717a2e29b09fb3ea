"""Indexes made from numbers, without any BAM file: as large as wanted."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from colonnade.errors import FormatError
from colonnade.formats.binning import BAI
from colonnade.formats.index import BinningIndex

CHILDREN = 8
BYTES_PER_WINDOW = 4000  # compressed, on average


class _NoBlocks:
    """Blocks that cannot be read, so that the ratio is 4."""

    def pieces(self, chunks: object, *, size: int) -> Iterator[object]:
        raise FormatError("there is no file")


def made_file(windows: Sequence[int], seed: int, *, leaves: float) -> Any:
    """A file without a file: contigs ``c0``, ``c1``, ... of so many windows each, and an index like those htslib makes.

    Eight windows are one bin of the next level, save for a share of ``leaves`` that have bins of their own; in larger bins
    there are only the records on the borders of their children. What is in a window takes about 4,000 compressed bytes.
    """
    rng = np.random.default_rng(seed)
    contigs = [_Contig.made(n, rng, leaves) for n in windows]
    offset = 100
    for contig in contigs:
        contig.chunks += offset << 16
        contig.offsets += offset << 16
        offset = int(contig.chunks.max(initial=offset << 16) >> 16) + 20_000
    bins = np.concatenate([contig.bins for contig in contigs])
    counts = np.concatenate([contig.counts for contig in contigs])
    bin_starts = np.cumsum([0, *(contig.bins.size for contig in contigs)])
    window_starts = np.cumsum([0, *(contig.offsets.size for contig in contigs)])
    index = BinningIndex(
        path="made",
        geometry=BAI,
        n_contigs=len(contigs),
        unplaced=0,
        bin_starts=bin_starts,
        bins=bins,
        loffs=np.concatenate([contig.loffs() for contig in contigs]),
        chunk_starts=np.concatenate(([0], np.cumsum(counts))),
        chunk_array=np.concatenate([contig.chunks for contig in contigs]),
        window_starts=window_starts,
        windows=np.concatenate([contig.offsets for contig in contigs]),
        unmapped=np.zeros(len(contigs), np.int64),
    )
    lengths = {f"c{number}": n * (1 << BAI.min_shift) for number, n in enumerate(windows)}
    return SimpleNamespace(
        path=f"made-{seed}",
        contigs={name: number for number, name in enumerate(lengths)},
        header=SimpleNamespace(lengths=lengths),
        index=index,
        blocks=_NoBlocks(),
    )


class _Contig:
    def __init__(self, bins: Any, counts: Any, chunks: Any, offsets: Any) -> None:
        self.bins, self.counts, self.chunks, self.offsets = bins, counts, chunks, offsets

    @classmethod
    def made(cls, n: int, rng: np.random.Generator, leaves: float) -> "_Contig":
        places = np.concatenate(([0], np.cumsum(rng.integers(0, 2 * BYTES_PER_WINDOW, n))))
        starts = (places[:-1] << 16) | rng.integers(0, 30_000, n)
        ends = np.append(starts[1:], (places[-1] + 30_000) << 16)
        has_leaf = np.repeat(rng.random(-(-n // CHILDREN)) < leaves, CHILDREN)[:n]

        numbers, firsts, lasts = [], [], []
        leaf = np.flatnonzero(has_leaf)
        numbers.append(BAI.first_bin(5) + leaf)
        firsts.append(starts[leaf])
        lasts.append(ends[leaf])
        groups = np.flatnonzero(~has_leaf[::CHILDREN])
        numbers.append(BAI.first_bin(4) + groups)
        firsts.append(starts[groups * CHILDREN])
        lasts.append(ends[np.minimum(groups * CHILDREN + CHILDREN, n) - 1])
        for level in (4, 3, 2, 1, 0):
            width = CHILDREN ** (4 - level)  # children, in windows
            borders = np.arange(width, n, width)
            borders = borders[borders % (CHILDREN * width) != 0]
            if level == 4:
                borders = borders[has_leaf[borders]]
            numbers.append(BAI.first_bin(level) + borders // (CHILDREN * width))
            firsts.append(starts[borders] - 1)
            lasts.append(starts[borders] + 1)
        number, first, last = map(np.concatenate, (numbers, firsts, lasts))
        order = np.lexsort((first, number))
        bins, counts = np.unique(number[order], return_counts=True)
        return cls(bins, counts, np.stack([first[order], last[order]], axis=1), starts - 1)

    def loffs(self) -> Any:
        first_bins = np.array([BAI.first_bin(level) for level in range(6)])
        levels = np.searchsorted(first_bins, self.bins, side="right") - 1
        return self.offsets[(self.bins - first_bins[levels]) << (3 * (5 - levels))]
