"""What columns can be made of, each as a ``Source``: a path, an open file, a stream, records of pysam, a batch of records."""

import io
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from os import PathLike, fsdecode
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pysam

from colonnade.errors import ColonnadeError, FormatError, UsageError
from colonnade.formats.alignments import AlignmentFile, open_alignments
from colonnade.formats.decode import file_kind
from colonnade.pileup.sections import Rules, Section, join_streams, prepared_batches, read_sections
from colonnade.records.batch import NO_MORE, RecordBatch
from colonnade.records.batch_kernels import MAX_POSITION, find_kept
from colonnade.records.filters import EVERY_READ, ReadFilter
from colonnade.records.source import conditions_of
from colonnade.regions import Region

StrPath: TypeAlias = str | PathLike[str]
Readable: TypeAlias = (
    StrPath | AlignmentFile | pysam.AlignmentFile | BinaryIO | RecordBatch | Iterable[pysam.AlignedSegment]
)

_INTERVAL: Final = re.compile(r"(.+):[0-9,]*(-[0-9,]*)?")
_GIVEN: Final = "the records given"


class Source(Protocol):
    """Where sections come from.

    Attributes
    ----------
    path
        Name for messages.
    lengths
        Contig name to length.
    """

    path: str
    lengths: dict[str, int]

    def sections(self, region: Region, rules: Rules, *, size: int, threads: int) -> Iterator[Section]:
        """The sections of a region, as ``read_sections`` gives them."""

    def close(self) -> None:
        """Close what was opened here and remove what was written; safe to call twice."""


def open_source(source: Readable, region: str | Region | None, reference: StrPath | None) -> Source:
    """Open whatever columns can be made of.

    Parameters
    ----------
    source
        See ``pileup``.
    region
        As the user gave it; with a RecordBatch it names the contig.
    reference
        FASTA, which a CRAM needs.

    Raises
    ------
    FormatError
        Damaged, or not sorted by coordinate.
    UsageError
        Not a source.
    """
    if isinstance(source, RecordBatch):
        return BatchSource(source, region)
    if isinstance(source, str | PathLike):
        return FileSource(open_alignments(source, reference=reference))
    _refuse_paths(source)
    if isinstance(source, pysam.AlignmentFile):
        return FileSource(_reopened(source, reference))
    if hasattr(source, "opened") and hasattr(source, "header"):
        return FileSource(cast(AlignmentFile, source), is_ours=False)
    if hasattr(source, "read"):
        return _from_bytes(cast(BinaryIO, source), reference)
    if isinstance(source, Iterable):
        return _from_records(source)
    raise UsageError(
        "columns cannot be made of this",
        found=type(source).__name__,
        expected="a path, an open file, pysam records or a RecordBatch",
    )


def _refuse_paths(source: Any) -> None:
    """Say so where a path is bytes, or there are several."""
    first = source[0] if isinstance(source, list | tuple) and source else None
    if isinstance(source, bytes | bytearray) or isinstance(first, str | bytes | PathLike):
        raise UsageError(
            "columns are made of one file",
            found=repr(source)[:60],
            expected="one file: its path as text or as a Path",
        )


