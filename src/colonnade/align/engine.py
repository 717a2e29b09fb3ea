"""Aligning: from a file of reads to a BAM file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from colonnade.align.batch import Batch
from colonnade.align.bounds_kernels import LONGEST_READ
from colonnade.align.bwa_files import SUFFIXES
from colonnade.align.contigs import Contigs
from colonnade.align.finish import finish
from colonnade.align.fm_kernels import FmIndex
from colonnade.align.header import encode_header, header_text
from colonnade.align.index import Index, ensure_index, find_prefix
from colonnade.align.locate import locate
from colonnade.align.options import AlignOptions
from colonnade.align.output import STDOUT, bam_output
from colonnade.align.reads import ReadSource, open_reads
from colonnade.align.record_kernels import BASES, FLAG, QUALITY
from colonnade.align.repacked import SUFFIX as REPACKED_SUFFIX
from colonnade.align.search import search
from colonnade.errors import UsageError
from colonnade.formats.bgzf_writer import BgzfWriter
from colonnade.formats.binning import BAI
from colonnade.formats.output import refuse_existing, refuse_inputs
from colonnade.jit import announce_compilation
from colonnade.run.ordered import ordered_map

StrPath: TypeAlias = str | PathLike[str]

#: Called with the reads done, and with those there are in all, about, where that can be told.
Progress: TypeAlias = Callable[[int, int | None], None]

CONFIDENT: Final = 20  # mapping quality from which on a place counts as sure, as in infer_isize (bwape.c)

_COMPILATION: Final = 20  # seconds
_UNMAPPED: Final = 0x4


@dataclass(frozen=True)
class AlignSummary:
    """How many reads came to what.

    Parameters
    ----------
    reads
        All that were written.
    aligned
        Those that have a place.
    confident
        Those whose mapping quality is 20 or more.
    too_long
        Those of more than 65,535 bases, which are not searched for.
    left_out
        Records of the input that are secondary or supplementary, and so are no reads of their own.
    """

    reads: int
    aligned: int
    confident: int
    too_long: int
    left_out: int

    def __str__(self) -> str:
        text = f"{self.reads} reads, {self.aligned} aligned, {self.confident} with mapping quality {CONFIDENT} or more"
        return f"{text}; {self.left_out} secondary and supplementary records left out" if self.left_out else text


def align(
    reads: StrPath,
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
    """Align single reads, as ``bwa aln`` and ``bwa samse`` do, and write them to a BAM file, complete or not at all.

    The input is read once, and some batches of it are held in memory at any time.

    Parameters
    ----------
    reads
        BAM, CRAM, SAM or FASTQ, or ``-`` for stdin. Old alignments are dropped, all else of a record is kept.
    index
        Start of the names of bwa's index files, such as the FASTA that they lie beside; they are made if they are absent.
    out
        The BAM file, or ``-`` for stdout; reads come in the order of the input.
    options
        How reads are searched.
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
        A file exists and ``force`` is not set, or it is one of the inputs.
    ColonnadeError
        Reads or index are damaged or do not fit together, or a file cannot be written.

    Examples
    --------
    >>> import colonnade as cn
    >>> options = cn.AlignOptions(seed_length=16_500, differences=0.01, gap_opens=2)
    >>> cn.align("reads.bam", index="ref.fa", out="aligned.bam", options=options)  # doctest: +SKIP
    """
    if threads < 1:
        raise UsageError("threads is out of range", found=str(threads), expected="1 or more")
    options = options or AlignOptions()
    out = fspath(out)
    if out != STDOUT:
        outputs = [out, *(f"{out}{suffix}" for suffix in (".bai", ".csi") if sort)]
        refuse_inputs(outputs, _files_read(reads, index, reference))
        refuse_existing(outputs, force=force)
    with open_reads(fspath(reads), read_group=read_group, reference=reference, threads=threads) as source:
        genome = ensure_index(fspath(index))
        text = header_text(source.header, genome.contigs, index=fspath(index), options=options, is_sorted=sort)
        announce_compilation("search_kernels", seconds=_COMPILATION)
        suffix = _index_suffix(genome.contigs) if sort else None
        with bam_output(out, index_suffix=suffix, threads=threads, force=force) as stream:
            stream.write(encode_header(text, genome.contigs))
            return _write_aligned(source, genome, options, stream, threads, progress)


class _Aligned(NamedTuple):
    """Records of a batch, and ``AlignSummary``'s counts of them, (4,)."""

    data: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.int64]


def _write_aligned(
    source: ReadSource,
    genome: Index,
    options: AlignOptions,
    stream: BgzfWriter,
    threads: int,
    progress: Progress | None,
) -> AlignSummary:
    intake = _Intake(source)
    counts = np.zeros(4, np.int64)
    work = partial(_aligned, fm=genome.fm, genome=genome, options=options)
    for aligned in ordered_map(work, intake, threads=threads):
        stream.write(aligned.data)
        counts += aligned.counts
        if progress:
            progress(int(counts[0]), intake.total)
    n_reads, n_aligned, n_confident, n_too_long = counts.tolist()
    return AlignSummary(n_reads, n_aligned, n_confident, n_too_long, source.left_out)


def _aligned(batch: Batch, *, fm: FmIndex, genome: Index, options: AlignOptions) -> _Aligned:
    """All stages, one after the other."""
    searched = search(batch, fm, options)
    located = locate(searched, genome, options)
    data, offsets = finish(located, genome, options).records()
    return _Aligned(data[offsets[0] : offsets[-1]], _counts(data, offsets[:-1]))


def _counts(data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Reads, those aligned, those with a good mapping quality, those too long to be searched for."""
    is_aligned = data[starts + FLAG] & _UNMAPPED == 0
    is_confident = is_aligned & (data[starts + QUALITY] >= CONFIDENT)
    lengths = data[starts[:, None] + BASES + np.arange(4)].view("<i4")
    return np.array([len(starts), is_aligned.sum(), is_confident.sum(), (lengths > LONGEST_READ).sum()], np.int64)


class _Intake:
    """The batches of a source.

    Attributes
    ----------
    total
        How many reads there will have been at the end, by the share of the file that has been read; None for stdin.
    """

    def __init__(self, source: ReadSource) -> None:
        self._source = source
        self.total: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        reads = 0
        for batch in self._source.batches():
            reads += len(batch)
            if self._source.size and self._source.consumed:
                self.total = max(reads, round(reads * self._source.size / self._source.consumed))
            yield batch


def _files_read(reads: StrPath, index: StrPath, reference: StrPath | None) -> list[str]:
    prefix = find_prefix(index) or fspath(index)
    named = [fspath(path) for path in (reads, index, reference) if path is not None]
    return [*named, *(f"{prefix}{suffix}" for suffix in (*SUFFIXES, REPACKED_SUFFIX))]


def _index_suffix(contigs: Contigs) -> str:
    """CSI only where a contig is too long for BAI."""
    return ".bai" if contigs.lengths.max() <= BAI.max_position else ".csi"
