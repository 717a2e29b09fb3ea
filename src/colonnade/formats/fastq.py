"""FASTQ: records of four lines, turned into unaligned BAM records in bulk."""

import logging
from typing import Final

import numpy as np
import numpy.typing as npt

from colonnade.errors import FormatError
from colonnade.formats import fastq_kernels as kernels
from colonnade.formats.bases import CODE_OF_LETTER
from colonnade.formats.packer import Packed, RecordPacker
from colonnade.formats.stream import InputStream

_log = logging.getLogger(__name__)

_LETTERS: Final = b"ACGTUMRSVWYHKDBN"

#: uint8 (256,): 4-bit code of the IUPAC letters in either case, U as T, and of the dot of old sequencers, which is N.
_CODES: Final = np.full(256, kernels.NO_CODE, np.uint8)
for _letter in _LETTERS + _LETTERS.lower() + b".":
    _CODES[_letter] = CODE_OF_LETTER[_letter]

_LINES: Final = 4
_EXCERPT: Final = 30  # bytes of a line that a message shows
_WAITED_FOR: Final = 1 << 16  # bytes in which a line that is wrong should end

#: How other files begin.
_OTHERS: Final = {
    b">": "FASTA, which has no qualities",
    b"\xef\xbb\xbf": "UTF-8 text with a byte order mark",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_UNFOLDED: Final = "records of four lines, which this makes of them: seqtk seq -l0"

#: Status to line of the record, message, and what is expected; what is found stands in the file.
_COMPLAINTS: Final = {
    kernels.NO_AT: (1, "no record begins here", "'@' and a read name"),
    kernels.BAD_NAME: (1, "no read name", "one of characters that can be printed"),
    kernels.LONG_NAME: (1, "a read name is too long for BAM", f"{kernels.LONGEST_NAME} characters at most"),
    kernels.BAD_LETTER: (2, "a letter that is no base", "IUPAC codes, N or '.'"),
    kernels.NO_PLUS: (3, "no '+' behind the sequence", "four lines for each record"),
    kernels.UNEQUAL: (4, "sequence and quality differ in length", "as many qualities as bases"),
    kernels.BAD_QUALITY: (4, "a character that is no quality", "'!' to '~'"),
}


class FastqReader(RecordPacker):
    """The records of a FASTQ file as unaligned BAM records.

    Names end at white space and lose ``/1`` or ``/2`` as in bwa; comments are dropped. IUPAC codes stay what they are, in
    either case; a dot is N. Whatever else stands in a sequence, gaps and ``=`` too, is an error: bwa takes it for N, but it
    means that this is no sequence. Lines may end with CR LF, and empty lines may follow the last record.

    Parameters
    ----------
    stream
        The text, from its start.
    tags
        What each record ends with, as in BAM.

    Raises
    ------
    FormatError
        By ``batches``: a record is not as it must be; names file and line.
    """

    def __init__(self, stream: InputStream, *, tags: bytes = b"") -> None:
        super().__init__(stream)
        self._tags = np.frombuffer(tags, np.uint8)
        self._is_ended = False

    def _pack(self, out: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], count: int) -> Packed:
        stream = self.stream
        packed = Packed(*kernels.pack_fastq(stream.data, stream.at, _CODES, self._tags, out, offsets, count))
        if packed.status == kernels.NO_AT and stream.data[packed.place] in b"\r\n":
            self._skip_empty_lines(packed.at, self._done + packed.made - count)
            return packed._replace(at=stream.at, status=kernels.MORE)
        return packed

    def _goes_on(self) -> bool:
        """End the last line, once, if it has no end."""
        stream = self.stream
        if stream.at == stream.data.size:
            if stream.packing == "bgzf" and not stream.has_end_block:
                _log.warning(
                    "%s has no end-of-file block; if it was cut between two blocks, nothing tells", stream.path
                )
            return False
        if self._is_ended:
            raise self._cut_short()
        self._is_ended = True
        stream.append(np.frombuffer(b"\n", np.uint8))
        return True

    def _skip_empty_lines(self, at: int, records: int) -> None:
        """Take what follows so many records, if it is empty lines alone."""
        stream = self.stream
        stream.at = at
        while stream.at < stream.data.size or stream.extend():
            if stream.data[stream.at :].tobytes().strip(b"\r\n"):
                raise self._error(
                    "an empty line where a record should begin",
                    _LINES * records + 1,
                    expected="records of four lines, one after the other",
                )
            stream.at = stream.data.size

    def _complaint(self, packed: Packed) -> FormatError:
        number, message, expected = _COMPLAINTS[packed.status]
        text = self._text(number)
        lines = [line.removesuffix(b"\r") for line in text.split(b"\n")]
        line = lines[number - 1]
        if self._is_ended and len(lines) == number + 1 and packed.status in (kernels.NO_PLUS, kernels.UNEQUAL):
            return self._cut_short()  # the last line seems to be wrong because it is not all there
        found = _shown(line)
        if packed.status == kernels.NO_AT and self._done == 0:
            message, found = "not FASTQ", _kind_of(line)
        elif packed.status in (kernels.BAD_LETTER, kernels.BAD_QUALITY):
            found = _shown(text[packed.place - packed.at :][:1])
        elif packed.status == kernels.NO_PLUS and line and not line.upper().translate(None, _LETTERS):
            message, expected = "the sequence goes on over several lines", _UNFOLDED
        elif packed.status == kernels.UNEQUAL:
            found, expected = f"{len(line)} qualities", f"{len(lines[1])}, one for each base"
        elif packed.status == kernels.LONG_NAME:
            found = f"{len(line.split()[0]) - 1} characters"
        return self._error(message, _LINES * self._done + number, found=found, expected=expected)

    def _text(self, lines: int) -> bytes:
        """What begins where the stream stands: so many lines at least, if there are and they end soon."""
        stream = self.stream
        while (text := stream.data[stream.at :].tobytes()).count(b"\n") < lines:
            if len(text) >= _WAITED_FOR or not stream.extend():
                break
        return text

    def _cut_short(self) -> FormatError:
        lines = self.stream.data[self.stream.at :].tobytes().removesuffix(b"\n").split(b"\n")
        return self._error(
            "the file ends in the middle of a record",
            _LINES * self._done + len(lines),
            found="carriage returns alone as ends of lines" if lines[0].count(b"\r") > 1 else None,
            expected="four lines, the last as long as the second",
        )

    def _error(self, message: str, line: int, *, found: str | None = None, expected: str | None = None) -> FormatError:
        return FormatError(message, path=self.stream.path, place=f"line {line}", found=found, expected=expected)


def _kind_of(line: bytes) -> str:
    return next((name for magic, name in _OTHERS.items() if line.startswith(magic)), _shown(line))


def _shown(text: bytes) -> str:
    return repr(text[:_EXCERPT])[1:]
