"""Opening a BAM file with its index: header facts, and every check that can be made before the first record."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pysam

from colonnade.errors import ColonnadeError, FormatError, IndexMismatchError
from colonnade.formats.bai import BaiIndex
from colonnade.formats.bgzf import BgzfFile, VirtualOffset

_log = logging.getLogger(__name__)

_NO_CONTIG: Final = (-1).to_bytes(4, "little", signed=True)


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
    def read(cls, path: str | Path) -> "BamHeader":
        """Read the header through htslib."""
        verbosity = pysam.set_verbosity(0)
        try:
            with pysam.AlignmentFile(os.fspath(path), "rb", check_sq=False) as handle:
                header = handle.header.to_dict()
                lengths = dict(zip(handle.references, handle.lengths, strict=True))
                end = VirtualOffset.unpack(handle.tell())
        except (ValueError, OSError) as error:
            raise FormatError(
                "the BAM header cannot be read", path=path, found=str(error).splitlines()[0], expected="a BAM header"
            ) from None
        finally:
            pysam.set_verbosity(verbosity)
        checksums = {line["SN"]: line["M5"].lower() for line in header.get("SQ", ()) if "M5" in line}
        return cls(lengths, checksums, header.get("HD", {}).get("SO", "unknown"), end)


class BamFile:
    """A coordinate-sorted BAM file, its header and its BAI index, checked against each other.

    Parameters
    ----------
    path
        The BAM file; its index is ``path.bai`` or ``path`` with ``.bai`` for ``.bam``.

    Raises
    ------
    FormatError
        The BAM is damaged, cut short, or not sorted by coordinate.
    IndexMismatchError
        The index is missing or belongs to another file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.blocks = BgzfFile(path)
        try:
            self.header = BamHeader.read(path)
            self.contigs = {name: number for number, name in enumerate(self.header.lengths)}
            self.index = BaiIndex(self._find_index())
            self._check_index()
        except BaseException:
            self.blocks.close()
            raise

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.blocks.close()

    def _find_index(self) -> Path:
        path = Path(self.path)
        if self.header.sort_order in ("queryname", "unsorted"):
            raise FormatError(
                "not sorted by coordinate",
                path=path,
                place="header",
                found=f"SO:{self.header.sort_order}",
                expected="SO:coordinate",
                advice="sort and index it with: samtools sort, samtools index",
            )
        for candidate in (Path(f"{path}.bai"), path.with_suffix(".bai")):
            if candidate.is_file():
                return candidate
        if Path(f"{path}.csi").is_file():
            raise IndexMismatchError("CSI indexes cannot be read yet", path=f"{path}.csi", advice="samtools index -b")
        raise IndexMismatchError("no index", path=path, expected=f"{path.name}.bai", advice="make it: samtools index")

    def _check_index(self) -> None:
        index, blocks = self.index, self.blocks
        if index.n_contigs != len(self.contigs):
            raise self._does_not_fit(f"{index.n_contigs} contigs", f"{len(self.contigs)}, as in the header of the BAM")
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
        if Path(index.path).stat().st_mtime < Path(self.path).stat().st_mtime:
            _log.warning("%s is older than its BAM file; make it again if the BAM has changed", index.path)

    def _ends_at(self, offset: VirtualOffset) -> bool:
        """Whether only records without a position follow, and only if the index knows of some."""
        try:
            next_record = self.blocks.peek(offset, 8)
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
