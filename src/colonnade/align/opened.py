"""One input that is open: what kind of file it is, its header, and its records as pairs and single reads."""

import logging
import os
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Final, Literal, NamedTuple

from colonnade.align.bam_reader import BamReader
from colonnade.align.contigs import Contigs
from colonnade.align.inputs import ReadFiles
from colonnade.align.mate_names import doubts
from colonnade.align.mates import Mates, TwoFiles
from colonnade.align.options import AlignOptions
from colonnade.align.read_group import ReadGroup
from colonnade.errors import FormatError, UsageError
from colonnade.formats.bgzf import BgzfFile
from colonnade.formats.decoded import DecodedSource
from colonnade.formats.fastq import FastqReader
from colonnade.formats.packer import RecordPacker, Records
from colonnade.formats.stream import STANDARD_INPUT, FileSource, InputStream, Source, StrPath
from colonnade.run.ahead import ahead

_log = logging.getLogger(__name__)

Kind = Literal["bam", "cram", "sam", "fastq"]

_BAM_MAGIC: Final = b"BAM\x01"
_CRAM_MAGIC: Final = b"CRAM"
_SAM_FIELDS: Final = 11
_SAM_HEADER: Final = (b"@HD\t", b"@SQ\t", b"@RG\t", b"@PG\t", b"@CO\t")
_PEEK: Final = 1 << 16
#: How files are named that have some bytes even without reads.
_NEVER_EMPTY: Final = (".bam", ".cram", ".gz", ".bgz", ".bgzf")


class Counts(NamedTuple):
    """What was met in an input, or in several.

    Attributes
    ----------
    consumed
        Bytes that have been read.
    left_out
        Secondary and supplementary records.
    orphans
        Mates without mates.
    """

    consumed: int = 0
    left_out: int = 0
    orphans: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """What was met in both."""
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


