"""Opening a BAM file with its index: header facts, and every check that can be made before the first record."""

import logging
import os
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from colonnade.errors import ColonnadeError, FormatError, IndexMismatchError
from colonnade.formats.bgzf import BgzfFile, Chunk, VirtualOffset
from colonnade.formats.index import BinningIndex

_log = logging.getLogger(__name__)

_MAGIC: Final = b"BAM\x01"
_FIRST: Final = VirtualOffset(0, 0)
_HEADER_STEP: Final = 1 << 16
_NO_CONTIG: Final = (-1).to_bytes(4, "little", signed=True)
_MAKE_INDEX: Final = "import sys, pysam; pysam.samtools.index('-c', '-o', *sys.argv[1:])"
_REASON: Final = re.compile(r"^\[E::\w+\] (.*)", re.MULTILINE)


@dataclass(frozen=True)
class BamHeader:
    """What the header says: contigs in order, their MD5 sums where given, and the sort order.

    Parameters
    ----------
    lengths
        Contig name to length, in the header's order.
    checksums
        Contig name to MD5 of its sequence (``M5`` of ``@SQ``); only contigs that have one.
    sort_order
        ``SO`` of ``@HD``, or ``unknown``.
    end
        Where the first record begins.
    """

    lengths: dict[str, int]
    checksums: dict[str, str]
    sort_order: str
    end: VirtualOffset

    @classmethod
    def read(cls, blocks: BgzfFile) -> "BamHeader":
        """Read the header; not through htslib, which opens the index as well and aborts the process if that is damaged."""
        size = _HEADER_STEP
        data, _ = blocks.take(_FIRST, size)
        if data[:4] != _MAGIC:
            raise FormatError("not a BAM file", path=blocks.path, found=repr(data[:4]), expected=repr(_MAGIC))
        while (parsed := _parse_header(data)) is None:
            if len(data) < size:
                raise FormatError("the header is damaged", path=blocks.path, found=f"no end of it in {len(data)} bytes")
            size *= 4
            data, _ = blocks.take(_FIRST, size)
        text, contigs, length = parsed
        try:
            lines = [line.split("\t") for line in text.decode("utf-8").splitlines()]
            lengths = {name.decode("utf-8"): n for name, n in contigs}
        except UnicodeDecodeError:
            raise FormatError("the header is damaged", path=blocks.path, found="bytes that are not UTF-8") from None
        if len(lengths) != len(contigs) or any(n < 0 for n in lengths.values()):
            raise FormatError(
                "the header is damaged", path=blocks.path, found="a contig named twice, or without length"
            )
        tags = [(kind, dict(field.partition(":")[::2] for field in fields)) for kind, *fields in lines]
        checksums = {tag["SN"]: tag["M5"].lower() for kind, tag in tags if kind == "@SQ" and tag.keys() >= {"SN", "M5"}}
        sort_order = next((tag["SO"] for kind, tag in tags if kind == "@HD" and "SO" in tag), "unknown")
        return cls(lengths, checksums, sort_order, blocks.take(_FIRST, length)[1])


def _parse_header(data: bytes) -> tuple[bytes, list[tuple[bytes, int]], int] | None:
    """Text, contigs and size of a binary header (SAM specification, section 4.2); None where it goes on beyond the data."""
    try:
        (l_text,) = struct.unpack_from("<I", data, 4)
        (n_contigs,) = struct.unpack_from("<I", data, 8 + l_text)
        offset = 12 + l_text
        contigs = []
        for _ in range(n_contigs):
            (l_name,) = struct.unpack_from("<I", data, offset)
            (length,) = struct.unpack_from("<i", data, offset + 4 + l_name)
            contigs.append((data[offset + 4 : offset + 4 + l_name].removesuffix(b"\0"), length))
            offset += 8 + l_name
    except struct.error:
        return None
    return data[8 : 8 + l_text].rstrip(b"\0"), contigs, offset


def encode_bam_header(text: str, lengths: Mapping[str, int]) -> bytes:
    """The header of a BAM file, from its text and the contigs' lengths (SAM specification, section 4.2)."""
    encoded = text.encode(errors="surrogateescape")
    parts = [b"BAM\1", struct.pack("<I", len(encoded)), encoded, struct.pack("<I", len(lengths))]
    for name, length in lengths.items():
        terminated = name.encode(errors="surrogateescape") + b"\0"
        parts += [struct.pack("<I", len(terminated)), terminated, struct.pack("<I", length)]
    return b"".join(parts)


