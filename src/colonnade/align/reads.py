"""Reads of any files as batches to align, single ones and pairs: FASTQ, BAM, SAM and CRAM, from files or a pipe."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from colonnade.align.batch import Batch
from colonnade.align.contigs import Contigs
from colonnade.align.inputs import ReadFiles, check_inputs
from colonnade.align.opened import Counts, OpenInput, is_file, open_input, total_size
from colonnade.align.options import AlignOptions
from colonnade.align.united_header import UnitedHeader
from colonnade.errors import UsageError
from colonnade.formats.stream import StrPath


class Cut(NamedTuple):
    """How reads are cut into batches.

    Attributes
    ----------
    reads
        In a batch at most, but for one whose mate comes with it.
    size
        Bytes of its records at most, unless one record has more.
    """

    reads: int
    size: int


#: For threads of this process: some hundred milliseconds of work, and few MB for each thread.
SMALL: Final = Cut(8192, 8 << 20)
#: For workers elsewhere: some seconds of work, as each task costs client and scheduler some 10 ms whatever its size.
LARGE: Final = Cut(65_536, 16 << 20)


@dataclass(frozen=True)
class _Waiting:
    """An input that waits for its turn, open if it could not be opened again.

    Parameters
    ----------
    begin
        Opens it.
    opened
        What is open of it.
    programs
        IDs of its programs that are others in the output.
    """

    begin: Callable[[], OpenInput]
    opened: OpenInput | None
    programs: Mapping[str, str]

    def open(self) -> OpenInput:
        """Its turn has come."""
        opened = self.opened or self.begin()
        opened.rename_programs(self.programs)
        return opened


class ReadSource:
    """The reads of one input after the other, batch by batch, each from its start to its end.

    Attributes
    ----------
    header
        SAM header lines that come with the reads, without ``@HD`` and ``@SQ``: those of the inputs, or of their read groups.
    size
        Bytes of all inputs; None where it cannot be said how many of them have been read.
    """

    def __init__(
        self,
        inputs: Sequence[_Waiting],
        header: str,
        size: int | None,
        *,
        resources: ExitStack,
    ) -> None:
        self.header = header
        self.size = size
        self._inputs = inputs
        self._resources = resources
        self._past = Counts()
        self._current: OpenInput | None = None

    def __enter__(self) -> "ReadSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all inputs; safe to call twice."""
        self._resources.close()

    @property
    def consumed(self) -> int:
        """Bytes of the inputs that have been read."""
        return self._counts.consumed

    @property
    def left_out(self) -> int:
        """Secondary and supplementary records met so far."""
        return self._counts.left_out

    @property
    def orphans(self) -> int:
        """Mates without mates met so far, which were dropped or go on as single reads."""
        return self._counts.orphans

    def batches(self, cut: Cut = SMALL) -> Iterator[Batch]:
        """The reads, as often as they come in the inputs and in their order; once. With several threads, files are read ahead.

        The records of a pair follow each other, marked as mates, in one batch; marks of our own are those of ``record_kernels``.
        Where batches begin follows from the inputs and the cut alone.

        Raises
        ------
        FormatError
            An input is cut short or damaged.
        InputError
            A mate is alone, or a record that is to be kept does not fit the index.
        """
        batches = self._made(cut)
        self._resources.callback(batches.close)
        return batches

    @property
    def _counts(self) -> Counts:
        return self._past.plus(self._current.counts) if self._current else self._past

    def _made(self, cut: Cut) -> Generator[Batch, None, None]:
        for waiting in self._inputs:
            with closing(waiting.open()) as self._current:
                with closing(self._current.batches(reads=cut.reads, size=cut.size)) as batches:
                    for records in batches:
                        yield Batch.of_records(*records)
                self._past, self._current = self._counts, None


def open_reads(
    inputs: Sequence[ReadFiles],
    *,
    options: AlignOptions,
    contigs: Contigs | None = None,
    reference: StrPath | None = None,
    threads: int = 1,
) -> ReadSource:
    """Open inputs of single reads and pairs, whatever they are.

    All headers are read first. A file is then open in its turn only; what cannot be opened twice stays open. Where programs of
    different inputs have one ID, those of the later input get new ones, also in the ``PG`` tags of its records.

    Parameters
    ----------
    inputs
        Files, which come one after the other.
    options
        ``interleaved`` is about FASTQ inputs of one file; ``orphans``, ``skip_aligned`` and ``skip_duplicates`` about all.
    contigs
        Those of the index, which reads that are aligned already must fit; needed with ``skip_aligned`` alone.
    reference
        FASTA that a CRAM was made with.
    threads
        How many inflate BGZF; no read depends on it.

    Raises
    ------
    FormatError
        A file is damaged or cut short, as far as its ends tell.
    InputError
        Two inputs have different read groups of one ID.
    UsageError
        There is no such read group, a file is named twice, or mates are in another file than of a FASTQ.
    """
    if options.skip_aligned and contigs is None:
        raise UsageError("reads that are aligned already cannot be kept", found="no index")
    check_inputs(inputs)
    header = UnitedHeader()
    waiting: list[_Waiting] = []
    sizes = []
    with ExitStack() as resources:
        for given in inputs:
            kept = contigs if options.skip_aligned else None
            begin = partial(open_input, given, options=options, contigs=kept, reference=reference, threads=threads)
            opened = begin()
            stays_open = not waiting or not all(map(is_file, given.paths))
            with ExitStack() as for_now:
                (resources if stays_open else for_now).callback(opened.close)
                programs = header.add(opened.header, opened.path)
                waiting.append(_Waiting(begin, opened if stays_open else None, programs))
                sizes.append(opened.size)
        return ReadSource(waiting, header.text, total_size(sizes), resources=resources.pop_all())
