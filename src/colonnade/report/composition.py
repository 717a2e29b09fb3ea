"""What each sample is made of at the loci of a page: the table ``comp`` as arrays, and what changed between two samples."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from colonnade.compare.samples import REF
from colonnade.compare.stored import StoredResult
from colonnade.formats.fasta import BASES
from colonnade.report.embedding import MISSING_2, MISSING_4, Array, pack_columns
from colonnade.report.rows import UNIT, Rows, in_units, make_keys

#: Loci of one piece of a page that is unpacked at once when one of them is chosen: some tens of kilobytes.
LOCI_PER_CHUNK: Final = 512

#: The code of a base that is none.
NO_BASE: Final = len(BASES)

_DEPTHS: Final = ("depth", "depth_low_quality", "depth_indel")


@dataclass(frozen=True)
class Compositions:
    """The compositions of samples at loci.

    Parameters
    ----------
    depths
        uint32 (3, loci, samples): bases of good and of low quality, and indels; ``MISSING_4`` where comp has no row.
    shares
        uint16 (3, loci, samples, 4) in ``1 / UNIT``: mean, lower and upper end of the interval; ``MISSING_2`` for none.
    """

    depths: npt.NDArray[np.uint32]
    shares: npt.NDArray[np.uint16]

    def chunks(self) -> Iterator[str]:
        """The pieces of a page, of ``LOCI_PER_CHUNK`` loci each."""
        for start in range(0, self.depths.shape[1], LOCI_PER_CHUNK):
            loci = slice(start, start + LOCI_PER_CHUNK)
            depths = dict(zip(_DEPTHS, self.depths[:, loci], strict=True))
            yield pack_columns({**depths, **dict(zip(("mean", "lower", "upper"), self.shares[:, loci], strict=True))})


def read_compositions(
    result: StoredResult, loci: npt.NDArray[np.int64], *, progress: Callable[[int], None] | None = None
) -> Compositions:
    """Take in ``comp`` at some loci, given as rising keys; the interval is from the first to the last quantile."""
    samples = pa.array(result.samples, pa.string())
    contigs = pa.array(list(result.facts["reference"]["md5"]), pa.string())
    quantiles = result.facts["options"]["quantiles"]
    ends = [f"q{quantiles[place]:g}" for place in (0, -1)] if len(quantiles) > 1 else []
    depths = np.full((len(_DEPTHS), len(loci), len(samples)), MISSING_4, np.uint32)
    shares = np.full((3, len(loci), len(samples), len(BASES)), MISSING_2, np.uint16)
    for batch in result.batches("comp"):
        keys = make_keys(np.asarray(pc.index_in(batch["contig"], contigs)), np.asarray(batch["position"]))
        locus = find(loci, keys)
        here = locus >= 0
        sample = np.asarray(pc.index_in(batch["sample"], samples))[here]
        base = np.asarray(pc.index_in(batch["base"], pa.array(list(BASES))))[here]
        for kind, name in enumerate(_DEPTHS):
            depths[kind, locus[here], sample] = np.asarray(batch[name])[here]
        for kind, name in enumerate(["mean", *ends]):
            shares[kind, locus[here], sample, base] = in_units(batch[name])[here]
        if progress is not None:
            progress(len(batch))
    return Compositions(depths, shares)


def find(loci: npt.NDArray[np.int64], keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place of each key among rising ones, or -1."""
    if not len(loci):
        return np.full(len(keys), -1)
    places = np.minimum(np.searchsorted(loci, keys), len(loci) - 1)
    return np.where(loci[places] == keys, places, -1)


@dataclass(frozen=True)
class Changes:
    """What changed in each row of dist; where sample_2 is the reference, from it to the sample, else from sample_1 to sample_2.

    Parameters
    ----------
    lost, gained
        uint8: codes of the bases whose share falls and rises most; ``NO_BASE`` where compositions are not known.
    before, after, lower, upper
        uint16 in ``1 / UNIT``: mean share of the gained base before and after, and the interval after.
    """

    lost: npt.NDArray[np.uint8]
    gained: npt.NDArray[np.uint8]
    before: npt.NDArray[np.uint16]
    after: npt.NDArray[np.uint16]
    lower: npt.NDArray[np.uint16]
    upper: npt.NDArray[np.uint16]

    def columns(self) -> dict[str, Array]:
        """By name, for the page's table."""
        return {"lost": self.lost, "gained": self.gained, "before": self.before, "after": self.after}


def find_changes(rows: Rows, compositions: Compositions, result: StoredResult) -> Changes:
    """Which base took whose place in each row of dist."""
    locus = np.searchsorted(rows.loci, rows.keys)
    first, second = _sides(result, rows.columns["comparison"])
    end = np.where(second < 0, first, second)
    start = np.where(second < 0, second, first)
    before = _mean_shares(compositions, locus, start, rows.columns["reference"])
    after = compositions.shares[0, locus, end].astype(np.int32)
    known = ((before != MISSING_2) & (after != MISSING_2)).all(axis=1)
    rise = np.where(known[:, None], after - before, 0)
    gained, lost = rise.argmax(axis=1), rise.argmin(axis=1)
    each = np.arange(len(rows))
    nothing = np.full(len(rows), MISSING_2, np.uint16)

    def where_known(values: Array) -> npt.NDArray[np.uint16]:
        return np.where(known, values, nothing).astype(np.uint16)

    return Changes(
        np.where(known, lost, NO_BASE).astype(np.uint8),
        np.where(known, gained, NO_BASE).astype(np.uint8),
        where_known(before[each, gained]),
        where_known(after[each, gained]),
        where_known(compositions.shares[1, locus, end, gained]),
        where_known(compositions.shares[2, locus, end, gained]),
    )


def _sides(result: StoredResult, comparison: Array) -> tuple[Array, Array]:
    """The indexes of both samples of each row; -1 is the reference."""
    index = {**{name: code for code, name in enumerate(result.samples)}, REF: -1}
    sides = np.array([(index[pair.sample_1], index[pair.sample_2]) for pair in result.comparisons]).reshape(-1, 2)
    return sides[comparison, 0], sides[comparison, 1]


def _mean_shares(compositions: Compositions, locus: Array, sample: Array, reference: Array) -> npt.NDArray[np.int32]:
    """Mean shares (rows, 4) of one sample each, of which -1 is the reference."""
    shares = compositions.shares[0, locus, np.maximum(sample, 0)].astype(np.int32)
    pure = (reference[:, None] == np.arange(len(BASES))) * UNIT
    return np.asarray(np.where((sample < 0)[:, None], pure, shares))