class FileSource:
    """A file of alignments.

    Parameters
    ----------
    file
        Open.
    is_ours
        Whether it is closed with the source.
    folder
        Holds the file, and goes with the source.
    """

    def __init__(
        self,
        file: AlignmentFile,
        *,
        is_ours: bool = True,
        folder: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.path = file.path
        self.lengths = file.header.lengths
        self._file = file
        self._is_ours = is_ours
        self._folder = folder

    def sections(self, region: Region, rules: Rules, *, size: int, threads: int) -> Iterator[Section]:
        """The sections of a region, as ``read_sections`` gives them."""
        return read_sections([self._file], region, rules, size=size, threads=threads)

    def close(self) -> None:
        """Close the file, if it is ours; safe to call twice."""
        if self._is_ours:
            self._file.close()
        if self._folder is not None:
            self._folder.cleanup()


class BatchSource:
    """Records that are in memory.

    Parameters
    ----------
    batch
        In coordinate order; it is not changed.
    region
        Text or a region; names their contig, which they know by number only.

    Raises
    ------
    UsageError
        The contig is not named.
    FormatError
        The records are not in coordinate order.
    """

    path = _GIVEN

    def __init__(self, batch: RecordBatch, region: str | Region | None) -> None:
        if region is None:
            raise UsageError("a RecordBatch does not name its contig", expected="a region, or the name of a contig")
        starts = batch.records["start"]
        if np.any(starts[1:] < starts[:-1]):
            raise FormatError("records are not in coordinate order", path=_GIVEN)
        self.lengths = {_contig_of(region): MAX_POSITION}
        self._batch = batch

    def sections(self, region: Region, rules: Rules, *, size: int, threads: int) -> Iterator[Section]:  # noqa: ARG002
        """The sections of a region."""
        records = self._batch.records
        ends = np.maximum(records["end"], records["start"] + 1)
        chosen = (ends > region.start) & (records["start"] < region.end) & _passing(self._batch, rules.read_filter)
        batch = replace(self._batch.taken(chosen), complete=NO_MORE)
        return join_streams([prepared_batches(iter([batch]), rules)], region, size=size)

    def close(self) -> None:
        """Nothing is open."""


def _contig_of(region: str | Region) -> str:
    if isinstance(region, Region):
        return region.contig
    braced = re.fullmatch(r"\{(.*)\}(?::([^}]*))?", region)
    if braced:
        return braced[1]
    interval = _INTERVAL.fullmatch(region)
    return interval[1] if interval else region


def _passing(batch: RecordBatch, read_filter: ReadFilter) -> npt.NDArray[np.bool_]:
    """Which records meet the conditions of a filter.

    Raises
    ------
    UsageError
        A condition can only be told while a file is read.
    """
    for name in ("read_groups", "exclude_read_groups", "trim5", "trim3", "assume_quality"):
        if getattr(read_filter, name) != getattr(EVERY_READ, name):
            raise UsageError(
                f"{name} cannot be applied to a RecordBatch",
                expected="a filter by flags, qualities and mask",
                advice="give it to the one who reads the batch",
            )
    passing = np.empty(len(batch), np.bool_)
    find_kept(batch.data, batch.records, conditions_of(read_filter), passing)
    return passing


def _reopened(file: pysam.AlignmentFile, reference: StrPath | None) -> AlignmentFile:
    """The same file, opened by us: pysam's handle keeps its place."""
    path = fsdecode(file.filename or b"-")
    if path == "-":
        raise UsageError("pysam reads this from a stream", expected="a file with a path, or the stream itself")
    given = file.reference_filename
    return open_alignments(path, reference=fsdecode(given) if reference is None and given else reference)


def _from_bytes(stream: BinaryIO, reference: StrPath | None) -> FileSource:
    """The rest of a stream, in a temporary file."""
    name = str(getattr(stream, "name", "the stream given"))
    _refuse_text(stream, name)
    folder = tempfile.TemporaryDirectory(prefix="colonnade-")
    path = Path(folder.name, "alignments")
    try:
        with path.open("wb") as target:
            shutil.copyfileobj(stream, target, 1 << 20)
    except BaseException:
        folder.cleanup()
        raise
    return _temporary(path, folder, name, reference)


def _refuse_text(stream: Any, name: str) -> None:
    """Say so where a stream gives text."""
    if isinstance(stream, io.TextIOBase) or isinstance(stream.read(0), str):
        raise UsageError("a file of text cannot be read", found=name, expected="one that is opened with mode 'rb'")


def _from_records(records: Iterable[pysam.AlignedSegment]) -> FileSource:
    """Records of pysam, in a temporary BAM without compression."""
    folder = tempfile.TemporaryDirectory(prefix="colonnade-")
    path = Path(folder.name, "records.bam")
    iterator = iter(records)
    try:
        first = [record for _, record in zip(range(1), iterator, strict=False)]
        header = _as_sorted(first[0].header) if first else pysam.AlignmentHeader()
        with pysam.AlignmentFile(str(path), "wb0", header=header) as file:
            for record in chain(first, iterator):
                file.write(record)
    except BaseException as error:
        folder.cleanup()
        if isinstance(error, AttributeError | TypeError):
            raise UsageError(
                "columns cannot be made of this", found=str(error), expected="an iterable of pysam.AlignedSegment"
            ) from None
        raise
    return _temporary(path, folder, _GIVEN, None)


def _as_sorted(header: pysam.AlignmentHeader) -> pysam.AlignmentHeader:
    """A header that does not call records sorted by name: they may be in order, whatever the file was that they are from."""
    fields = header.to_dict()
    if fields.get("HD", {}).get("SO") != "queryname":
        return header
    fields["HD"] = {**fields["HD"], "SO": "coordinate"}
    return pysam.AlignmentHeader.from_dict(fields)


def _temporary(
    path: Path, folder: tempfile.TemporaryDirectory[str], name: str, reference: StrPath | None
) -> FileSource:
    """A temporary file under the name of what it was made of."""
    try:
        file_kind(path)
        file = open_alignments(path, reference=reference)
    except BaseException as error:
        folder.cleanup()
        if isinstance(error, ColonnadeError) and error.path == str(path):
            error.path = name
        raise
    file.path = name
    return FileSource(file, folder=folder)
