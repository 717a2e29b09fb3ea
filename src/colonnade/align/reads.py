"""Reads of any file as batches to align: FASTQ, BAM, SAM and CRAM, from a file or a pipe."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Final, Literal

from colonnade.align.bam_reader import BamReader
from colonnade.align.batch import Batch
from colonnade.align.read_group import ReadGroup
from colonnade.errors import FormatError, UsageError
from colonnade.formats.bgzf import BgzfFile
from colonnade.formats.decoded import DecodedSource
from colonnade.formats.fastq import FastqReader
from colonnade.formats.packer import RecordPacker
from colonnade.formats.stream import STANDARD_INPUT, FileSource, InputStream, Source, StrPath
from colonnade.run.ahead import ahead

_log = logging.getLogger(__name__)

BATCH_READS: Final = 8192
BATCH_SIZE: Final = 8 << 20  # bytes of a batch at most, unless one record has more

Kind = Literal["bam", "cram", "sam", "fastq"]

_BAM_MAGIC: Final = b"BAM\x01"
_CRAM_MAGIC: Final = b"CRAM"
_SAM_FIELDS: Final = 11
_SAM_HEADER: Final = (b"@HD\t", b"@SQ\t", b"@RG\t", b"@PG\t", b"@CO\t")
_PEEK: Final = 1 << 16


class ReadSource:
    """The reads of a file or pipe, batch by batch, from its start to its end.

    Attributes
    ----------
    header
        SAM header lines that come with the reads, without ``@HD`` and ``@SQ``: those of the input, or that of a read group.
    size
        Bytes of the input; None where it cannot be said how many of them have been read.
    """

    def __init__(
        self, records: RecordPacker, header: str, *, resources: ExitStack, threads: int, batch_reads: int
    ) -> None:
        self.header = header
        self.size = records.stream.size
        self._records = records
        self._resources = resources
        self._threads = threads
        self._batch_reads = batch_reads

    def __enter__(self) -> "ReadSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the input; safe to call twice."""
        self._resources.close()

    @property
    def consumed(self) -> int:
        """Bytes of the input that have been read."""
        return self._records.stream.consumed

    @property
    def left_out(self) -> int:
        """Secondary and supplementary records met so far."""
        return self._records.left_out

    def batches(self) -> Iterator[Batch]:
        """The reads, as often as they come in the input and in its order; once. With several threads, one of them reads ahead.

        Raises
        ------
        FormatError
            The input is cut short or damaged.
        InputError
            Reads are paired.
        """
        return ahead(self._made()) if self._threads > 1 else self._made()

    def _made(self) -> Iterator[Batch]:
        for data, offsets in self._records.batches(reads=self._batch_reads, size=BATCH_SIZE):
            yield Batch.of_records(data, offsets)


def open_reads(
    path: StrPath,
    *,
    read_group: str | None = None,
    reference: StrPath | None = None,
    threads: int = 1,
    batch_reads: int = BATCH_READS,
) -> ReadSource:
    r"""Open a file of single reads, whatever it is.

    Parameters
    ----------
    path
        FASTQ (plain, gzip or bgzip), BAM, SAM or CRAM; ``-`` is standard input. Its content tells which it is, not its name.
    read_group
        ID or whole ``@RG`` line (tabs may be written ``\t``) of the reads, all of them: of BAM, SAM and CRAM it replaces the
        read groups that there were, as ``samtools addreplacerg`` does.
    reference
        FASTA that a CRAM was made with.
    threads
        How many inflate BGZF; no read depends on it, nor on
    batch_reads
        reads in a batch at most.

    Raises
    ------
    FormatError
        The file is damaged or cut short, as far as its ends tell.
    UsageError
        There is no such read group.
    """
    if batch_reads < 1:
        raise UsageError("no reads in a batch", found=str(batch_reads), expected="1 or more")
    group = None if read_group is None else ReadGroup.parse(read_group)
    with ExitStack() as resources:
        stream = InputStream(resources.enter_context(closing(FileSource(path))), threads=threads)
        start = stream.peek(_PEEK)
        if not start:
            _log.warning("%s is empty", stream.path)
        kind = _kind_of(start)
        if kind == "bam":
            _check_bgzf(path, stream)
        elif kind != "fastq":
            stream = InputStream(_decoded(path, stream, reference, resources), threads=threads)
        records: RecordPacker
        if kind == "fastq":
            records, header = FastqReader(stream, tags=group.tag if group else b""), f"{group.line}\n" if group else ""
        else:
            records = bam = BamReader(stream, group)
            header = bam.header
        return ReadSource(records, header, resources=resources.pop_all(), threads=threads, batch_reads=batch_reads)


def _kind_of(start: bytes) -> Kind:
    """What a file is, by how it begins, inflated. Of anything unknown the reader of FASTQ says what is wrong."""
    if start.startswith(_BAM_MAGIC):
        return "bam"
    if start.startswith(_CRAM_MAGIC):
        return "cram"
    line = start.partition(b"\n")[0]
    is_record = not start.startswith((b"@", b"#")) and line.count(b"\t") >= _SAM_FIELDS - 1
    return "sam" if is_record or start.startswith(_SAM_HEADER) else "fastq"


def _check_bgzf(path: StrPath, stream: InputStream) -> None:
    """Raise at once where a BAM file can be seen to be cut short, not when all of it has been aligned."""
    if stream.packing != "bgzf":
        raise FormatError(
            "BAM, but not BGZF",
            path=stream.path,
            found=f"{stream.packing} bytes" if stream.packing == "plain" else stream.packing,
            advice="nothing would tell whether it is whole: convert it with samtools view -b",
        )
    if _is_file(path):
        with BgzfFile(os.fspath(path)):
            pass


def _decoded(path: StrPath, stream: InputStream, reference: StrPath | None, resources: ExitStack) -> Source:
    """A SAM or CRAM file as BAM; one from a pipe goes to a temporary file first, as its end has to be looked at."""
    name = stream.path
    if not _is_file(path):
        _log.info("keeping %s in a temporary file", name)
        spooled = resources.enter_context(tempfile.NamedTemporaryFile(prefix="colonnade-"))  # noqa: SIM115
        while part := stream.take(_PEEK):
            spooled.write(part)
        spooled.flush()
        path = spooled.name
    return resources.enter_context(closing(DecodedSource(path, reference=reference, name=name)))


def _is_file(path: StrPath) -> bool:
    return os.fspath(path) != STANDARD_INPUT and os.path.isfile(path)