class BamFile:
    """A coordinate-sorted BAM file, its header and its index, checked against each other.

    Parameters
    ----------
    path
        The BAM file. Its index is the first there is of ``path.csi``, ``path`` with ``.csi`` for ``.bam``, ``path.bai``, and
        ``path`` with ``.bai`` for ``.bam``, the order of htslib. Without one, the file is read once to make one in memory.

    Raises
    ------
    FormatError
        The BAM is damaged, cut short, or not sorted by coordinate.
    IndexMismatchError
        The index is damaged or belongs to another file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.blocks = BgzfFile(path)
        try:
            self.header = BamHeader.read(self.blocks)
            self.contigs = {name: number for number, name in enumerate(self.header.lengths)}
            self._check_sort_order()
            self.index = self._read_index()
            self._check_index()
            self._check_landmarks()
            self._warn_of_old_index()
        except BaseException:
            self.blocks.close()
            raise

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.blocks.close()

    @contextmanager
    def opened(self, contig: str, start: int, end: int) -> Iterator[tuple[BgzfFile, list[Chunk]]]:
        """The blocks that hold every record overlapping [start, end) of a contig, while in the context."""
        yield self.blocks, self.index.chunks(self.contigs[contig], start, end)

    def _check_sort_order(self) -> None:
        if self.header.sort_order == "queryname":  # what is called unsorted may be in order; each record is checked
            raise FormatError(
                "not sorted by coordinate",
                path=self.path,
                place="header",
                found=f"SO:{self.header.sort_order}",
                expected="SO:coordinate",
                advice="sort and index it with: samtools sort, samtools index",
            )

    def _read_index(self) -> BinningIndex:
        path = Path(self.path)
        for suffix in (".csi", ".bai"):
            for candidate in (Path(f"{path}{suffix}"), path.with_suffix(suffix)):
                if candidate.is_file():
                    return BinningIndex.read(candidate)
        _log.info("no index beside %s; reading it once to make one (samtools index saves this)", path)
        return self._make_index()

    def _make_index(self) -> BinningIndex:
        """Have htslib index the file, in a process of its own: only so can its messages be told from ours."""
        with tempfile.TemporaryDirectory(prefix="colonnade-") as folder:
            made = Path(folder, "index.csi")
            command = [sys.executable, "-c", _MAKE_INDEX, str(made), str(Path(self.path).absolute())]
            environment = {**os.environ, "TMPDIR": folder}  # where pysam leaves files if it is interrupted
            result = subprocess.run(
                command, capture_output=True, text=True, errors="replace", check=False, env=environment
            )
            if result.returncode:
                reason = _REASON.search(result.stderr)
                found = reason[1] if reason else result.stderr.rstrip("\n").rpartition("\n")[2]
                is_unsorted = "nsorted" in found
                raise FormatError(
                    "no index, and none can be made",
                    path=self.path,
                    found=found,
                    expected="records in coordinate order" if is_unsorted else None,
                    advice="sort it with: samtools sort" if is_unsorted else "make it yourself: samtools index",
                )
            return replace(BinningIndex.read(made), path=self.path)

    def _check_index(self) -> None:
        index, blocks = self.index, self.blocks
        if index.n_contigs != len(self.contigs):
            raise self._does_not_fit(f"{index.n_contigs} contigs", f"{len(self.contigs)}, as in the header of the BAM")
        longest = max(self.header.lengths, key=self.header.lengths.__getitem__, default="")
        if longest and self.header.lengths[longest] > index.geometry.max_position:
            raise IndexMismatchError(
                "the index ends before a contig does",
                path=index.path,
                place=longest,
                found=f"{self.header.lengths[longest]} positions",
                expected=f"at most {index.geometry.max_position}",
                advice="make an index for long contigs: samtools index -c",
            )
        for contig, start, length in zip(
            self.header.lengths, index.ends().tolist(), self.header.lengths.values(), strict=True
        ):
            if start >= max(length, 1):
                raise self._does_not_fit(f"records of {contig} from {start} on", f"none, as it has {length} positions")
        end = index.last_offset()
        if end is not None and end.block > blocks.size:
            raise self._does_not_fit(f"an offset of {end.block}", f"at most {blocks.size}, the size of the BAM")
        for gap in index.gaps(self.header.end):
            if gap.end.within or not blocks.is_empty_between(*gap):
                raise self._does_not_fit(f"no record between offsets {gap.start.block} and {gap.end.block}", "records")
        if not self._ends_at(end or self.header.end):
            raise self._does_not_fit(
                f"its last record ends at offset {(end or self.header.end).block}", "no placed record after that"
            )

    def _check_landmarks(self) -> None:
        """Check that some records are in the bins that the index says, for nothing else tells its bins and contigs apart."""
        for contig, (start, end), offset in self.index.landmarks():
            try:
                data, _ = self.blocks.take(offset, 12)
            except FormatError:  # a damaged block matters only to those who read it
                continue
            found, position = struct.unpack("<3i", data)[1:] if len(data) == 12 else (-1, -1)
            if found != contig or not start <= max(position, 0) < end:
                raise self._does_not_fit(
                    f"no record at offset {offset.block} that begins in [{start}, {end}) of contig {contig}",
                    "one, as the index has it",
                )

    def _warn_of_old_index(self) -> None:
        if Path(self.index.path).stat().st_mtime < Path(self.path).stat().st_mtime:
            _log.warning("%s is older than its BAM file; make it again if the BAM has changed", self.index.path)

    def _ends_at(self, offset: VirtualOffset) -> bool:
        """Whether only records without a position follow, and only if the index knows of some."""
        try:
            next_record, _ = self.blocks.take(offset, 8)
        except FormatError:
            return False
        return not next_record or (self.index.unplaced != 0 and next_record[4:] == _NO_CONTIG)

    def _does_not_fit(self, found: str, expected: str) -> ColonnadeError:
        return IndexMismatchError(
            "the index does not fit its BAM",
            path=self.index.path,
            found=found,
            expected=expected,
            advice="make it again: samtools index",
        )
