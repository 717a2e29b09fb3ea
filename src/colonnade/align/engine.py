"""Aligning: from files of reads to a BAM file."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Final, TypeAlias

from colonnade.align.bwa_files import SUFFIXES
from colonnade.align.contigs import Contigs
from colonnade.align.header import command_line, encode_header, header_text
from colonnade.align.index import ensure_index, find_prefix
from colonnade.align.inputs import ReadFiles
from colonnade.align.options import AlignOptions
from colonnade.align.output import STDOUT, bam_output
from colonnade.align.passes import Progress, Stages, write_aligned
from colonnade.align.reads import open_reads
from colonnade.align.repacked import SUFFIX as REPACKED_SUFFIX
from colonnade.align.spool import Spool
from colonnade.align.summary import AlignSummary
from colonnade.errors import UsageError
from colonnade.formats.binning import BAI
from colonnade.formats.output import refuse_existing, refuse_inputs
from colonnade.jit import announce_compilation

__all__ = ["AlignSummary", "Progress", "ReadFiles", "align"]

StrPath: TypeAlias = str | PathLike[str]

_COMPILATION: Final = 40  # seconds


def align(
    reads: StrPath | Sequence[ReadFiles],
    mates: StrPath | None = None,
    *,
    index: StrPath,
    out: StrPath,
    options: AlignOptions | None = None,
    read_group: str | None = None,
    reference: StrPath | None = None,
    sort: bool = False,
    force: bool = False,
    threads: int = 1,
    progress: Progress | None = None,
) -> AlignSummary:
    r"""Align reads, as ``bwa aln``, ``samse`` and ``sampe`` do, and write them to a BAM file, complete or not at all.

    The input is read once, and some batches of it are held in memory at any time. Pairs wait in a temporary file beside the output
    until the insert sizes of their read groups are known, which is when all reads have been located.

    Parameters
    ----------
    reads
        BAM, CRAM, SAM or FASTQ, with single reads, pairs or both, or ``-`` for stdin; or several inputs, which are read one after
        the other. Old alignments are dropped, all else of a record is kept.
    mates
        A second FASTQ file, with the mates of the reads.
    index
        Start of the names of bwa's index files, such as the FASTA that they lie beside, or one of these; they are made if they
        are absent.
    out
        The BAM file, or ``-`` for stdout; reads come in the order of the input.
    options
        How reads are searched and paired, and which are written.
    read_group
        ID or ``@RG`` line of a read group that all reads are put into.
    reference
        FASTA that a CRAM was made with.
    sort
        Sort by coordinate, and write an index beside the BAM file: ``.bai``, or ``.csi`` where a contig is too long for it.
    force
        Whether files that exist may be replaced.
    threads
        Threads over batches; the bytes do not depend on it.
    progress
        Told now and then how far the work is.

    Raises
    ------
    UsageError
        A file exists and ``force`` is not set, or it is one of the inputs; or the arguments do not fit together.
    ColonnadeError
        Reads or index are damaged or do not fit together, a mate lacks its mate, or a file cannot be written.

    Examples
    --------
    >>> import colonnade as cn
    >>> options = cn.AlignOptions(seed_length=16_500, differences=0.01, gap_opens=2)
    >>> cn.align("reads.bam", index="ref.fa", out="aligned.bam", options=options)  # doctest: +SKIP
    >>> group = r"@RG\tID:a\tSM:wk4"
    >>> cn.align("1.fq", "2.fq", index="ref.fa", out="pairs.bam", read_group=group, sort=True)  # doctest: +SKIP
    """
    if threads < 1:
        raise UsageError("threads is out of range", found=str(threads), expected="1 or more")
    options = options or AlignOptions()
    out, index = fspath(out), _index_name(index)
    inputs = _inputs(reads, mates, read_group)
    if out != STDOUT:
        outputs = [out, *(f"{out}{suffix}" for suffix in (".bai", ".csi") if sort)]
        refuse_inputs(outputs, _files_read(inputs, index, reference))
        refuse_existing(outputs, force=force)
    # Old alignments that stay need the contigs; else reads that are not there are told before an index is made.
    contigs = ensure_index(index).contigs if options.skip_aligned else None
    with open_reads(inputs, options=options, contigs=contigs, reference=reference, threads=threads) as source:
        genome = ensure_index(index)
        command = command_line(index, options, read_group=read_group, is_sorted=sort)
        text = header_text(source.header, genome.contigs, command=command, is_sorted=sort)
        announce_compilation("search_kernels", seconds=_COMPILATION)
        suffix = _index_suffix(genome.contigs) if sort else None
        folder = None if out == STDOUT else Path(out).parent
        with bam_output(out, index_suffix=suffix, threads=threads, force=force) as stream, Spool(folder) as spool:
            stream.write(encode_header(text, genome.contigs))
            stages = Stages(genome, options)
            counts = write_aligned(source, stages, stream, spool, threads=threads, progress=progress or _ignore)
        return AlignSummary(**counts._asdict(), orphans=source.orphans, left_out=source.left_out)


def _ignore(_stage: str, _done: int, _total: int | None) -> None:
    """Take no notice of progress."""


def _inputs(
    reads: StrPath | Sequence[ReadFiles], mates: StrPath | None, read_group: str | None
) -> tuple[ReadFiles, ...]:
    if isinstance(reads, str | PathLike):
        return (ReadFiles(reads, mates, read_group),)
    if mates is not None or read_group is not None:
        raise UsageError("several inputs have their own mates and read groups", expected="them in each ReadFiles")
    for given in reads:
        if not isinstance(given, ReadFiles):
            raise UsageError(
                "several inputs, but not as ReadFiles",
                found=repr(given),
                expected="a ReadFiles for each input; align(reads, mates) takes the two files of pairs",
            )
    return tuple(reads)


def _index_name(index: StrPath) -> str:
    """What the files of the index begin with, also where one of them is named."""
    name = fspath(index)
    stems = (name.removesuffix(suffix) for suffix in (*SUFFIXES, REPACKED_SUFFIX) if name.endswith(suffix))
    return next((stem for stem in stems if find_prefix(stem) is not None), name)


def _files_read(inputs: Sequence[ReadFiles], index: str, reference: StrPath | None) -> list[str]:
    prefix = find_prefix(index) or index
    named = [path for given in inputs for path in given.paths] + [index]
    named += [] if reference is None else [fspath(reference)]
    return [*named, *(f"{prefix}{suffix}" for suffix in (*SUFFIXES, REPACKED_SUFFIX))]


def _index_suffix(contigs: Contigs) -> str:
    """CSI only where a contig is too long for BAI."""
    return ".bai" if contigs.lengths.max() <= BAI.max_position else ".csi"
