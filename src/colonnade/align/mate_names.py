"""What the names in FASTQ tell of mates, where it is not what the files were said to be."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from colonnade.formats.stream import InputStream

_LINES: Final = 4  # of a record
_START: Final = 1 << 14  # bytes in which the first two records of short reads end
_ORDERED: Final = ("1", "2")

#: A name, and which mate it is of: behind a slash, or as CASAVA has it since version 1.8, where the comment begins.
_NAME: Final = re.compile(rb"@(\S+?)(?:/([12]))?(?:\s+([12]):[YN]:\S*)?(?:\s.*)?")


class Named(NamedTuple):
    """A read: its name, and which mate it is of, ``1``, ``2``, or empty where nothing tells."""

    name: str
    mate: str


def doubts(streams: Sequence[InputStream], *, is_interleaved: bool) -> Iterator[str]:
    """What the first records make one doubt: one line, or none.

    Parameters
    ----------
    streams
        A FASTQ file, or two with the mates of each other, at their start.
    is_interleaved
        Whether one file has both mates.
    """
    names = " and ".join(stream.path for stream in streams)
    if len(streams) == 1:
        reads = first_reads(streams[0].peek(_START), 2)
    else:
        reads = [read for stream in streams for read in first_reads(stream.peek(_START), 1)]
    if len(reads) < 2:
        return
    mates = tuple(read.mate for read in reads)
    if len(streams) == 1 and not is_interleaved:
        if reads[0].name == reads[1].name:
            yield f"{names}: the first two reads have one name; if each two are mates, say --interleaved"
    elif all(mates) and mates != _ORDERED:
        yield f"{names}: by their names the first reads are mates {mates[0]} and {mates[1]}; they are taken for 1 and 2"


def first_reads(text: bytes, count: int) -> list[Named]:
    """The first reads of a FASTQ text, so many at most."""
    found = [_NAME.fullmatch(line.rstrip(b"\r")) for line in text.split(b"\n")[: _LINES * count : _LINES]]
    return [Named(m[1].decode("latin-1"), (m[2] or m[3] or b"").decode()) for m in found if m]