class OpenInput:
    """An input from its start to its end.

    Parameters
    ----------
    packers
        Records of its file, or of its two files.
    header
        Its SAM header lines, without ``@HD`` and ``@SQ``.
    mates
        What makes pairs of these records.
    resources
        What there is to close.
    threads
        With several, each file is read ahead by one of them.
    """

    def __init__(
        self,
        packers: Sequence[RecordPacker],
        header: str,
        *,
        mates: Mates | TwoFiles,
        resources: ExitStack,
        threads: int,
    ) -> None:
        self.header = header
        self._packers = packers
        self._mates = mates
        self._resources = resources
        self._threads = threads

    def close(self) -> None:
        """Close its files; safe to call twice."""
        self._resources.close()

    @property
    def path(self) -> str:
        """As messages name its first file."""
        return self._packers[0].stream.path

    @property
    def size(self) -> int | None:
        """Bytes of its files; None where it cannot be said how many of them have been read."""
        return total_size(packer.stream.size for packer in self._packers)

    @property
    def counts(self) -> Counts:
        """What was met so far."""
        return Counts(
            consumed=sum(packer.stream.consumed for packer in self._packers),
            left_out=sum(packer.left_out for packer in self._packers),
            orphans=self._mates.orphans,
        )

    def rename_programs(self, names: Mapping[str, str]) -> None:
        """Give programs other IDs than the header has, in all records."""
        for packer in self._packers:
            if isinstance(packer, BamReader):
                packer.rename_programs(names)

    def batches(self, *, reads: int, size: int) -> Generator[Records, None, None]:
        """Its records, once: so many in a batch, and so many bytes, at most, but for what a mate or a long record adds."""
        for packer in self._packers:
            if isinstance(packer, FastqReader) and not packer.stream.peek(1):
                _log.warning("%s is empty", packer.stream.path)
        for doubt in self._doubts():
            _log.warning("%s", doubt)
        share = len(self._packers)
        with ExitStack() as stack:
            made = [self._packed(packer, max(1, reads // share), size // share) for packer in self._packers]
            for records in made:
                stack.callback(records.close)
            yield from self._mates.paired(*made)

    def _doubts(self) -> Iterator[str]:
        streams = [packer.stream for packer in self._packers if isinstance(packer, FastqReader)]
        is_interleaved = isinstance(self._mates, Mates) and self._mates.is_interleaved
        return doubts(streams, is_interleaved=is_interleaved)

    def _packed(self, packer: RecordPacker, reads: int, size: int) -> Generator[Records, None, None]:
        records = packer.batches(reads=reads, size=size)
        yield from ahead(records) if self._threads > 1 else records


def total_size(sizes: Iterable[int | None]) -> int | None:
    """Their sum; None if one of them is."""
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total


def open_input(
    given: ReadFiles, *, options: AlignOptions, contigs: Contigs | None, reference: StrPath | None, threads: int
) -> OpenInput:
    """Open an input, whatever it is; its content tells, not its name.

    Parameters
    ----------
    given
        Where it is, and its read group.
    options
        Whether FASTQ is interleaved, and what becomes of orphans and duplicates.
    contigs
        Those of the index, if records that have a place are to be kept.
    reference
        FASTA that a CRAM was made with.
    threads
        How many inflate BGZF.

    Raises
    ------
    FormatError
        A file is damaged or cut short, as far as its ends tell.
    UsageError
        There is no such read group, or mates are in another file than of a FASTQ.
    """
    group = None if given.read_group is None else ReadGroup.parse(given.read_group)
    with ExitStack() as resources:
        streams = [
            InputStream(resources.enter_context(closing(FileSource(path))), threads=threads) for path in given.paths
        ]
        for path, stream in zip(given.paths, streams, strict=True):
            _require_bytes(path, stream)
        kinds = [_kind_of(stream.peek(_PEEK)) for stream in streams]
        if given.mates is not None:
            _require_fastq(streams, kinds)
        packers: list[RecordPacker]
        if kinds[0] == "fastq":
            tag, header = (group.tag, f"{group.line}\n") if group else (b"", "")
            packers = [FastqReader(stream, tags=tag) for stream in streams]
        else:
            stream = _as_bam(given.path, streams[0], kinds[0], reference, resources, threads)
            reader = BamReader(stream, group, contigs=contigs)
            packers, header = [reader], reader.header
        mates = _mates([stream.path for stream in streams], options, is_fastq=kinds[0] == "fastq")
        return OpenInput(packers, header, mates=mates, resources=resources.pop_all(), threads=threads)


def is_file(path: StrPath) -> bool:
    """Whether it can be opened as often as one likes."""
    return os.fspath(path) != STANDARD_INPUT and os.path.isfile(path)


def _require_bytes(path: str, stream: InputStream) -> None:
    """Raise FormatError where there is not one byte, which only a file of plain FASTQ may mean: that no reads are left."""
    is_stored = is_file(path)
    if stream.consumed or (is_stored and not path.lower().endswith(_NEVER_EMPTY)):
        return
    raise FormatError(
        "no input",
        path=stream.path,
        found="0 bytes",
        expected="reads",
        advice="make the file again" if is_stored else "see what ended the command that writes them",
    )


def _kind_of(start: bytes) -> Kind:
    """What a file is, by how it begins, inflated. Of anything unknown the reader of FASTQ says what is wrong."""
    if start.startswith(_BAM_MAGIC):
        return "bam"
    if start.startswith(_CRAM_MAGIC):
        return "cram"
    line = start.partition(b"\n")[0]
    is_record = not start.startswith((b"@", b"#")) and line.count(b"\t") >= _SAM_FIELDS - 1
    return "sam" if is_record or start.startswith(_SAM_HEADER) else "fastq"


def _mates(paths: Sequence[str], options: AlignOptions, *, is_fastq: bool) -> Mates | TwoFiles:
    if len(paths) > 1:
        return TwoFiles(*paths)
    return Mates(paths[0], options, is_interleaved=options.interleaved and is_fastq)


def _require_fastq(streams: Sequence[InputStream], kinds: Sequence[Kind]) -> None:
    for stream, kind in zip(streams, kinds, strict=True):
        if kind != "fastq":
            raise UsageError(
                "mates in two files",
                path=stream.path,
                found=kind.upper(),
                expected="FASTQ",
                advice="BAM, CRAM and SAM have both mates in one file",
            )


def _as_bam(
    path: StrPath,
    stream: InputStream,
    kind: Kind,
    reference: StrPath | None,
    resources: ExitStack,
    threads: int,
) -> InputStream:
    """The bytes of BAM that a file of records is, or that htslib makes of it."""
    if kind != "bam":
        return InputStream(_decoded(path, stream, reference, resources), threads=threads)
    if stream.packing != "bgzf":
        raise FormatError(
            "BAM, but not BGZF",
            path=stream.path,
            found=f"{stream.packing} bytes" if stream.packing == "plain" else stream.packing,
            advice="nothing would tell whether it is whole: convert it with samtools view -b",
        )
    if is_file(path):
        with BgzfFile(os.fspath(path)):
            pass  # it is seen at once where it is cut short, not when all of it has been aligned
    return stream


def _decoded(path: StrPath, stream: InputStream, reference: StrPath | None, resources: ExitStack) -> Source:
    """A SAM or CRAM file as BAM; one from a pipe goes to a temporary file first, as its end has to be looked at."""
    name = stream.path
    if not is_file(path):
        _log.info("keeping %s in a temporary file", name)
        spooled = resources.enter_context(tempfile.NamedTemporaryFile(prefix="colonnade-"))  # noqa: SIM115
        while part := stream.take(_PEEK):
            spooled.write(part)
        spooled.flush()
        path = spooled.name
    return resources.enter_context(closing(DecodedSource(path, reference=reference, name=name)))
