"""BAM records as reads: old alignments cleaned off, as sequenced."""

import logging
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.align import reads_kernels as kernels
from colonnade.align.read_group import ReadGroup
from colonnade.errors import ColonnadeError, FormatError, InputError
from colonnade.formats.packer import Packed, RecordPacker
from colonnade.formats.stream import InputStream

_log = logging.getLogger(__name__)

#: Tags that an aligner writes anew, and CG, which holds the CIGAR of a long alignment (SAM specification, section 4.2.2).
ALIGNER_TAGS: Final = ("XC", "NM", "XN", "SM", "AM", "X0", "X1", "XM", "XO", "XG", "XA", "YQ", "XT", "MD", "CG")
READ_GROUP_TAG: Final = "RG"

_MAGIC: Final = b"BAM\x01"
_EXCERPT: Final = 40  # characters of a line that a message shows
#: As htslib reads them (sam_hrecs_parse_lines, header.c); one that is not like this makes it refuse a file.
_HEADER_LINE: Final = re.compile(r"@(CO\t[^\0]*|((RG|PG)(?=.*\tID:)|(?!CO|RG|PG)[A-Za-z]{2})(\t[^\t\0]{2}:[^\t\0]*)+)")
_INDEX_LINES: Final = ("@HD", "@SQ")  # of the header: what they say is of the old alignments

_COMPLAINTS: Final = {
    kernels.BAD_SIZE: "a record's size is impossible",
    kernels.BAD_LENGTHS: "a record's parts do not fit into it",
    kernels.BAD_NAME: "a read name does not end with NUL",
    kernels.BAD_CONTIG: "a record names a contig that the header lacks",
    kernels.BAD_CIGAR: "CIGAR and sequence differ in length",
    kernels.BAD_TAGS: "the tags of a record cannot be read",
}


class BamReader(RecordPacker):
    """The single reads of a BAM stream as unaligned records.

    A record loses its place, CIGAR and mate, the tags that an aligner writes, and all flags but QCFAIL and DUP. Reads of the
    reverse strand are turned back. Secondary and supplementary records are left out.

    Parameters
    ----------
    stream
        BGZF, from its start.
    read_group
        Replaces all read groups of the input, in header and records.

    Attributes
    ----------
    header
        Lines of the input's header, without ``@HD`` and ``@SQ``.

    Raises
    ------
    FormatError
        The header, or by ``batches`` a record, is damaged or cut short.
    InputError
        By ``batches``: a read is paired.
    """

    def __init__(self, stream: InputStream, read_group: ReadGroup | None) -> None:
        super().__init__(stream)
        dropped = ALIGNER_TAGS if read_group is None else (*ALIGNER_TAGS, READ_GROUP_TAG)
        self._dropped = np.array([int.from_bytes(name.encode(), "big") for name in dropped])
        self._tags = np.frombuffer(b"" if read_group is None else read_group.tag, np.uint8)
        self._counters = np.zeros(kernels.N_COUNTERS, np.int64)
        text, self._n_contigs = self._read_header()
        lines = [line for line in self._lines(text) if not line.startswith(_INDEX_LINES)]
        if read_group is not None:
            lines = [*(line for line in lines if not line.startswith("@RG")), read_group.line]
        self.header = "".join(f"{line}\n" for line in lines)

    @property
    def left_out(self) -> int:
        """Secondary and supplementary records met so far."""
        return int(self._counters[kernels.LEFT_OUT])

    def _read_header(self) -> tuple[str, int]:
        """The text of the header (SAM specification, section 4.2), in whatever encoding, and how many contigs there are."""
        magic = self._take(len(_MAGIC))
        if magic != _MAGIC:
            raise FormatError("not a BAM file", path=self.stream.path, found=repr(magic), expected=repr(_MAGIC))
        text = self._take(self._take_count())
        n_contigs = self._take_count()
        for _ in range(n_contigs):
            self._take(self._take_count() + 4)
        return text.rstrip(b"\0").decode(errors="surrogateescape"), n_contigs

    def _lines(self, text: str) -> Iterator[str]:
        for number, line in enumerate(text.split("\n"), 1):
            if _HEADER_LINE.fullmatch(line):
                yield line
            elif line:
                raise FormatError(
                    "no line of a SAM header",
                    path=self.stream.path,
                    place=f"header line {number}",
                    found=ascii(line[:_EXCERPT]),
                    expected="@, two letters, and fields such as ID:name, each behind a tab",
                    advice="replace the header: samtools reheader",
                )

    def _take_count(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _take(self, size: int) -> bytes:
        taken = self.stream.take(size)
        if len(taken) < size:
            raise FormatError("the header is damaged", path=self.stream.path, found="no end of it")
        return taken

    def _pack(self, out: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], count: int) -> Packed:
        stream = self.stream
        rules = self._n_contigs, self._dropped, self._tags, self._counters
        return Packed(*kernels.clean_records(stream.data, stream.at, *rules, out, offsets, count))

    def _goes_on(self) -> bool:
        if self.stream.at < self.stream.data.size:
            found = f"{self.stream.data.size - self.stream.at} bytes of it"
            raise self._error("a record is cut short", found=found, advice="copy or make the file again")
        self.stream.require_end_block()
        if n_clipped := int(self._counters[kernels.HARD_CLIPPED]):
            _log.warning("%s: %d reads are hard-clipped, and aligned without those bases", self.stream.path, n_clipped)
        return False

    def _complaint(self, packed: Packed) -> ColonnadeError:
        if packed.status == kernels.PAIRED_READ:
            name = self.stream.data[packed.place :].tobytes().partition(b"\0")[0].decode(errors="replace")
            return InputError(
                "paired reads cannot be aligned yet",
                path=self.stream.path,
                place=f"read {name}",
                advice="for now, align each end as single reads: samtools fastq -1 first.fq -2 second.fq",
            )
        return self._error(_COMPLAINTS[packed.status], advice="the file is damaged")

    def _error(self, message: str, *, found: str | None = None, advice: str | None = None) -> FormatError:
        place = f"record {self._counters[kernels.SEEN] + 1}"
        return FormatError(message, path=self.stream.path, place=place, found=found, advice=advice)
