"""Planning by file names: opens the files, checks them against each other, and cuts."""

from collections.abc import Sequence
from os import PathLike

from colonnade.errors import UsageError
from colonnade.formats.alignments import common_lengths, open_all
from colonnade.plan.ranges import Range, plan_ranges
from colonnade.regions import Region, regions_of_interest

Path = str | PathLike[str]


def plan(
    paths: Path | Sequence[Path],
    *,
    bytes: int,
    regions: Sequence[str | Region] = (),
    bed: Path | None = None,
    reference: Path | None = None,
    workers: int = 1,
) -> list[Range]:
    """Cut a genome into ranges that each hold about as many bytes as asked for, from the indexes and some sampled blocks.

    Parameters
    ----------
    paths
        Coordinate-sorted BAM, CRAM or SAM files, or one. A CRAM file with a ``.crai`` costs nothing in the plan, as that knows
        no bytes; without, and SAM, it is decoded once, and costs what the BAM would.
    bytes
        Most uncompressed BAM bytes of any of the files in a range; a range holds at most their number times this. One window
        (16,384 positions with BAI) is never cut, however much it holds.
    regions
        Where, such as ``chr1:1,001-2,000`` (1-based) or ``Region`` (0-based, half-open); overlapping ones are merged.
    bed
        BED file with more of them. Everywhere, without either.
    reference
        FASTA that CRAM files were made with; others need none.
    workers
        How many will share the ranges. With more than one, ranges get smaller towards the end, down to a sixteenth, so that
        no worker idles while another finishes a large range.

    Returns
    -------
    list of Range
        They cover the regions exactly once: contigs in the order of the first file, then those that only others have. Each has
        a ``region`` (0-based, half-open), and for each file ``bytes``, the estimate, and ``chunks``, what to read.

    Raises
    ------
    UsageError
        No file, a region that cannot be read, or a number out of range.
    InputError
        A contig has different lengths in two files.
    ColonnadeError
        A file or its index is damaged.

    Examples
    --------
    >>> import colonnade as cn
    >>> for planned in cn.plan(["wk4.bam", "wk30.bam"], bytes=64 << 20):  # doctest: +SKIP
    ...     print(planned.region, planned.bytes)
    """
    for name, number in (("bytes", bytes), ("workers", workers)):
        if number < 1:
            raise UsageError(f"{name} is out of range", found=str(number), expected="1 or more")
    with open_all([paths] if isinstance(paths, str | PathLike) else paths, reference=reference) as files:
        wanted = regions_of_interest(regions, bed, common_lengths(files))
        return list(plan_ranges(wanted, files, size=bytes, workers=workers))
