"""The reads behind the loci of a page: the table ``evidence``, in pieces that are unpacked when a locus is chosen."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.compare.stored import StoredResult
from colonnade.formats.fasta import BASES
from colonnade.report.composition import LOCI_PER_CHUNK, find
from colonnade.report.embedding import Array, pack_columns
from colonnade.report.rows import make_keys

#: Loci times samples up to which a page has each quality by itself; with more, qualities are counted in classes. At some
#: tens of rows for each that is about a million rows, or 3 MB.
MOST_EXACT: Final = 20_000

#: Lower ends of the classes: Phred qualities that programs and instruments have long called low, fair, good and very good.
CLASSES: Final = (0, 20, 30, 40)


@dataclass(frozen=True)
class _Bases:
    """Rows of evidence: the locus, and columns for the page."""

    locus: Array
    sample: Array
    base: Array
    strand: Array
    quality: Array
    count: Array

    @classmethod
    def none(cls) -> "_Bases":
        """No rows."""
        return cls(**{field.name: np.empty(0, np.int64) for field in fields(cls)})

    def __getitem__(self, chosen: "slice | npt.NDArray[np.bool_]") -> "_Bases":
        return _Bases(**{name: values[chosen] for name, values in vars(self).items()})

    def __add__(self, other: "_Bases") -> "_Bases":
        return _Bases(**{name: np.concatenate([values, vars(other)[name]]) for name, values in vars(self).items()})

    def in_classes(self, first: int, n_samples: int) -> "_Bases":
        """The same of ``LOCI_PER_CHUNK`` loci from a first one, counted by classes of quality, called by their lower ends."""
        shape = (LOCI_PER_CHUNK, n_samples, len(BASES), 2, len(CLASSES))
        quality = np.searchsorted(CLASSES, self.quality, side="right") - 1
        place = np.ravel_multi_index((self.locus - first, self.sample, self.base, self.strand, quality), shape)
        counts = np.bincount(place, self.count, math.prod(shape)).astype(np.int64)
        locus, sample, base, strand, quality = np.unravel_index(np.flatnonzero(counts), shape)
        return _Bases(locus + first, sample, base, strand, np.asarray(CLASSES)[quality], counts[counts > 0])

    def pack(self, first: int) -> str:
        """As text for a page; loci count from a first one."""
        return pack_columns(
            {
                "locus": (self.locus - first).astype(np.uint16),
                "sample": self.sample.astype(np.uint16),
                "base": self.base.astype(np.uint8),
                "strand": self.strand.astype(np.uint8),
                "quality": self.quality.astype(np.uint8),
                "count": self.count.astype(np.uint32),
            }
        )


def is_exact(loci: npt.NDArray[np.int64], result: StoredResult) -> bool:
    """Whether a page has room for each quality by itself."""
    return len(loci) * len(result.samples) <= MOST_EXACT


def evidence_chunks(
    result: StoredResult, loci: npt.NDArray[np.int64], *, progress: Callable[[int], None] | None = None
) -> Iterator[str]:
    """The pieces of a page, of ``LOCI_PER_CHUNK`` loci each, of evidence at some loci, given as rising keys.

    The table is read once, and no more than a batch and a piece of it is in memory.
    """
    exact = is_exact(loci, result)
    waiting, first = _Bases.none(), 0

    def packed(rows: _Bases) -> str:
        return (rows if exact else rows.in_classes(first, len(result.samples))).pack(first)

    for rows in _read(result, loci, progress):
        waiting += rows
        while len(waiting.locus) and waiting.locus[-1] >= first + LOCI_PER_CHUNK:
            end = int(np.searchsorted(waiting.locus, first + LOCI_PER_CHUNK))
            yield packed(waiting[slice(end)])
            waiting, first = waiting[slice(end, None)], first + LOCI_PER_CHUNK
    while first < len(loci):
        yield packed(waiting[slice(*np.searchsorted(waiting.locus, (first, first + LOCI_PER_CHUNK)))])
        first += LOCI_PER_CHUNK


def _read(
    result: StoredResult, loci: npt.NDArray[np.int64], progress: Callable[[int], None] | None
) -> Iterator[_Bases]:
    contigs = pa.array(list(result.facts["reference"]["md5"]), pa.string())
    samples = pa.array(result.samples, pa.string())
    for batch in result.batches("evidence"):
        keys = make_keys(np.asarray(pc.index_in(batch["contig"], contigs)), np.asarray(batch["position"]))
        locus = find(loci, keys)
        rows = _Bases(
            locus,
            np.asarray(pc.index_in(batch["sample"], samples)),
            np.asarray(pc.index_in(batch["base"], pa.array(list(BASES)))),
            np.asarray(pc.equal(batch["strand"], "-")).astype(np.int64),
            np.asarray(batch["quality"]),
            np.asarray(batch["count"]),
        )
        if progress is not None:
            progress(len(batch))
        yield rows[locus >= 0]
