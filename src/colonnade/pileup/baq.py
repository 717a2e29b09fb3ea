"""Per-base alignment quality (BAQ), as ``samtools mpileup`` applies it to reads before it piles them up."""

from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.pileup import baq_kernels as kernels
from colonnade.records.batch import RecordBatch

#: How many pairs of a base and a column are held of one read, at 16 bytes each; of a larger read, a block at a time.
_MOST_CELLS = 1 << 22


def reach(batch: RecordBatch) -> tuple[int, int]:
    """The reference interval [first, last), 0-based, that ``apply_baq`` may look at; (0, 0) if it needs none.

    That is wider than where the records are aligned: by their clipped ends and inserted bases, and by half a band, namely 3
    positions on either side, or (3 + d) // 2 for a record whose read and reference lengths differ by d > 7. It may go on beyond
    the end of the contig.
    """
    first, last = kernels.reach_of(batch.data, batch.records)
    return int(first), int(last)


def apply_baq(
    batch: RecordBatch, letters: npt.NDArray[np.uint8], origin: int, length: int, *, redo: bool = False
) -> None:
    """Lower base qualities, in place, to how sure the alignment of each base is.

    Equal to htslib 1.24's ``sam_prob_realn`` (realn.c) as ``samtools mpileup`` calls it: BAQ_APPLY and BAQ_EXTEND, and BAQ_REDO
    with ``redo``. A BQ tag is applied instead of a calculation, unless ``redo``; a ZQ tag says that this has happened. A
    tag of the wrong length or type is not applied: BQ is calculated anew then, and with ZQ the read is left alone. So
    are reads without sequence, qualities or aligned bases, and those with a skip in the CIGAR. Where all aligned bases lie beyond
    the contig's end, htslib's result is undefined; here they get quality 0. Tags are not changed: apply it once to each record.

    Memory is 64 MB at most for usual bands; a band as wide as a long deletion may take more, though far less than in htslib,
    which gives up where that much cannot be had, as if the read had no qualities.

    Parameters
    ----------
    batch
        Whole records, with the qualities of the file: none is marked as dropped or excluded yet.
    letters
        uint8: the reference as ASCII, from ``origin`` on. In either case; whatever is not A, C, G, T or U fits every base.
    origin
        0-based position of the first letter.
    length
        Of the contig.
    redo
        Calculate it even where a BQ tag holds it.

    Raises
    ------
    ValueError
        The letters do not cover ``reach(batch)`` as far as that is on the contig.
    """
    first, last = reach(batch)
    last = min(last, length)
    if first < last and not origin <= first <= last <= origin + letters.size:
        raise ValueError(f"letters cover [{origin}, {origin + letters.size}), needed are [{first}, {last})")
    kernels.lower_qualities(
        batch.data,
        batch.records,
        letters,
        origin,
        length,
        redo,
        _MOST_CELLS,
        _PROBABILITIES,
    )


def _error_probabilities() -> npt.NDArray[np.float64]:
    """float64 (256,): probability of an error for each Phred quality, rounded to float32 as in probaln.c."""
    return np.array([10.0 ** (-quality / 10.0) for quality in range(256)]).astype(np.float32).astype(np.float64)


_PROBABILITIES: Final = _error_probabilities()
