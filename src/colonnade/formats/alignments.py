"""Any file of alignments as one that gives the BGZF blocks of a region: BAM as it is, CRAM and SAM decoded by htslib."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from colonnade.errors import ColonnadeError, InputError, UsageError
from colonnade.formats.bam import BamFile, BamHeader
from colonnade.formats.bgzf import BgzfFile, Chunk, VirtualOffset
from colonnade.formats.decode import decode_to_bam, file_kind
from colonnade.formats.index import BinningIndex

_log = logging.getLogger(__name__)

StrPath: TypeAlias = str | PathLike[str]

_NO_CONTIG: Final = ""  # no header can have it, so that decoding gives the header alone


class AlignmentFile(Protocol):
    """What reading and planning need of a coordinate-sorted file.

    Attributes
    ----------
    path
        As the user wrote it.
    header
        Contigs and checksums.
    contigs
        Contig name to number.
    index
        Where records are in the file; None where only htslib can tell.
    """

    path: str
    header: BamHeader
    contigs: dict[str, int]

    @property
    def index(self) -> BinningIndex | None:
        """Where records are in the file."""

    def opened(self, contig: str, start: int, end: int) -> AbstractContextManager[tuple[BgzfFile, Sequence[Chunk]]]:
        """The blocks that hold every record overlapping [start, end) of a contig, while in the context."""

    def close(self) -> None:
        """Close the file; safe to call twice."""


def open_alignments(path: StrPath, *, reference: StrPath | None = None) -> AlignmentFile:
    """Open a coordinate-sorted BAM, CRAM or SAM file.

    A CRAM with its ``.crai`` is decoded region by region; without, and SAM, once as a whole, to a temporary BAM.

    Parameters
    ----------
    path
        The file.
    reference
        FASTA that a CRAM was made with; BAM and SAM need none.

    Raises
    ------
    FormatError
        Damaged, cut short, or not sorted by coordinate.
    IndexMismatchError
        The index belongs to another file.
    """
    kind = file_kind(path)
    if kind == "bam":
        return BamFile(fspath(path))
    if kind == "cram" and Path(f"{path}.crai").is_file():
        return CramFile(path, reference=reference)
    return DecodedFile(path, reference=reference)


@contextmanager
def open_all(paths: Sequence[StrPath], *, reference: StrPath | None = None) -> Iterator[list[AlignmentFile]]:
    """Several files, as ``open_alignments`` opens each; closed at the end of the ``with`` block."""
    if not paths:
        raise UsageError("no files", expected="one BAM, CRAM or SAM file or more")
    with ExitStack() as stack:
        files = []
        for path in paths:
            files.append(open_alignments(path, reference=reference))
            stack.callback(files[-1].close)
        yield files


def common_lengths(files: Sequence[AlignmentFile]) -> dict[str, int]:
    """Name to length of all contigs, in the order of the first file, then of the others.

    Raises
    ------
    InputError
        A contig has different lengths in two files.
    """
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
                    advice="use files that were aligned to the same reference",
                )
    return lengths


class CramFile:
    """A CRAM file with its index, decoded region by region to temporary BAM files.

    Parameters
    ----------
    path, reference
        The file, and the FASTA that it was made with.
    """

    index = None

    def __init__(self, path: StrPath, *, reference: StrPath | None) -> None:
        self.path = str(path)
        self._reference = reference
        with self._decoded(_NO_CONTIG, 0, 0) as (_, header):
            self.header = header
        self.contigs = {name: number for number, name in enumerate(self.header.lengths)}

    @contextmanager
    def opened(self, contig: str, start: int, end: int) -> Iterator[tuple[BgzfFile, Sequence[Chunk]]]:
        """The blocks that hold every record overlapping [start, end) of a contig, while in the context."""
        with self._decoded(contig, start, end) as (blocks, header):
            yield blocks, [Chunk(header.end, VirtualOffset(blocks.size, 0))]

    def close(self) -> None:
        """Nothing stays open."""

    @contextmanager
    def _decoded(self, contig: str, start: int, end: int) -> Iterator[tuple[BgzfFile, BamHeader]]:
        with tempfile.TemporaryDirectory(prefix="colonnade-") as folder:
            target = Path(folder) / "region.bam"
            decode_to_bam(self.path, target, reference=self._reference, contig=contig, start=start, end=end)
            with BgzfFile(target) as blocks:
                blocks.path = self.path
                yield blocks, BamHeader.read(blocks)


class DecodedFile(BamFile):
    """A SAM file, or a CRAM without index, decoded once to a temporary BAM.

    Parameters
    ----------
    path, reference
        The file, and the FASTA that a CRAM was made with.
    """

    def __init__(self, path: StrPath, *, reference: StrPath | None) -> None:
        _log.info("decoding %s once, into a temporary BAM", path)
        self._folder = tempfile.TemporaryDirectory(prefix="colonnade-")
        try:
            target = Path(self._folder.name) / "decoded.bam"
            decode_to_bam(path, target, reference=reference)
            super().__init__(target)
        except BaseException as error:
            self._folder.cleanup()
            if isinstance(error, ColonnadeError) and error.path == str(target):
                error.path = str(path)
            raise
        self.path = self.blocks.path = str(path)

    def _read_index(self) -> BinningIndex:
        return self._make_index()

    def close(self) -> None:
        """Close the file and remove its BAM; safe to call twice."""
        super().close()
        self._folder.cleanup()
