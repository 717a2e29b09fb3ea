"""Aligning: from files of reads to a BAM file."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Final, TypeAlias

from colonnade.align.bwa_files import SUFFIXES
from colonnade.align.contigs import Contigs
from colonnade.align.header import command_line, encode_header, header_text
from colonnade.align.index import ensure_index, find_prefix
from colonnade.align.inputs import ReadFiles
from colonnade.align.opened import is_file
from colonnade.align.options import AlignOptions
from colonnade.align.output import STDOUT, bam_output
from colonnade.align.passes import Passes
from colonnade.align.question import question_of
from colonnade.align.reads import LARGE, SMALL, Cut, open_reads
from colonnade.align.repacked import SUFFIX as REPACKED_SUFFIX
from colonnade.align.spool import Spool
from colonnade.align.stretches import StretchWriter
from colonnade.align.summary import AlignSummary
from colonnade.errors import UsageError
from colonnade.formats.binning import BAI
from colonnade.formats.output import refuse_existing, refuse_inputs
from colonnade.formats.stream import STANDARD_INPUT as STDIN
from colonnade.formats.unfinished import SUFFIX as UNFINISHED
from colonnade.formats.unfinished import Unfinished
from colonnade.jit import announce_compilation
from colonnade.run.executor import Executor, Threads
from colonnade.run.progress import StageReport, no_stage_report

__all__ = ["AlignSummary", "ReadFiles", "align"]

StrPath: TypeAlias = str | PathLike[str]

_COMPILATION: Final = 40  # seconds
_CUT: Final = "cut"


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
    executor: Executor | None = None,
    resume: bool = False,
    progress: StageReport | None = None,
) -> AlignSummary:
    r"""Align reads, as ``bwa aln``, ``samse`` and ``sampe`` do, and write them to a BAM file, complete or not at all.

    The input is read once, and some batches of it are held in memory at any time. Pairs wait in a temporary file beside the output
    until the insert sizes of their read groups are known, which is when all reads have been located.

    With ``resume``, and with an executor whose workers are elsewhere, what is done of this first pass is kept in ``OUT.unfinished``
    until the run has ended well. After an interruption of any kind the same call with ``resume`` goes on behind it, with whatever
    threads and executor: the input is read again, but what was searched is not searched again. The second pass, which makes pairs
    and final records, begins anew. The bytes are those of one run.

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
        Threads of this process: they read, and compress what workers leave; and they align where there is no executor. The bytes do
        not depend on it.
    executor
        Who aligns: threads of this process if None, or the workers of ``local_cluster`` and ``connect``. Workers need the index
        under the same name as here. The bytes do not depend on it.
    resume
        Go on with an interrupted run, if there is one, and be able to go on with this one.
    progress
        Called now and then with what is done (``sorting suffixes``, ``aligning``, ``pairing``, ``sorting``, ``indexing``), how
        many bases or reads are done, and how many there are, about, where that is known.

    Raises
    ------
    UsageError
        A file exists and ``force`` is not set, or it is one of the inputs; or the arguments do not fit together; or there is an
        unfinished run, and neither ``resume`` nor ``force`` says what becomes of it, or it had another question.
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
    executor = executor or Threads(threads)
    out, index = fspath(out), _index_name(index)
    inputs = _inputs(reads, mates, read_group)
    keeps = _keeps_work(inputs, out, executor, resume=resume)
    begun = None
    if out != STDOUT:
        _check_outputs(out, _files_read(inputs, index, reference), sort=sort, force=force)
        begun = Unfinished(out, resume=resume, force=force, keep=keeps)
    # Old alignments that stay need the contigs; else reads that are not there are told before an index is made.
    progress = progress or no_stage_report
    indexing = partial(progress, "sorting suffixes")
    contigs = ensure_index(index, progress=indexing).contigs if options.skip_aligned else None
    with open_reads(inputs, options=options, contigs=contigs, reference=reference, threads=threads) as source:
        genome = ensure_index(index, progress=indexing)
        command = command_line(index, options, read_group=read_group, is_sorted=sort)
        text = header_text(source.header, genome.contigs, command=command, is_sorted=sort)
        if not executor.is_remote:
            announce_compilation("search_kernels", seconds=_COMPILATION)
        suffix = _index_suffix(genome.contigs) if sort else None
        cut = LARGE if executor.is_remote else SMALL
        work: AbstractContextManager[Spool]
        if begun is not None and keeps:
            work = _kept(begun, question_of(inputs, genome, command, reference), cut)
        else:
            work = Spool(None, None if out == STDOUT else Path(out).parent, cut)
        output = bam_output(out, index_suffix=suffix, threads=threads, force=force, progress=progress)
        with work as spool, output as stream:
            stream.write(encode_header(text, genome.contigs))
            passes = Passes(genome, options, executor, deflates=not sort)
            records = StretchWriter(stream)
            counts = passes.write(source, records, spool, progress=progress)
            records.end_stretch()
        return AlignSummary(**counts._asdict(), orphans=source.orphans, left_out=source.left_out)


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


@contextmanager
def _kept(begun: Unfinished, question: Mapping[str, str], cut: Cut) -> Iterator[Spool]:
    """A spool that stays if the ``with`` block does not end well, cut as the work was begun."""
    with begun:
        frames = begun.open(question, besides={_CUT: cut})
        yield Spool(frames, None, Cut(*frames.facts[_CUT]))


def _check_outputs(out: str, read: Sequence[str], *, sort: bool, force: bool) -> None:
    """Raise unless all files may be written."""
    outputs = [out, *(f"{out}{suffix}" for suffix in (".bai", ".csi") if sort)]
    refuse_inputs([*outputs, f"{out}{UNFINISHED}"], read)
    refuse_existing(outputs, force=force)


def _keeps_work(inputs: Sequence[ReadFiles], out: str, executor: Executor, *, resume: bool) -> bool:
    """Whether what is done is kept, so that another run can go on; raises UsageError where that is asked for and cannot be."""
    streams = [path for given in inputs for path in given.paths if not is_file(path) and not _is_absent(path)]
    if resume and (streams or out == STDOUT):
        found = f"reads from {'standard input' if streams[0] == STDIN else streams[0]}" if streams else "stdout"
        raise UsageError(
            "--resume needs files, as work is kept beside the output, and reads are read again", found=found
        )
    return resume or (executor.is_remote and not streams and out != STDOUT)


def _is_absent(path: str) -> bool:
    return path != STDIN and not os.path.exists(path)


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
