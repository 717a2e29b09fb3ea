"""BAM records as reads: old alignments cleaned off, as sequenced."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.align import reads_kernels as kernels
from colonnade.align.contigs import Contigs
from colonnade.align.read_group import ReadGroup
from colonnade.errors import ColonnadeError, FormatError, InputError
from colonnade.formats.integers_kernels import read_i32
from colonnade.formats.packer import Packed, RecordPacker
from colonnade.formats.stream import InputStream

_log = logging.getLogger(__name__)

#: Tags that this aligner writes anew, as bwa does.
OWN_TAGS: Final = ("XC", "NM", "XN", "SM", "AM", "X0", "X1", "XM", "XO", "XG", "XA", "YQ", "XT", "MD")
#: Tags that tell of an alignment (SAM tags specification, section 1.1, and section 4.2.2 of SAM for CG): its differences and
#: scores, its qualities, and other places of the read; and what bwa mem and others put into XS.
ALIGNMENT_TAGS: Final = ("AS", "BQ", "CC", "CG", "CM", "CP", "H0", "H1", "H2", "HI", "IH", "NH", "SA", "TS", "UQ", "XS")
#: Tags that tell of the mate's alignment; ms is what samtools fixmate writes.
MATE_TAGS: Final = ("MC", "MQ", "PQ", "ms")
ALIGNER_TAGS: Final = (*OWN_TAGS, *ALIGNMENT_TAGS, *MATE_TAGS)
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
    """The reads of a BAM stream as unaligned records.

    A record loses its place, CIGAR and mate's place, the tags that an aligner writes, and all flags but QCFAIL and DUP and, if it
    is PAIRED, that and which mate it is. Reads of the reverse strand are turned back. Secondary and supplementary records are
    left out.

    Parameters
    ----------
    stream
        BGZF, from its start.
    read_group
        Replaces all read groups of the input, in header and records.
    contigs
        Those of the index, for which records that have a place, or whose mate has one, and secondary and supplementary ones are
        kept as they are, and marked as KEPT. None: all are made unaligned.

    Attributes
    ----------
    header
        Lines of the input's header, without ``@HD`` and ``@SQ``.

    Raises
    ------
    FormatError
        The header, or by ``batches`` a record, is damaged or cut short.
    InputError
        By ``batches``: a record that is to be kept has a place on a contig that the index lacks, or has with another length.
    """

    def __init__(
        self, stream: InputStream, read_group: ReadGroup | None = None, *, contigs: Contigs | None = None
    ) -> None:
        super().__init__(stream)
        self._counters = np.zeros(kernels.N_COUNTERS, np.int64)
        text, self._contigs = self._read_header()
        replaced = () if read_group is None else (READ_GROUP_TAG,)
        self._rules = kernels.Rules(
            contigs=_numbers(self._contigs, contigs),
            keeps_aligned=contigs is not None,
            dropped=_codes((*ALIGNER_TAGS, *replaced)),
            replaced=_codes(replaced),
            tags=np.frombuffer(b"" if read_group is None else read_group.tag, np.uint8),
            programs=np.frombuffer(b"", np.uint8),
            growth=0,
        )
        lines = [line for line in self._lines(text) if not line.startswith(_INDEX_LINES)]
        if read_group is not None:
            lines = [*(line for line in lines if not line.startswith("@RG")), read_group.line]
        self.header = "".join(f"{line}\n" for line in lines)

    @property
    def left_out(self) -> int:
        """Secondary and supplementary records met so far."""
        return int(self._counters[kernels.LEFT_OUT])

    def rename_programs(self, names: Mapping[str, str]) -> None:
        """Give programs, in the ``PG`` tags of records that are still to come, other IDs than the header has."""
        texts = [f"{text}\0".encode(errors="surrogateescape") for pair in names.items() for text in pair]
        growth = max((len(new) - len(old) for old, new in names.items()), default=0)
        self._rules = self._rules._replace(programs=np.frombuffer(b"".join(texts), np.uint8), growth=growth)

    def _read_header(self) -> tuple[str, list[tuple[str, int]]]:
        """The text of the header (SAM specification, section 4.2), in whatever encoding, and names and lengths of the contigs."""
        magic = self._take(len(_MAGIC))
        if magic != _MAGIC:
            raise FormatError("not a BAM file", path=self.stream.path, found=repr(magic), expected=repr(_MAGIC))
        text = self._take(self._take_count())
        contigs = [(self._take(self._take_count()), self._take_count()) for _ in range(self._take_count())]
        names = [(name.rstrip(b"\0").decode(errors="surrogateescape"), length) for name, length in contigs]
        return text.rstrip(b"\0").decode(errors="surrogateescape"), names

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
        return Packed(*kernels.clean_records(stream.data, stream.at, self._rules, self._counters, out, offsets, count))

    def _goes_on(self) -> bool:
        if self.stream.at < self.stream.data.size:
            found = f"{self.stream.data.size - self.stream.at} bytes of it"
            raise self._error("a record is cut short", found=found, advice="copy or make the file again")
        self.stream.require_end_block()
        if n_clipped := int(self._counters[kernels.HARD_CLIPPED]):
            _log.warning("%s: %d reads are hard-clipped, and aligned without those bases", self.stream.path, n_clipped)
        return False

    def _complaint(self, packed: Packed) -> ColonnadeError:
        if packed.status == kernels.OTHER_CONTIG:
            return self._other_contig(packed)
        return self._error(_COMPLAINTS[packed.status], advice="the file is damaged")

    def _other_contig(self, packed: Packed) -> InputError:
        name, length = self._contigs[read_i32(self.stream.data, packed.place)]
        return InputError(
            "a record that is aligned already does not fit the index",
            path=self.stream.path,
            place=f"record {self._counters[kernels.SEEN] + 1}",
            found=f"contig {name} of {length} bases",
            expected="a contig of the index, and as long as there",
            advice="align all reads anew, without --skip-aligned",
        )

    def _error(self, message: str, *, found: str | None = None, advice: str | None = None) -> FormatError:
        place = f"record {self._counters[kernels.SEEN] + 1}"
        return FormatError(message, path=self.stream.path, place=place, found=found, advice=advice)


def _codes(tags: Sequence[str]) -> npt.NDArray[np.int64]:
    """Tags as the kernel compares them."""
    return np.array([int.from_bytes(tag.encode(), "big") for tag in tags], np.int64)


def _numbers(given: Sequence[tuple[str, int]], contigs: Contigs | None) -> npt.NDArray[np.int64]:
    """The number that each contig of the input has in the index, or NO_CONTIG."""
    if contigs is None:
        return np.full(len(given), kernels.NO_CONTIG, np.int64)
    known = {contig: number for number, contig in enumerate(zip(contigs.names, contigs.lengths.tolist(), strict=True))}
    return np.array([known.get(contig, kernels.NO_CONTIG) for contig in given], np.int64)
