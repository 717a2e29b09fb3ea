"""Planning by file names: opens the files, checks them against each other, and cuts."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike, fspath

from colonnade.errors import InputError, UsageError
from colonnade.formats.alignments import AlignmentFile, open_alignments
from colonnade.plan.ranges import Range, plan_ranges
from colonnade.regions import Region, check_region, merge_regions, parse_region, read_bed

Path = str | PathLike[str]


def plan(
    paths: Path | Sequence[Path],
    *,
    bytes: int,
    regions: Sequence[str | Region] = (),
    bed: Path | None = None,
    workers: int = 1,
) -> list[Range]:
    """Cut a genome into ranges that each hold about as many bytes as asked for, from the indexes and some sampled blocks.

    Parameters
    ----------
    paths
        Coordinate-sorted BAM files, or one. A CRAM file costs nothing in the plan: its index knows no bytes.
    bytes
        Most uncompressed BAM bytes of any of the files in a range; a range holds at most their number times this. One window
        (16,384 positions with BAI) is never cut, however much it holds.
    regions
        Where, such as ``chr1:1,001-2,000`` (1-based) or ``Region`` (0-based, half-open); overlapping ones are merged.
    bed
        BED file with more of them. Everywhere, without either.
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
    with opened([paths] if isinstance(paths, str | PathLike) else paths) as files:
        wanted = regions_of_interest(files, regions, bed)
        return list(plan_ranges(wanted, files, size=bytes, workers=workers))


@contextmanager
def opened(paths: Sequence[Path]) -> Iterator[list[AlignmentFile]]:
    """Files with their indexes, all open; closed at the end of the ``with`` block."""
    if not paths:
        raise UsageError("nothing to plan", found="no file", expected="one BAM file or more")
    with ExitStack() as stack:
        files = []
        for path in paths:
            files.append(open_alignments(fspath(path)))
            stack.callback(files[-1].close)
        yield files


def regions_of_interest(
    files: Sequence[AlignmentFile], regions: Sequence[str | Region], bed: Path | None
) -> list[Region]:
    """Regions and those of a BED file, checked, sorted and merged; all contigs of the files where neither is given."""
    lengths = _contig_lengths(files)
    wanted = [
        check_region(region, lengths) if isinstance(region, Region) else parse_region(region, lengths)
        for region in regions
    ]
    if bed is not None:
        wanted += read_bed(fspath(bed), lengths)
    elif not regions:
        wanted = [Region(contig, 0, length) for contig, length in lengths.items() if length]
    return merge_regions(wanted, lengths)


def _contig_lengths(files: Sequence[AlignmentFile]) -> dict[str, int]:
    """Name to length of all contigs, in the order of the first file, then of the others."""
    lengths: dict[str, int] = {}
    origins: dict[str, AlignmentFile] = {}
    for file in files:
        if file.header.lengths == lengths:
            continue
        for contig, length in file.header.lengths.items():
            first = origins.setdefault(contig, file)
            if lengths.setdefault(contig, length) != length:
                raise InputError(
                    "contig has another length in another file",
                    path=file.path,
                    place=contig,
                    found=str(length),
                    expected=f"{lengths[contig]}, as in {first.path}",
                    advice="plan files together only if they were aligned to the same reference",
                )
    return lengths
